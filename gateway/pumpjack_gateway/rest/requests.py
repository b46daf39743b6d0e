"""What every route needs: the gateway's parts, who asks, and an answer as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
from fastapi import FastAPI, Request
from msgspec import Struct
from starlette.responses import Response

from pumpjack_core.clock import Clock
from pumpjack_core.errors import AuthError
from pumpjack_gateway.alarms.feeds import AlarmFeeds
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.store import AlarmStore
from pumpjack_gateway.audit import Audit
from pumpjack_gateway.auth import Principal, Verifier
from pumpjack_gateway.commands.book import Book
from pumpjack_gateway.commands.desk import Desk
from pumpjack_gateway.commands.devices import Devices
from pumpjack_gateway.connections.known import KnownReports
from pumpjack_gateway.cursors import Cursors
from pumpjack_gateway.limits import Limiter
from pumpjack_gateway.live.link import Link
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.overview.known import KnownFacts
from pumpjack_gateway.pictures.shelf import Shelf
from pumpjack_gateway.rest.problems import Refusal, too_many
from pumpjack_gateway.sign_ins import SignIns, identity, origin
from pumpjack_gateway.store import Store
from pumpjack_gateway.wells import Wells


class Parts(Struct, frozen=True):
    """What the routes need.

    ready  what the gateway cannot reach now, in words
    """

    verifier: Verifier
    store: Store
    redis: Link
    wells: Wells
    alarms: AlarmFeeds
    alarm_store: AlarmStore
    alarm_metrics: AlarmMetrics
    desk: Desk
    commands: Book
    devices: Devices
    pictures: Shelf
    facts: KnownFacts
    connections: KnownReports
    limiter: Limiter
    audit: Audit
    sign_ins: SignIns
    metrics: Metrics
    cursors: Cursors
    clock: Clock
    raw_kept: timedelta
    rows_max: int
    origins: tuple[str, ...]
    https: bool
    ready: Callable[[], Awaitable[list[str]]]


def json_response(value: object, status: int = 200) -> Response:
    """A struct as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def parts_of(request: Request) -> Parts:
    """The parts of the application that a request is for."""
    parts: Parts = request.app.state.parts
    return parts


async def signed_in(request: Request) -> Principal:
    """Who asks. Raises AuthError, or the refusal of one who asks too often."""
    parts = parts_of(request)
    try:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AuthError(
                "send a token in the header Authorization: Bearer …", code="AUTH_REQUIRED"
            )
        who = await parts.verifier.verify(token.strip())
    except AuthError as error:
        parts.metrics.sign_ins_refused.labels(error.code).inc()
        raise
    wait_s = parts.limiter.wait_s(who)
    if wait_s > 0:
        parts.metrics.rate_limited.labels("rest").inc()
        raise too_many(wait_s)
    if parts.sign_ins.is_first(who):
        detail = {"via": "rest"} | identity(who) | asked_from(request)
        parts.audit.note(who.tenant_id, who.subject, "sign-in", "ok", **detail)
    _refuse_unknown_parameters(request)
    return who


def asked_from(request: Request) -> dict[str, object]:
    """From where a request came, for the audit log."""
    return origin(request.client.host if request.client is not None else None, request.headers)


def _refuse_unknown_parameters(request: Request) -> None:
    """A parameter that is misspelt must not be silently the default."""
    app: FastAPI = request.app
    path = request.scope["route"].path_format  # with its names: /control/{commandId}
    operation = app.openapi()["paths"][path][request.method.lower()]
    known = {
        parameter["name"]: parameter["schema"].get("type") == "array"
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }
    given = request.query_params.multi_items()
    for name, _ in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"is {near[0]} meant?" if near else f"there are {', '.join(known) or 'none'}"
            raise Refusal(422, "BAD_REQUEST", f"{name[:80]!r} is no parameter here; {meant}")
        if not known[name] and len(request.query_params.getlist(name)) > 1:
            raise Refusal(422, "BAD_REQUEST", f"{name} is there twice; give it once")
