"""/api/scada/readings, /aggregates and /wells: what the database has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from pumpjack_core.clock import US_PER_S
from pumpjack_gateway import history
from pumpjack_gateway.answers import AggregatesPage, ReadingsPage, WellsPage
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.cursors import Cursor
from pumpjack_gateway.history import NAME_PATTERN, AggregateInterval, Interval
from pumpjack_gateway.points.answers import PointsAnswer
from pumpjack_gateway.rest import points as points_rest
from pumpjack_gateway.rest.openapi import answer, answer_of, common, ref
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import Parts, json_response, parts_of, signed_in

router = APIRouter(prefix="/api/scada", tags=["history"])
ROWS = 1000
Row = TypeVar("Row")

_name = {"min_length": 1, "max_length": 253, "pattern": NAME_PATTERN}
Who = Annotated[Principal, Depends(signed_in)]
WellId = Annotated[str, Query(alias="wellId", description="the well", **_name)]
TagName = Annotated[str, Query(**_name)]
DATE_TIME = {"format": "date-time"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters that both histories share, as they were given."""

    well_id: str
    tag_names: list[str]
    start: str | None
    end: str | None
    limit: int
    cursor: str | None

    def question(self, who: Principal, route: str, interval: Interval | None) -> tuple[object, ...]:
        """What a cursor belongs to: everything but the page."""
        return (
            route,
            who.tenant_id,
            self.well_id,
            self.tag_names,
            self.start,
            self.end,
            interval,
        )


def _asked(
    *,
    well_id: WellId,
    tag_names: Annotated[
        list[TagName],
        Query(alias="tagName", max_length=100, description="a tag; may be repeated; default: all"),
    ] = [],  # noqa: B006 - FastAPI copies it
    start: Annotated[
        str | None,
        Query(
            description="ISO 8601 with its offset, inclusive; default: one hour before end",
            json_schema_extra=DATE_TIME,
        ),
    ] = None,
    end: Annotated[
        str | None,
        Query(
            description="ISO 8601 with its offset, exclusive; default: now",
            json_schema_extra=DATE_TIME,
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, description="most rows of the answer")] = ROWS,
    cursor: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=512,
            description="nextCursor of the page before; the other parameters as they were",
        ),
    ] = None,
) -> Asked:
    return Asked(well_id, tag_names, start, end, limit, cursor)


_READING = {
    "time": "2026-01-31T06:30:00.000000Z",
    "tagName": "casing_pressure",
    "connectionId": "permian-ops/pad7-plc",
    "value": 812.5,
    "quality": "GOOD",
    "reason": None,
    "unit": "psi",
    "sourceProtocol": "modbus-tcp",
}
_AGGREGATE = {
    "bucket": "2026-01-31T06:30:00Z",
    "tagName": "casing_pressure",
    "connectionId": "permian-ops/pad7-plc",
    "avgValue": 811.9,
    "minValue": 809.0,
    "maxValue": 814.2,
    "readingCount": 60,
    "unit": "psi",
}
_HEAD = {"wellId": "pad7-3", "start": "2026-01-31T06:00:00Z", "end": "2026-01-31T07:00:00Z"}
_READINGS_EXAMPLE = _HEAD | {
    "interval": "raw",
    "source": "scada_readings",
    "readings": [_READING],
    "nextCursor": None,
}
_AGGREGATES_EXAMPLE = _HEAD | {
    "interval": "1min",
    "source": "scada_readings_1min",
    "aggregates": [_AGGREGATE],
    "nextCursor": None,
}
# readings, aggregates or series: what it has says which one an answer is.
_EITHER: dict[str, Any] = {
    "oneOf": [ref(ReadingsPage), ref(AggregatesPage), ref(PointsAnswer)],
}


@router.get(
    "/readings",
    summary="History of a well",
    responses={
        200: answer_of(
            _EITHER,
            "One page, or with points all columns of a chart",
            examples={"readings": _READINGS_EXAMPLE, "points": points_rest.EXAMPLE},
        ),
        **common(),
    },
)
async def readings(
    request: Request,
    who: Who,
    asked: Annotated[Asked, Depends(_asked)],
    interval: Annotated[
        Interval | None,
        Query(
            description="by default: raw up to 1 day as long as it is kept, 1min up to 7 days, "
            "1hour up to 30 days, else 1day; with points whatever is fine enough and not too much"
        ),
    ] = None,
    points: Annotated[
        int | None,
        Query(
            ge=points_rest.POINTS_MIN,
            le=points_rest.POINTS_MAX,
            description="columns of a chart: at most so many for each of 1 to 8 tags, without "
            "pages; each with its extremes and its worst quality",
        ),
    ] = None,
) -> Response:
    """Readings, or their aggregates where the range is long; the answer says its source."""
    parts = parts_of(request)
    if points is not None:
        return await _points(request, who, asked, points, interval)
    question = asked.question(who, "readings", interval)

    def choose(range_: history.Range, now: datetime) -> Interval:
        return history.choose_interval(range_, now, parts.raw_kept)

    query = _settle(parts, asked, question, interval, choose)
    await _require_well(parts, who, asked.well_id)
    if query.interval == "raw":
        return await _raw_page(parts, who, query, question)
    return await _aggregates_page(parts, who, query, question)


@router.get(
    "/aggregates",
    summary="Aggregates of a well",
    responses={200: answer(AggregatesPage, "One page", _AGGREGATES_EXAMPLE), **common()},
)
async def aggregates(
    request: Request,
    who: Who,
    asked: Annotated[Asked, Depends(_asked)],
    interval: Annotated[
        AggregateInterval | None,
        Query(description="by default: 1min up to 7 days, 1hour up to 30 days, else 1day"),
    ] = None,
) -> Response:
    """Average, least, greatest and number of the GOOD readings in each bucket."""
    parts = parts_of(request)
    question = asked.question(who, "aggregates", interval)

    def choose(range_: history.Range, _now: datetime) -> Interval:
        return history.choose_aggregate(range_)

    query = _settle(parts, asked, question, interval, choose)
    await _require_well(parts, who, asked.well_id)
    return await _aggregates_page(parts, who, query, question)


@router.get(
    "/wells",
    summary="The wells of the tenant",
    responses={
        200: answer(
            WellsPage,
            "One page, by well id",
            {
                "wells": [
                    {
                        "wellId": "pad7-3",
                        "tags": [
                            {
                                "tagName": "casing_pressure",
                                "unit": "psi",
                                "dataType": "float32",
                                "connectionId": "permian-ops/pad7-plc",
                            }
                        ],
                        "lastReadingAt": "2026-01-31T06:30:00Z",
                    }
                ],
                "nextAfter": None,
            },
        ),
        **common(404),
    },
)
async def wells(
    request: Request,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=1000, description="most wells of the answer")] = 500,
    after: Annotated[str | None, Query(description="nextAfter of the page before", **_name)] = None,
) -> Response:
    """Each well with its tags and the time of its newest stored reading."""
    rows = await parts_of(request).store.wells(who.tenant_id, after=after, limit=limit + 1)
    following = rows[limit - 1].well_id if len(rows) > limit else None
    return json_response(WellsPage(rows[:limit], following))


def _settle(
    parts: Parts,
    asked: Asked,
    question: tuple[object, ...],
    interval: Interval | None,
    choose: Callable[[history.Range, datetime], Interval],
) -> history.Query:
    """What exactly is asked; the pages after the first keep what was settled for it."""
    if asked.limit > parts.rows_max:
        raise Refusal(
            422, "BAD_REQUEST", f"limit is at most {parts.rows_max}; go on with nextCursor"
        )
    now = datetime.fromtimestamp(parts.clock.now_us() / US_PER_S, UTC)
    after = None
    try:
        if asked.cursor is not None:
            settled = parts.cursors.read(asked.cursor, question)
            range_, interval, after = settled.range, settled.interval, settled.after
        else:
            range_ = history.parse_range(asked.start, asked.end, now)
    except ValueError as error:
        raise Refusal(422, "BAD_REQUEST", str(error)) from error
    return history.Query(
        asked.well_id,
        tuple(dict.fromkeys(asked.tag_names)),
        range_,
        interval or choose(range_, now),
        asked.limit,
        after,
    )


async def _points(
    request: Request, who: Principal, asked: Asked, points: int, interval: Interval | None
) -> Response:
    parts = parts_of(request)
    for name in ("limit", "cursor"):
        if name in request.query_params:
            raise Refusal(
                422, "BAD_REQUEST", f"points gives the whole range at once; leave {name} out"
            )
    now = datetime.fromtimestamp(parts.clock.now_us() / US_PER_S, UTC)
    try:
        range_ = history.parse_range(asked.start, asked.end, now)
    except ValueError as error:
        raise Refusal(422, "BAD_REQUEST", str(error)) from error
    await _require_well(parts, who, asked.well_id)
    chart = points_rest.Chart(asked.well_id, asked.tag_names, range_, points, interval)
    return await points_rest.points_answer(parts, who, chart)


async def _require_well(parts: Parts, who: Principal, well_id: str) -> None:
    if not await parts.wells.exists(who.tenant_id, well_id):
        raise no_such_well(well_id)


def no_such_well(well_id: str) -> Refusal:
    """The same for a well of another tenant and for one that does not exist."""
    return Refusal(
        404, "NO_SUCH_WELL", f"there is no well {well_id!r}; /api/scada/wells lists yours"
    )


async def _raw_page(
    parts: Parts, who: Principal, query: history.Query, question: tuple[object, ...]
) -> Response:
    found = await parts.store.readings(who.tenant_id, query)
    rows, cursor = _cut(parts, query, question, found)
    range_ = query.range
    return json_response(
        ReadingsPage(query.well_id, range_.start, range_.end, "raw", "scada_readings", rows, cursor)
    )


async def _aggregates_page(
    parts: Parts, who: Principal, query: history.Query, question: tuple[object, ...]
) -> Response:
    found = await parts.store.aggregates(who.tenant_id, query)
    rows, cursor = _cut(parts, query, question, found)
    range_, interval = query.range, query.interval
    assert interval != "raw"
    return json_response(
        AggregatesPage(
            query.well_id, range_.start, range_.end, interval, query.source, rows, cursor
        )
    )


def _cut(
    parts: Parts,
    query: history.Query,
    question: tuple[object, ...],
    found: list[tuple[Row, history.After]],
) -> tuple[list[Row], str | None]:
    """The page without the row too many, which shows that there is another, and its cursor."""
    cursor = None
    if len(found) > query.limit:
        last = found[query.limit - 1][1]
        cursor = parts.cursors.write(Cursor(query.range, query.interval, last), question)
    return [row for row, _ in found[: query.limit]], cursor
