"""The files of a device's Secret in the data folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pumpjack_cli.local.credential_files import keep_only, replace
from pumpjack_core import credentials
from pumpjack_core.errors import SetupError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_we_may_read_them_and_the_worker_finds_what_the_secret_holds(tmp_path: Path) -> None:
    folder = tmp_path / "devices" / "ops_plc"
    before = os.umask(0)
    try:
        replace(folder, {"username": b"ann", "password": b"hunter2"})
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "password")) == (0o700, 0o600)
    found = credentials.read(folder)
    assert (found.username, found.password) == ("ann", "hunter2")


def test_a_changed_secret_takes_the_place_of_the_old_one_and_what_is_gone_is_gone(
    tmp_path: Path,
) -> None:
    replace(tmp_path / "a", {"username": b"ann", "password": b"old"})
    open_by_a_reader = (tmp_path / "a" / "password").open("rb")
    replace(tmp_path / "a", {"password": b"new"})
    with open_by_a_reader as file:
        assert file.read() == b"old"  # whole, not overwritten under the reader
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"password"}
    assert (tmp_path / "a" / "password").read_bytes() == b"new"


def test_no_secret_no_folder(tmp_path: Path) -> None:
    replace(tmp_path / "a", {"password": b"x"})
    replace(tmp_path / "a", None)
    replace(tmp_path / "b", None)
    assert list(tmp_path.iterdir()) == []


def test_folders_of_connections_that_are_declared_no_more_go(tmp_path: Path) -> None:
    for name in ("a", "b"):
        replace(tmp_path / name, {"password": b"x"})
    keep_only(tmp_path, {"b"})
    keep_only(tmp_path / "not-there", ())
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be used for data"):
        replace(tmp_path / "file" / "a", {"password": b"x"})
