"""OPC UA: a subscription to the nodes of one server. OPC 10000-4; see README.md."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import ClassVar

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.errors import DeviceError, ManifestError, NotConnected
from pumpjack_core.networks import parse_networks
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import (
    NOWHERE,
    Adapter,
    Delivery,
    Permit,
    Surroundings,
    permitted,
)
from pumpjack_worker.adapters.opcua.failures import SESSION_GONE, ServiceFault, refusal
from pumpjack_worker.adapters.opcua.feed import Feed
from pumpjack_worker.adapters.opcua.readings import Readings
from pumpjack_worker.adapters.opcua.session import Session
from pumpjack_worker.adapters.opcua.settings import settings_of
from pumpjack_worker.adapters.opcua.subscription import still_there
from pumpjack_worker.adapters.opcua.writer import Writer

LONGEST_WAIT_S = 60.0
MISSED_KEEP_ALIVES = 3
SHORTEST_CHORE_S = 0.05
ASK_AT = 0.5
"""Part of a session's life after which something is asked: waiting for news does not keep it."""
SHORTEST_REST_S = 0.2


class OpcuaAdapter(Adapter):
    """One OPC UA server."""

    protocol: ClassVar[str] = "opcua"
    has_source_time: ClassVar[bool] = True
    sends_again: ClassVar[bool] = True
    writes: ClassVar[bool] = True

    def __init__(
        self,
        connection: Connection,
        tags: TagTable,
        clock: Clock,
        surroundings: Surroundings = NOWHERE,
    ) -> None:
        spec = connection.spec.opcua
        if spec is None:
            raise ManifestError(f"{connection.connection_id}: spec.opcua is missing")
        self._clock = clock
        self._settings = settings_of(
            spec,
            parse_networks(connection.allowed_networks),
            connection.connection_id,
            connection.tenant_id,
        )
        self._wake = asyncio.Event()
        self._work = asyncio.Event()
        self._surroundings = surroundings
        self._session = Session(self._settings, surroundings, on_lost=self._rouse)
        self._readings = Readings(tags, clock, connection.spec.clock.source, surroundings.memos)
        self._feed = Feed(self._settings, self._readings, clock, self._rouse)
        self._writer = Writer(self._settings.peer, lambda: self._feed.namespaces)
        self._keeper: asyncio.Task[None] | None = None
        self._ending: DeviceError | None = None

    @property
    def rejected(self) -> Mapping[int, str]:
        """Tags whose address is wrong, that the server refuses, or that are no numbers now."""
        return self._readings.rejected

    @property
    def problems(self) -> tuple[str, ...]:
        """What the session and the readings have to tell."""
        return (*self._session.problems, *self._feed.problems, *self._readings.problems)

    @property
    def brings_back(self) -> bool:
        """From the server's queues and histories; what is in neither is marked here."""
        return True

    async def connect(self) -> None:
        """Open the session, or take up the old one, and subscribe."""
        await self._stop_keeping()
        self._ending = None
        resumed = await self._session.open()
        self._surroundings.on_step("subscribe")
        try:
            await self._feed.begin(self._session.channel, resumed=resumed)
        except ServiceFault as fault:
            error = self._fault(fault)
            self._session.drop(error)
            raise error from fault
        except NotConnected as error:
            self._session.drop(error)
            raise
        self._keeper = asyncio.create_task(self._keep(), name="opcua-keeper")
        self._keeper.add_done_callback(lambda _: self._wake.set())

    async def read_batch(self) -> Delivery:
        """Wait for the next notifications."""
        while True:
            self._wake.clear()
            delivery = self._readings.take(self._feed.publishing)
            if delivery is not None:
                if self._feed.has_work:
                    self._work.set()
                return delivery
            if self._feed.has_work:
                self._work.set()
            self._check()
            await self._wait()

    def apply_tags(self, tags: TagTable) -> None:
        """Read these tags from now on; those that stay keep their items."""
        self._readings.set_tags(tags)
        self._rouse()
        self._work.set()

    def redeliver(self) -> None:
        """Deliver again what was not acknowledged."""
        self._readings.redeliver()
        self._rouse()

    async def write(self, tag: Tag, value: float, permit: Permit = permitted) -> None:
        """Write a node's value."""
        await self._writer.write(self._session.channel, tag, value, permit)

    async def read_back(self, tag: Tag) -> float | None:
        """Read a node's value, beside the subscription."""
        return await self._writer.read_back(self._session.channel, tag)

    async def close(self) -> None:
        """End the session and whatever waits for it."""
        self._ending = NotConnected(
            f"{self._settings.peer}: the session was closed", reason="Closed"
        )
        self._rouse()
        await self._stop_keeping()
        await self._session.close()

    # Waiting

    def _check(self) -> None:
        """Raise why nothing more will come."""
        keeper = self._keeper
        if keeper is not None and keeper.done() and not keeper.cancelled():
            keeper.result()  # raises what nobody foresaw
        if self._ending is not None:
            self._readings.outage()
            raise self._ending
        lost = self._session.lost
        if lost is not None:
            self._readings.outage()
            raise lost
        if self._silent_s() >= self._patience_s:
            error = NotConnected(
                f"{self._settings.peer} has said nothing for {self._silent_s():.1f} s, three "
                "keep-alives; check that the device is on, and the way to it",
                reason="Timeout",
            )
            self._session.drop(error)
            self._readings.outage()
            raise error

    async def _wait(self) -> None:
        """Until something came, or until the server has been silent for too long."""
        pause_s = min(max(self._patience_s - self._silent_s(), 0.0) + 0.001, LONGEST_WAIT_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()

    @property
    def _patience_s(self) -> float:
        return MISSED_KEEP_ALIVES * self._feed.keep_alive_s

    def _silent_s(self) -> float:
        publishing = self._feed.publishing
        if publishing is None or not publishing.listens:
            return 0.0
        return self._clock.monotonic() - publishing.heard_at

    def _rouse(self) -> None:
        self._wake.set()
        if self._feed_has_work():
            self._work.set()

    def _feed_has_work(self) -> bool:
        feed: Feed | None = getattr(self, "_feed", None)  # none while it is being made
        return feed is not None and feed.has_work

    # The chores of a session: what must be asked beside the notifications

    async def _keep(self) -> None:
        channel = self._session.channel
        renew_at = self._clock.monotonic() + channel.renew_after_s
        try:
            while True:
                self._work.clear()
                if self._clock.monotonic() >= renew_at:
                    await channel.renew()
                    renew_at = self._clock.monotonic() + channel.renew_after_s
                await self._feed.work(channel)
                quiet_s = asyncio.get_running_loop().time() - channel.asked_at
                rest_s = max(self._session.lives_s * ASK_AT, SHORTEST_REST_S) - quiet_s
                if rest_s <= 0:
                    await still_there(channel)
                    rest_s = self._session.lives_s * ASK_AT
                self._wake.set()
                now = self._clock.monotonic()
                until = min(renew_at, self._feed.next_work(), now + min(rest_s, LONGEST_WAIT_S))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(until - now, SHORTEST_CHORE_S)):
                        await self._work.wait()
        except ServiceFault as fault:
            self._ending = self._fault(fault)
            self._session.drop(NotConnected(str(self._ending), reason=self._ending.reason))
            self._wake.set()
        except NotConnected as error:
            self._ending = self._ending or error
            self._wake.set()

    async def _stop_keeping(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait((keeper,))

    def _fault(self, fault: ServiceFault) -> NotConnected:
        if fault.status in SESSION_GONE:
            self._session.forget()
            return NotConnected(
                f"{self._settings.peer} has forgotten the session ({fault}); another is opened",
                reason="SessionLost",
            )
        return refusal(self._settings.peer, fault)
