"""Logs of children, read again."""

from __future__ import annotations

from pathlib import Path

from pumpjack_cli.local.logs import Repeats, Tail, parse


def test_a_json_line_is_read_as_a_sentence_with_its_details() -> None:
    line = parse('{"event": "device is away", "level": "warning", "host": "h", "timestamp": "t"}')
    assert (line.level, line.text) == ("warning", "device is away (host=h)")


def test_a_line_that_is_no_json_is_kept_as_it_is() -> None:
    assert parse("Traceback (most recent call last):").text == "Traceback (most recent call last):"
    assert parse("[1, 2]").text == "[1, 2]"


def test_passwords_in_a_log_are_not_shown_on_the_terminal() -> None:
    assert "hunter2" not in parse("cannot reach postgresql://me:hunter2@db/x").text


def test_a_tail_follows_a_log_that_was_renamed_and_loses_no_line(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("one\ntwo\n")
    tail = Tail(log)
    assert [line.text for line in tail.read()] == ["one", "two"]
    with log.open("a") as file:
        file.write("three\n")
    log.rename(tmp_path / "a.log.1")
    log.write_text("four\n")
    assert [line.text for line in tail.read()] == ["three"]
    assert [line.text for line in tail.read()] == ["four"]
    tail.close()


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("on")
    tail = Tail(log)
    assert tail.read() == []
    with log.open("a") as file:
        file.write("e\n")
    assert [line.text for line in tail.read()] == ["one"]
    tail.close()


def test_a_log_that_is_not_there_yet_reads_as_empty(tmp_path: Path) -> None:
    assert Tail(tmp_path / "none.log").read() == []


def test_a_repeated_event_is_held_back_and_counted() -> None:
    repeats = Repeats()
    assert repeats.admit("a", "away", 0.0) == 0
    assert repeats.admit("a", "away", 1.0) is None
    assert repeats.admit("a", "away", 2.0) is None
    assert repeats.admit("b", "away", 2.0) == 0
    assert repeats.admit("a", "away", 31.0) == 2


def test_a_large_log_is_renamed_between_two_writes(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys, pathlib\n"
        "from pumpjack_cli.local.child import open_log, rotate_if_large\n"
        "log = pathlib.Path(sys.argv[1]); open_log(log)\n"
        "print('first', flush=True)\n"
        "assert rotate_if_large(log, limit=3)\n"
        "print('second', flush=True)\n"
        "assert not rotate_if_large(log, limit=100)\n"
    )
    log = tmp_path / "a.log"
    subprocess.run([sys.executable, "-c", script, str(log)], check=True)
    assert (tmp_path / "a.log.1").read_text() == "first\n"
    assert log.read_text() == "second\n"
    assert log.stat().st_mode & 0o077 == 0
