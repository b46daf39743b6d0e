"""The WebSocket server: the handshake's checks, and a session for each connection."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from pumpjack_core.errors import AuthError
from pumpjack_gateway.answers import Problem
from pumpjack_gateway.live.connection import FeedConnection
from pumpjack_gateway.live.service import Service
from pumpjack_gateway.live.session import Session
from pumpjack_gateway.origins import Origins

PATHS = ("/", "/ws")
OPEN_LIMIT_S = 10.0
BACKLOG = 4096
MESSAGES_WAITING = 4
"""Messages of one client that wait for their turn; beyond it we stop reading from its socket."""


class ServerLimits(Struct, frozen=True):
    """Settings of the library, for tens of thousands of quiet clients.

    write_marks  high and low, in bytes: when a client counts as slow, and no longer
    """

    message_max_bytes: int
    write_marks: tuple[int, int]
    ping_s: float
    ping_limit_s: float


class Door:
    """Who is let in: origin, path and, if it comes with the request, the token."""

    def __init__(self, service: Service, *, origins: Origins, token_in_url: bool) -> None:
        self._service = service
        self._origins = origins
        self._token_in_url = token_in_url

    async def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """None lets the handshake go on; else it is refused with a problem document."""
        assert isinstance(connection, FeedConnection)
        url = urlsplit(request.path)
        if url.path == "/healthz":
            return _answer(200, b'{"ok":true}', "application/json")
        if url.path not in PATHS:
            return _problem(404, "NOT_FOUND", "the WebSocket is at / (and at /ws)")
        origins = request.headers.get_all("Origin")
        host = request.headers.get("Host", "")
        if not all(self._origins.allows(origin, host) for origin in origins):
            return _problem(
                403,
                "FORBIDDEN_ORIGIN",
                "pages of this origin may not use the gateway; have it added to PUMPJACK_ORIGINS",
            )
        if not self._service.clients.has_room():
            return _problem(503, "TOO_MANY_CLIENTS", "this gateway is full; try again later")
        try:
            token = self._token(request.headers, url.query)
            if token is not None:
                connection.principal = await self._service.verifier.verify(token)
        except AuthError as error:
            self._service.metrics.sign_ins_refused.labels(error.code).inc()
            return _problem(401, error.code, str(error))
        return None

    async def serve(self, connection: ServerConnection) -> None:
        """Serve one client from its handshake to its end."""
        assert isinstance(connection, FeedConnection)
        clients = self._service.clients
        clients.connected += 1
        try:
            await Session(connection, self._service).run(connection.principal)
        finally:
            clients.connected -= 1
            code = connection.close_code_seen
            self._service.metrics.closed.labels(str(code)).inc()

    def _token(self, headers: Headers, query: str) -> str | None:
        given = headers.get_all("Authorization")
        if given:
            scheme, _, token = given[0].partition(" ")
            if scheme.lower() != "bearer" or len(given) > 1:
                raise AuthError("send the token as Authorization: Bearer …")
            return token.strip()
        in_url = parse_qs(query).get("token")
        if in_url is None:
            return None
        if not self._token_in_url:
            raise AuthError(
                "a token in the URL is not accepted here, it would be in every log on the way; "
                'send it in the header, or as first message {"type":"auth","token":…}'
            )
        return in_url[0]


async def listen(
    door: Door, listener: socket.socket, limits: ServerLimits, tls: ssl.SSLContext | None
) -> Server:
    """Serve on a socket that listens already."""
    return await serve(
        door.serve,
        sock=listener,
        backlog=BACKLOG,
        ssl=tls,
        process_request=door.check,
        create_connection=FeedConnection,
        compression=None,  # a deflate context for each client costs more memory than all the rest
        server_header=None,
        open_timeout=OPEN_LIMIT_S,
        ping_interval=limits.ping_s,
        ping_timeout=limits.ping_limit_s,
        close_timeout=2.0,
        max_size=limits.message_max_bytes,
        max_queue=MESSAGES_WAITING,
        write_limit=limits.write_marks,
    )


def _problem(status: int, code: str, detail: str) -> Response:
    problem = Problem(
        type=f"https://pumpjack.dev/problems/{code.lower().replace('_', '-')}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
    )
    return _answer(status, msgspec.json.encode(problem), "application/problem+json")


def _answer(status: int, body: bytes, media_type: str) -> Response:
    headers = Headers(
        {
            "Content-Type": media_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "Cache-Control": "no-store",
        }
    )
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    if status == 503:
        headers["Retry-After"] = "5"
    return Response(status, _PHRASES[status], headers, body)


_PHRASES = {
    200: "OK",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    503: "Service Unavailable",
}
