"""Which objects need a look, and when: no key twice in the queue, none worked on twice at once.

add() and add_after() say that something changed, get() takes a key to work on, and done() gives it
back; what was added meanwhile comes again. After a failure retry() has it looked at again, later
each time, until forget() says that it went well.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from pumpjack_core.backoff import Backoff

FIRST_RETRY_S = 0.1
MOST_RETRY_S = 300.0
Key = TypeVar("Key", bound=Hashable)


def _backoff() -> Backoff:
    return Backoff(first_s=FIRST_RETRY_S, most_s=MOST_RETRY_S)


class WorkQueue(Generic[Key]):
    """Keys in the order in which they were added. Bounded by the number of different keys."""

    def __init__(self, backoff: Callable[[], Backoff] = _backoff) -> None:
        self._backoff = backoff
        self._waiting: deque[Key] = deque()
        """What get() gives, in this order: all of _dirty that is not _running."""
        self._dirty: set[Key] = set()
        """What needs a look; of these, those _running wait for their done()."""
        self._running: set[Key] = set()
        """What was given by get() and is not done()."""
        self._later: dict[Key, asyncio.TimerHandle] = {}
        """The earliest time at which each key is to be added."""
        self._failures: dict[Key, Backoff] = {}
        self._given = asyncio.Event()

    def __len__(self) -> int:
        """How many wait, those that are due later not counted."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is being worked on."""
        return not (self._waiting or self._running)

    def waits_until(self) -> float | None:
        """When the next key that is due later is added [s, of the loop]; None: none is."""
        return min((timer.when() for timer in self._later.values()), default=None)

    @property
    def failing(self) -> int:
        """How many keys failed the last time."""
        return len(self._failures)

    def add(self, key: Key) -> None:
        """Have this key looked at soon. Adding it again before that changes nothing."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._running:
            self._waiting.append(key)
            self._given.set()

    def add_after(self, key: Key, delay_s: float) -> None:
        """Have this key looked at in so long, or at the earlier time that was asked for."""
        loop = asyncio.get_running_loop()
        known = self._later.get(key)
        if known is not None:
            if known.when() <= loop.time() + delay_s:
                return
            known.cancel()
        self._later[key] = loop.call_later(delay_s, self._due, key)

    def retry(self, key: Key) -> float:
        """Have this key looked at after its back-off; returns how long that is [s]."""
        delay_s = self._failures.setdefault(key, self._backoff()).next_s()
        self.add_after(key, delay_s)
        return delay_s

    def forget(self, key: Key) -> None:
        """Its last look went well."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Wait for the next key. Call done() when the work on it has ended, however it did."""
        while not self._waiting:
            self._given.clear()
            await self._given.wait()
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._running.add(key)
        return key

    def done(self, key: Key) -> None:
        """The work on a key has ended; it waits again if it was added meanwhile."""
        self._running.discard(key)
        if key in self._dirty:
            self._waiting.append(key)
            self._given.set()

    def close(self) -> None:
        """Let go of what is due later."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()

    def _due(self, key: Key) -> None:
        del self._later[key]
        self.add(key)
