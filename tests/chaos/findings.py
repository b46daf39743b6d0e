"""What was sent and what is stored, compared. Pure; each finding is a sentence that names values.

findings = missing(...) + twice(...) + …        # [] when every promise was kept
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pumpjack_core.quality import SHIFTED, Reason, reason_of
from tests.chaos.ledger import Ledger
from tests.chaos.line import Jump

NAMED = 12
"""Of so many values a finding tells the numbers."""
CLOCK_SLACK_US = 600_000_000
"""A reading may have waited so long between the device and its time of receipt."""
HALF_HOUR_US = 1_800_000_000
Span = tuple[int, int]
"""From and to [µs since the epoch]."""


class Row(Struct, frozen=True):
    """One stored reading: time [µs since the epoch], value, encoded quality."""

    us: int
    value: float | None
    quality: int


class Evidence(Struct, frozen=True):
    """Everything that is known of one tag after the run.

    rows         what is stored, by time
    quarantined  values that are kept out of the series, with a reason
    """

    ledger: Ledger
    rows: Sequence[Row]
    quarantined: Sequence[float] = ()

    @property
    def values(self) -> list[float]:
        """The stored values by time, without the 0 that a device shows before it counts."""
        return [row.value for row in self.rows if row.value]


def numbers(values: Collection[float]) -> str:
    """Some of the values, for people."""
    shown = sorted(values)
    more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
    return f"{len(shown)}: {', '.join(f'{value:g}' for value in shown[:NAMED])}{more}"


def invented(tag: Evidence) -> list[str]:
    """Nothing is stored that no device sent."""
    strange = set(tag.values) - tag.ledger.sent.keys()
    return [f"{tag.ledger.name}: stored and never sent, {numbers(strange)}"] if strange else []


def missing(tag: Evidence, expected: Collection[float], why: str) -> list[str]:
    """Each expected value is stored, or kept in quarantine with its reason."""
    lost = set(expected) - set(tag.values) - set(tag.quarantined)
    return [f"{tag.ledger.name}: {why} and not stored, {numbers(lost)}"] if lost else []


def twice(tag: Evidence, allowed: Callable[[int], bool] = lambda _at: False) -> list[str]:
    """Each value is stored once; allowed says of a row's position that it may repeat one."""
    seen: set[float] = set()
    again: set[float] = set()
    for at, row in enumerate(tag.rows):
        if row.value is None:
            continue
        if row.value in seen and not allowed(at):
            again.add(row.value)
        seen.add(row.value)
    again |= seen & set(tag.quarantined)
    again |= {value for value, count in Counter(tag.quarantined).items() if count > 1}
    return [f"{tag.ledger.name}: stored more than once, {numbers(again)}"] if again else []


def misdated(tag: Evidence, allowed: Callable[[int], bool] = lambda _at: False) -> list[str]:
    """Each value stands at its own time, or is marked: its time was shifted or not believed."""
    wrong: list[float] = []
    for at, row in enumerate(tag.rows):
        sent = tag.ledger.sent.get(row.value) if row.value is not None else None
        if sent is None or sent.source_us in (None, row.us) or row.value is None:
            continue
        if row.quality & SHIFTED or reason_of(row.quality) is Reason.CLOCK or allowed(at):
            continue
        wrong.append(row.value)
    return [f"{tag.ledger.name}: stored at another time, {numbers(wrong)}"] if wrong else []


def disordered(
    tag: Evidence, jumps: Sequence[Jump], allowed: Callable[[int], bool] = lambda _at: False
) -> list[str]:
    """By the time of receipt, values follow one another as they were sent, clock by clock.

    jumps    when the clock of who stamps them was wrong; a wrong clock has an order of its own
    allowed  says of a row's position that it may stand anywhere
    """
    offsets = [0, *{jump.by_s * 1_000_000 for jump in jumps}]
    found: list[str] = []
    for offset_us in offsets:
        last = -1.0
        late: list[float] = []
        for at, row in enumerate(tag.rows):
            if row.value is None or (sent := tag.ledger.sent.get(row.value)) is None:
                continue
            if abs(row.us - sent.sent_us - offset_us) > HALF_HOUR_US or allowed(at):
                continue
            if row.value < last:
                late.append(row.value)
            last = max(last, row.value)
        if late:
            found.append(
                f"{tag.ledger.name}: out of order by a clock that is {offset_us // 1_000_000} s "
                f"off, {numbers(late)}"
            )
    return found


def unstamped(tag: Evidence, jumps: Sequence[Jump]) -> list[str]:
    """A time of receipt is near the true one, or as far off as the clock was."""
    offsets = [0, *{jump.by_s * 1_000_000 for jump in jumps}]
    wrong = [
        row.value
        for row in tag.rows
        if row.value is not None
        and (sent := tag.ledger.sent.get(row.value)) is not None
        and all(
            not -CLOCK_SLACK_US <= row.us - sent.sent_us - offset <= CLOCK_SLACK_US
            for offset in offsets
        )
    ]
    return [f"{tag.ledger.name}: received at no time of ours, {numbers(wrong)}"] if wrong else []


def by_clock(tag: Evidence, jumps: Sequence[Jump]) -> tuple[Evidence, Evidence]:
    """The rows that were stamped by a right clock, and those that were stamped by one that was off.

    What a wrong clock stamped and a device's history gives again stands at its own time as well.
    """
    offsets = {jump.by_s * 1_000_000 for jump in jumps}
    right: list[Row] = []
    wrong: list[Row] = []
    for row in tag.rows:
        sent = tag.ledger.sent.get(row.value) if row.value is not None else None
        late_us = 0 if sent is None else row.us - sent.sent_us
        is_off = any(abs(late_us - offset) <= CLOCK_SLACK_US for offset in offsets)
        (wrong if is_off else right).append(row)
    return replace(tag, rows=right), replace(tag, rows=wrong, quarantined=())


def outside(values: Iterable[float], ledger: Ledger, spans: Sequence[Span]) -> set[float]:
    """Those values that were sent at a time which no span has."""
    return {
        value
        for value in values
        if not any(low <= ledger.sent[value].sent_us <= high for low, high in spans)
    }


def repeats_what_holds(rows: Sequence[Row]) -> Callable[[int], bool]:
    """Whether a row tells once more, after a mark of an outage, what the tag shows.

    It follows a row without a value, and the value is the newest of those before that.
    """

    def allowed(at: int) -> bool:
        if at == 0 or rows[at - 1].value is not None:
            return False
        before = [row.value for row in rows[:at] if row.value is not None]
        return bool(before) and rows[at].value == before[-1]

    return allowed
