"""/api/scada/wells/{wellId}: a well as its manifests tell it, with the limits of its tags."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from pumpjack_core.tags import WellFacts
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.history import NAME_PATTERN
from pumpjack_gateway.rest.history import no_such_well
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.requests import json_response, parts_of, signed_in
from pumpjack_gateway.times import time_of
from pumpjack_gateway.well_facts import WellAnswer, played, read_since, read_tags, read_wells

router = APIRouter(prefix="/api/scada", tags=["wells"])
WellInPath = Annotated[
    str,
    Path(
        alias="wellId", description="the well", min_length=1, max_length=253, pattern=NAME_PATTERN
    ),
]

TAG_EXAMPLE: dict[str, Any] = {
    "tagName": "casing_pressure",
    "title": "Casing pressure",
    "description": "annulus, at the wellhead",
    "connectionId": "permian-ops/pad7-plc",
    "protocol": "modbus-tcp",
    "address": "holding:40001",
    "unit": "psi",
    "dataType": "float32",
    "intervalS": 1.0,
    "staleAfterS": 10.0,
    "low": 0.0,
    "high": 3000.0,
    "normalLow": 120.0,
    "normalHigh": 900.0,
    "digits": 0,
    "stateNames": {},
    "writable": False,
    "limits": [
        {"condition": "hihi", "limit": 1400.0, "priority": 1},
        {"condition": "hi", "limit": 1200.0, "priority": 2},
    ],
}
_EXAMPLE: dict[str, Any] = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "wellId": "pad7-3",
    "title": "Pad 7, well 3",
    "type": "rod-pump",
    "pad": "Pad 7",
    "route": "Route A",
    "timeZone": "America/Chicago",
    "since": "2025-09-02T14:00:00.000000Z",
    "template": "rod-pump",
    "roles": {"casing_pressure": "casing_pressure"},
    "keyTags": ["casing_pressure"],
    "tags": [TAG_EXAMPLE],
}


@router.get(
    "/wells/{wellId:path}",
    summary="A well with its tags, their ranges and limits, and its process picture",
    responses={200: answer(WellAnswer, "The well as it is declared", _EXAMPLE), **common()},
)
async def well(
    request: Request, who: Annotated[Principal, Depends(signed_in)], well_id: WellInPath
) -> Response:
    """What screens draw values with; the values are in /latest and on the WebSocket.

    A slash in the well's id may be sent as it is, or as %2F.
    """
    parts = parts_of(request)
    if not await parts.wells.exists(who.tenant_id, well_id):
        raise no_such_well(well_id)
    async with parts.store.reader(who.tenant_id, "repeatable_read") as connection:
        found = await read_wells(connection, [well_id])
        tags = (await read_tags(connection, [well_id])).get(well_id, [])
        since = await read_since(connection, well_id)
    facts = found[0] if found else WellFacts(well_id)
    picture = parts.pictures.find(facts.type)
    return json_response(
        WellAnswer(
            as_of=time_of(parts.clock.now_us()),
            well_id=well_id,
            title=facts.title,
            type=facts.type,
            pad=facts.pad,
            route=facts.route,
            time_zone=facts.time_zone,
            since=since,
            template=picture.template.template if picture is not None else None,
            roles=played(facts, tags, picture.template.roles if picture is not None else ()),
            key_tags=list(facts.key_tags),
            tags=tags,
        )
    )
