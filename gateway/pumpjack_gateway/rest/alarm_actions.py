"""POST /api/scada/alarms/…: what people do to alarms."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Request
from msgspec import Struct
from starlette.responses import Response

from pumpjack_gateway.alarms.answers import ActionAnswer
from pumpjack_gateway.alarms.bodies import (
    SHELVED_MAX_MIN,
    Named,
    Shelving,
    WithComment,
    WithReason,
)
from pumpjack_gateway.alarms.store import Action, Answer
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.history import parse_time
from pumpjack_gateway.may import NEEDED
from pumpjack_gateway.rest.bodies import body_of, described_body
from pumpjack_gateway.rest.openapi import answer, common, problem
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import Parts, asked_from, json_response, parts_of, signed_in
from pumpjack_gateway.store import Rejected, UnknownTenant
from pumpjack_gateway.times import time_of

router = APIRouter(prefix="/api/scada/alarms", tags=["alarms"])
Who = Annotated[Principal, Depends(signed_in)]
Body = TypeVar("Body", bound=Struct)
AUDITED: dict[Action, str] = {
    "acknowledge": "alarms.acknowledged",
    "shelve": "alarms.shelved",
    "unshelve": "alarms.unshelved",
    "reset": "alarms.reset",
    "out-of-service": "alarms.out_of_service",
    "in-service": "alarms.in_service",
}
"""As the database calls them."""
_STATUS = {"unknown": 404, "already": 409, "changed": 409, "wrong_state": 409}
_CODES = {
    "unknown": "NO_SUCH_ALARM",
    "already": "ALREADY_ACKNOWLEDGED",
    "changed": "ALARM_CHANGED",
    "wrong_state": "NOT_IN_THIS_STATE",
}

_ID = "9b1c6f4e7a574d4c9a580b7a3b2f8d11"
_NAMED = [{"alarmId": _ID, "version": 7}]
_EXAMPLE = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "done": 1,
    "alarms": [
        {
            "alarmId": _ID,
            "done": True,
            "problem": None,
            "code": None,
            "by": None,
            "at": None,
            "version": 8,
            "eventNo": 4711,
            "state": "acknowledged",
        }
    ],
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: answer(ActionAnswer, "What became of it, alarm by alarm", _EXAMPLE),
    **common(),
    403: problem("ROLE_TOO_LOW: an operator, or for service an engineer. It is in the audit log"),
    404: problem("NO_SUCH_ALARM, where one was named; of another tenant is none either"),
    409: problem(
        "Where one was named: ALREADY_ACKNOWLEDGED with `by` and `at`, ALARM_CHANGED since the "
        "version given, or NOT_IN_THIS_STATE"
    ),
    413: problem("The body is too long"),
}


class _Asked(NamedTuple):
    """An action as it was asked for."""

    action: Action
    alarms: list[Named]
    comment: str
    until: datetime | None = None


@router.post(
    "/acknowledge",
    summary="Acknowledge alarms",
    openapi_extra=described_body(WithComment, {"alarms": _NAMED, "comment": "choke eased"}),
    responses=_RESPONSES,
)
async def acknowledge(request: Request, who: Who) -> Response:
    """One, many, or a group of a flood: name each alarm as it was seen.

    Who comes second is told who was first: 409 for one alarm, in its place among many.
    """
    said = await _asked(request, who, "acknowledge", WithComment)
    return await _act(request, who, _Asked("acknowledge", said.alarms, said.comment))


@router.post(
    "/shelve",
    summary="Set alarms aside for a time",
    openapi_extra=described_body(
        Shelving, {"alarms": _NAMED, "reason": "sensor is being calibrated", "minutes": 60}
    ),
    responses=_RESPONSES,
)
async def shelve(request: Request, who: Who) -> Response:
    """Until its end, 8 hours at most, an alarm is neither shown nor counted as unacknowledged."""
    said = await _asked(request, who, "shelve", Shelving)
    until = _until(said, time_of(parts_of(request).clock.now_us()))
    return await _act(request, who, _Asked("shelve", said.alarms, said.reason, until))


@router.post(
    "/unshelve",
    summary="End a shelving",
    openapi_extra=described_body(WithComment, {"alarms": _NAMED}),
    responses=_RESPONSES,
)
async def unshelve(request: Request, who: Who) -> Response:
    """What is active then has to be acknowledged."""
    said = await _asked(request, who, "unshelve", WithComment)
    return await _act(request, who, _Asked("unshelve", said.alarms, said.comment))


@router.post(
    "/out-of-service",
    summary="Take alarms out of service",
    openapi_extra=described_body(WithReason, {"alarms": _NAMED, "reason": "workover until May"}),
    responses=_RESPONSES,
)
async def out_of_service(request: Request, who: Who) -> Response:
    """Until somebody puts them into service again; for engineers."""
    said = await _asked(request, who, "out-of-service", WithReason)
    return await _act(request, who, _Asked("out-of-service", said.alarms, said.reason))


@router.post(
    "/in-service",
    summary="Put alarms into service again",
    openapi_extra=described_body(WithComment, {"alarms": _NAMED}),
    responses=_RESPONSES,
)
async def in_service(request: Request, who: Who) -> Response:
    """For engineers."""
    said = await _asked(request, who, "in-service", WithComment)
    return await _act(request, who, _Asked("in-service", said.alarms, said.comment))


@router.post(
    "/reset",
    summary="Reset latched alarms",
    openapi_extra=described_body(WithComment, {"alarms": _NAMED}),
    responses=_RESPONSES,
)
async def reset(request: Request, who: Who) -> Response:
    """Those whose condition has returned."""
    said = await _asked(request, who, "reset", WithComment)
    return await _act(request, who, _Asked("reset", said.alarms, said.comment))


async def _asked(request: Request, who: Principal, action: Action, kind: type[Body]) -> Body:
    """The body, after the role. Both refusals are in the audit log."""
    needed = NEEDED[action]
    try:
        if who.role < needed:
            raise Refusal(
                403,
                "ROLE_TOO_LOW",
                f"a {who.role.name} cannot do this to alarms, it takes the role {needed.name}; ask "
                "one, or have the role put into your token",
            )
        return await body_of(request, kind)
    except Refusal as refusal:
        _note(request, who, action, refusal)
        raise


async def _act(request: Request, who: Principal, asked: _Asked) -> Response:
    parts = parts_of(request)
    ids = [named.alarm_id for named in asked.alarms]
    try:
        if len(set(ids)) < len(ids):
            raise Refusal(422, "BAD_REQUEST", "an alarm is named twice; name each once")
        answers = await _done(parts, who, asked, ids)
    except Refusal as refusal:
        _note(request, who, asked.action, refusal)
        raise
    for one in answers:
        outcome = "done" if one.done else "refused"
        parts.alarm_metrics.actions.labels(who.tenant_id, asked.action, outcome).inc()
    done = sum(one.done for one in answers)
    if done:
        parts.alarms.wake(who.tenant_id)
    if len(answers) == 1 and not done:
        raise _refusal(answers[0])
    return json_response(ActionAnswer(time_of(parts.clock.now_us()), done, answers))


async def _done(parts: Parts, who: Principal, asked: _Asked, ids: list[str]) -> list[Answer]:
    try:
        return await parts.alarm_store.act(
            who.tenant_id,
            who.subject,
            asked.action,
            alarms=ids,
            versions=[named.version for named in asked.alarms],
            comment=asked.comment,
            until=asked.until,
        )
    except Rejected as error:
        if error.state == "PJ001":
            raise UnknownTenant(str(error)) from error
        raise Refusal(422, "BAD_REQUEST", str(error)) from error


def _refusal(one: Answer) -> Refusal:
    """The one alarm that was named could not be acted on."""
    code = one.code or "wrong_state"
    members = {
        "alarmId": one.alarm_id,
        "by": one.by,
        "at": one.at,
        "state": one.state,
        "version": one.version,
    }
    shown = {name: value for name, value in members.items() if value is not None}
    return Refusal(_STATUS[code], _CODES[code], _sentence(one), members=shown)


def _sentence(one: Answer) -> str:
    if one.code == "unknown":
        return "there is no such alarm; /api/scada/alarms lists yours"
    return f"nothing was done: {one.problem}"


def _until(said: Shelving, now: datetime) -> datetime:
    """When the shelving ends. Raises Refusal."""
    if (said.until is None) == (said.minutes is None):
        raise Refusal(
            422, "BAD_REQUEST", "give either until or minutes: when the shelving ends, 8 h at most"
        )
    if said.minutes is not None:
        return now + timedelta(minutes=said.minutes)
    try:
        until = parse_time(said.until or "")
    except ValueError as error:
        raise Refusal(422, "BAD_REQUEST", f"until: {error}") from error
    if not now < until <= now + timedelta(minutes=SHELVED_MAX_MIN + 1):
        raise Refusal(422, "BAD_REQUEST", "until: a shelving ends within the next 8 hours")
    return until


def _note(request: Request, who: Principal, action: Action, refusal: Refusal) -> None:
    """What was not even tried; the rest is in the log by the database's own hand."""
    detail = {"code": refusal.code, "role": who.role.name} | asked_from(request)
    parts_of(request).audit.note(who.tenant_id, who.subject, AUDITED[action], "refused", **detail)
