"""Transitions that the journal had no room for, until it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pumpjack_core.alarms import Transition
from pumpjack_core.tags import TagTable

MOST = 10_000
"""Beyond these only the last of each alarm is kept."""


class _Seen(NamedTuple):
    tag: tuple[str, ...]
    transition: Transition


class Owed:
    """In the order in which they were decided. A table may come after the one they are of."""

    def __init__(self) -> None:
        self._seen: list[_Seen] = []

    def __bool__(self) -> bool:
        return bool(self._seen)

    def add(self, tags: TagTable, transitions: Sequence[Transition]) -> None:
        """The journal has not taken these."""
        self._seen += [_Seen(tags.tags[one.tag_index].key, one) for one in transitions]
        if len(self._seen) > MOST:
            last = {(one.tag, one.transition.condition): one for one in self._seen}
            self._seen = list(last.values())

    def take(self, tags: TagTable) -> tuple[Transition, ...]:
        """All of them, of the tags that are still read, and nothing is owed any more."""
        place = {tag.key: at for at, tag in enumerate(tags.tags)}
        seen, self._seen = self._seen, []
        return tuple(
            replace(one.transition, tag_index=place[one.tag]) for one in seen if one.tag in place
        )
