"""What one tag table means for a broker: topics, and which tags each of them feeds. No I/O."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from pumpjack_core.errors import AddressError
from pumpjack_core.readings import Floats
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.mqtt.address import parse_address
from pumpjack_worker.adapters.mqtt.paths import Path, compile_path

_INTEGERS = {
    "bool": (0, 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
"""Data type to what it can hold; floats hold anything."""

Member = tuple[int, Path]
"""A tag by its position, and where its value stands in the payload."""


class Group(Struct, frozen=True):
    """Tags of one topic whose time stands at one place; None: they have none."""

    time: Path | None
    members: tuple[Member, ...]


class Route(Struct, frozen=True):
    """What the messages of one topic feed.

    tags    positions of all its tags
    whole   those whose value is the payload itself
    groups  those whose values stand in JSON
    """

    topic: str
    tags: tuple[int, ...]
    whole: tuple[int, ...]
    groups: tuple[Group, ...]


class Routes:
    """A tag table by topic.

    wrong    position in the table to the reason, of the tags that cannot be read at all
    routes   topic, as it comes on the wire, to what it feeds
    per_message  the most tags that one message feeds
    low, high       float64[n]  what the tag's data type can hold
    scale, offset   float64[n]  or None where all are 1 and 0
    """

    def __init__(self, tags: TagTable, time_path: str | None, *, own_times: bool = True) -> None:
        """Sort tags by their topics.

        time_path  where times stand, for the tags whose address names none
        own_times  whether times in payloads count; else every reading has that of its receipt
        """
        self.tags = tags
        self.wrong: dict[int, str] = {}
        self.routes: dict[bytes, Route] = {}
        time = None if time_path is None else compile_path(time_path)
        located: dict[str, list[tuple[int, Path | None, Path | None]]] = {}
        for index, tag in enumerate(tags.tags):
            try:
                address = parse_address(tag.address, tag.data_type)
            except AddressError as error:
                self.wrong[index] = str(error)
                continue
            path = None if address.path is None else compile_path(address.path)
            own = time if address.time is None else compile_path(address.time)
            located.setdefault(address.topic, []).append((index, path, own if own_times else None))
        for topic, members in located.items():
            self.routes[topic.encode()] = _route(topic, members)
        self.per_message = max((len(route.tags) for route in self.routes.values()), default=1)
        limits = [_INTEGERS.get(tag.data_type, (-np.inf, np.inf)) for tag in tags.tags]
        self.low = np.array([low for low, _ in limits], np.float64)
        self.high = np.array([high for _, high in limits], np.float64)
        self.scale = _column([tag.scale for tag in tags.tags], 1.0)
        self.offset = _column([tag.offset for tag in tags.tags], 0.0)

    @property
    def topics(self) -> list[str]:
        """Everything to subscribe to, in the order of the tags."""
        return [route.topic for route in self.routes.values()]

    def of_topic(self, topic: str) -> tuple[int, ...]:
        """Positions of a topic's tags."""
        route = self.routes.get(topic.encode())
        return () if route is None else route.tags

    def tag(self, index: int) -> Tag:
        """The tag at a position."""
        return self.tags.tags[index]


def _route(topic: str, members: list[tuple[int, Path | None, Path | None]]) -> Route:
    groups: dict[Path | None, list[Member]] = {}
    for index, path, time in members:
        if path is not None:
            groups.setdefault(time, []).append((index, path))
    return Route(
        topic,
        tuple(index for index, _, _ in members),
        tuple(index for index, path, _ in members if path is None),
        tuple(Group(time, tuple(group)) for time, group in groups.items()),
    )


def _column(values: list[float], plain: float) -> Floats | None:
    column = np.array(values, np.float64)
    return None if (column == plain).all() else column
