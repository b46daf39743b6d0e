"""What an OPC UA server has: its tree, walked from the Objects folder. OPC UA Part 4, 5.9 and 5.11.

Breadth first, without recursion, each node once, in requests as large as the server allows, a few
at a time. Numbers and booleans are found with their types; single texts with data type text;
arrays, structures, times and other types are left out, as are properties, which describe a node
and measure nothing, and the server's own diagnostics (its Server object) unless they are asked
for. Addresses are written with the index of their namespace (ns=2;…), as every other tool shows
them.
"""

# asyncua's annotations are not what it takes.
# mypy: disable-error-code="arg-type"
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from msgspec import Struct

from pumpjack_core.config import Connection
from pumpjack_core.errors import AddressError, ManifestError
from pumpjack_core.networks import parse_networks
from pumpjack_worker.adapters.browsing import Browser, Found
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.opcua.address import parse_address
from pumpjack_worker.adapters.opcua.browse_requests import Asking, Limits, in_parts, limits_of
from pumpjack_worker.adapters.opcua.browsed import (
    HAS_PROPERTY,
    KNOWN,
    RANGE,
    UNIT,
    Described,
    content,
    range_of,
    rank_of,
    text_of,
    unit_of,
)
from pumpjack_worker.adapters.opcua.failures import ServiceFault, refusal
from pumpjack_worker.adapters.opcua.session import Session
from pumpjack_worker.adapters.opcua.settings import settings_of

REQUESTS_AT_ONCE = 4
REFERENCES_AT_ONCE = 1_000
"""Most references of a node in one answer; the server keeps the rest for BrowseNext."""
PATIENCE_S = 30.0
"""Least time for an answer: nobody waits for these values, and they are many at a time."""
DEEPEST_TYPE = 20
"""Steps from a data type up to one of namespace 0; more is a circle."""

_OBJECTS = ua.NodeId(ObjectIds.ObjectsFolder)
_SERVER = ua.NodeId(ObjectIds.Server)
_HIERARCHICAL = ua.NodeId(ObjectIds.HierarchicalReferences)
_HAS_SUBTYPE = ua.NodeId(ObjectIds.HasSubtype)
_OBJECTS_AND_VARIABLES = ua.NodeClass.Object | ua.NodeClass.Variable
_ALL_CLASSES = 0
_ANY_TYPE = "float64"  # of a place to begin at: a node id is the same for all
_REFERENCE_TYPE, _NODE_CLASS, _BROWSE_NAME = 1, 4, 8  # bits of ResultMask, Part 4, 7.3


class _Place(Struct, frozen=True):
    """A node that was seen and is to be looked at."""

    node: ua.NodeId
    path: tuple[str, ...]
    is_variable: bool


class _Visited(Struct, frozen=True):
    """What one batch of places gave."""

    found: list[Found]
    children: list[_Place]


class OpcuaBrowser(Browser):
    """One look at one OPC UA server."""

    def __init__(
        self, connection: Connection, surroundings: Surroundings, *, within: str | None = None
    ) -> None:
        spec = connection.spec.opcua
        if spec is None:
            raise ManifestError(f"{connection.connection_id}: spec.opcua is missing")
        networks = parse_networks(connection.allowed_networks)
        self._settings = settings_of(spec, networks, connection.connection_id, connection.tenant_id)
        self._surroundings = surroundings
        self._start = None if within is None else parse_address(within, _ANY_TYPE)

    async def browse(self, on_seen: Callable[[int], None]) -> AsyncIterator[Found]:
        """Everything below the start that could be a tag."""
        session = Session(self._settings, self._surroundings, on_lost=lambda: None)
        try:
            await session.open()
            asking = Asking(session, patience_s=max(self._settings.timeout_s, PATIENCE_S))
            start = _OBJECTS if self._start is None else await asking.node(self._start)
            walk = Walk(asking, await limits_of(asking))
            async for found in walk.everything(start, on_seen):
                yield found
        except ServiceFault as fault:
            raise refusal(self._settings.peer, fault) from fault
        finally:
            await session.close()


class Walk:
    """One walk through the tree of one session."""

    def __init__(self, asking: Asking, limits: Limits) -> None:
        self._asking = asking
        self._limits = limits
        self._seen: set[ua.NodeId] = set()
        self._waiting: deque[_Place] = deque()
        self._base_types: dict[ua.NodeId, int | None] = {}

    async def everything(
        self, start: ua.NodeId, on_seen: Callable[[int], None]
    ) -> AsyncIterator[Found]:
        """Walk from a node on. Raises AddressError when the server does not have it."""
        if start != _SERVER:
            self._seen.add(_SERVER)
        self._waiting.append(await self._first(start))
        self._seen.add(start)
        while self._waiting:
            for visited in await _all(self._visit(batch) for batch in self._next_batches()):
                self._take(visited.children)
                for found in visited.found:
                    yield found
            on_seen(len(self._seen))
            await self._asking.renew()

    async def _first(self, start: ua.NodeId) -> _Place:
        """The place to start at, which may itself be a variable."""
        attributes = (AttributeIds.NodeClass, AttributeIds.BrowseName)
        kind, name = await self._asking.read([(start, attribute) for attribute in attributes])
        if kind.StatusCode is not None and kind.StatusCode.is_bad():
            raise AddressError(
                f"the server has no node {start.to_string()} ({kind.StatusCode.name}); begin at "
                "a node that it has, or browse without --within"
            )
        called = content(name)
        path = (called.Name or "",) if isinstance(called, ua.QualifiedName) else ()
        is_variable = content(kind) == ua.NodeClass.Variable
        return _Place(start, () if start == _OBJECTS else path, is_variable)

    def _next_batches(self) -> list[list[_Place]]:
        batches: list[list[_Place]] = []
        while self._waiting and len(batches) < REQUESTS_AT_ONCE:
            size = min(self._limits.browse, len(self._waiting))
            batches.append([self._waiting.popleft() for _ in range(size)])
        return batches

    def _take(self, children: Iterable[_Place]) -> None:
        for child in children:
            if child.node not in self._seen:
                self._seen.add(child.node)
                self._waiting.append(child)

    async def _visit(self, places: list[_Place]) -> _Visited:
        """Look at some places: what is below them, and what their variables are."""
        below = await self._references([place.node for place in places])
        children: list[_Place] = []
        properties: dict[ua.NodeId, dict[str, ua.NodeId]] = {}
        for place, references in zip(places, below, strict=True):
            for reference in references:
                node = _local(reference.NodeId)
                if node is None or reference.NodeClass not in (
                    ua.NodeClass.Object,
                    ua.NodeClass.Variable,
                ):
                    continue
                name = reference.BrowseName.Name or ""
                if reference.ReferenceTypeId == HAS_PROPERTY:
                    properties.setdefault(place.node, {})[name] = node
                else:
                    is_variable = reference.NodeClass == ua.NodeClass.Variable
                    children.append(_Place(node, (*place.path, name), is_variable))
        variables = [place for place in places if place.is_variable]
        return _Visited(await self._variables(variables, properties), children)

    async def _variables(
        self, places: list[_Place], properties: dict[ua.NodeId, dict[str, ua.NodeId]]
    ) -> list[Found]:
        described = await self._described(places, properties)
        described = [one for one in described if one.may_be_a_tag]
        numbers = [one for one in described if not one.is_text]
        values = await self._values([(one.node, AttributeIds.Value) for one in numbers])
        by_node = dict(zip((one.node for one in numbers), values, strict=True))
        found = (one.found(by_node.get(one.node)) for one in described)
        return [one for one in found if one is not None]

    async def _described(
        self, places: list[_Place], properties: dict[ua.NodeId, dict[str, ua.NodeId]]
    ) -> list[Described]:
        asked: list[tuple[ua.NodeId, AttributeIds]] = []
        for place in places:
            of_node = properties.get(place.node, {})
            asked += [
                (place.node, AttributeIds.DataType),
                (place.node, AttributeIds.ValueRank),
                (place.node, AttributeIds.Description),
            ]
            asked += [
                (of_node[name], AttributeIds.Value) for name in (UNIT, RANGE) if name in of_node
            ]
        answers = iter(await self._values(asked))
        described: list[Described] = []
        for place in places:
            of_node = properties.get(place.node, {})
            data_type, rank, text = next(answers), next(answers), next(answers)
            unit = next(answers) if UNIT in of_node else None
            low, high = range_of(next(answers) if RANGE in of_node else None)
            described.append(
                Described(
                    place.node,
                    place.path,
                    await self._base_type(content(data_type)),
                    rank_of(rank),
                    text_of(content(text)),
                    unit_of(unit),
                    low,
                    high,
                )
            )
        return described

    async def _base_type(self, data_type: object) -> int | None:
        """The KNOWN type that a data type is, or is derived from."""
        if not isinstance(data_type, ua.NodeId):
            return None
        if data_type not in self._base_types:
            self._base_types[data_type] = await self._climb(data_type)
        return self._base_types[data_type]

    async def _climb(self, data_type: ua.NodeId) -> int | None:
        here: ua.NodeId | None = data_type
        for step in range(DEEPEST_TYPE):
            if here is None:
                return None
            if here.NamespaceIndex == 0 and here.Identifier in KNOWN:
                # Structures, times and the like come from BaseDataType too, and are no numbers.
                is_other = here.Identifier == ObjectIds.BaseDataType and step > 0
                return None if is_other else int(here.Identifier)
            here = await self._supertype(here)
        return None

    async def _supertype(self, data_type: ua.NodeId) -> ua.NodeId | None:
        description = ua.BrowseDescription(
            NodeId=data_type,
            BrowseDirection=ua.BrowseDirection.Inverse,
            ReferenceTypeId=_HAS_SUBTYPE,
            IncludeSubtypes=True,
            NodeClassMask=_ALL_CLASSES,
            ResultMask=_REFERENCE_TYPE,
        )
        (result,) = await self._asking.browse([description])
        return _local(result.References[0].NodeId) if result.References else None

    async def _references(self, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
        """What hangs below each node. A node that the server does not let us see has nothing."""
        results = await in_parts(self._browse, nodes)
        below = [list(result.References) for result in results]
        points = {at: one.ContinuationPoint for at, one in enumerate(results) if _goes_on(one)}
        try:
            while points:
                parts = list(points)[: self._limits.browse]
                asked = [points[at] for at in parts]
                for at, more in zip(
                    parts, await self._asking.browse_next(asked, release=False), strict=True
                ):
                    below[at] += more.References
                    if _goes_on(more):
                        points[at] = more.ContinuationPoint
                    else:
                        del points[at]
        finally:
            if points:
                await self._asking.browse_next(list(points.values()), release=True)
        for at, result in enumerate(results):
            # The server keeps too few places for all that go on: ask for this one alone.
            if result.StatusCode.value == StatusCodes.BadNoContinuationPoints and len(nodes) > 1:
                (below[at],) = await self._references([nodes[at]])
        return below

    async def _browse(self, nodes: Sequence[ua.NodeId]) -> list[ua.BrowseResult]:
        descriptions = [
            ua.BrowseDescription(
                NodeId=node,
                BrowseDirection=ua.BrowseDirection.Forward,
                ReferenceTypeId=_HIERARCHICAL,
                IncludeSubtypes=True,
                NodeClassMask=_OBJECTS_AND_VARIABLES,
                ResultMask=_REFERENCE_TYPE | _NODE_CLASS | _BROWSE_NAME,
            )
            for node in nodes
        ]
        return await self._asking.browse(descriptions, REFERENCES_AT_ONCE)

    async def _values(self, asked: Sequence[tuple[ua.NodeId, AttributeIds]]) -> list[ua.DataValue]:
        values: list[ua.DataValue] = []
        for start in range(0, len(asked), self._limits.read):
            part = asked[start : start + self._limits.read]
            values += await in_parts(self._asking.read, part)
        return values


async def _all(visits: Iterable[Coroutine[Any, Any, _Visited]]) -> list[_Visited]:
    """Make some visits at once; when one fails, the others end as well."""
    tasks = [asyncio.create_task(visit) for visit in visits]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _goes_on(result: ua.BrowseResult) -> bool:
    return bool(result.ContinuationPoint)


def _local(node: ua.NodeId) -> ua.NodeId | None:
    """A node id without what only an expanded one has; None for a node of another server."""
    if isinstance(node, ua.ExpandedNodeId) and (node.ServerIndex or node.NamespaceUri):
        return None
    return ua.NodeId(node.Identifier, node.NamespaceIndex)
