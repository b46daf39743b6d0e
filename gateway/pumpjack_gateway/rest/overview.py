"""/api/scada/overview: what the wells are called, and which of their tags an overview shows."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from msgspec import Raw, Struct
from starlette.responses import Response

from pumpjack_core.clock import iso_us
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.overview.answers import OverviewAnswer
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.requests import parts_of, signed_in

router = APIRouter(prefix="/api/scada", tags=["live"])

_EXAMPLE: dict[str, Any] = {
    "asOf": "2026-01-31T06:30:00.000000Z",
    "wells": [
        {
            "wellId": "pad7-3",
            "title": "Pad 7 well 3",
            "type": "rod-pump",
            "pad": "Pad 7",
            "route": "North",
            "timeZone": "America/Chicago",
            "since": "2025-09-02T14:00:00.000000Z",
            "keys": [
                {
                    "tagName": "casing_pressure",
                    "title": "Casing",
                    "description": "Pressure in the annulus",
                    "connectionId": "permian-ops/pad7-plc",
                    "protocol": "modbus-tcp",
                    "address": "holding:40001",
                    "unit": "psi",
                    "dataType": "float32",
                    "intervalS": 1.0,
                    "staleAfterS": 10.0,
                    "low": 0.0,
                    "high": 3000.0,
                    "normalLow": 600.0,
                    "normalHigh": 1100.0,
                    "digits": 0,
                    "stateNames": {},
                    "writable": False,
                    "limits": [{"condition": "hihi", "limit": 2400.0, "priority": 1}],
                }
            ],
            "connectionIds": ["permian-ops/pad7-plc"],
            "tags": 24,
        }
    ],
}
_HEADERS = {
    # May be kept, and is asked for again each time: what another person kept is not shown.
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
}


class _Encoded(Struct, frozen=True, rename="camel"):
    """An OverviewAnswer whose wells are encoded already."""

    as_of: str
    wells: list[Raw]


@router.get(
    "/overview",
    summary="The wells that are read, and which of their tags an overview shows",
    responses={
        200: answer(OverviewAnswer, "The wells, by id", _EXAMPLE),
        304: {"description": "Nothing has changed since the ETag of If-None-Match"},
        **common(403, 404),
    },
)
async def overview(request: Request, who: Annotated[Principal, Depends(signed_in)]) -> Response:
    """A well is here while a connection reads a tag of it.

    The values come on the WebSocket (`subscribe-overview`), in the order of `keys`. Send the ETag
    back as `If-None-Match` to learn whether anything changed; `asOf` alone is no change. While the
    database is away the last known wells are answered, with the time of then.
    """
    facts, read_us = await parts_of(request).facts.last(who.tenant_id)
    tag = f'"{facts.digest}"'
    headers = _HEADERS | {"ETag": tag}
    if _is_known(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    body = _Encoded(iso_us(read_us), [known.encoded for known in facts.wells.values()])
    return Response(msgspec.json.encode(body), headers=headers, media_type="application/json")


def _is_known(given: list[str], tag: str) -> bool:
    """Whether If-None-Match names it (RFC 9110, 13.1.2: weak comparison)."""
    names = [name.strip().removeprefix("W/") for line in given for name in line.split(",")]
    return "*" in names or tag in names
