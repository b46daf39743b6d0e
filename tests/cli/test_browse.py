"""`pumpjack browse` against simulated devices, and what it writes against `pumpjack validate`."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.manifests.load import Loaded, load_paths
from tests.cli.command import RUN, run
from tests.cli.connections import connection, mapping, simulated, write

REGISTERS = (
    "name: casing_pressure, address: 'holding:40001', unit: psi",
    "name: tubing_pressure, address: 'holding:40003'",
    "name: pump_running, address: 'coil:1', dataType: bool",
)


@pytest.fixture(scope="module")
def plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A manifest and the port of the PLC that it declares."""
    (port,) = free_ports(1)
    file = tmp_path_factory.mktemp("plc") / "plc.yaml"
    write(file, modbus(port), mapping(*REGISTERS))
    with simulated("modbus-tcp", port, "-f", str(file), "--tick", "3600"):  # no sensor dies
        yield file, port


def modbus(port: int, timeout: str = "1s") -> str:
    member = f"host: 127.0.0.1, port: {port}, timeout: {timeout}"
    return connection(f"protocol: modbus-tcp, modbusTcp: {{{member}}}")


def found_in(*paths: Path) -> Loaded:
    """What was written, which must pass `pumpjack validate`."""
    done = run("validate", *map(str, paths))
    assert done.code == 0, done.stdout
    return load_paths(paths)


def test_registers_of_a_device_become_a_mapping_with_the_connection(
    plc: tuple[Path, int], tmp_path: Path
) -> None:
    _, port = plc
    out = tmp_path / "found.yaml"
    done = run("browse", f"modbus-tcp://127.0.0.1:{port}/1", "--well", "pad7-1", "-o", str(out))
    assert done.code == 0, done.stderr
    assert done.stdout == ""
    assert "looked at 100 things, found 4 tags in" in done.stderr
    loaded = found_in(out)
    assert [one.spec.modbus_tcp.port for one in loaded.connections if one.spec.modbus_tcp] == [port]
    (made,) = loaded.mappings
    assert made.spec.well_id == "pad7-1"
    assert [(tag.name, tag.address, tag.data_type) for tag in made.spec.tags] == [
        (f"holding.4000{at}", f"holding:4000{at}", "uint16") for at in range(1, 5)
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["found.yaml"]


def test_a_mapping_for_a_connection_of_a_file_goes_to_standard_output(
    plc: tuple[Path, int], tmp_path: Path
) -> None:
    file, _ = plc
    done = run("browse", str(file), "--within", "coil:1-8", "--connection", "plc")
    assert done.code == 0, done.stderr
    assert "kind: ScadaConnection" not in done.stdout
    found = tmp_path / "found.yaml"
    found.write_text(done.stdout.replace("name: plc\nspec", "name: plc-coils\nspec"))
    mappings = found_in(file, found).mappings
    assert [tag.address for tag in mappings[-1].spec.tags] == ["coil:1"]
    assert mappings[-1].spec.connection_ref is not None
    assert mappings[-1].spec.connection_ref.name == "plc"


def test_only_what_matches_is_written_and_no_more_than_the_limit(plc: tuple[Path, int]) -> None:
    file, _ = plc
    told = run("browse", str(file), "--match", "*/4000[23]").stdout
    assert [line.split()[-1] for line in told.splitlines() if "address:" in line] == [
        '"holding:40002"',
        '"holding:40003"',
    ]
    done = run("browse", str(file), "--limit", "1")
    assert done.stdout.count("- name:") == 1
    assert "stopped there, there may be more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ftp://plc"], 1, "ftp:// is not known; write modbus-tcp://HOST:PORT/UNIT or opc.tcp://"),
        (
            ["modbus-tcp://plc/a"],
            1,
            "is no address of a device (a is no unit); write modbus-tcp://",
        ),
        (["modbus-tcp://plc:99999/1"], 1, "modbus-tcp://HOST:PORT/UNIT"),
        (["modbus-tcp://plc:502/300"], 1, "spec.modbusTcp.unitId: must be at most 255"),
        (["opc.tcp://ann:hunter2@plc:4840"], 1, "a login does not belong into a URL"),
        (["modbus-tcp://plc/1", "--user", "ann"], 2, "--security and --user are for opc.tcp://"),
        (["modbus-tcp://127.0.0.1/1", "--within", "holdin:1-2"], 1, "holdin"),
        (["modbus-tcp://127.0.0.1/1", "--well", "a b"], 2, "a well has 1 to 128 letters"),
        (["modbus-tcp://[::1:502/1"], 1, "is no address of a device (Invalid IPv6 URL); write"),
        (["modbus-tcp://127.0.0.1:502/\u00b2"], 1, "is no address of a device (\u00b2 is no unit)"),
        (["modbus-tcp://ann:hunter2@[::1:502/1"], 1, "a login does not belong into a URL"),
        (["nowhere.yaml"], 1, "cannot read nowhere.yaml"),
        (["modbus-tcp://no-such-plc.invalid/1"], 1, "the name no-such-plc.invalid has no address"),
        (["modbus-tcp://203.0.113.7/1"], 1, "is in no network"),
    ],
)
def test_what_cannot_be_browsed_is_one_sentence(
    arguments: list[str], code: int, says: str, tmp_path: Path
) -> None:
    done = run("browse", *arguments, "--out", str(tmp_path / "out.yaml"))
    assert done.code == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_mqtt_cannot_be_browsed(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", connection("protocol: mqtt, mqtt: {host: 127.0.0.1}"))
    done = run("browse", str(file))
    assert done.code == 1
    assert "mqtt cannot be browsed; modbus-tcp, opcua can" in done.stderr


def test_a_file_that_exists_is_not_touched(plc: tuple[Path, int], tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    out.write_text("# mine\n")
    done = run("browse", str(plc[0]), "-o", str(out))
    assert done.code == 1
    assert f"{out} exists" in done.stderr
    assert out.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing/out.yaml", "there is no folder"),
        ("file/out.yaml", "there is no folder"),
        ("link.yaml", "exists; give another name"),
    ],
)
def test_where_nothing_can_be_written_is_told_before_the_device_is_asked(
    name: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link.yaml").symlink_to("nowhere")
    done = run("browse", "modbus-tcp://no-such-plc.invalid/1", "-o", str(tmp_path / name))
    assert done.code == 1
    assert says in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_name_that_the_disk_does_not_take_is_one_sentence(
    plc: tuple[Path, int], tmp_path: Path
) -> None:
    done = run("browse", str(plc[0]), "-o", str(tmp_path / ("x" * 252)))
    assert done.code == 1
    assert "cannot be written: File name too long" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_no_fault_of_pumpjack(plc: tuple[Path, int]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*RUN, "browse", str(plc[0])],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "takes no more: No space left on device; make room there" in done.stderr
    assert "fault of pumpjack" not in done.stderr


def test_a_name_that_is_nearly_right_is_recognised(plc: tuple[Path, int]) -> None:
    done = run("browse", str(plc[0]), "--connection", "plcc")
    assert done.code == 1
    assert "no connection 'plcc'; did you mean plc? They declare default/plc" in done.stderr


def test_without_a_terminal_nobody_is_asked_for_a_password(tmp_path: Path) -> None:
    done = subprocess.run(
        [*RUN, "browse", "opc.tcp://127.0.0.1:1", "--user", "ann"],
        input="hunter2\n",
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is nobody to ask for the password" in done.stderr
    assert "GetPassWarning" not in done.stderr


def test_a_range_without_anything_writes_nothing(plc: tuple[Path, int], tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"
    done = run("browse", str(plc[0]), "--within", "holding:49000-49010", "-o", str(out))
    assert done.code == 1
    assert "has nothing there that could be a tag" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_no_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        file = write(tmp_path / "a.yaml", modbus(mute.getsockname()[1], timeout="60s"))
        with subprocess.Popen(
            [*RUN, "browse", str(file), "-o", str(tmp_path / "out.yaml")],
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            connected, _ = mute.accept()
            with connected:
                connected.recv(1)
                program.send_signal(signal.SIGINT)
                assert program.wait(60) == 130
            assert program.stderr is not None
            assert "Traceback" not in program.stderr.read()
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
