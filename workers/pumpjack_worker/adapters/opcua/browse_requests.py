"""The requests that browsing makes, in parts that the server takes. OPC UA Part 4, 5.9 and 5.11."""

# asyncua's annotations are not what it takes.
# mypy: disable-error-code="arg-type"
from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from msgspec import Struct

from pumpjack_worker.adapters.opcua.address import OpcuaAddress
from pumpjack_worker.adapters.opcua.browsed import content
from pumpjack_worker.adapters.opcua.failures import TOO_MUCH_AT_ONCE, ServiceFault
from pumpjack_worker.adapters.opcua.session import Session

NODES_PER_BROWSE = 100
NODES_PER_READ = 500

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Limits(Struct, frozen=True):
    """How many nodes one request may name."""

    browse: int = NODES_PER_BROWSE
    read: int = NODES_PER_READ


class Asking:
    """The services of a session that browsing needs. They raise ServiceFault or NotConnected."""

    def __init__(self, session: Session, *, patience_s: float) -> None:
        self._channel = session.channel
        self._patience_s = patience_s
        self._renewed_at = asyncio.get_running_loop().time()

    async def browse(
        self, descriptions: list[ua.BrowseDescription], most: int = 0
    ) -> list[ua.BrowseResult]:
        """Part 4, 5.9.2. most: references of a node in the answer, 0: the server decides."""
        request = ua.BrowseRequest()
        request.Parameters.NodesToBrowse = descriptions
        request.Parameters.RequestedMaxReferencesPerNode = ua.Counter(most)
        return list((await self._ask(request, ua.BrowseResponse)).Results)

    async def browse_next(self, points: list[bytes], *, release: bool) -> list[ua.BrowseResult]:
        """Part 4, 5.9.3."""
        request = ua.BrowseNextRequest()
        request.Parameters.ContinuationPoints = points
        request.Parameters.ReleaseContinuationPoints = release
        return list((await self._ask(request, ua.BrowseNextResponse)).Parameters.Results)

    async def read(self, asked: Sequence[tuple[ua.NodeId, AttributeIds]]) -> list[ua.DataValue]:
        """Part 4, 5.11.2."""
        request = ua.ReadRequest()
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
        request.Parameters.NodesToRead = [
            ua.ReadValueId(NodeId=node, AttributeId=attribute) for node, attribute in asked
        ]
        return list((await self._ask(request, ua.ReadResponse)).Results)

    async def node(self, address: OpcuaAddress) -> ua.NodeId:
        """The node that an address names on this server. Raises AddressError."""
        namespaces: Sequence[str] = ()
        if isinstance(address.namespace, str):
            where = ua.NodeId(ObjectIds.Server_NamespaceArray)
            (told,) = await self.read([(where, AttributeIds.Value)])
            found = content(told)
            namespaces = found if isinstance(found, list) else ()
        identifier = address.identifier
        return ua.NodeId(
            uuid.UUID(str(identifier)) if address.kind == "g" else identifier,
            address.index(namespaces),
        )

    async def renew(self) -> None:
        """Agree on new keys before the old ones run out."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at > self._channel.renew_after_s:
            self._renewed_at = now
            await self._channel.renew()

    async def _ask(self, request: Any, answer: type[Any]) -> Any:
        return await self._channel.ask(request, answer, timeout_s=self._patience_s)


async def limits_of(asking: Asking) -> Limits:
    """What the server allows (Part 5, 6.3.11), no more than is good for both sides."""
    wanted = [
        (
            ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
            NODES_PER_BROWSE,
        ),
        (ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead, NODES_PER_READ),
    ]
    values = await asking.read([(ua.NodeId(node), AttributeIds.Value) for node, _ in wanted])
    told = [content(value) for value in values]
    return Limits(
        *(
            min(limit, usual) if isinstance(limit, int) and limit > 0 else usual
            for limit, (_, usual) in zip(told, wanted, strict=True)
        )
    )


async def in_parts(
    call: Callable[[Sequence[_Item]], Awaitable[list[_Result]]], items: Sequence[_Item]
) -> list[_Result]:
    """Call with all of them, or, where the server finds that too much, with halves."""
    try:
        return await call(items) if items else []
    except ServiceFault as fault:
        if fault.status not in TOO_MUCH_AT_ONCE or len(items) < 2:
            raise
    half = len(items) // 2
    return await in_parts(call, items[:half]) + await in_parts(call, items[half:])
