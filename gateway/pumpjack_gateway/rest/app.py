"""The REST application: who asks, how often, and which routes there are."""

from __future__ import annotations

import time

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pumpjack_gateway.rest import (
    alarm_actions,
    alarms,
    connections,
    control,
    history,
    itself,
    live,
    me,
    openapi,
    overview,
    problems,
    sparks,
    templates,
    well,
)
from pumpjack_gateway.rest.problems import unexpected
from pumpjack_gateway.rest.requests import Parts
from pumpjack_gateway.rest.screens import Screens
from pumpjack_gateway.version import VERSION

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


def make_app(parts: Parts, screens: Screens | None = None) -> FastAPI:
    """The application; without screens it serves data only."""
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
    app.include_router(sparks.router)
    app.include_router(live.router)
    app.include_router(me.router)
    app.include_router(well.router)
    app.include_router(templates.router)
    app.include_router(overview.router)
    app.include_router(connections.router)
    app.include_router(alarms.router)
    app.include_router(alarm_actions.router)
    app.include_router(control.router)
    app.include_router(itself.router)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(openapi.page(app.openapi()))

    if screens is not None:
        screens.install(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(parts.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=600,
    )
    app.add_middleware(_Edge, parts=parts)
    return app


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
