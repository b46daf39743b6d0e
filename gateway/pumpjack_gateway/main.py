"""Puts the gateway together and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import uvicorn

from pumpjack_core import log
from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.errors import ManifestError, PumpjackError, StorageError
from pumpjack_gateway.alarms.couriers import Couriers
from pumpjack_gateway.alarms.feeds import AlarmFeeds
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.store import AlarmStore
from pumpjack_gateway.alarms.watch import Watch
from pumpjack_gateway.alarms.watch_store import WatchStore
from pumpjack_gateway.audit import Audit
from pumpjack_gateway.audit_heads import HeadsLog
from pumpjack_gateway.auth import Verifier
from pumpjack_gateway.commands.book import Book
from pumpjack_gateway.commands.desk import Desk
from pumpjack_gateway.commands.devices import Devices
from pumpjack_gateway.commands.feed import Feeds
from pumpjack_gateway.commands.wake import Wake
from pumpjack_gateway.connections.feed import ConnectionsFeed
from pumpjack_gateway.connections.known import KnownReports
from pumpjack_gateway.connections.reports import StoredReports
from pumpjack_gateway.cursors import Cursors
from pumpjack_gateway.limits import Buckets, Limiter
from pumpjack_gateway.live.clients import Clients
from pumpjack_gateway.live.hub import Hub
from pumpjack_gateway.live.outlet import Limits
from pumpjack_gateway.live.server import BACKLOG, Door, ServerLimits, listen
from pumpjack_gateway.live.service import Service
from pumpjack_gateway.live.tenant_feeds import TenantFeeds
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.origins import Origins
from pumpjack_gateway.overview.facts import StoredFacts
from pumpjack_gateway.overview.feed import OverviewFeed
from pumpjack_gateway.overview.known import KnownFacts
from pumpjack_gateway.pictures.shelf import read_shelf
from pumpjack_gateway.presence.house import Presences
from pumpjack_gateway.rest.app import make_app
from pumpjack_gateway.rest.requests import Parts
from pumpjack_gateway.rest.screens import Screens
from pumpjack_gateway.screen_files import BUILT_SCREENS, ScreenFiles
from pumpjack_gateway.settings import Settings, address, from_environment
from pumpjack_gateway.sign_ins import SignIns
from pumpjack_gateway.store import Store
from pumpjack_gateway.wells import Wells

STOP_LIMIT_S = 10.0
RELEASE_LIMIT_S = 2.0
_log = log.get_logger("gateway")


class CannotListen(PumpjackError):
    """An address cannot be listened on."""


class Gateway:
    """Everything of one gateway, with the order in which it starts and stops."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self.metrics = Metrics()
        self.verifier = Verifier(settings.issuers(), self._clock)
        self.store = Store(
            settings.database_url,
            pool_max=settings.database_pool_max,
            limit_s=settings.database_limit_s,
        )
        self.hub = Hub(settings.redis_url, self._clock, self.metrics)
        self.alarm_metrics = AlarmMetrics(self.metrics.registry, self.metrics.refused)
        self.alarm_store = AlarmStore(self.store)
        self.alarms = AlarmFeeds(self.hub, self.alarm_store, self._clock, self.alarm_metrics)
        self.watch = self._watch()
        self._couriers = Couriers(
            settings.webhook_list(),
            self.alarm_store,
            self.hub.channels,
            clock=self._clock,
            metrics=self.alarm_metrics,
        )
        self.watch.on_held = self._couriers.hold
        self.wells = Wells(self.store, self.hub.link, self._clock)
        self.audit = Audit(self.store, self.metrics)
        self._heads = HeadsLog(self.store)
        self._book = Book(self.store)
        self._devices = Devices(self.hub, self._clock)
        self.commands = Feeds(self._book, self.hub.channels, self._clock)
        self.facts = KnownFacts(
            StoredFacts(self.store), self._clock, fresh_s=settings.facts_fresh_s
        )
        self.overviews = TenantFeeds(
            "overview", lambda tenant_id: OverviewFeed(tenant_id, self.hub, self.facts, self._clock)
        )
        self.reports = KnownReports(StoredReports(self.store), self._clock)
        self.connections = TenantFeeds(
            "connections",
            lambda tenant_id: ConnectionsFeed(tenant_id, self.hub, self.reports, self._clock),
        )
        self.presences = Presences(self.hub, self._clock)
        self.rest_port = self.ws_port = 0
        """Where it listens, once it does."""
        self.app = make_app(self._rest_parts(), self._screens())
        self._door = Door(
            self._live_service(), origins=self._origins(), token_in_url=settings.token_in_url
        )

    async def run(self, started: asyncio.Event, stop: asyncio.Event) -> None:
        """Serve until stop is set. Raises CannotListen when an address is taken."""
        tls = _tls(self._settings)
        with (
            _listening(self._settings.rest_address) as rest,
            _listening(self._settings.ws_address) as live,
        ):
            self.rest_port, self.ws_port = rest.getsockname()[1], live.getsockname()[1]
            await self.store.open()
            try:
                async with asyncio.TaskGroup() as tasks:
                    background = [
                        tasks.create_task(self.hub.run(), name="hub"),
                        tasks.create_task(self.alarms.run(), name="alarms"),
                        tasks.create_task(self.watch.run(), name="watch"),
                        tasks.create_task(self._couriers.run(), name="webhooks"),
                        tasks.create_task(self.commands.run(), name="commands"),
                        tasks.create_task(self.overviews.run(), name="overviews"),
                        tasks.create_task(self.connections.run(), name="connections"),
                        tasks.create_task(self.presences.run(), name="presences"),
                        tasks.create_task(self.audit.run(), name="audit"),
                        tasks.create_task(self._heads.run(), name="audit heads"),
                    ]
                    await self._serve(rest, live, tls, started, stop)
                    for task in background:
                        task.cancel()
                async with _limit(RELEASE_LIMIT_S):
                    await self.watch.release()
                async with _limit(STOP_LIMIT_S):
                    await self.audit.flush()
                    await self._heads.write()
            finally:
                await self.store.close()

    async def _serve(
        self,
        rest: socket.socket,
        live: socket.socket,
        tls: ssl.SSLContext | None,
        started: asyncio.Event,
        stop: asyncio.Event,
    ) -> None:
        settings = self._settings
        http = _Http(
            uvicorn.Config(
                self.app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=3,
                backlog=BACKLOG,
                ssl_certfile=settings.tls_cert_file or None,
                ssl_keyfile=settings.tls_key_file or None,
            )
        )
        websockets = await listen(
            self._door,
            live,
            ServerLimits(
                message_max_bytes=settings.ws_message_max_bytes,
                write_marks=(settings.ws_write_high_bytes, settings.ws_write_low_bytes),
                ping_s=settings.ws_ping_s,
                ping_limit_s=settings.ws_ping_limit_s,
            ),
            tls,
        )
        serving = asyncio.create_task(http.serve(sockets=[rest]), name="rest")
        try:
            _log.info("serving", rest=settings.rest_address, websocket=settings.ws_address)
            started.set()
            await stop.wait()
        finally:
            _log.info("stopping")
            http.should_exit = True
            websockets.close(code=1001, reason="the gateway stops; connect again")
            async with _limit(STOP_LIMIT_S):
                await asyncio.gather(serving, websockets.wait_closed())

    async def down(self) -> list[str]:
        """What cannot be reached now, in words."""
        missing = []
        if not self.hub.is_up:
            missing.append("the live feed (Redis)")
        try:
            await self.store.ping()
        except StorageError:
            missing.append("the history (the database)")
        return missing

    def _screens(self) -> Screens | None:
        settings = self._settings
        if not settings.screens:
            return None
        folder = Path(settings.screens_dir) if settings.screens_dir else BUILT_SCREENS
        return Screens(ScreenFiles(folder), settings.site(), lambda: self.ws_port)

    def _origins(self) -> Origins:
        settings = self._settings
        return Origins(
            settings.origins,
            rest_host=address(settings.rest_address)[0],
            https=bool(settings.tls_cert_file),
            rest_port=lambda: self.rest_port,
        )

    def _watch(self) -> Watch:
        return Watch(
            WatchStore(self.store),
            self.alarm_store,
            self.hub.link,
            wake=self.alarms.wake,
            clock=self._clock,
            metrics=self.alarm_metrics,
        )

    def _buckets(self, rate_per_s: float, burst: float) -> Buckets:
        return Buckets(rate_per_s=rate_per_s, burst=burst, clock=self._clock)

    def _rest_parts(self) -> Parts:
        settings = self._settings
        limiter = Limiter(
            user=self._buckets(settings.rest_rate_user_per_s, settings.rest_rate_user_burst),
            tenant=self._buckets(settings.rest_rate_tenant_per_s, settings.rest_rate_tenant_burst),
        )
        return Parts(
            verifier=self.verifier,
            store=self.store,
            redis=self.hub.link,
            wells=self.wells,
            alarms=self.alarms,
            alarm_store=self.alarm_store,
            alarm_metrics=self.alarm_metrics,
            desk=self._desk(),
            commands=self._book,
            devices=self._devices,
            pictures=read_shelf(settings.templates_dir),
            facts=self.facts,
            connections=self.reports,
            limiter=limiter,
            audit=self.audit,
            sign_ins=SignIns(),
            metrics=self.metrics,
            cursors=Cursors(settings.cursor_secret),
            clock=self._clock,
            raw_kept=timedelta(days=settings.raw_kept_days),
            rows_max=settings.rest_rows_max,
            origins=settings.origins,
            https=bool(settings.tls_cert_file),
            ready=self.down,
        )

    def _desk(self) -> Desk:
        settings = self._settings
        return Desk(
            self._book,
            self.wells,
            self._devices,
            Wake(self.hub.link),
            self.commands,
            Limiter(
                user=self._buckets(
                    settings.command_rate_user_per_s, settings.command_rate_user_burst
                ),
                tenant=self._buckets(
                    settings.command_rate_tenant_per_s, settings.command_rate_tenant_burst
                ),
            ),
            self.audit,
            self.metrics,
            self._clock,
        )

    def _live_service(self) -> Service:
        settings = self._settings
        return Service(
            hub=self.hub,
            alarms=self.alarms,
            commands=self.commands,
            overviews=self.overviews,
            connections=self.connections,
            presences=self.presences,
            clients=Clients(
                most=settings.ws_clients_max,
                most_per_tenant=settings.ws_clients_per_tenant_max,
                metrics=self.metrics,
            ),
            verifier=self.verifier,
            wells=self.wells,
            store=self.store,
            limiter=Limiter(
                user=self._buckets(settings.ws_rate_user_per_s, settings.ws_rate_user_burst),
                tenant=self._buckets(settings.ws_rate_tenant_per_s, settings.ws_rate_tenant_burst),
            ),
            audit=self.audit,
            metrics=self.metrics,
            clock=self._clock,
            auth_limit_s=settings.ws_auth_limit_s,
            wells_max=settings.ws_wells_per_client_max,
            outlet=Limits(most_bytes=settings.ws_write_most_bytes, slow_s=settings.ws_slow_limit_s),
        )


class _Http(uvicorn.Server):
    """uvicorn without its own signal handlers: the gateway stops as a whole."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    """Run the gateway from the environment; the exit code."""
    try:
        settings = from_environment(os.environ)
        log.configure(level=settings.log_level)
        gateway = Gateway(settings)
        _raise_file_limit()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signal(gateway))
    except (ManifestError, CannotListen) as error:
        print(f"pumpjack gateway: {error}", file=sys.stderr)
        return 1
    return 0


async def _until_signal(gateway: Gateway) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await gateway.run(asyncio.Event(), stop)


@contextlib.contextmanager
def _listening(where: str) -> Iterator[socket.socket]:
    host, port = address(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {where}: {error.strerror or error}; stop what uses it, or give "
            "another address with PUMPJACK_REST_ADDRESS or PUMPJACK_WS_ADDRESS"
        ) from error
    with listener:
        yield listener


@contextlib.asynccontextmanager
async def _limit(seconds: float) -> AsyncIterator[None]:
    """Go on after this time, whatever is not done by then."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tls_cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    except (OSError, ssl.SSLError) as error:
        raise ManifestError(f"PUMPJACK_TLS_CERT_FILE or …_KEY_FILE: {error}") from error
    return context


def _raise_file_limit() -> None:
    """Each client is an open file; take as many as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """That of uvloop where it is installed: it takes a quarter less CPU a frame."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
