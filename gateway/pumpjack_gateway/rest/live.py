"""/api/scada/latest: what is now."""

from __future__ import annotations

from typing import Annotated, Any

import hiredis
import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from pumpjack_core import wire
from pumpjack_gateway.answers import LatestAnswer
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.live.health import Health, Status
from pumpjack_gateway.live.latest import Latest, parse_latest
from pumpjack_gateway.rest.history import WellId, no_such_well
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.requests import Parts, json_response, parts_of, signed_in

router = APIRouter(prefix="/api/scada", tags=["live"])

_EXAMPLE: dict[str, Any] = {
    "wellId": "pad7-3",
    "source": "feed",
    "readings": [
        {
            "tagName": "casing_pressure",
            "value": 812.5,
            "quality": "GOOD",
            "reason": None,
            "timestamp": "2026-01-31T06:30:00.000000Z",
        }
    ],
    "connections": [
        {
            "type": "status",
            "wellId": "pad7-3",
            "connectionId": "permian-ops/pad7-plc",
            "sourceProtocol": "modbus-tcp",
            "state": "connected",
            "stale": False,
            "reason": None,
            "message": None,
            "lastHeartbeat": "2026-01-31T06:30:01.000000Z",
            "storedSeq": 4711,
            "journalBatches": 0,
            "journalBytes": 0,
            "journalOldestS": 0.0,
            "rejectedTags": 0,
        }
    ],
}


@router.get(
    "/latest",
    summary="The latest reading of each tag of a well",
    responses={200: answer(LatestAnswer, "The well as it is now", _EXAMPLE), **common()},
)
async def latest(
    request: Request, who: Annotated[Principal, Depends(signed_in)], well_id: WellId
) -> Response:
    """From the live feed; from the database when the feed has nothing, and it says so.

    A connection that is stale is marked: its readings are the last known, not the present ones.
    """
    parts = parts_of(request)
    if not await parts.wells.exists(who.tenant_id, well_id):
        raise no_such_well(well_id)
    live = await _from_feed(parts, who.tenant_id, well_id)
    if live is not None and live.readings:
        statuses = await _statuses(parts, who.tenant_id, well_id, live)
        readings = sorted(live.readings, key=lambda reading: reading.tag_name)
        return json_response(LatestAnswer(well_id, "feed", readings, statuses))
    stored = await parts.store.latest(who.tenant_id, well_id)
    unknown = Health().status(well_id, None, feed_lost=live is None)
    return json_response(LatestAnswer(well_id, "database", stored, [unknown]))


async def _from_feed(parts: Parts, tenant_id: str, well_id: str) -> Latest | None:
    """None when Redis cannot be asked."""
    try:
        fields = await parts.redis.call("HGETALL", wire.latest_key(tenant_id, well_id))
    except (OSError, hiredis.ReplyError):
        return None
    return parse_latest(fields)


async def _statuses(parts: Parts, tenant_id: str, well_id: str, live: Latest) -> list[Status]:
    names = list(live.positions)
    health = Health()
    lost = False
    try:
        kept = (
            await parts.redis.call("HMGET", wire.heartbeat_key(tenant_id), *names) if names else []
        )
    except (OSError, hiredis.ReplyError):
        kept, lost = [], True
    for text in kept:
        try:
            beat = wire.decode_message(text or b"")
        except msgspec.MsgspecError:
            continue
        if isinstance(beat, wire.Heartbeat):
            health.remember(beat, parts.clock.monotonic(), parts.clock.now_us())
    return [health.status(well_id, name, feed_lost=lost) for name in names]
