"""Which news of an object is the newest: an answer and a watch tell the same in either order.

A resource version grows with each change of an object (KEP-5504). What was deleted stays deleted:
the answer to a write may be read after the watch has told of the deletion that followed.
"""

from __future__ import annotations

MOST_DEAD = 20_000
"""Remembered of those that are gone; an answer that is read so much later does not exist."""


class Versions:
    """The newest version seen of each object, by uid."""

    def __init__(self) -> None:
        self._live: dict[str, int] = {}
        self._dead: dict[str, int] = {}

    def is_news(self, uid: str, version: int) -> bool:
        """Whether nothing newer was seen; the same again is no news."""
        if version <= max(self._live.get(uid, -1), self._dead.get(uid, -1)):
            return False
        self._live[uid] = version
        return True

    def bury(self, uid: str, version: int) -> None:
        """It is not there any more, as of this version."""
        self._live.pop(uid, None)
        self._dead[uid] = version
        if len(self._dead) > MOST_DEAD:
            del self._dead[next(iter(self._dead))]
