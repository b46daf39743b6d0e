"""All promises of docs/guarantees.md, checked after a run; one rule a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import asyncpg
from msgspec.structs import replace

from pumpjack_core.quality import BACKFILLED
from tests.chaos import alarm_verdict, evidence
from tests.chaos.evidence import Note
from tests.chaos.findings import (
    Evidence,
    Span,
    by_clock,
    disordered,
    invented,
    misdated,
    missing,
    numbers,
    outside,
    repeats_what_holds,
    twice,
    unstamped,
)
from tests.chaos.line import Line
from tests.chaos.site import NAME, Site

S = 1_000_000
BROKER_SAVES_US = 5 * S
"""A broker that is killed forgets what it got so shortly before."""
MARGIN_US = 2 * S
TOLD = 1_500
"""Characters of a traceback that are told; the log has it whole."""


async def judge(site: Site, troubles: dict[str, list[Span]]) -> list[str]:
    """What was promised and not kept; nothing, if all is well.

    troubles  protocol to when its worker, its device's network or its disk was in trouble
    """
    database = await asyncpg.connect(site.database.url(NAME))
    try:
        found: list[str] = []
        for line in site.lines.values():
            tags = [await evidence.of_tag(database, ledger) for ledger in line.field.ledgers]
            notes = await evidence.notes(database, line.tenant_id, line.connection_id)
            for tag in tags:
                evidence.write_down(tag, site.folder / "tags")
                found += invented(tag)
                found += missing(tag, tag.ledger.promised, "acknowledged to the device")
                found += _unseen(site, line, tag)
            if line.protocol == "mqtt":
                found += _mqtt(site, line, tags)
            elif line.protocol == "modbus":
                found += _modbus(line, tags, notes, troubles[line.protocol])
            else:
                found += _opcua(line, tags, notes)
        found += await evidence.wrong_aggregates(database)
        found += await alarm_verdict.judge(site, database)
        return found + _screen(site) + _crashes(site)
    finally:
        await database.close()


def _mqtt(site: Site, line: Line, tags: Sequence[Evidence]) -> list[str]:
    plain, timed, text = tags
    forgotten = [(at - BROKER_SAVES_US, at + MARGIN_US) for at in site.mqtt.kills_us]
    found: list[str] = []
    for tag in tags:
        confirmed = tag.ledger.sent.keys() - site.mqtt.unconfirmed
        expected = outside(confirmed, tag.ledger, forgotten)
        found += missing(tag, expected, "confirmed by the broker")
    two_workers = _sent_in(plain, line.replaced)
    found += twice(plain, two_workers) + twice(timed)
    alone = outside(text.ledger.sent, text.ledger, _wider(line.replaced))
    found += twice(replace(text, quarantined=[one for one in text.quarantined if one in alone]))
    found += unstamped(plain, line.jumps) + disordered(plain, line.jumps, two_workers)
    return found + misdated(timed)


def _modbus(
    line: Line, tags: Sequence[Evidence], notes: Sequence[Note], troubles: Sequence[Span]
) -> list[str]:
    excused = _wider([*troubles, *(note.span for note in notes)])
    found: list[str] = []
    for tag in tags:
        calm = outside(tag.ledger.sent, tag.ledger, excused)
        found += missing(tag, calm, "served while nothing was wrong")
        two_workers = _sent_in(tag, line.replaced)
        found += twice(tag) + unstamped(tag, line.jumps)
        found += disordered(tag, line.jumps, two_workers)
    return found


def _opcua(line: Line, tags: Sequence[Evidence], notes: Sequence[Note]) -> list[str]:
    kept, unkept = tags
    unknown = _wider(line.replaced)  # the second one's journal does not know where the first was
    gaps = [note.span for note in notes if note.reason == "gap"]
    known = outside(kept.ledger.sent, kept.ledger, unknown)
    found = missing(kept, known, "in the server's history")
    untold = outside(unkept.ledger.sent, unkept.ledger, [*gaps, *unknown])
    found += missing(unkept, untold, "in no gap that is on record")
    for tag in tags:
        right, wrong = by_clock(tag, line.jumps)
        again = repeats_what_holds(right.rows)
        found += twice(right, again) + twice(wrong) + misdated(right, again)
    return found


def _unseen(site: Site, line: Line, tag: Evidence) -> list[str]:
    """What is stored was on the screen, or lies where the screen was told of a loss."""
    ledger = tag.ledger
    (screen,) = [one for one in site.screens if one.tenant_id == line.tenant_id]
    feed = screen.feed(ledger.well_id, ledger.connection_id)
    unsaid: set[float] = set()
    for late in (0, BACKFILLED):
        rows = [row for row in tag.rows if row.quality & BACKFILLED == late]
        values = {row.value for row in rows if row.value and row.value in ledger.sent}
        together = [values - outside(values, ledger, [span]) for span in _wider(line.replaced)]
        unsaid |= feed.unexplained(ledger.tag_name, values, together)
    # What a device sent again came after its neighbours: then the time tells what was missed.
    unsaid = outside(unsaid, ledger, feed.silent)
    if not unsaid:
        return []
    return [f"{ledger.name}: stored, not shown, and no gap was told, {numbers(unsaid)}"]


def _screen(site: Site) -> list[str]:
    found: list[str] = []
    for screen in site.screens:
        found += [f"a screen got a message of others: {text}" for text in screen.strangers[:3]]
        for (well_id, connection_id), feed in screen.feeds.items():
            where = f"{screen.tenant_id}/{well_id} from {connection_id}"
            found += [f"{where}: a gap was not announced: {text}" for text in feed.unsaid[:3]]
            if not feed.seen:
                found.append(f"{where}: nothing was ever shown")
    return found


def _crashes(site: Site) -> list[str]:
    """Faults are told in sentences: nothing of ours ends with a traceback, or hides one."""
    found: list[str] = []
    for log in sorted(site.folder.glob("**/*.log")):
        text = log.read_text(errors="replace")
        if (at := text.find("Traceback (most recent call last)")) >= 0:
            found.append(f"{log.relative_to(site.folder)} has a traceback: …{text[at:][-TOLD:]}")
    return found


def _wider(spans: Sequence[Span]) -> list[Span]:
    return [(low - MARGIN_US, high + MARGIN_US) for low, high in spans]


def _sent_in(tag: Evidence, spans: Sequence[Span]) -> Callable[[int], bool]:
    """Whether the row at a position was sent in one of these spans, or a little beside it."""
    wider = _wider(spans)

    def there(at: int) -> bool:
        value = tag.rows[at].value
        return value in tag.ledger.sent and not outside([value], tag.ledger, wider)

    return there
