"""Follows the manifests while the system runs: an edit is applied, a wrong one is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from pumpjack_cli.local.plan import Plan, WrongManifests, fingerprint
from pumpjack_cli.local.supervisor import Reporter
from pumpjack_core.errors import PumpjackError, StorageUnavailable

LOOK_S = 1.0


class Edits:
    """Notices edits and hands the new plan on.

    plan   reads the manifests anew
    apply  brings what runs to a plan. It may raise PumpjackError or OSError; it is called again
           with the next edit, and after StorageUnavailable with the same.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        plan: Callable[[], Plan],
        apply: Callable[[Plan], Awaitable[None]],
        reporter: Reporter,
    ) -> None:
        self._paths = paths
        self._plan = plan
        self._apply = apply
        self._reporter = reporter
        self._waits = False

    async def follow(self) -> None:
        """Look each second; apply when the files were left alone for one."""
        applied: dict[str, tuple[int, int, int]] = {}  # what changed since the start counts too
        seen = applied
        while True:
            await asyncio.sleep(LOOK_S)
            found = fingerprint(self._paths)
            settled, seen = found == seen, found
            if settled and found != applied and await self._take():
                applied = found

    async def _take(self) -> bool:
        """Whether the edit is dealt with; False to try it again."""
        try:
            await self._apply(await asyncio.to_thread(self._plan))
        except WrongManifests as error:
            for problem in error.problems:
                self._reporter.warn(problem)
            self._reporter.warn("the manifests are wrong, so what ran before goes on running")
        except StorageUnavailable as error:
            if not self._waits:
                self._reporter.warn(f"the edit waits for the database: {error}")
            self._waits = True
            return False
        except (PumpjackError, OSError) as error:
            self._reporter.warn(f"the edit is not applied: {error}")
        self._waits = False
        return True
