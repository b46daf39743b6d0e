"""Commands, compared with what came to the devices. Pure; each finding is a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tests.chaos.alarm_findings import named
from tests.chaos.level import Written

NOT_WRITTEN = frozenset(("refused", "expired", "rejected"))
WRITTEN = frozenset(("verified", "mismatch"))
UNKNOWN = "timeout"


class Command(Struct, frozen=True):
    """A row of commands. sent_us: when it was recorded as sent, None: never."""

    key: str
    value: float
    state: str
    sent_us: int | None = None


def judged(
    name: str, asked: Mapping[str, float], commands: Sequence[Command], written: Sequence[Written]
) -> list[str]:
    """All rules, for one device. asked: idempotency key to value."""
    times = Counter(one.value for one in written)
    known = {command.value for command in commands}
    return [
        *named(
            f"{name}: a command that nobody asked for, or of another value",
            [command for command in commands if asked.get(command.key) != command.value],
        ),
        *named(
            f"{name}: written for no command", [one for one in written if one.value not in known]
        ),
        *named(f"{name}: written more than once", [v for v, count in times.items() if count > 1]),
        *named(
            f"{name}: said not to be written, and was",
            [one for one in commands if one.state in NOT_WRITTEN and times[one.value]],
        ),
        *named(
            f"{name}: said to be written, and was not",
            [one for one in commands if one.state in WRITTEN and not times[one.value]],
        ),
        *named(
            f"{name}: has not ended",
            [one for one in commands if one.state not in {UNKNOWN} | NOT_WRITTEN | WRITTEN],
        ),
        *_too_early(name, commands, written),
        *([] if any(one.state == "verified" for one in commands) else [f"{name}: none verified"]),
    ]


def _too_early(name: str, commands: Sequence[Command], written: Sequence[Written]) -> list[str]:
    sent = {command.value: command.sent_us for command in commands}
    return named(
        f"{name}: written before it was on record as sent",
        [
            one
            for one in written
            if one.value in sent and ((at := sent[one.value]) is None or one.us < at)
        ],
    )
