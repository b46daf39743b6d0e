"""/api/scada/sparks: small trends of many tags at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from pumpjack_core.clock import US_PER_S
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.history import NAME_PATTERN
from pumpjack_gateway.points.answers import Bucket, Spark, SparksAnswer
from pumpjack_gateway.points.columns import Columns, recent
from pumpjack_gateway.points.merge import merged
from pumpjack_gateway.points.store import SOURCES, PointsStore
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import json_response, parts_of, signed_in

router = APIRouter(prefix="/api/scada", tags=["history"])
PENS_MAX = 60
_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLE: dict[str, Any] = {
    "asOf": "2026-01-31T06:30:00.250000Z",
    "start": "2026-01-31T05:40:00Z",
    "columnS": 600.0,
    "interval": "5min",
    "source": "scada_points_5min",
    "sparks": [
        {
            "wellId": "pad7-3",
            "tagName": "casing_pressure",
            "min": [809.0, None, 810.5, 808.0, 809.5, 811.0],
            "max": [814.2, None, 815.0, 812.5, 813.0, 812.5],
            "last": [811.9, None, 812.5, 811.5, 811.0, 812.0],
            "worst": [0, None, 1, 0, 0, 0],
        }
    ],
}
Pen = Annotated[str, Query(min_length=3, max_length=507, pattern=NAME_PATTERN)]


@router.get(
    "/sparks",
    summary="Small trends of many tags",
    responses={200: answer(SparksAnswer, "Those that there are", _EXAMPLE), **common(404)},
)
async def sparks(
    request: Request,
    who: Annotated[Principal, Depends(signed_in)],
    pens: Annotated[
        list[Pen],
        Query(
            alias="pen",
            min_length=1,
            max_length=PENS_MAX,
            description="wellId/tagName, the tag after the last slash; may be repeated",
        ),
    ],
    hours: Annotated[float, Query(gt=0, le=168, description="how far back, at least")] = 8,
    columns: Annotated[int, Query(ge=2, le=200, description="columns of the answer")] = 48,
) -> Response:
    """Least, greatest and last value and the worst quality in each column, up to now.

    Pens that are not known are left out.
    """
    parts = parts_of(request)
    asked = list(dict.fromkeys(_split(pen) for pen in pens))
    now = datetime.fromtimestamp(parts.clock.now_us() / US_PER_S, UTC)
    drawn = recent(now, hours, columns)
    assert drawn.interval != "raw"
    store = PointsStore(parts.store)
    series = await store.series(
        who.tenant_id, list({well for well, _ in asked}), list({tag for _, tag in asked})
    )
    there = [pen for pen in asked if pen in series]
    tags = [one.tag_id for pen in there for one in series[pen]]
    buckets = await store.sparks(who.tenant_id, tags, drawn) if tags else {}
    found = [
        _spark(*pen, merged([buckets.get(one.tag_id, ()) for one in series[pen]]), drawn)
        for pen in there
    ]
    return json_response(
        SparksAnswer(
            as_of=now,
            start=drawn.start,
            column_s=drawn.width.total_seconds(),
            interval=drawn.interval,
            source=SOURCES[drawn.interval],  # type: ignore[arg-type]
            sparks=found,
        )
    )


def _split(pen: str) -> tuple[str, str]:
    well, slash, tag = pen.rpartition("/")
    if not (slash and well and tag):
        raise Refusal(
            422, "BAD_REQUEST", "a pen is written wellId/tagName, for example pad7-3/flow"
        )
    return well, tag


def _spark(well_id: str, tag_name: str, buckets: Sequence[Bucket], columns: Columns) -> Spark:
    number = (columns.end - columns.start) // columns.width
    found = Spark(well_id, tag_name, *([None] * number for _ in range(4)))  # type: ignore[arg-type]
    for bucket in buckets:
        column = (_EPOCH + bucket[0] * _MS - columns.start) // columns.width
        found.last[column] = bucket[2]
        found.min[column] = bucket[3]
        found.max[column] = bucket[4]
        found.worst[column] = bucket[7]
    return found
