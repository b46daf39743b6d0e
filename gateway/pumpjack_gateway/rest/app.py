"""The REST application: who asks, how often, and which routes there are."""

from __future__ import annotations

import difflib
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from msgspec import Struct
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pumpjack_core.clock import Clock
from pumpjack_core.errors import AuthError
from pumpjack_gateway.audit import Audit
from pumpjack_gateway.auth import Principal, Verifier
from pumpjack_gateway.cursors import Cursors
from pumpjack_gateway.limits import Limiter
from pumpjack_gateway.live.link import Link
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.rest import openapi, problems
from pumpjack_gateway.rest.problems import Refusal, too_many, unexpected
from pumpjack_gateway.store import Store
from pumpjack_gateway.wells import Wells

VERSION = "0.1.0"
DESCRIPTION = (
    "Readings of oil and gas wells: history, aggregates and the latest values of the token's "
    "tenant. Send a token as `Authorization: Bearer …`. Times are ISO 8601 with their offset. "
    "Every refusal is a problem document (RFC 9457) whose detail says the way out. The live feed "
    "is on the WebSocket."
)
_SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}


class Parts(Struct, frozen=True):
    """What the routes need.

    ready  what the gateway cannot reach now, in words
    """

    verifier: Verifier
    store: Store
    redis: Link
    wells: Wells
    limiter: Limiter
    audit: Audit
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


def make_app(parts: Parts) -> FastAPI:
    """The application."""
    from pumpjack_gateway.rest import history, itself, live

    app = FastAPI(
        title="Pumpjack gateway",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    problems.install(app)
    openapi.install(app)
    app.include_router(history.router)
    app.include_router(live.router)
    app.include_router(itself.router)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(openapi.page(app.openapi()))

    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(parts.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=600,
    )
    app.add_middleware(_Edge, parts=parts)
    return app


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
    _refuse_unknown_parameters(request)
    return who


def _refuse_unknown_parameters(request: Request) -> None:
    """A parameter that is misspelt must not be silently the default."""
    app: FastAPI = request.app
    operation = app.openapi()["paths"][request.url.path][request.method.lower()]
    known = {
        parameter["name"]: parameter["schema"].get("type") == "array"
        for parameter in operation.get("parameters", ())
    }
    given = request.query_params.multi_items()
    for name, _ in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"is {near[0]} meant?" if near else f"there are {', '.join(known) or 'none'}"
            raise Refusal(422, "BAD_REQUEST", f"{name[:80]!r} is no parameter here; {meant}")
        if not known[name] and len(request.query_params.getlist(name)) > 1:
            raise Refusal(422, "BAD_REQUEST", f"{name} is there twice; give it once")


class _Edge:
    """Around everything: an answer to each request, its security headers, and its time."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._metrics = parts.metrics
        self._headers = dict(_SECURITY_HEADERS)
        if parts.https:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if status != 0:
                raise  # the answer is on its way already, and cannot be taken back
            await unexpected(scope["path"], error)(scope, receive, send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            took_s = time.perf_counter() - began
            self._metrics.requests.labels(route, str(status)).observe(took_s)
