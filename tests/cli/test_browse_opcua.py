"""`pumpjack browse` against an OPC UA server."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import termios
from pathlib import Path

import yaml

from pumpjack_core.manifests.load import Loaded, load_paths
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.cli.command import RUN, Done, run
from tests.cli.connections import connection, outcome, secret, write
from tests.e2e.local_run import until

NODES = {
    "ns=2;s=W1.Casing": SimulatedNode("float32", 812.5, path=("Pad 7", "Well 1")),
    "ns=2;s=W1.Running": SimulatedNode("bool", True, path=("Pad 7", "Well 1")),
    "ns=2;s=W2.Casing": SimulatedNode("float64", 90.0, path=("Pad 7", "Well 2")),
}


async def browse(*arguments: str, environment: dict[str, str] | None = None) -> Done:
    return await asyncio.to_thread(run, "browse", *arguments, environment=environment)


def found_in(*paths: Path) -> Loaded:
    """What was written, which must pass `pumpjack validate`."""
    done = run("validate", *map(str, paths))
    assert done.code == 0, done.stdout
    return load_paths(paths)


async def test_what_a_server_has_can_be_read_at_once(tmp_path: Path) -> None:
    out = tmp_path / "found.yaml"
    async with SimulatedServer(NODES) as server:
        done = await browse(server.url, "--well", "pad7", "--connection", "pad7", "-o", str(out))
        assert done.code == 0, done.stderr
        loaded = await asyncio.to_thread(found_in, out)
        (made,) = loaded.mappings
        tags = {tag.address: tag for tag in made.spec.tags}
        assert tags.keys() == NODES.keys()
        assert tags["ns=2;s=W1.Casing"].data_type == "float32"
        assert tags["ns=2;s=W1.Running"].data_type == "bool"
        assert tags["ns=2;s=W1.Casing"].name.startswith("Well_1.")
        assert "was 812.5" in out.read_text()
        read = await asyncio.to_thread(outcome, out, exit_code=0)
    values = {tag["address"]: tag["value"] for tag in read["tags"]}
    assert values["ns=2;s=W2.Casing"] == 90.0


async def test_a_part_of_the_tree_and_a_pattern_narrow_it(tmp_path: Path) -> None:
    async with SimulatedServer(NODES) as server:
        done = await browse(server.url, "--match", "*/well 1/*")
    addresses = [
        tag["address"]
        for document in yaml.safe_load_all(done.stdout)
        for tag in document["spec"].get("tags", ())
    ]
    assert sorted(addresses) == ["ns=2;s=W1.Casing", "ns=2;s=W1.Running"]


async def test_a_login_comes_from_the_environment_and_stands_in_no_output(tmp_path: Path) -> None:
    out = tmp_path / "found.yaml"
    async with SimulatedServer(NODES, users={"ann": "hunter2"}) as server:
        given = {"PUMPJACK_DEVICE_PASSWORD": "hunter2"}
        arguments = (server.url, "--user", "ann", "-o", str(out))
        done = await browse(*arguments, environment=given)
        assert done.code == 0, done.stderr
        out.rename(tmp_path / "kept.yaml")
        refused = await browse(*arguments, environment={"PUMPJACK_DEVICE_PASSWORD": "hunter3"})
    assert "credentialsSecretRef" in (tmp_path / "kept.yaml").read_text()
    assert (refused.code, out.exists()) == (1, False)
    assert "refused the login" in refused.stderr
    said = done.stderr + refused.stderr + (tmp_path / "kept.yaml").read_text()
    assert "hunter" not in said


async def test_a_password_is_asked_for_and_not_shown() -> None:
    async with SimulatedServer(NODES, users={"ann": "hunter2"}) as server:
        code, shown = await asyncio.to_thread(_typed, server.url, "hunter2")
    assert code == 0
    assert "password of ann" in shown
    assert "hunter2" not in shown


def _typed(url: str, password: str) -> tuple[int, str]:
    """Run it in a terminal where somebody types the password: exit code and what is seen."""
    near, far = pty.openpty()
    command = [*RUN, "browse", url, "--user", "ann"]
    with subprocess.Popen(
        command, stdin=far, stdout=subprocess.DEVNULL, stderr=far, start_new_session=True
    ) as program:
        os.close(far)
        until(lambda: not termios.tcgetattr(near)[3] & termios.ECHO)  # it asks, and hides
        os.write(near, password.encode() + b"\n")
        shown = b""
        try:
            while piece := os.read(near, 1_000):
                shown += piece
        except OSError:  # Linux says so when the other end is closed
            pass
        os.close(near)
        return program.wait(30), shown.decode(errors="replace")


async def test_the_login_of_a_file_is_that_of_its_secret(tmp_path: Path) -> None:
    async with SimulatedServer(NODES, users={"ann": "hunter2"}) as server:
        reads = connection(
            f"protocol: opcua, opcua: {{endpoint: '{server.url}', security: None}}, "
            "credentialsSecretRef: {name: login}"
        )
        file = write(tmp_path / "a.yaml", reads, secret(username="ann", password="hunter2"))
        done = await browse(str(file))
    assert done.code == 0, done.stderr
    assert done.stdout.count("- name:") == len(NODES)
    assert "hunter" not in done.stdout + done.stderr


async def test_a_node_to_begin_at_that_is_none_is_told(tmp_path: Path) -> None:
    async with SimulatedServer(NODES) as server:
        for within, says in (("ns=2;s=Lost", "has no node"), ("Lost", "node id")):
            done = await browse(server.url, "--within", within)
            assert done.code == 1
            assert says in done.stderr
            assert done.stdout == ""


async def test_a_thousand_nodes_become_two_mappings(tmp_path: Path) -> None:
    nodes = {f"ns=2;s=T{at}": SimulatedNode("float32", float(at)) for at in range(1_000)}
    out = tmp_path / "found.yaml"
    async with SimulatedServer(nodes) as server:
        done = await browse(server.url, "-o", str(out))
    assert done.code == 0, done.stderr
    assert "found 1,000 tags in" in done.stderr
    loaded = await asyncio.to_thread(found_in, out)
    assert [len(mapping.spec.tags) for mapping in loaded.mappings] == [500, 500]
