"""GET /api/scada/alarms, /events: what is wrong, what was, and how much of it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from pumpjack_gateway.alarms.answers import AlarmsPage, CountsAnswer, EventsPage, FiguresAnswer
from pumpjack_gateway.alarms.counts import count
from pumpjack_gateway.alarms.figures import DEFINITIONS, figures
from pumpjack_gateway.alarms.flood import Meter
from pumpjack_gateway.alarms.model import Condition, Kind, State
from pumpjack_gateway.alarms.queries import AlarmPlace, AlarmQuery, EventQuery
from pumpjack_gateway.alarms.store import RAISED_MAX
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.history import NAME_PATTERN, parse_time
from pumpjack_gateway.rest import alarm_examples as examples
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import Parts, json_response, parts_of, signed_in
from pumpjack_gateway.times import time_of, us_since_epoch

router = APIRouter(prefix="/api/scada", tags=["alarms"])
ROWS, ROWS_MAX = 100, 1000
PERIOD = timedelta(days=1)
PERIOD_MOST = timedelta(days=31)
_NOT_NORMAL: tuple[State, ...] = (
    "unacknowledged",
    "acknowledged",
    "returned_unacknowledged",
    "latched_unacknowledged",
    "latched_acknowledged",
    "shelved",
    "suppressed",
    "out_of_service",
)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(Z|[+-](?:0\d|1[0-4]):[0-5]\d)")
T = TypeVar("T")

Who = Annotated[Principal, Depends(signed_in)]
_name: dict[str, Any] = {"min_length": 1, "max_length": 253, "pattern": NAME_PATTERN}
WellId = Annotated[str | None, Query(alias="wellId", description="of this well", **_name)]
ConnectionId = Annotated[
    str | None,
    Query(
        alias="connectionId",
        min_length=1,
        max_length=512,
        pattern=NAME_PATTERN,
        description="of this connection: namespace/name",
    ),
]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="most rows of the answer")]
CursorText = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=512,
        description="nextCursor of the page before; the other parameters as they were",
    ),
]
_time = {"json_schema_extra": {"format": "date-time"}}


@router.get(
    "/alarms",
    summary="Alarms as they are now",
    responses={200: answer(AlarmsPage, "One page", examples.ALARMS), **common(404)},
)
async def alarms(
    request: Request,
    who: Who,
    *,
    state: Annotated[
        list[State],
        Query(max_length=9, description="may be repeated; default: all but normal"),
    ] = [],  # noqa: B006 - FastAPI copies it
    priority: Annotated[
        list[Annotated[int, Query(ge=1, le=4)]],
        Query(max_length=4, description="1 (highest) to 4; may be repeated; default: all"),
    ] = [],  # noqa: B006
    condition: Annotated[
        list[Condition],
        Query(max_length=10, description="may be repeated; default: all"),
    ] = [],  # noqa: B006
    well_id: WellId = None,
    connection_id: ConnectionId = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            pattern=NAME_PATTERN,
            description="found in well, tag or message, in whatever case",
        ),
    ] = None,
    limit: Limit = ROWS,
    cursor: CursorText = None,
) -> Response:
    """What is to be acknowledged first, then by priority, then the newest.

    An alarm that changes between two pages may be on both or on none; the WebSocket tells of each
    change once.
    """
    parts = parts_of(request)
    query = AlarmQuery(
        states=tuple(dict.fromkeys(state)) or _NOT_NORMAL,
        priorities=tuple(dict.fromkeys(priority)),
        well_id=well_id or "",
        connection_id=connection_id or "",
        conditions=tuple(dict.fromkeys(condition)),
        text=q or "",
        limit=limit,
    )
    question = ("alarms", who.tenant_id, *msgspec.structs.astuple(query))
    after = _place(parts, cursor, question, AlarmPlace)
    as_of, rows = await parts.alarm_store.alarms(
        who.tenant_id, msgspec.structs.replace(query, after=after)
    )
    following = None
    if len(rows) > limit:
        following = parts.cursors.seal(msgspec.msgpack.encode(rows[limit - 1][1]), question)
    return json_response(AlarmsPage(as_of, [alarm for alarm, _ in rows[:limit]], following))


@router.get(
    "/alarms/counts",
    summary="How many alarms there are, and whether they are a flood",
    responses={200: answer(CountsAnswer, "The sums", examples.COUNTS), **common(404)},
)
async def counts(request: Request, who: Who) -> Response:
    """By priority and by state. In a flood also grouped, each group with the first alarm of it.

    A flood begins with the 11th new alarm within 10 minutes, and ends when fewer than 5 are left
    in the last 10 minutes.
    """
    parts = parts_of(request)
    snapshot = await parts.alarm_store.snapshot(who.tenant_id)
    now_us = parts.clock.now_us()
    meter = Meter()
    for at_us in snapshot.raised_us:
        meter.add(min(at_us, now_us))
    counted = count(snapshot.alarms, meter, now_us, with_handles=True)
    return json_response(CountsAnswer(time_of(now_us), snapshot.event_no, counted))


@router.get(
    "/alarms/figures",
    summary="How the alarm system does (EEMUA 191, ISA-18.2)",
    responses={200: answer(FiguresAnswer, "The figures", examples.FIGURES), **common(404)},
)
async def alarm_figures(
    request: Request,
    who: Who,
    *,
    start: Annotated[
        str | None,
        Query(description="ISO 8601 with its offset; default: a day before end", **_time),
    ] = None,
    end: Annotated[
        str | None, Query(description="ISO 8601 with its offset; default: now", **_time)
    ] = None,
    shift_hours: Annotated[
        Literal["8", "12"], Query(alias="shiftHours", description="how long a shift is")
    ] = "12",
    shift_start: Annotated[
        str,
        Query(
            alias="shiftStart",
            max_length=11,
            description="when a shift begins, with its offset: 06:00-06:00",
        ),
    ] = "06:00Z",
) -> Response:
    """Each figure with its definition in `definitions`. At most 31 days."""
    parts = parts_of(request)
    now = time_of(parts.clock.now_us())
    first, last = _period(start, end, now)
    shifts_from_us = _shift(shift_start, first)
    base = await parts.alarm_store.base_of_figures(who.tenant_id, first, last)
    if base.raised is None:
        raise Refusal(
            422,
            "BAD_REQUEST",
            f"more than {RAISED_MAX:,} alarms were raised in this period; ask for a shorter one",
        )
    computed = await asyncio.to_thread(
        figures,
        base.raised,
        base.names,
        base.standing,
        start_us=us_since_epoch(first),
        end_us=us_since_epoch(last),
        shift_us=int(shift_hours) * 3600 * 1_000_000,
        shifts_from_us=shifts_from_us,
    )
    return json_response(FiguresAnswer(now, first, last, computed, DEFINITIONS))


@router.get(
    "/events",
    summary="What happened to alarms",
    responses={200: answer(EventsPage, "One page", examples.EVENTS), **common(404)},
)
async def events(
    request: Request,
    who: Who,
    *,
    alarm_id: Annotated[
        str | None,
        Query(alias="alarmId", pattern="^[0-9a-f]{32}$", description="of this alarm"),
    ] = None,
    well_id: WellId = None,
    connection_id: ConnectionId = None,
    kind: Annotated[
        list[Kind], Query(max_length=11, description="may be repeated; default: all")
    ] = [],  # noqa: B006
    start: Annotated[
        str | None, Query(description="ISO 8601 with its offset, inclusive", **_time)
    ] = None,
    end: Annotated[
        str | None, Query(description="ISO 8601 with its offset, exclusive", **_time)
    ] = None,
    limit: Limit = ROWS,
    cursor: CursorText = None,
) -> Response:
    """The newest first, in the order in which they were recorded."""
    parts = parts_of(request)
    query = EventQuery(
        alarm_id=alarm_id or "",
        well_id=well_id or "",
        connection_id=connection_id or "",
        kinds=tuple(dict.fromkeys(kind)),
        start=_instant(start),
        end=_instant(end),
        limit=limit,
    )
    question = ("events", who.tenant_id, *msgspec.structs.astuple(query))
    before = _place(parts, cursor, question, int)
    as_of, rows = await parts.alarm_store.events(
        who.tenant_id, msgspec.structs.replace(query, before=before)
    )
    following = None
    if len(rows) > limit:
        following = parts.cursors.seal(msgspec.msgpack.encode(rows[limit - 1].event_no), question)
    return json_response(EventsPage(as_of, rows[:limit], following))


def _place(
    parts: Parts, cursor: str | None, question: tuple[object, ...], kind: type[T]
) -> T | None:
    if cursor is None:
        return None
    try:
        return msgspec.msgpack.decode(parts.cursors.unseal(cursor, question), type=kind)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refusal(422, "BAD_REQUEST", str(error)) from error


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise Refusal(422, "BAD_REQUEST", str(error)) from error


def _period(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The period of figures: not in the future, some time long, 31 days at most."""
    last = min(_instant(end) or now, now)
    first = _instant(start) or last - PERIOD
    if first >= last:
        raise Refusal(422, "BAD_REQUEST", "start is not before end, or before now")
    if last - first > PERIOD_MOST:
        raise Refusal(
            422, "BAD_REQUEST", f"a period is {PERIOD_MOST.days} days at most; ask for several"
        )
    return first, last


def _shift(text: str, day: datetime) -> int:
    """Microseconds since the epoch at which a shift begins, near that day."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise Refusal(
            422,
            "BAD_REQUEST",
            "shiftStart is a time of day with its offset, for example 06:00-06:00 or 06:00Z",
        )
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{found[3]}").utcoffset()
    at = datetime(day.year, day.month, day.day, int(found[1]), int(found[2]), tzinfo=UTC)
    return us_since_epoch(at - (offset or timedelta()))
