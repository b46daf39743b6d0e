"""Reads the latest hashes of many wells on the hub's link, some at a time.

On that link an answer has exactly what the feed brought before it. Each answer is taken in as it
comes, so the work is spread over as many turns of the loop as the socket needs to bring them all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import hiredis

from pumpjack_core import wire
from pumpjack_core.log import get_logger
from pumpjack_gateway.live.latest import Latest, parse_latest
from pumpjack_gateway.live.link import Link

AT_ONCE = 32
"""Between them others have their turn, in Redis too."""
_log = get_logger("gateway.overview")


class LatestReader:
    """The hashes of one tenant that are wanted and were not read yet."""

    def __init__(self, link: Link, tenant_id: str, take: Callable[[str, Latest], None]) -> None:
        self._link = link
        self._tenant_id = tenant_id
        self._take = take
        self._wanted: dict[str, None] = {}
        self._asked: set[str] = set()
        self._refused: set[str] = set()
        self._ended = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._wanted and not self._asked

    def want(self, well_id: str) -> None:
        """Read a well's hash soon."""
        if not self._link.is_up:
            return  # all of them are wanted when the feed is there
        self._wanted[well_id] = None
        self._go_on()

    def retry(self) -> None:
        """Ask again for what Redis refused."""
        for well_id in self._refused:
            self._wanted[well_id] = None
        self._refused.clear()
        self._go_on()

    def forget(self, well_id: str) -> None:
        """It is wanted no more."""
        self._wanted.pop(well_id, None)
        self._refused.discard(well_id)

    def end(self) -> None:
        """What comes is of no use any more."""
        self._ended = True
        self._wanted.clear()

    def _go_on(self) -> None:
        while self._wanted and len(self._asked) < AT_ONCE and self._link.is_up:
            well_id = next(iter(self._wanted))
            del self._wanted[well_id]
            self._asked.add(well_id)
            key = wire.latest_key(self._tenant_id, well_id)
            self._link.send("HGETALL", key, then=partial(self._got, well_id))

    def _got(self, well_id: str, answer: Any) -> None:
        self._asked.discard(well_id)
        if self._ended:
            return
        if isinstance(answer, dict):
            self._take(well_id, parse_latest(answer))
            self._go_on()
        elif isinstance(answer, hiredis.ReplyError):
            if not self._refused:
                _log.error("Redis refuses a well's latest readings", why=str(answer))
            self._refused.add(well_id)
            self._go_on()
        else:  # the link is lost
            self._wanted.clear()
