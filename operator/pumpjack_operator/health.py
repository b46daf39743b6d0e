"""Whether this replica does what it is there for, and if not, why: the answer of /readyz."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from pumpjack_operator.api_answers import Trouble

DEAD_S = 60.0
"""A watch that does not follow for so long is dead; an API server restarts faster."""


class Health:
    """What is known of one replica.

    steady  everything was listed, and looked at once; or this replica waits for its turn
    """

    def __init__(self, troubled: Mapping[object, Trouble], *, dead_s: float = DEAD_S) -> None:
        """troubled: the watches that do not follow (Api.troubled)."""
        self.steady = asyncio.Event()
        self._troubled = troubled
        self._dead_s = dead_s

    def problem(self) -> str | None:
        """Why this replica is not as it should be, a sentence; None when it is.

        A watch of one namespace is its tenant's trouble, told there, and no reason to call the
        others' operator ill.
        """
        if not self.steady.is_set():
            return "the cluster has not been listed and looked at yet"
        now = time.monotonic()
        for watched, trouble in self._troubled.items():
            for_s = now - trouble.since_s
            if trouble.everywhere and for_s >= self._dead_s:
                return f"{watched} cannot be watched for {for_s:.0f} s now: {trouble.why}"
        return None
