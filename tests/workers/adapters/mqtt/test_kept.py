"""What is kept of a session on a disk that does not always take it."""

from __future__ import annotations

from pathlib import Path

from pumpjack_worker.adapters.mqtt.kept import FILE, Kept, SessionFile

OLD = Kept("broker:1883", "me", "aa", ("pads/7/casing",))
NEW = Kept("broker:1883", "me", "bb", ("pads/7/casing", "pads/7/tubing"))


def file(folder: Path) -> SessionFile:
    return SessionFile(folder, "broker:1883", "me")


def full(folder: Path) -> Path:
    """A disk that takes nothing: who opens the part to write finds a folder there."""
    obstacle = (folder / FILE).with_suffix(".part")
    obstacle.mkdir()
    return obstacle


def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    file(tmp_path).write(OLD)
    assert file(tmp_path).read() == OLD


def test_what_the_disk_did_not_take_is_written_when_it_takes_again(tmp_path: Path) -> None:
    kept = file(tmp_path)
    obstacle = full(tmp_path)
    kept.write(OLD)
    assert kept.read() == OLD
    obstacle.rmdir()
    kept.write(OLD)
    assert file(tmp_path).read() == OLD


def test_a_disk_that_is_full_leaves_no_word_of_a_session_that_is_over(tmp_path: Path) -> None:
    kept = file(tmp_path)
    kept.write(OLD)
    full(tmp_path)
    kept.write(NEW)
    assert file(tmp_path).read() is None


def test_a_disk_that_is_full_leaves_the_word_of_a_session_that_goes_on(tmp_path: Path) -> None:
    kept = file(tmp_path)
    kept.write(OLD)
    full(tmp_path)
    kept.write(Kept(OLD.broker, OLD.client_id, OLD.session))
    assert file(tmp_path).read() == OLD


def test_what_is_kept_of_another_broker_or_client_is_not_believed(tmp_path: Path) -> None:
    file(tmp_path).write(OLD)
    assert SessionFile(tmp_path, "other:1883", "me").read() is None
    assert SessionFile(tmp_path, "broker:1883", "you").read() is None
