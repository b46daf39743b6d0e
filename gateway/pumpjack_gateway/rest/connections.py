"""/api/scada/connections: how the devices of a tenant are read, and what stands in the way."""

from __future__ import annotations

from typing import Annotated, Any

import hiredis
import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from pumpjack_core import wire
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.connections.answers import ConnectionsAnswer
from pumpjack_gateway.connections.now import all_now
from pumpjack_gateway.live.health import Health
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.requests import Parts, json_response, parts_of, signed_in
from pumpjack_gateway.times import time_of

router = APIRouter(prefix="/api/scada", tags=["live"])

_EXAMPLE: dict[str, Any] = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "connections": [
        {
            "connectionId": "permian-ops/pad7-plc",
            "protocol": "modbus-tcp",
            "endpoint": "10.1.7.20:502",
            "state": "disconnected",
            "stale": False,
            "reason": "ConnectionRefused",
            "message": "10.1.7.20:502 refuses the connection",
            "since": "2026-01-31T06:16:16.204211Z",
            "lastHeartbeat": "2026-01-31T06:30:00.118224Z",
            "lastReadingAt": "2026-01-31T06:16:15.902871Z",
            "wells": ["pad7-1", "pad7-3"],
            "mappedTags": 36,
            "rejectedTags": 1,
            "rejected": [
                {
                    "tag": "rod_position",
                    "mapping": "permian-ops/rodpump-std",
                    "reason": "the device has no register holding:40061",
                }
            ],
            "problems": [],
            "journal": {"batches": 0, "bytes": 0, "oldestS": 0.0, "sizeBytes": 1073741824},
            "conditions": [
                {
                    "type": "Connected",
                    "status": "False",
                    "reason": "ConnectionRefused",
                    "message": "10.1.7.20:502 refuses the connection",
                    "since": "2026-01-31T06:16:16.204211Z",
                }
            ],
            "strip": {
                "start": "2026-01-30T06:45:00.000000Z",
                "columnS": 900,
                "states": ["connected", "connected", "down"],
            },
        }
    ],
}


@router.get(
    "/connections",
    summary="How the devices are read: state, since when, what cannot be read, the last day",
    responses={
        200: answer(ConnectionsAnswer, "The connections, by id", _EXAMPLE),
        **common(403, 404),
    },
)
async def connections(request: Request, who: Annotated[Principal, Depends(signed_in)]) -> Response:
    """A connection is here from the first start of its worker until it is deleted.

    The state is the worker's own (`stale` when nothing is heard of it); since when, and the day in
    quarter hours, are what it told the database. The same without `strip` comes live on the
    WebSocket (`subscribe-connections`). `conditions` are those of the ScadaConnection, as far as
    worker and gateway know them.
    """
    parts = parts_of(request)
    reports, _ = await parts.connections.last(who.tenant_id)
    health, is_lost = await _health(parts, who.tenant_id)
    now = time_of(parts.clock.now_us())
    found = all_now(reports, health, now, feed_lost=is_lost, strips=True)
    return json_response(ConnectionsAnswer(now, found))


async def _health(parts: Parts, tenant_id: str) -> tuple[Health, bool]:
    """The heartbeats that Redis keeps, as old as their times say, and whether it could not tell."""
    health = Health()
    try:
        kept = await parts.redis.call("HGETALL", wire.heartbeat_key(tenant_id))
    except (OSError, hiredis.ReplyError):
        return health, True
    now_s, now_us = parts.clock.monotonic(), parts.clock.now_us()
    for text in kept.values():
        try:
            beat = wire.decode_message(text)
        except msgspec.MsgspecError:
            continue
        if isinstance(beat, wire.Heartbeat) and beat.tenant_id == tenant_id:
            health.remember(beat, now_s, now_us)
    return health, False
