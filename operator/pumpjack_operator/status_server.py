"""/metrics, /healthz and /readyz of the operator.

/healthz answers as long as the loop runs: what is out of the operator's reach, such as an API
server that is away, a restart would not mend. /readyz says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from pumpjack_core.errors import SetupError


class StatusServer:
    """Serves from the loop that works, so that a loop that is stuck answers nothing."""

    def __init__(
        self, address: str, registry: CollectorRegistry, problem: Callable[[], str | None]
    ) -> None:
        """problem: why this replica is not ready, a sentence; None when it is."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise SetupError(f"PUMPJACK_STATUS_ADDRESS is {address!r}; write host:port")
        self._place = (host.strip("[]"), int(port))
        self._registry = registry
        self._problem = problem
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> StatusServer:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, *self._place).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SetupError(
                f"cannot listen on {self._place[0]}:{self._place[1]}: {error.strerror}; "
                "set PUMPJACK_STATUS_ADDRESS"
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        problem = self._problem()
        if problem is None:
            return web.Response(text="ok\n")
        return web.Response(text=f"{problem}\n", status=503)
