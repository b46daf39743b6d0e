"""A client of the WebSocket that keeps positions as docs/wire.md says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.chaos.alarm_screen import AlarmView
from tests.chaos.ledger import now_us
from tests.gateway.screens import token

AGAIN_S = 0.3
OPEN_LIMIT_S = 5.0
Key = tuple[str, str]
"""Well and connection."""


@dataclass
class Feed:
    """What was seen of one connection of one well, in the order in which it came.

    seen     tag and value to the number of the event that brought it first, and its epoch
    losses   numbers of the events that told of a loss: gap, new snapshot, conflation
    silent   from the last readings before each of them up to it [µs since the epoch]
    open     the gap that is not healed, as (epoch, last)
    unsaid   messages that did not continue the position, and no gap was announced
    """

    events: int = 0
    epoch: str = ""
    seq: int = 0
    announced: int = 0
    seen: dict[tuple[str, float], tuple[int, str]] = field(default_factory=dict)
    losses: list[int] = field(default_factory=list)
    silent: list[tuple[int, int]] = field(default_factory=list)
    shown_us: int = 0
    open: tuple[str, int] | None = None
    unsaid: list[str] = field(default_factory=list)

    def lost(self) -> None:
        """Something is missing from here on, and the client knows."""
        self.events += 1
        self.losses.append(self.events)
        self.silent.append((self.shown_us, now_us()))

    def show(self, readings: Sequence[dict[str, Any]]) -> None:
        """Readings that came."""
        self.events += 1
        self.shown_us = now_us()
        for reading in readings:
            if reading["value"] is not None:
                self.seen.setdefault(
                    (reading["tagName"], reading["value"]), (self.events, self.epoch)
                )

    def follows(self, epoch: str, seq: int, prev: int) -> None:
        """A message came: does it continue, or was what lies between announced?"""
        known = self.seq if epoch == self.epoch else 0
        announced = self.announced if epoch == self.epoch else 0
        if prev > known and prev > announced:
            self.unsaid.append(
                f"{epoch}: {seq} follows {prev}, and {known} came before it; "
                f"announced was {announced}"
            )
        if epoch != self.epoch:
            self.epoch, self.seq, self.announced = epoch, 0, 0
        self.seq = max(self.seq, seq)

    def gap(self, epoch: str, last: int, *, healed: bool) -> None:
        """A gap was announced, or healed."""
        if healed:
            if self.open is not None and self.open == (epoch, last):
                self.open = None
            return
        self.lost()
        if epoch != self.epoch:
            self.epoch, self.seq, self.announced = epoch, 0, 0
        self.announced = max(self.announced, last)
        self.open = (epoch, last)

    def unexplained(
        self, tag: str, values: Iterable[float], together: Iterable[Collection[float]] = ()
    ) -> set[float]:
        """Values that never came, although no loss was told between their neighbours.

        values:   those that were sent in order; what a device kept and sent later has its own
        together: groups of them that two workers read at once; each of the two has an order of
                  its own, so a loss is told between neighbours that came from the same one
        """
        values = set(values)
        came = {
            value: place
            for (name, value), place in self.seen.items()
            if name == tag and value in values
        }
        every = {value: event for value, (event, _) in came.items()}
        found = self._untold(values - came.keys(), every, every)
        for group in together:
            doubtful = found & set(group)
            for epoch in {came[value][1] for value in group if value in came}:
                alone = {value: event for value, (event, its) in came.items() if its == epoch}
                told = doubtful - self._untold(doubtful, alone, every)
                found -= told
        return found

    def _untold(
        self, missed: Iterable[float], came: Mapping[float, int], every: Mapping[float, int]
    ) -> set[float]:
        """Those between whose neighbours no loss was told.

        came:  value to number of its event: the neighbours
        every: the same, to be taken before the first and after the last of came
        """
        known, all_known = sorted(came), sorted(every)
        found: set[float] = set()
        for value in missed:
            at, at_all = bisect_left(known, value), bisect_left(all_known, value)
            low = known[at - 1 : at] or all_known[max(at_all - 1, 0) : at_all]
            high = known[at : at + 1] or all_known[at_all : at_all + 1]
            ends = sorted(
                (every[low[0]] if low else 0, every[high[0]] if high else self.events + 1)
            )
            nearest = bisect_left(self.losses, ends[0])
            if nearest == len(self.losses) or self.losses[nearest] > ends[1]:
                found.add(value)
        return found


class Screen:
    """Looks at the wells of one tenant, and connects again whenever it is cut off."""

    def __init__(self, port: int, tenant_id: str, wells: Sequence[str]) -> None:
        self._url = f"ws://127.0.0.1:{port}/"
        self.tenant_id = tenant_id
        self._wells = list(wells)
        self._task: asyncio.Task[None] | None = None
        self.feeds: dict[Key, Feed] = {}
        self.subscribed: set[str] = set()
        self.strangers: list[str] = []
        """Messages of another tenant."""
        self.refusals: list[str] = []
        self.last_us: dict[Key, int] = {}
        self.sessions = 0
        self.alarms = AlarmView()
        self.shown = ""
        """What it showed when it was compared last, for people."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look(), name=f"screen of {self.tenant_id}")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    @property
    def trouble(self) -> str:
        """What keeps it from showing everything; empty when nothing does."""
        if self.subscribed != set(self._wells):
            return f"it looks at {sorted(self.subscribed)} of {self._wells}; {self.refusals[-3:]}"
        return "; ".join(
            f"a gap of {well_id} from {connection_id} is not healed: {feed.open}"
            for (well_id, connection_id), feed in self.feeds.items()
            if feed.open is not None
        )

    async def is_whole(self) -> bool:
        """Whether it looks at all its wells, and no gap is open."""
        return not self.trouble

    def feed(self, well_id: str, connection_id: str) -> Feed:
        """What came of a connection of a well."""
        return self.feeds.setdefault((well_id, connection_id), Feed())

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, WebSocketException, InvalidHandshake):
                async with connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._token()}"},
                    open_timeout=OPEN_LIMIT_S,
                    close_timeout=0.5,
                    ping_interval=2.0,
                    ping_timeout=4.0,
                    compression=None,
                ) as socket:
                    self.sessions += 1
                    await self._follow(socket)
            self.subscribed.clear()
            await asyncio.sleep(AGAIN_S)

    def _token(self) -> str:
        return token(self.tenant_id, lifetime_s=3600)

    async def _follow(self, socket: ClientConnection) -> None:
        self.alarms.begin()
        await socket.send(json.dumps({"type": "subscribe-well", "wellIds": self._wells}))
        await socket.send(json.dumps({"type": "subscribe-alarms"}))
        async for text in socket:
            message: dict[str, Any] = json.loads(text)
            if message.get("tenantId", self.tenant_id) != self.tenant_id:
                self.strangers.append(str(message)[:300])
            kind = message["type"]
            if kind == "error":
                self.refusals.append(f"{message['code']}: {message['message']}")
                if message["code"] in ("UNAVAILABLE", "FORBIDDEN_WELL"):
                    return  # connect anew, and ask again
            elif kind == "subscribed":
                self._snapshot(message)
            elif kind in ("readings", "conflated"):
                self._readings(message)
            elif kind.startswith("alarm"):
                self.alarms.take(message)
            elif kind == "gap":
                key = (message["wellId"], message["connectionId"])
                self.feed(*key).gap(message["epoch"], message["to"], healed=message["healed"])

    def _snapshot(self, message: dict[str, Any]) -> None:
        """Positions begin anew; what lies between is fetched from the store by who needs it."""
        well_id = message["wellId"]
        self.subscribed.add(well_id)
        for key, feed in self.feeds.items():
            if key[0] == well_id:
                feed.open = None
        for connection_id, position in message["positions"].items():
            feed = self.feed(well_id, connection_id)
            feed.lost()
            if feed.epoch != position["epoch"]:
                feed.epoch, feed.seq, feed.announced = position["epoch"], 0, 0
            feed.seq = max(feed.seq, position["seq"])

    def _readings(self, message: dict[str, Any]) -> None:
        key = (message["wellId"], message["connectionId"])
        feed = self.feed(*key)
        self.last_us[key] = now_us()
        if message["type"] == "conflated":
            feed.lost()
            feed.follows(message["epoch"], message["seq"], 0)
        else:
            feed.follows(message["epoch"], message["seq"], message["prev"])
        feed.show(message["readings"])
