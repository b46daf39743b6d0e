"""The way to one device: opens links, asks with retries, and ends at once when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from pumpjack_core.errors import NotConnected, Unanswered
from pumpjack_core.networks import Network, endpoint
from pumpjack_worker.adapters.contract import OnStep, Permit, no_steps
from pumpjack_worker.adapters.modbus_tcp.frames import (
    BUSY,
    GATEWAY,
    Request,
    exception_text,
    payload_of,
    verdict_of,
)
from pumpjack_worker.adapters.modbus_tcp.link import Link, Silence, open_link
from pumpjack_worker.adapters.polled.line import UnitTrouble

SHORTEST_CONNECT_S = 1.0
"""Least time for a name and a connection, also where requests are given less."""
BUSY_PAUSE_S = 0.1


class Settings(Struct, frozen=True):
    """Where the device is and how patient we are with it."""

    host: str
    port: int
    networks: tuple[Network, ...]
    timeout_s: float
    retries: int
    on_step: OnStep = no_steps

    @property
    def peer(self) -> str:
        """Host and port for messages."""
        return endpoint(self.host, self.port)


class Session:
    """Asks one device. After close() everything raises NotConnected."""

    def __init__(
        self, settings: Settings, *, on_late: Callable[[int], None], on_lost: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._on_late = on_late
        self._on_lost = on_lost
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._closed = False
        self._line = asyncio.Lock()
        """Held for one request, or for opening: who reads and who writes take turns."""

    @property
    def is_open(self) -> bool:
        """Whether the link is there, as far as one can know without asking."""
        return self._link is not None and self._link.lost is None

    async def open(self) -> None:
        """Open a new link in place of the old one. Raises NotConnected or HostNotAllowed."""
        async with self._line:
            await self._open()

    async def _open(self) -> None:
        self.drop()
        if self._closed:
            raise self._was_closed()
        settings = self._settings
        self._opening = asyncio.create_task(
            open_link(
                settings.host,
                settings.port,
                settings.networks,
                timeout_s=max(settings.timeout_s, SHORTEST_CONNECT_S),
                on_late=self._on_late,
                on_lost=self._on_lost,
                on_step=settings.on_step,
            )
        )
        try:
            self._link = await self._opening
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # whoever waits for us was cancelled, not the link
            raise self._was_closed() from None
        finally:
            self._opening = None

    async def ask(
        self, request: Request, *, attempts: int = 1, timeout_s: float | None = None
    ) -> bytes | int:
        """Payload of the answer, or the exception code by which the device refused the request.

        Raises UnitTrouble when no attempt gave either, NotConnected when the link is lost.
        """
        patience_s = self._settings.timeout_s if timeout_s is None else timeout_s
        trouble = UnitTrouble("it was not asked", silent=False)
        for _ in range(attempts):
            try:
                async with self._line:
                    if self._link is None:
                        raise self._was_closed()
                    answer = payload_of(request, await self._link.ask(request, patience_s))
            except Silence:
                trouble = UnitTrouble(f"no answer within {patience_s:g} s", silent=True)
                continue
            if answer in BUSY:
                trouble = UnitTrouble(exception_text(int(answer)), silent=False)
                await asyncio.sleep(min(BUSY_PAUSE_S, patience_s))
            elif answer in GATEWAY:
                trouble = UnitTrouble(exception_text(int(answer)), silent=True)
            else:
                return answer
        raise trouble

    async def tell(self, request: Request, permit: Permit) -> int:
        """Have the device write, once: DONE, or the exception code by which it refused.

        Opens a link that the device closed between two requests. Raises NotConnected, or what
        permit raises, when nothing was sent, Unanswered when it was and no answer came.
        """
        async with self._line:
            if not self.is_open:
                await self._open()
            link = self._link
            if link is None or link.lost is not None:
                raise self._was_closed()
            patience_s = self._settings.timeout_s
            permit()
            try:
                return verdict_of(request, await link.ask(request, patience_s))
            except Silence:
                raise Unanswered(
                    f"unit {request.unit} at {self._settings.peer} did not answer to a write "
                    f"within {patience_s:g} s"
                ) from None
            except NotConnected as error:
                raise Unanswered(
                    f"the session ended before unit {request.unit} answered to a write: {error}"
                ) from error

    def drop(self) -> None:
        """End the link; open() makes another."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def close(self) -> None:
        """End the link and whatever waits for one, for good."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        self.drop()

    def _was_closed(self) -> NotConnected:
        return NotConnected(
            f"{self._settings.peer}: there is no session; call connect()", reason="Closed"
        )
