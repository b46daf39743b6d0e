"""`pumpjack test-connection` with Modbus TCP, and what it says whatever the protocol."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpjack_cli.local.addresses import free_ports
from tests.cli.command import RUN, run
from tests.cli.connections import connection, mapping, outcome, simulated, write

CASING = "name: casing_pressure, address: 'holding:40001', unit: psi"


def modbus(port: int, more: str = "", host: str = "127.0.0.1") -> str:
    return connection(
        f"protocol: modbus-tcp, modbusTcp: {{host: {host}, port: {port}, timeout: 200ms{more}}}"
    )


@pytest.fixture(scope="module")
def plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a simulated PLC that knows two registers of unit 1 and one of unit 2."""
    (port,) = free_ports(1)
    device = tmp_path_factory.mktemp("plc") / "device.yaml"
    other = "name: other, address: 'holding:40001;unit=2'"
    write(device, modbus(port), mapping(CASING, other))
    with simulated("modbus-tcp", port, "-f", str(device), "--tick", "3600"):  # no sensor dies
        yield port


def test_all_is_well_is_said_with_steps_times_and_values(plc: int, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", modbus(plc), mapping(CASING))
    done = run("test-connection", str(file))
    assert done.code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"default/plc  modbus-tcp 127.0.0.1:{plc} unit 1"
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["✓", "resolve"],
        ["✓", "connect"],
        ["✓", "read"],
    ]
    assert all(line.endswith(" ms") for line in lines[1:4])
    assert lines[4] == "  tags: 1 good"
    assert lines[5].startswith("    well-1 casing_pressure = ")
    assert lines[5].endswith(" psi")
    assert lines[6] == "✓ default/plc: all is well: 1 tag read"


def test_a_script_gets_the_same_as_json(plc: int, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", modbus(plc), mapping(CASING))
    found = outcome(file, exit_code=0)
    assert (found["trouble"], found["reason"]) == (None, None)
    assert [(step["step"], step["ok"]) for step in found["steps"]] == [
        ("resolve", True),
        ("connect", True),
        ("read", True),
    ]
    (tag,) = found["tags"]
    assert (tag["tag"], tag["state"], tag["quality"]) == ("casing_pressure", "good", "GOOD")
    assert tag["value"] > 0


def test_a_name_that_nobody_knows_is_told_at_its_step(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", modbus(502, host="no-such-plc.invalid"), mapping(CASING))
    found = outcome(file, exit_code=1)
    assert found["trouble"] == "dns"
    assert found["message"].startswith("DNS: the name no-such-plc.invalid has no address")
    assert [(step["step"], step["ok"]) for step in found["steps"]] == [("resolve", False)]


def test_a_refused_connection_is_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    found = outcome(write(tmp_path / "a.yaml", modbus(port), mapping(CASING)), exit_code=1)
    assert found["trouble"] == "refused"
    assert f"127.0.0.1:{port} refused the connection" in found["message"]
    assert [step["step"] for step in found["steps"]] == ["resolve", "connect"]
    shown = run("test-connection", str(tmp_path / "a.yaml")).stdout.splitlines()
    assert [line.split()[0] for line in shown if line] == ["default/plc", "✓", "✗", "✗"]


def test_an_address_in_a_network_that_is_not_allowed_is_told(plc: int, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", modbus(plc), mapping(CASING))
    found = outcome(file, "--device-network", "10.0.0.0/8", exit_code=1)
    assert found["trouble"] == "not-allowed"


def test_a_unit_that_does_not_answer_is_named(plc: int, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", modbus(plc, ", unitId: 9"), mapping(CASING))
    found = outcome(file, exit_code=1)
    assert found["trouble"] == "unit"
    assert found["message"].startswith(
        f"wrong unit id: 127.0.0.1:{plc} accepts the connection, but unit 9 does not answer; "
    )
    assert [step["step"] for step in found["steps"]][:2] == ["resolve", "connect"]


def test_a_silent_unit_behind_a_gateway_is_named_and_the_others_are_read(
    plc: int, tmp_path: Path
) -> None:
    lost = "name: lost, address: 'holding:40001;unit=7'"
    found = outcome(write(tmp_path / "a.yaml", modbus(plc), mapping(CASING, lost)), exit_code=1)
    assert "but unit 7 does not answer" in found["message"]
    assert [tag["state"] for tag in found["tags"]] == ["good", "not-good"]


def test_a_register_that_is_not_there_is_named(plc: int, tmp_path: Path) -> None:
    lost = "name: lost, address: 'holding:49000'"
    found = outcome(write(tmp_path / "a.yaml", modbus(plc), mapping(CASING, lost)), exit_code=1)
    assert found["trouble"] == "address"
    assert found["message"].startswith(
        "wrong address: 1 of 2 tags rejected; the first: lost at holding:49000: "
    )
    assert [tag["state"] for tag in found["tags"]] == ["good", "rejected"]


def test_a_device_that_accepts_and_says_nothing_is_a_wrong_unit_and_no_endless_wait(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        file = write(tmp_path / "a.yaml", modbus(port), mapping(CASING))
        assert outcome(file, "--timeout", "5", exit_code=1)["trouble"] == "unit"


@pytest.mark.parametrize("protocol", ["Modbus TCP", "OPC UA"])
def test_a_port_of_another_program_is_told_by_what_it_should_speak(
    protocol: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        endpoint = f"endpoint: 'opc.tcp://127.0.0.1:{port}', security: None, timeout: 5s"
        opcua = connection(f"protocol: opcua, opcua: {{{endpoint}}}")
        text = modbus(port).replace("200ms", "5s") if protocol == "Modbus TCP" else opcua
        address = "holding:40001" if protocol == "Modbus TCP" else "ns=2;s=a"
        file = write(tmp_path / "a.yaml", text, mapping(f"name: a, address: '{address}'"))

        def hang_up() -> None:
            with contextlib.suppress(OSError):  # the server is closed: the test is over
                while True:
                    accepted, _ = other.accept()
                    with accepted:
                        accepted.recv(1)

        threading.Thread(target=hang_up, daemon=True).start()
        found = outcome(file, exit_code=1)
        other.shutdown(socket.SHUT_RDWR)
    assert found["trouble"] == "connection"
    assert found["message"].endswith(f"; check that this port speaks {protocol}")


def test_one_connection_of_several_is_picked_by_name(plc: int, tmp_path: Path) -> None:
    other = modbus(1).replace("name: plc", "name: other")
    file = write(tmp_path / "a.yaml", modbus(plc), mapping(CASING), other)
    assert outcome(file, "--connection", "plc", exit_code=0)["connectionId"] == "default/plc"
    done = run("test-connection", str(file))
    assert done.code == 1
    assert done.stdout.endswith("1 of 2 connections are well\n")
    done = run("test-connection", str(file), "--connection", "pcl")
    assert done.code == 1
    assert (
        "no connection 'pcl'; did you mean plc? They declare default/other, default/plc"
        in done.stderr
    )


@pytest.mark.parametrize("file", ["nowhere.yaml", "/dev/null"])
def test_a_script_gets_json_even_when_nothing_can_be_tested(file: str) -> None:
    done = run("test-connection", file, "-o", "json")
    told = json.loads(done.stdout)
    assert (done.code, told["ok"], told["connections"]) == (1, False, [])
    assert told["error"] in done.stderr


def test_a_suspended_connection_is_left_alone_unless_it_is_named(plc: int, tmp_path: Path) -> None:
    text = modbus(plc).replace("spec: {", "spec: {suspend: true, ")
    file = write(tmp_path / "a.yaml", text, mapping(CASING))
    done = run("test-connection", str(file))
    assert done.code == 1
    assert "no connection that is not suspended" in done.stderr
    assert outcome(file, "--connection", "plc", exit_code=0)["ok"]


def test_wrong_manifests_are_told_with_their_lines(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", modbus(502).replace("port", "prot"))
    done = run("test-connection", str(file))
    assert done.code == 1
    assert f"{file}:4: " in done.stderr
    assert "did you mean port?" in done.stderr


def test_ctrl_c_ends_it_at_once_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        text = modbus(port).replace("200ms", "60s")
        file = write(tmp_path / "a.yaml", text, mapping(CASING))
        with subprocess.Popen(
            [*RUN, "test-connection", str(file), "--timeout", "60"],
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            connected, _ = mute.accept()
            with connected:
                connected.recv(1)  # it has asked and waits
                began = time.monotonic()
                program.send_signal(signal.SIGINT)
                assert program.wait(50) == 130
                assert time.monotonic() - began < 30, "not only because the device is given up"
            assert program.stderr is not None
            assert "Traceback" not in program.stderr.read()


def test_nothing_is_stored(plc: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.yaml", modbus(plc), mapping(CASING))
    assert run("test-connection", "a.yaml").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_the_json_names_every_connection(plc: int, tmp_path: Path) -> None:
    other = modbus(plc).replace("name: plc", "name: other")
    file = write(tmp_path / "a.yaml", modbus(plc), mapping(CASING), other)
    done = run("test-connection", str(file), "-o", "json")
    told = json.loads(done.stdout)
    assert (done.code, told["ok"]) == (0, True)
    assert [one["connectionId"] for one in told["connections"]] == ["default/other", "default/plc"]
    assert "no TagMapping names it" in told["connections"][0]["message"]
