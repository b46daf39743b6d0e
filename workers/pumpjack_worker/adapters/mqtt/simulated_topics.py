"""Topics and the filters of subscriptions, as the simulator's broker matches them.

MQTT 5, sections 4.7 (wildcards) and 4.8.2 (shared subscriptions); 3.1.1 knows the former.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from msgspec import Struct

Value = TypeVar("Value")

MOST_CHARACTERS = 65_535
SHARE = "$share"


class Filter(Struct, frozen=True):
    """What a client subscribes to.

    levels  of the topic filter, + and # among them
    group   of a shared subscription, None for one of its own
    """

    levels: tuple[str, ...]
    group: str | None = None


def parse_filter(text: str) -> Filter:
    """Read a topic filter. Raises ValueError with a sentence."""
    group = None
    if text.startswith(f"{SHARE}/"):
        _, group, text = (*text.split("/", 2), "", "")[:3]
        if not group or set(group) & set("+#") or not text:
            raise ValueError(f"a shared subscription is {SHARE}/NAME/FILTER")
    if not text or "\0" in text or len(text) > MOST_CHARACTERS:
        raise ValueError("a topic filter has 1 to 65,535 characters, none of them NUL")
    levels = tuple(text.split("/"))
    for at, level in enumerate(levels):
        alone = level in ("+", "#")
        if not alone and set(level) & set("+#"):
            raise ValueError(f"+ and # stand alone between slashes, not as in {level!r}")
        if level == "#" and at != len(levels) - 1:
            raise ValueError(f"# is the last level of a filter, not as in {text!r}")
    return Filter(levels, group)


def is_topic(text: str) -> bool:
    """Whether a message can be published there."""
    return bool(text) and len(text) <= MOST_CHARACTERS and not set(text) & set("+#\0")


class _Node(Generic[Value]):
    """One level of filters: what ends here, by its key, and what goes on."""

    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.here: dict[object, Value] = {}
        self.below: dict[str, _Node[Value]] = {}


class FilterTree(Generic[Value]):
    """Values under filters; finds those whose filter matches a topic."""

    def __init__(self) -> None:
        self._root: _Node[Value] = _Node()

    def put(self, levels: tuple[str, ...], key: object, value: Value) -> None:
        """Set the value of this key under this filter."""
        node = self._root
        for level in levels:
            node = node.below.setdefault(level, _Node())
        node.here[key] = value

    def get(self, levels: tuple[str, ...], key: object) -> Value | None:
        """The value of this key under this filter."""
        node: _Node[Value] | None = self._root
        for level in levels:
            node = node.below.get(level) if node else None
        return node.here.get(key) if node else None

    def remove(self, levels: tuple[str, ...], key: object) -> None:
        """Forget the value of this key under this filter, if there is one."""
        path = [self._root]
        for level in levels:
            below = path[-1].below.get(level)
            if below is None:
                return
            path.append(below)
        path[-1].here.pop(key, None)
        for level, node, above in zip(levels[::-1], path[:0:-1], path[-2::-1], strict=True):
            if node.here or node.below:
                return
            del above.below[level]

    def matching(self, topic: str) -> Iterator[Value]:
        """The values whose filter matches a topic, in no order."""
        levels = topic.split("/")
        nodes = [self._root]
        for at, level in enumerate(levels):
            hidden = at == 0 and level.startswith("$")  # wildcards do not show $SYS and the like
            found: list[_Node[Value]] = []
            for node in nodes:
                for name in (level,) if hidden else (level, "+"):
                    below = node.below.get(name)
                    if below is not None:
                        found.append(below)
                rest = None if hidden else node.below.get("#")
                if rest is not None:
                    yield from rest.here.values()
            nodes = found
        for node in nodes:
            yield from node.here.values()
            rest = node.below.get("#")  # pads/# matches pads too
            if rest is not None:
                yield from rest.here.values()


def matches(levels: tuple[str, ...], topic: str) -> bool:
    """Whether one filter matches one topic."""
    tree: FilterTree[bool] = FilterTree()
    tree.put(levels, None, True)
    return any(tree.matching(topic))
