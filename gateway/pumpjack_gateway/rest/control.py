"""/api/scada/control: commands to devices, and what became of them."""

from __future__ import annotations

import math
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from pumpjack_core.errors import StorageError
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.commands import desk
from pumpjack_gateway.commands.answers import (
    CommandAnswer,
    CommandsPage,
    CommandState,
    WritableTags,
)
from pumpjack_gateway.commands.bodies import ControlRequest, DecisionRequest
from pumpjack_gateway.commands.book import AnswerLost, Place, Wanted
from pumpjack_gateway.commands.refusals import Refused
from pumpjack_gateway.history import NAME_PATTERN
from pumpjack_gateway.rest import control_examples as examples
from pumpjack_gateway.rest.bodies import body_of, described_body
from pumpjack_gateway.rest.history import WellId, no_such_well
from pumpjack_gateway.rest.openapi import answer, common, problem
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import Parts, asked_from, json_response, parts_of, signed_in
from pumpjack_gateway.times import time_of

router = APIRouter(prefix="/api/scada/control", tags=["control"])
ROWS, ROWS_MAX = 50, 500
Who = Annotated[Principal, Depends(signed_in)]
CommandId = Annotated[UUID, Path(alias="commandId", description="the command")]

_UNKNOWN: dict[int | str, dict[str, Any]] = {
    503: problem(
        "STORE_UNAVAILABLE: without the database nothing is done. OUTCOME_UNKNOWN: its answer "
        "never came, so it may have been done; ask again with the same idempotencyKey, or look",
        retry=True,
    ),
}
_TOO_LONG: dict[int | str, dict[str, Any]] = {413: problem("The body is too long")}
_DECIDING: dict[int | str, dict[str, Any]] = {
    403: problem(
        "SECOND_PERSON: it takes another person than the one who asked. ROLE_TOO_LOW: it takes an "
        "operator"
    ),
    404: problem("NO_SUCH_COMMAND; one of another tenant does not exist either"),
    409: problem(
        "NOTHING_TO_DECIDE: it was decided, has expired, or needs no second person. "
        "DEVICE_OFFLINE: nothing is approved for a device that is away"
    ),
}
_ASKING: dict[int | str, dict[str, Any]] = {
    403: problem(
        "ROLE_TOO_LOW: it takes an operator. TAG_READ_ONLY: the tag cannot be written. WRITES_OFF: "
        "its connection allows no writes"
    ),
    404: problem("NO_SUCH_WELL or NO_SUCH_TAG; those of another tenant do not exist either"),
    409: problem(
        "DEVICE_OFFLINE: nothing is kept for a device that is away. COMMAND_RUNNING: another one "
        "runs on the tag. KEY_USED: the key was used for something else"
    ),
    422: problem("OUT_OF_LIMITS, or the body is not right; the sentence says where"),
}


@router.post(
    "",
    summary="Write to a device",
    status_code=202,
    response_class=Response,
    openapi_extra=described_body(ControlRequest, examples.ASKED),
    responses={
        202: answer(
            CommandAnswer, "A command was made; GET it, or subscribe-commands", examples.ANSWER
        ),
        200: answer(
            CommandAnswer, "This key has made it before; nothing is made again", examples.ANSWER
        ),
        **common(),
        **_ASKING,
        **_UNKNOWN,
        **_TOO_LONG,
    },
)
async def control(request: Request, who: Who) -> Response:
    """Ask for a value to be written to a tag.

    The answer does not wait for the device. The command goes from requested to verified, or to
    another end; its steps are pushed to whoever has subscribed to commands. It is sent within
    expiresS or not at all. The same key with the same content never writes twice.
    """
    parts, origin = parts_of(request), asked_from(request)
    try:
        parts.desk.admit(who, desk.REQUEST, origin)
        asked = await _body(parts, who, request, ControlRequest, desk.REQUEST)
        made = await parts.desk.request(who, asked, origin)
    except Refused as refused:
        raise _refusal(refused) from refused
    except AnswerLost as lost:
        raise _unknown(str(lost)) from lost
    return await _changed(parts, who, made.command_id, 200 if made.again else 202)


@router.post(
    "/{commandId}/decision",
    summary="Approve or reject a command as the second person",
    response_class=Response,
    openapi_extra=described_body(DecisionRequest, {"approve": True, "comment": "agreed by radio"}),
    responses={
        200: answer(CommandAnswer, "It is decided", examples.ANSWER),
        **common(),
        **_DECIDING,
        **_UNKNOWN,
        **_TOO_LONG,
    },
)
async def decide(request: Request, who: Who, command_id: CommandId) -> Response:
    """For tags with `approval: required`. Whoever asked for the command cannot decide on it."""
    parts, origin = parts_of(request), asked_from(request)
    try:
        parts.desk.admit(who, desk.DECIDE, origin)
        said = await _body(parts, who, request, DecisionRequest, desk.DECIDE)
        decided = await parts.desk.decide(who, command_id, said, origin)
    except Refused as refused:
        raise _refusal(refused) from refused
    except AnswerLost as lost:
        raise _unknown(str(lost)) from lost
    return await _changed(parts, who, decided.command_id, 200)


@router.get(
    "",
    summary="Commands, the newest first",
    response_class=Response,
    responses={200: answer(CommandsPage, "One page", examples.PAGE), **common(404)},
)
async def commands(
    request: Request,
    who: Who,
    *,
    well_id: Annotated[
        str | None,
        Query(alias="wellId", min_length=1, max_length=253, pattern=NAME_PATTERN),
    ] = None,
    tag_name: Annotated[
        str | None,
        Query(alias="tagName", min_length=1, max_length=253, pattern=NAME_PATTERN),
    ] = None,
    state: Annotated[
        list[CommandState],
        Query(max_length=11, description="may be repeated; default: all"),
    ] = [],  # noqa: B006 - FastAPI copies it
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="most commands")] = ROWS,
    cursor: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=512,
            description="nextCursor of the page before; the other parameters as they were",
        ),
    ] = None,
) -> Response:
    """What was asked for, by whom, why, and what became of it."""
    parts = parts_of(request)
    wanted = Wanted(well_id, tag_name, tuple(dict.fromkeys(state)))
    question = ("control", who.tenant_id, well_id, tag_name, wanted.states)
    after = _place(parts, cursor, question)
    await parts.commands.expire(who.tenant_id)
    as_of = time_of(parts.clock.now_us())
    rows = await parts.commands.page(who.tenant_id, wanted, after, limit)
    following = None
    if len(rows) > limit:
        last = Place(rows[limit - 1].requested_at, rows[limit - 1].command_id)
        following = parts.cursors.seal(msgspec.msgpack.encode(last), question)
    return json_response(CommandsPage(as_of, rows[:limit], following))


@router.get(
    "/tags",
    summary="What may be written at a well, and what cannot be now",
    response_class=Response,
    responses={200: answer(WritableTags, "The tags", examples.TAGS), **common()},
)
async def tags(request: Request, who: Who, well_id: WellId) -> Response:
    """Limits, states and who has to approve; `off` says why nothing can be written now."""
    parts = parts_of(request)
    if not await parts.wells.exists(who.tenant_id, well_id):
        raise no_such_well(well_id)
    await parts.commands.expire(who.tenant_id)
    as_of = time_of(parts.clock.now_us())
    found = await parts.commands.writable(who.tenant_id, well_id)
    offline = {
        name: await parts.devices.why_offline(who.tenant_id, name)
        for name in {tag.connection_id for tag in found}
    }
    shown = [
        msgspec.structs.replace(tag, off=tag.off or offline[tag.connection_id]) for tag in found
    ]
    return json_response(WritableTags(as_of, well_id, shown))


@router.get(
    "/{commandId}",
    summary="One command with its steps",
    response_class=Response,
    responses={
        200: answer(CommandAnswer, "The command", examples.ANSWER),
        **common(),
        404: problem("No such command; one of another tenant does not exist either"),
    },
)
async def command(request: Request, who: Who, command_id: CommandId) -> Response:
    """Each step with its time, who did it, and a sentence."""
    parts = parts_of(request)
    await parts.commands.expire(who.tenant_id)
    return await _one(parts, who, command_id, 200)


async def _one(parts: Parts, who: Principal, command_id: UUID, status: int) -> Response:
    as_of = time_of(parts.clock.now_us())
    found = await parts.commands.one(who.tenant_id, command_id)
    if found is None:
        raise Refusal(
            404,
            "NO_SUCH_COMMAND",
            f"there is no command {command_id}; /api/scada/control lists yours",
        )
    return json_response(CommandAnswer(as_of, *found), status)


async def _changed(parts: Parts, who: Principal, command_id: UUID, status: int) -> Response:
    """The command that was made or decided; where it cannot be read now, that it was."""
    try:
        return await _one(parts, who, command_id, status)
    except StorageError as error:
        raise _unknown(
            f"the database took it, and cannot be read now: the command is {command_id}, and its "
            "device may move; GET it in a moment"
        ) from error


def _unknown(sentence: str) -> Refusal:
    return Refusal(503, "OUTCOME_UNKNOWN", sentence, {"Retry-After": "2"})


async def _body(
    parts: Parts,
    who: Principal,
    request: Request,
    kind: type[ControlRequest] | type[DecisionRequest],
    action: str,
) -> Any:
    """The body; one that is not right is in the audit log, too."""
    try:
        return await body_of(request, kind)
    except Refusal as refusal:
        refused = Refused("BAD_REQUEST", str(refusal))
        parts.desk.note(who, action, refused, asked_from(request))
        raise


def _place(parts: Parts, cursor: str | None, question: tuple[object, ...]) -> Place | None:
    if cursor is None:
        return None
    try:
        return msgspec.msgpack.decode(parts.cursors.unseal(cursor, question), type=Place)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refusal(422, "BAD_REQUEST", str(error)) from error


def _refusal(refused: Refused) -> Refusal:
    headers = (
        {"Retry-After": str(max(1, math.ceil(refused.retry_s)))}
        if refused.retry_s is not None
        else None
    )
    return Refusal(refused.status, refused.code, str(refused), headers)
