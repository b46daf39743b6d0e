"""`pumpjack simulate`."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.local.oilfield import copy_to, device_ports, with_ports
from pumpjack_core.manifests.load import load_paths
from tests.cli.command import RUN, run
from tests.cli.connections import outcomes
from tests.e2e.local_run import listens, until

OILFIELD = Path(__file__).parents[2] / "examples" / "oilfield"


def test_help_shows_an_example() -> None:
    done = run("simulate", "--help")
    assert done.code == 0
    assert "pumpjack simulate modbus-tcp -f examples/oilfield --connection pad-a" in done.stdout
    assert "until Ctrl-C" in done.stdout


def test_an_unknown_protocol_is_wrong_usage() -> None:
    done = run("simulate", "morse")
    assert done.code == 2
    assert "modbus-tcp" in done.stderr


def test_options_that_do_not_belong_together_are_wrong_usage(tmp_path: Path) -> None:
    wanted = str(tmp_path / "wells.yaml")
    done = run("simulate", "modbus-tcp", "-f", str(OILFIELD), "--write-manifests", wanted)
    assert done.code == 2
    assert "without -f" in done.stderr
    done = run("simulate", "modbus-tcp", "-f", str(OILFIELD), "--wells", "3")
    assert done.code == 2
    assert "without -f" in done.stderr
    done = run("simulate", "modbus-tcp", "--connection", "pad-a")
    assert done.code == 2
    assert "give them with -f" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mqtt", "--silent-unit", "3"], "--silent-unit is not for mqtt; leave it out"),
        (["modbus-tcp", "--flaws"], "--flaws is not for modbus-tcp; leave it out"),
        (["modbus-tcp", "--broker", "b:1"], "--broker is not for modbus-tcp; leave it out"),
        (["-f", str(OILFIELD), "--port", "1"], "--port is not for modbus-tcp and mqtt and opcua"),
        ([], "say what the devices speak (modbus-tcp, mqtt, opcua, s7), or give"),
    ],
)
def test_an_option_that_a_protocol_does_not_know_is_wrong_usage(
    arguments: list[str], says: str
) -> None:
    done = run("simulate", *arguments)
    assert done.code == 2
    assert says in " ".join(done.stderr.replace("│", " ").split())


def test_a_busy_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("simulate", "modbus-tcp", "--port", port)
    assert done.code == 1
    assert f"error: port {port} of 127.0.0.1 is in use" in done.stderr


@pytest.mark.parametrize("option", ["--write-manifests", "--ledger"])
def test_a_file_that_cannot_be_written_is_one_sentence(option: str, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "file"
    done = run("simulate", "modbus-tcp", option, str(file))
    assert done.code == 1
    assert f"error: {file} cannot be written: No such file or directory" in done.stderr


@pytest.mark.parametrize("protocol", ["modbus-tcp", "mqtt", "opcua"])
def test_it_serves_until_ctrl_c_and_writes_the_manifests_that_read_it(
    protocol: str, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    wells = tmp_path / "wells.yaml"
    command = [*RUN, "simulate", protocol, "--wells", "2", "--port", str(port)]
    with running(*command, "--write-manifests", str(wells)) as program:
        until(lambda: listens(port))
        loaded = load_paths([wells])
        assert loaded.valid
        assert [len(mapping.spec.tags) for mapping in loaded.mappings] == [14, 14]
        _, (found,) = outcomes(wells)
        assert (found["protocol"], found["reason"]) == (protocol, None)
        assert len(good(found)) > 20  # some sensor may just have died
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0


def test_all_connections_of_manifests_are_simulated_by_one_process(tmp_path: Path) -> None:
    folder, _ = copy_to(tmp_path)
    ports = device_ports(folder)
    moved = dict(zip(ports, free_ports(len(ports)), strict=True))
    for file in folder.iterdir():
        file.write_text(with_ports(file.read_text(), moved))
    with running(*RUN, "simulate", "-f", str(folder)) as program:
        until(lambda: all(map(listens, moved.values())))
        _, found = outcomes(folder)
        assert sorted(one["protocol"] for one in found) == [
            *("modbus-tcp", "modbus-tcp", "mqtt", "opcua")
        ]
        assert all(len(good(one)) > 10 for one in found)
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0


def good(found: dict[str, Any]) -> list[str]:
    return [tag["tag"] for tag in found["tags"] if tag["state"] == "good"]


@contextlib.contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, text=True) as program:
        try:
            yield program
        finally:
            program.kill()
