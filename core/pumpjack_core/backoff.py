"""The one back-off: exponential with full jitter, so that many workers do not knock together.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Delays between attempts: between half and the whole of first_s * 2^n, at most most_s.

    >>> pause = Backoff(first_s=0.5, most_s=30.0)
    >>> 0.25 <= pause.next_s() <= 0.5
    True
    """

    def __init__(
        self,
        *,
        first_s: float,
        most_s: float,
        uniform: Callable[[float, float], float] | None = None,
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._uniform = uniform or random.uniform
        self.attempts = 0

    def next_s(self) -> float:
        """Seconds to wait before the next attempt; each call counts as one failed attempt."""
        ceiling = min(self._most_s, self._first_s * 2.0 ** min(self.attempts, 32))
        self.attempts += 1
        return self._uniform(ceiling / 2, ceiling)

    def reset(self) -> None:
        """Begin anew after a success."""
        self.attempts = 0
