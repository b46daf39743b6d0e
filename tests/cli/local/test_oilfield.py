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
    (folder / "namespaces.yaml").write_text("# mine\n")
    assert copy_to(tmp_path) == (folder, True)
    assert (folder / "namespaces.yaml").read_text() == "# mine\n"


def test_a_device_whose_port_is_taken_gets_another_and_comments_stay(tmp_path: Path) -> None:
    folder, _ = copy_to(tmp_path)
    before = device_ports(folder)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", before[0]))
        taken.listen()
        moved = move_devices(folder)
    assert before[0] in moved
    after = device_ports(folder)
    assert len(after) == len(before)
    assert before[0] not in after
    assert "# `pumpjack demo` simulates the PLC here" in (folder / "bakken-b1.yaml").read_text()


def test_only_ports_are_moved() -> None:
    text = "port: 15020 # transport: 15020\n  port: 99\nreport: 15020"
    assert with_ports(text, {15020: 1}) == "port: 1 # transport: 15020\n  port: 99\nreport: 15020"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be used for data"):
        copy_to(tmp_path / "file")
