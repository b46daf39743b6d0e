"""The operators' screens: their files, a page for each of their addresses, what they are told.

Nothing here needs a token: the files hold no data, and what they show comes with the token of
whoever looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pumpjack_gateway.rest.negotiation import coding, is_known, wants_page
from pumpjack_gateway.rest.openapi import answer
from pumpjack_gateway.rest.requests import json_response
from pumpjack_gateway.screen_files import INDEX, ScreenFile, ScreenFiles
from pumpjack_gateway.site import ScreensConfig, Site, content_policy, web_socket_url
from pumpjack_gateway.version import VERSION

_NO_PAGES = ("api", "assets", "docs", "healthz", "metrics", "openapi.json", "readyz", "screens")
"""First steps of paths that are none of the screens', whatever is asked for."""
_METHODS = ("GET", "HEAD")


_EXAMPLE = {
    "version": VERSION,
    "webSocketUrl": "wss://wells.example.com/ws",
    "oidc": {
        "issuer": "https://id.example.com/",
        "clientId": "pumpjack-screens",
        "scopes": "openid profile email",
    },
    "tokenSignIn": False,
}


class Screens:
    """Serves them where no route of REST does."""

    def __init__(self, files: ScreenFiles, site: Site, ws_port: Callable[[], int]) -> None:
        self._files = files
        self._site = site
        self._ws_port = ws_port

    def install(self, app: FastAPI) -> None:
        """Make the application serve them."""
        app.include_router(self._router())
        nothing = app.router.default
        route = Route("/{screen:path}", self.answer)  # its path labels the metrics

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            found = self.answer(Request(scope)) if scope["type"] == "http" else None
            if found is None:
                await nothing(scope, receive, send)
                return
            scope["route"] = route
            await found(scope, receive, send)

        app.router.default = serve

    def answer(self, request: Request) -> Response | None:
        """A file or a page; None where there is neither. Raises HTTPException for a method."""
        path: str = request.scope["path"]
        file = self._files.find(path)
        page = path == "/" or (path != INDEX and file is None and _is_page(request))
        if file is None and not page:
            return None
        if request.method not in _METHODS:
            raise HTTPException(405, headers={"Allow": ", ".join(_METHODS)})
        if page:
            file = self._files.find(INDEX)
            if file is None:
                return HTMLResponse(_NOT_BUILT, 503)
        assert file is not None
        return self._response(request, file)

    def _response(self, request: Request, file: ScreenFile) -> Response:
        policy = content_policy(self._site, self._web_socket(request))
        used = coding(request.headers.get("accept-encoding", ""), file.bodies)
        # The policy is a part of it: a kept page must not keep that of another address.
        tag = hashlib.sha256(f"{file.digest} {used} {policy}".encode()).hexdigest()[:32]
        headers = {
            "ETag": f'"{tag}"',
            "Vary": "Accept-Encoding",
            "Cache-Control": (
                "public, max-age=31536000, immutable" if file.immutable else "no-cache"
            ),
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if used != "identity":
            headers["Content-Encoding"] = used
        body = file.bodies[used]
        headers["Content-Length"] = str(len(body))
        headers["Content-Type"] = file.media_type
        return Response(b"" if request.method == "HEAD" else body, headers=headers)

    def _web_socket(self, request: Request) -> str:
        return web_socket_url(self._site, request.headers.get("host", ""), self._ws_port())

    def _router(self) -> APIRouter:
        router = APIRouter(tags=["screens"])

        @router.get(
            "/screens/config.json",
            summary="What the screens must know before anybody has signed in",
            description="No token is needed.",
            responses={200: answer(ScreensConfig, "Where to sign in and to listen", _EXAMPLE)},
        )
        async def config(request: Request) -> Response:
            return json_response(
                ScreensConfig(
                    version=VERSION,
                    web_socket_url=self._web_socket(request),
                    oidc=self._site.oidc,
                    token_sign_in=self._site.token_sign_in,
                )
            )

        return router


def _is_page(request: Request) -> bool:
    """Whether a browser asks for one of the screens' addresses, /wells/pad7-3."""
    first = request.scope["path"].split("/", 2)[1]
    if first in _NO_PAGES or request.method not in _METHODS:
        return False
    return wants_page(request.headers.get("accept", ""))


_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Pumpjack: the screens are not built</title>
<style>
body { font: 18px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 1rem }
</style>
<h1>The screens are not built</h1>
<p>This gateway runs, but the files of its screens are not there. In a checkout of the source run
<code>make screens</code> and load this page again; wheels and images of a release have them.</p>
<p>Everything else works: <a href="/docs">the description of its requests</a>, and
<code>pumpjack watch</code> in a terminal.</p>
</html>"""
