"""The way to one controller: sessions one after another, reads in blocks, writes once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from pumpjack_core.errors import NotConnected, Unanswered, WriteRefused
from pumpjack_worker.adapters.contract import Permit
from pumpjack_worker.adapters.polled.line import Answer, Got, Line, Refused, UnitTrouble
from pumpjack_worker.adapters.s7.address import S7Address
from pumpjack_worker.adapters.s7.frames import Garbled, Refusal, parts_of, verdict_of, why_of
from pumpjack_worker.adapters.s7.link import Link, Settings, open_link
from pumpjack_worker.adapters.s7.plan import Block, blocks_of, requests_of
from pumpjack_worker.adapters.s7.values import value_of

DONE = 0xFF


class S7Line(Line[S7Address]):
    """One controller."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.peer = settings.peer
        self.timeout_s = settings.timeout_s
        self._settings = settings
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._closed = False
        self._turn = asyncio.Lock()
        """Held for one request, or for opening: who reads and who writes take turns."""
        self._apart: set[S7Address] = set()
        """Places of blocks that were refused in this session: each is asked for alone."""
        self._asking: set[asyncio.Task[list[Block]]] = set()

    @property
    def is_open(self) -> bool:
        """Whether there is a session, as far as one can know without asking."""
        return self._link is not None and self._link.lost is None

    async def open(self) -> None:
        """As Line.open()."""
        async with self._turn:
            await self._open()

    async def _open(self) -> None:
        self.drop()
        if self._closed:
            raise self._was_closed()
        self._opening = asyncio.create_task(open_link(self._settings, self.on_lost))
        opening = self._opening
        try:
            self._link = await opening
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                opening.add_done_callback(_close_late)
                raise  # whoever waits for us was cancelled, not the link
            raise self._was_closed() from None
        finally:
            self._opening = None
        self._apart.clear()
        if self._closed:
            self.drop()
            raise self._was_closed()

    async def read(self, places: Sequence[S7Address], *, timeout_s: float) -> Sequence[Answer]:
        """As Line.read(). A block that is refused is asked for once more, place by place."""
        found: dict[S7Address, Answer] = {}
        link = self._open_link()
        for request in requests_of(blocks_of(places, link.pdu, self._apart), link.pdu):
            refused = await self._whole(self._read(request, timeout_s, found))
            if refused:
                self._apart.update(place for block in refused for place in block.places)
                alone = blocks_of(self._places(refused), link.pdu, self._apart)
                for again in requests_of(alone, link.pdu):
                    await self._whole(self._read(again, timeout_s, found))
        return [found[place] for place in places]

    async def _read(
        self, blocks: Sequence[Block], timeout_s: float, found: dict[S7Address, Answer]
    ) -> list[Block]:
        """One request. Returns blocks of several places that were refused."""
        async with self._turn:
            link = self._open_link()
            number, packet = link.codec.read(blocks)
            try:
                response = await link.ask(number, packet, timeout_s)
                parts = parts_of(response, blocks)
            except Refusal as error:  # of all that was asked: nothing is known of a single place
                raise UnitTrouble(str(error), silent=False) from error
            except Garbled as error:
                raise link.not_understood(error) from error
            came_us = self.clock.now_us()
        refused = []
        for block, part in zip(blocks, parts, strict=True):
            if isinstance(part, Refused) and len(block.places) > 1:
                refused.append(block)
                continue
            for place in block.places:
                if isinstance(part, Refused):
                    found[place] = part
                else:
                    at = place.start - block.start
                    found[place] = Got(value_of(place, part[at : at + place.size]), us=came_us)
        return refused

    async def write(self, place: S7Address, value: float, permit: Permit) -> None:
        """As Line.write()."""
        async with self._turn:
            if not self.is_open:
                await self._open()
            link = self._open_link()
            number, packet = link.codec.write(place, value)
            permit()
            try:
                code = verdict_of(await link.ask(number, packet, self.timeout_s))
            except Refusal as error:
                raise WriteRefused(f"{self.peer} refuses the write: {error}") from error
            except Garbled as error:
                raise Unanswered(str(link.not_understood(error))) from error
            except asyncio.CancelledError:
                link.close()  # its answer must not be under way when the next is asked
                raise
            except NotConnected as error:
                raise Unanswered(
                    f"the session ended before the controller answered to a write: {error}"
                ) from error
        if code != DONE:
            raise WriteRefused(f"{self.peer} refuses the write: {why_of(code)}")

    def drop(self) -> None:
        """As Line.drop()."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def close(self) -> None:
        """As Line.close()."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        self.drop()

    async def _whole(self, reading: Coroutine[None, None, list[Block]]) -> list[Block]:
        """Wait for one request; being cancelled, let it end, so that two are never under way."""
        task = asyncio.ensure_future(reading)
        self._asking.add(task)
        task.add_done_callback(self._asked)
        return await asyncio.shield(task)

    def _asked(self, task: asyncio.Task[list[Block]]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waited, if anybody still did

    def _open_link(self) -> Link:
        if self._link is None:
            raise self._was_closed()
        if self._link.lost is not None:
            raise self._link.lost
        return self._link

    def _was_closed(self) -> NotConnected:
        return NotConnected(f"{self.peer}: there is no session; call connect()", reason="Closed")

    @staticmethod
    def _places(blocks: Sequence[Block]) -> list[S7Address]:
        return [place for block in blocks for place in block.places]


def _close_late(opening: asyncio.Task[Link]) -> None:
    """A link that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
