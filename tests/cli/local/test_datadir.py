"""The data folder: one holder, secrets that stay, sentences for what goes wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pumpjack_cli.local.datadir import DataDir, Running, slug
from pumpjack_core.errors import SetupError


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    found = DataDir(tmp_path / "data")
    found.prepare()
    return found


def test_a_second_run_on_the_same_folder_is_told_who_holds_it(data: DataDir) -> None:
    with data.lock():
        with pytest.raises(SetupError, match=rf"in use by process {os.getpid()}.*--data-dir"):
            with DataDir(data.root).lock():
                pass


def test_the_lock_says_where_the_gateway_listens_while_it_runs(data: DataDir) -> None:
    assert data.running() is None
    with data.lock() as lock:
        lock.say(Running(os.getpid(), "http://127.0.0.1:4000", "ws://127.0.0.1:4001", ("t",)))
        lock.say(Running(os.getpid(), "http://127.0.0.1:4000"))
        assert data.running() == Running(os.getpid(), "http://127.0.0.1:4000")
    assert data.running() is None


def test_a_lock_that_a_killed_run_left_is_no_lock(data: DataDir) -> None:
    (data.root / "lock").write_text('{"pid":1}')
    with data.lock():
        pass


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(data: DataDir) -> None:
    first = data.secret("jwt")
    assert len(first) == 64
    assert data.secret("jwt") == first == data.existing_secret("jwt")
    assert data.secret("other") != first
    path = data.root / "secrets" / "jwt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_a_secret_that_is_not_there_says_how_it_is_made(data: DataDir) -> None:
    with pytest.raises(SetupError, match="start `pumpjack up`"):
        data.existing_secret("jwt")


def test_a_damaged_secret_is_not_used(data: DataDir) -> None:
    data.secret("jwt")
    (data.root / "secrets" / "jwt").write_text("")
    with pytest.raises(SetupError, match="damaged; delete it"):
        data.secret("jwt")


def test_a_namespace_never_changes_its_tenant(data: DataDir) -> None:
    data.remember_tenants({"ops": "permian"})
    data.remember_tenants({"ops": "permian", "more": "bakken"})
    with pytest.raises(SetupError, match=r"ops belongs to tenant permian.*bakken"):
        data.remember_tenants({"ops": "bakken"})
    assert data.tenants() == {"ops": "permian", "more": "bakken"}


def test_a_folder_that_is_a_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(SetupError, match=r"cannot be used for data.*--data-dir"):
        DataDir(tmp_path / "data").prepare()


def test_a_full_disk_is_told_at_the_start() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(SetupError, match="cannot be used for data"):
        DataDir(full / "data").prepare()


def test_file_names_of_connections_differ_and_fit() -> None:
    long = "n" * 63 + "/" + "c" * 253
    names = {slug("ops/a"), slug("ops/a-b"), slug(long), slug(long + "x")}
    assert len(names) == 4
    assert slug("permian-ops/pad-a") == "permian-ops_pad-a"
    assert all(len(name) < 200 and "/" not in name for name in names)
