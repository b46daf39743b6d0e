"""/metrics, /status, /healthz and /readyz of a worker, from a thread beside its loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec
from prometheus_client import CollectorRegistry, make_wsgi_app

from pumpjack_core.errors import PumpjackError
from pumpjack_worker.pipeline.status import Status

UNAVAILABLE = "503 Service Unavailable"
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class StatusServer:
    """Serves until stopped. Port 0 takes a free one; see port.

    status is called in the server's thread; when it raises TimeoutError, the worker is stuck.
    """

    def __init__(
        self, address: str, registry: CollectorRegistry, status: Callable[[], Status]
    ) -> None:
        self._status = status
        self._metrics = make_wsgi_app(registry)
        host, _, port = address.rpartition(":")
        try:
            self._server = make_server(
                host.strip("[]"), int(port), self._answer, _Server, handler_class=_Quiet
            )
        except (OSError, ValueError, OverflowError) as error:
            raise PumpjackError(
                f"cannot serve the worker's status on {address!r}: {error}; "
                "set PUMPJACK_STATUS_ADDRESS to a free host:port"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="status", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_port)

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)

    def _answer(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            return self._metrics(environ, start)  # type: ignore[no-any-return]
        if path in ("/healthz", "/status", "/readyz"):
            try:
                status = self._status()
            except TimeoutError:
                return _json(start, UNAVAILABLE, {"status": "the worker does not answer"})
            if path == "/healthz":
                return _json(start, "200 OK", {"status": "ok"})
            ready = path == "/status" or status.state not in ("stopped", "fenced")
            return _json(start, "200 OK" if ready else UNAVAILABLE, status)
        known = {"known": ["/metrics", "/status", "/healthz", "/readyz"]}
        return _json(start, "404 Not Found", known)


class _Server(WSGIServer):
    allow_reuse_address = True

    def server_bind(self) -> None:
        """Bind without asking DNS for this host's name, which may take long and serves nobody."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "worker", int(self.server_address[1])
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape is no event."""


def _json(start: StartResponse, status: str, value: Any) -> list[bytes]:
    body = msgspec.json.encode(value)
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
