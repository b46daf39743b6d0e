# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""The monitored items of a subscription: made in portions that the server takes, each by itself.

OPC 10000-4, section 5.13. One node that the server refuses costs one tag.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from asyncua import ua
from msgspec import Struct

from pumpjack_core.backoff import Backoff
from pumpjack_core.errors import AddressError
from pumpjack_core.readings import Int32s
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.opcua.address import OpcuaAddress, parse_address
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.failures import (
    TOO_MUCH_AT_ONCE,
    ServiceFault,
    status_text,
)

MOST_PER_CALL = 1_000
"""However much the server takes: one answer shall not hold up the notifications."""
FIRST_RETRY_S, RETRY_S = 10.0, 60.0
RETRIES_AT_ONCE = 50
NOBODY = -1


class Limits(Struct, frozen=True):
    """What the server takes at once, 0: it does not say."""

    items: int = 0
    reads: int = 0
    history_reads: int = 0
    namespaces: tuple[str, ...] = ()


@dataclass(slots=True)
class Item:
    """One tag's monitored item. handle is ours, item_id the server's (0: it has none)."""

    tag: Tag
    address: OpcuaAddress
    handle: int
    item_id: int = 0
    refused: str = ""
    retry_at: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=FIRST_RETRY_S, most_s=RETRY_S))

    @property
    def key(self) -> tuple[Any, ...]:
        """What may not change without another item."""
        return (self.tag.key, self.tag.address, self.tag.interval_s)


class Items:
    """The items of one tag table.

    wrong     position in the table to what is wrong with the address
    by_place  the item of each tag that has one, by position
    places    int32, by handle: position in the table, NOBODY for a handle that is no more
    """

    def __init__(self, tags: TagTable, before: Items | None = None) -> None:
        self.tags = tags
        self.wrong: dict[int, str] = {}
        self.by_place: dict[int, Item] = {}
        self._next_handle: int = 0 if before is None else before._next_handle
        known = {} if before is None else {item.key: item for item in before.by_place.values()}
        for place, tag in enumerate(tags.tags):
            try:
                address = parse_address(tag.address, tag.data_type)
            except AddressError as error:
                self.wrong[place] = str(error)
                continue
            item = Item(tag, address, self._next_handle)
            stays = known.pop(item.key, None)
            if stays is None:
                self._next_handle += 1
            else:
                item = stays
                item.tag = tag
            self.by_place[place] = item
        self.dropped = list(known.values())
        self.places: Int32s = np.full(self._next_handle, NOBODY, np.int32)
        for place, item in self.by_place.items():
            self.places[item.handle] = place

    @property
    def rejected(self) -> dict[int, str]:
        """Position to why the server refuses it."""
        return {place: item.refused for place, item in self.by_place.items() if item.refused}

    def forget(self) -> None:
        """The server has none of them any more."""
        for item in self.by_place.values():
            item.item_id = 0

    def to_make(self) -> list[Item]:
        """Those that the server does not have and has not refused."""
        return [item for item in self.by_place.values() if not item.item_id and not item.refused]

    def due(self, now: float) -> list[Item]:
        """Refused ones that are to be tried again: a few, the longest waiting."""
        ready = [i for i in self.by_place.values() if i.refused and i.retry_at <= now]
        return sorted(ready, key=lambda item: item.retry_at)[:RETRIES_AT_ONCE]

    def next_due(self) -> float | None:
        """When the next refused one is to be tried again [s, monotonic]."""
        return min((i.retry_at for i in self.by_place.values() if i.refused), default=None)


def node_id(address: OpcuaAddress, namespaces: Sequence[str]) -> Any:
    """As asyncua has it. Raises AddressError for a namespace that the server does not have."""
    index = address.index(namespaces)
    identifier: Any = address.identifier
    if address.kind == "g":
        return ua.NodeId(uuid.UUID(identifier), index, ua.NodeIdType.Guid)
    if address.kind == "b":
        return ua.NodeId(identifier, index, ua.NodeIdType.ByteString)
    if address.kind == "s":
        return ua.NodeId(identifier, index, ua.NodeIdType.String)
    return ua.NodeId(identifier, index, ua.NodeIdType.Numeric)


class Maker:
    """Makes and deletes items at one server; remembers how many it takes at once."""

    def __init__(self, peer: str, limits: Limits, queue_size: int) -> None:
        self._peer = peer
        self._limits = limits
        self._queue_size = queue_size
        self._at_once = min(limits.items or MOST_PER_CALL, MOST_PER_CALL)
        self.short_queues = 0

    async def make(
        self,
        channel: Channel,
        subscription: int,
        items: Sequence[Item],
        now: Callable[[], float],
    ) -> None:
        """Have the server monitor these; what it refuses knows why. Raises NotConnected,
        ServiceFault.
        """
        todo: list[tuple[Item, Any]] = []
        for item in items:
            try:
                todo.append((item, node_id(item.address, self._limits.namespaces)))
            except AddressError as error:
                self._refuse(item, str(error), now())
        while todo:
            portion = todo[: self._at_once]
            try:
                results = await self._create(channel, subscription, portion)
            except ServiceFault as fault:
                if fault.status not in TOO_MUCH_AT_ONCE or self._at_once == 1:
                    raise
                self._at_once = max(1, min(self._at_once, len(portion)) // 2)
                continue
            for (item, _), result in zip(portion, results, strict=True):
                self._made(item, result, now())
            todo = todo[len(portion) :]

    async def delete(self, channel: Channel, subscription: int, items: Iterable[Item]) -> None:
        """Have the server forget these."""
        numbers = [item.item_id for item in items if item.item_id]
        while numbers:
            request = ua.DeleteMonitoredItemsRequest()
            request.Parameters.SubscriptionId = subscription
            request.Parameters.MonitoredItemIds = numbers[: self._at_once]
            await channel.ask(request, ua.DeleteMonitoredItemsResponse)
            numbers = numbers[self._at_once :]

    async def _create(
        self, channel: Channel, subscription: int, portion: Sequence[tuple[Item, Any]]
    ) -> list[Any]:
        request = ua.CreateMonitoredItemsRequest()
        params = request.Parameters
        params.SubscriptionId = subscription
        params.TimestampsToReturn = ua.TimestampsToReturn.Both
        params.ItemsToCreate = [self._wish(item, node) for item, node in portion]
        answer = await channel.ask(request, ua.CreateMonitoredItemsResponse)
        results = list(answer.Results or ())
        if len(results) != len(portion):
            raise channel.fail_garbled(f"{len(results)} answers for {len(portion)} items")
        return results

    def _wish(self, item: Item, node: Any) -> Any:
        wish = ua.MonitoredItemCreateRequest()
        wish.ItemToMonitor.NodeId = node
        wish.ItemToMonitor.AttributeId = ua.AttributeIds.Value
        wish.MonitoringMode = ua.MonitoringMode.Reporting
        wish.RequestedParameters.ClientHandle = item.handle
        wish.RequestedParameters.SamplingInterval = item.tag.interval_s * 1000.0
        wish.RequestedParameters.QueueSize = self._queue_size
        wish.RequestedParameters.DiscardOldest = True
        return wish

    def _made(self, item: Item, result: Any, now: float) -> None:
        status = int(result.StatusCode.value)
        if status >> 31:
            self._refuse(item, status_text(status), now)
            return
        item.item_id = result.MonitoredItemId
        item.refused = ""
        item.backoff.reset()
        if result.RevisedQueueSize < self._queue_size:
            self.short_queues += 1

    def _refuse(self, item: Item, why: str, now: float) -> None:
        item.item_id = 0
        item.refused = (
            f"{self._peer} refuses {item.tag.address}: {why}; compare the address with the "
            "server's tree (`pumpjack browse`); it is tried again every minute"
        )
        item.retry_at = now + item.backoff.next_s()
