"""The demo's copy of the example."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pumpjack_cli.local.oilfield import copy_to, device_ports, move_devices, with_ports
from pumpjack_core.errors import SetupError


def test_the_copy_is_made_once_and_then_kept_as_it_is(tmp_path: Path) -> None:
    folder, kept = copy_to(tmp_path)
    assert not kept
    (folder / "all-namespaces.yaml").write_text("# mine\n")
    assert copy_to(tmp_path) == (folder, True)
    assert (folder / "all-namespaces.yaml").read_text() == "# mine\n"


def test_a_device_whose_port_is_taken_gets_another_and_comments_stay(tmp_path: Path) -> None:
    folder, _ = copy_to(tmp_path)
    file = folder / "bakken-b1.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(with_ports(file.read_text(), {15_021: port}))
        moved = move_devices(folder)
    assert port in moved
    assert moved[port] in device_ports(folder)
    assert port not in device_ports(folder)
    assert f"port: {moved[port]}\n" in file.read_text()
    assert "# `pumpjack demo` simulates the PLC here" in file.read_text()


def test_only_ports_are_moved() -> None:
    text = "port: 15020 # transport: 15020\n  port: 99\nreport: 15020"
    assert with_ports(text, {15020: 1}) == "port: 1 # transport: 15020\n  port: 99\nreport: 15020"
    text = "endpoint: 'opc.tcp://[::1]:15024/15024' # http://127.0.0.1:15024"
    moved = "endpoint: 'opc.tcp://[::1]:1/15024' # http://127.0.0.1:15024"
    assert with_ports(text, {15024: 1}) == moved


@pytest.mark.parametrize(
    ("name", "port"), [("bakken-b1", 15_021), ("bakken-b2", 15_024), ("permian-a3", 15_025)]
)
def test_the_port_of_each_protocol_is_moved_in_its_file_alone(
    name: str, port: int, tmp_path: Path
) -> None:
    folder, _ = copy_to(tmp_path)
    before = {file: file.read_text() for file in folder.iterdir()}
    for file in folder.iterdir():
        file.write_text(with_ports(file.read_text(), {port: 20_001}))
    changed = [file.stem for file in folder.iterdir() if file.read_text() != before[file]]
    assert changed == [name]
    assert 20_001 in device_ports(folder)
    assert port not in device_ports(folder)
    assert len(device_ports(folder)) == 4


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be used for data"):
        copy_to(tmp_path / "file")
