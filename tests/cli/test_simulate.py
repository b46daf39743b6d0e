"""`pumpjack simulate`."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from pumpjack_core.manifests.load import load_paths
from tests.cli.command import RUN, run

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
        ([], "say what the devices speak (modbus-tcp, opcua or mqtt), or give"),
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


def test_it_serves_until_ctrl_c_and_writes_the_manifests_that_read_it(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    wells = tmp_path / "wells.yaml"
    command = [*RUN, "simulate", "modbus-tcp", "--wells", "2", "--port", port]
    with subprocess.Popen(
        [*command, "--write-manifests", str(wells)], stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        lines = [program.stderr.readline() for _ in range(3)]
        assert any(f"127.0.0.1:{port} serves 28 tags, 2 wells" in line for line in lines)
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0
    loaded = load_paths([wells])
    assert loaded.valid
    assert len(loaded.mappings) == 2
