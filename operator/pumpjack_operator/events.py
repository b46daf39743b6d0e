"""Events: things that matter once, told at the object that they are about.

An Event's name is made of what it says, so that the same is told once in its lifetime (an hour),
however often the operator starts.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.log import get_logger
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import ApiError, Conflict
from pumpjack_operator.cluster import Key, SeenConnection
from pumpjack_operator.kinds import CLAIM, CONNECTION, EVENT, SECRET, Kind
from pumpjack_operator.names import MANAGER

MOST_WAITING = 1_000
MOST_MESSAGE = 1_024
MOST_NAME = 230
_DIGITS = 16

_log = get_logger("operator.events")


class Events:
    """Sends Events from a bounded queue; a tenant's quota or a slow server delays nothing else."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_WAITING)

    def about_connection(
        self, of: SeenConnection, reason: str, message: str, *, warning: bool = False
    ) -> None:
        """Tell something about a connection. Dropped, and logged, when too many wait."""
        self._tell(CONNECTION, of.key, of.uid, reason, message, warning=warning)

    def about_claim(self, claim: Key, uid: str, reason: str, message: str) -> None:
        """Tell something about a volume, as a warning."""
        self._tell(CLAIM, claim, uid, reason, message, warning=True)

    def about_secret(self, namespace: str, name: str, reason: str, message: str) -> None:
        """Tell something about a Secret, as a warning: once for all connections that use it."""
        self._tell(SECRET, Key(namespace, name), "", reason, message, warning=True)

    def _tell(
        self, kind: Kind, key: Key, uid: str, reason: str, message: str, *, warning: bool
    ) -> None:
        about = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid,
        }
        message = message[:MOST_MESSAGE]
        digest = hashlib.sha256(f"{uid} {reason} {message}".encode()).hexdigest()[:_DIGITS]
        now = iso_us(self._clock.now_us())[:19] + "Z"
        event = {
            "apiVersion": "v1",
            "kind": EVENT.kind,
            "metadata": {
                "name": f"{key.name[:MOST_NAME].rstrip('.-')}.{digest}",
                "namespace": key.namespace,
            },
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "source": {"component": MANAGER},
            "reportingComponent": MANAGER,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            _log.warning("too many Events wait; one is not told", about=str(key), reason=reason)

    async def run(self) -> None:
        """Send what waits, until cancelled."""
        while True:
            event = await self._waiting.get()
            try:
                await self._api.create(EVENT, event["metadata"]["namespace"], event)
            except Conflict:
                pass  # told already
            except ApiError as error:
                _log.warning(f"an Event could not be told: {error}")
