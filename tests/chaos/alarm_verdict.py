"""The promises of docs/alarms.md, docs/commands.md and docs/audit.md, checked after a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import asyncpg

from pumpjack_core.alarms import alarm_id
from tests.chaos import records
from tests.chaos.alarm_findings import (
    Event,
    holes,
    made_up,
    misjudged,
    named,
    swapped,
    unasked,
    undone,
    unlike_its_events,
    unlike_the_end,
    unpaired,
    until_told,
    untold,
)
from tests.chaos.command_findings import judged
from tests.chaos.findings import HALF_HOUR_US
from tests.chaos.level import LEVEL
from tests.chaos.line import Line
from tests.chaos.people import Deed
from tests.chaos.site import Site

MARGIN_US = 3_000_000


async def judge(site: Site, database: asyncpg.Connection) -> list[str]:
    """What was promised and not kept; nothing, if all is well."""
    found: list[str] = []
    events: dict[str, list[Event]] = {}
    for tenant_id in sorted({line.tenant_id for line in site.lines.values()}):
        events[tenant_id] = await records.events(database, tenant_id)
        found += holes(tenant_id, [event.number for event in events[tenant_id]])
        found += unpaired(events[tenant_id])
        found += _people(site, tenant_id, events[tenant_id])
    for protocol, line in site.lines.items():
        found += await _alarms(database, line, events[line.tenant_id])
        orders = site.orders[protocol]
        commands = await records.commands(database, line.tenant_id, line.connection_id)
        found += judged(line.protocol, orders.asked, commands, line.field.written)
        found += orders.strange
    for screen in site.screens:
        found += named("events were left out on a screen", screen.alarms.unsaid)
        if not screen.alarms.events:
            found.append(f"a screen of {screen.tenant_id} was never told of an alarm")
    return found + await records.broken_chains(database, site.folder / "gateway.log")


def _people(site: Site, tenant_id: str, events: Sequence[Event]) -> list[str]:
    people = [person for person in site.people if person.tenant_id == tenant_id]
    found: list[str] = []
    unsure: Counter[Deed] = Counter()
    for person in people:
        found += [*person.strange, *undone(person.done, events)]
        unsure += person.unsure
    return found + unasked(
        [deed for person in people for deed in person.done.values()], unsure, events
    )


async def _alarms(database: asyncpg.Connection, line: Line, events: Sequence[Event]) -> list[str]:
    tenant_id, connection_id, name = line.tenant_id, line.connection_id, line.protocol
    journaled = records.journaled(line.transitions, tenant_id, connection_id)
    two_workers = [
        (low - MARGIN_US, high + MARGIN_US) for low, high in (*line.replaced, *line.fenced)
    ]
    jumps = [(jump.from_us - MARGIN_US, jump.to_us + MARGIN_US) for jump in line.jumps]
    found = [
        f"{name}: {sentence}"
        for sentence in (
            *untold(journaled, events, two_workers),
            *made_up(journaled, events),
            *swapped(journaled, events),
        )
    ]
    active = await records.active(database, tenant_id)
    stored = await records.readings(database, tenant_id, connection_id, LEVEL)
    rows = [row for row in stored if _is_right(row.us, line)]
    well_id = line.field.tags[0].well_id
    for condition in ("hi", "lo", "bad_quality"):
        its_id = alarm_id(tenant_id, connection_id, well_id, LEVEL, condition)
        its = [one for one in events if one.alarm_id == its_id and _is_right(one.us, line)]
        spans = [*two_workers, *jumps]
        if condition != "bad_quality":
            excused = [until_told(span, condition, rows, its) for span in spans]
            found += misjudged(name, condition, rows, its, excused)
            if not its:
                found.append(f"{name}: {condition} was never raised")
        is_active = active.get(its_id, False)
        found += unlike_the_end(name, condition, rows, is_active, spans)
        every = [one for one in events if one.alarm_id == its_id]
        found += unlike_its_events(name, condition, every, is_active)
    return found


def _is_right(us: int, line: Line) -> bool:
    """Whether a time is of this run, and not by a clock that was an hour off."""
    return all(abs(us - jump.from_us) < HALF_HOUR_US for jump in line.jumps)
