"""/api/scada/readings?points=: the columns of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import hiredis
import msgspec
from msgspec import Struct
from starlette.responses import Response

from pumpjack_core import wire
from pumpjack_core.clock import US_PER_S
from pumpjack_gateway import history
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.history import Interval
from pumpjack_gateway.points import columns as layout
from pumpjack_gateway.points.answers import PointsAnswer, Series
from pumpjack_gateway.points.merge import merged
from pumpjack_gateway.points.store import SOURCES, Drawn, PointsStore, Stored
from pumpjack_gateway.points.stored import holes_of, stored_until, unknown_quality
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import Parts, json_response

TAGS_MAX = 8
POINTS_MIN = 16
POINTS_MAX = 4000
_FIRST_MS, _LAST_MS = 1769839200100.0, 1769839203100.0
EXAMPLE: dict[str, Any] = {
    "asOf": "2026-01-31T07:00:00.250000Z",
    "wellId": "pad7-3",
    "start": "2026-01-31T06:00:00Z",
    "end": "2026-01-31T07:00:00Z",
    "interval": "raw",
    "source": "scada_points_raw",
    "columnS": 3.6,
    "storedUntil": "2026-01-31T06:59:57.100000Z",
    "series": [
        {
            "tagName": "casing_pressure",
            "unit": "psi",
            "connectionIds": ["permian-ops/pad7-plc"],
            "buckets": [
                [1769839200000, 811.0, 812.5, 809.0, 814.2, 4, 3, 1, _FIRST_MS, _LAST_MS, 811.9]
            ],
        }
    ],
    "holes": [
        {
            "connectionId": "permian-ops/pad7-plc",
            "from": "2026-01-31T06:20:00Z",
            "to": "2026-01-31T06:21:30Z",
            "reason": "not_stored",
            "message": "the journal had no room for what was read",
        }
    ],
}


class Chart(Struct, frozen=True):
    """What is asked for; interval None: whatever is fine enough and not too much."""

    well_id: str
    tag_names: Sequence[str]
    range: history.Range
    points: int
    interval: Interval | None


async def points_answer(parts: Parts, who: Principal, chart: Chart) -> Response:
    """Columns of up to eight tags of a well that the tenant has. Raises StorageError, Refusal."""
    names = tuple(dict.fromkeys(chart.tag_names))
    well_id, range_, interval = chart.well_id, chart.range, chart.interval
    if not 1 <= len(names) <= TAGS_MAX:
        raise Refusal(
            422, "BAD_REQUEST", f"points needs 1 to {TAGS_MAX} tags; name each with tagName"
        )
    store = PointsStore(parts.store)
    now = datetime.fromtimestamp(parts.clock.now_us() / US_PER_S, UTC)
    known = await store.series(who.tenant_id, [well_id], names)
    series = [one for name in names for one in known.get((well_id, name), ())]
    tags = [one.tag_id for one in series]
    if interval is None:
        raw_from = now - parts.raw_kept
        readings = None
        if layout.must_ask(range_, raw_from):
            readings = await store.number(who.tenant_id, tags, range_)
        interval = layout.choose(range_, len(tags), raw_from, readings)
    columns = layout.lay_out(range_, chart.points, interval)
    connections = list(dict.fromkeys(one.connection_id for one in series if one.is_current))
    # Before the database is asked, so that what it says of its cursors is no older.
    heartbeats = await _heartbeats(parts, who.tenant_id, connections)
    drawn = await store.draw(who.tenant_id, tags, columns, connections)
    stored = stored_until(well_id, connections, heartbeats, drawn.progress, now)
    found = _series(series, drawn)
    holes = holes_of(drawn.spans, columns, stored, now)
    if interval != "raw" and drawn.known_from is not None and _is_before(found, drawn.known_from):
        holes.insert(0, unknown_quality(columns, drawn.known_from))
    return json_response(
        PointsAnswer(
            as_of=now,
            well_id=well_id,
            start=columns.start,
            end=columns.end,
            interval=interval,
            source=SOURCES[interval],
            column_s=columns.width.total_seconds(),
            stored_until=stored,
            series=found,
            holes=holes,
        )
    )


def _series(stored: Sequence[Stored], drawn: Drawn) -> list[Series]:
    """One for each tag and unit that has something, and for what each tag is now."""
    of: dict[tuple[str, str], list[Stored]] = {}
    for one in stored:
        of.setdefault((one.tag_name, one.unit), []).append(one)
    found = []
    for (name, unit), ones in of.items():
        there = [one for one in ones if one.tag_id in drawn.buckets]
        if not there and not any(one.is_current for one in ones):
            continue
        buckets = merged([drawn.buckets[one.tag_id] for one in there])
        connections = dict.fromkeys(one.connection_id for one in there or ones)
        found.append(Series(name, unit, list(connections), buckets))
    return found


def _is_before(series: Sequence[Series], known_from: datetime) -> bool:
    """Whether some column begins before it."""
    ms = known_from.timestamp() * 1000
    return any(one.buckets and one.buckets[0][0] < ms for one in series)


async def _heartbeats(
    parts: Parts, tenant_id: str, connections: Sequence[str]
) -> dict[str, wire.Heartbeat]:
    """The last one of each; none of those that cannot be had now."""
    if not connections:
        return {}
    try:
        kept = await parts.redis.call("HMGET", wire.heartbeat_key(tenant_id), *connections)
    except (OSError, hiredis.ReplyError):
        return {}
    found = {}
    for name, text in zip(connections, kept, strict=True):
        try:
            beat = wire.decode_message(text or b"")
        except msgspec.MsgspecError:
            continue
        if isinstance(beat, wire.Heartbeat):
            found[name] = beat
    return found
