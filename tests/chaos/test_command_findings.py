"""What the comparison of commands and devices finds, by small examples."""

from __future__ import annotations

import pytest

from tests.chaos.command_findings import Command, judged
from tests.chaos.level import Written

ASKED = {"one": 1.0, "two": 2.0}
GOOD = [Command("one", 1.0, "verified", 10), Command("two", 2.0, "refused", 20)]
WRITTEN = [Written(11, 1.0)]


def test_what_was_written_once_after_it_was_on_record_is_no_finding() -> None:
    assert judged("plc", ASKED, GOOD, WRITTEN) == []
    for state in ("timeout", "mismatch"):
        more = [*GOOD, Command("three", 3.0, state, 30)]
        assert judged("plc", ASKED | {"three": 3.0}, more, [*WRITTEN, Written(31, 3.0)]) == []
    unknown = [*GOOD, Command("three", 3.0, "timeout", 30)]
    assert judged("plc", ASKED | {"three": 3.0}, unknown, WRITTEN) == []


@pytest.mark.parametrize(
    ("commands", "written", "finding"),
    [
        (GOOD, [*WRITTEN, Written(12, 1.0)], "written more than once, 1: 1.0"),
        (GOOD, [*WRITTEN, Written(21, 2.0)], "said not to be written, and was"),
        (GOOD, [], "said to be written, and was not"),
        (GOOD, [*WRITTEN, Written(21, 9.0)], "written for no command"),
        (GOOD, [Written(9, 1.0)], "written before it was on record as sent"),
        ([*GOOD, Command("two", 9.0, "expired")], WRITTEN, "that nobody asked for"),
        ([GOOD[0], Command("two", 2.0, "sent", 20)], WRITTEN, "has not ended"),
        ([GOOD[1]], [], "none verified"),
    ],
)
def test_each_broken_promise_is_told(
    commands: list[Command], written: list[Written], finding: str
) -> None:
    found = judged("plc", ASKED, commands, written)
    assert any(finding in sentence for sentence in found), found
