"""Whether a device can be written to now, from its connection's heartbeat.

A command is never kept for a device that is away: it would be carried out later, when nobody
expects it any more.
"""

from __future__ import annotations

import hiredis
import msgspec

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_gateway.live.health import Health, Status
from pumpjack_gateway.live.hub import Hub

_STALE = {
    "HeartbeatLost": "nothing was heard of its worker for three heartbeats",
    "NeverHeard": "no worker of its connection is running",
    "FeedLost": "the gateway has lost the live feed, so nobody can say how the device is",
}
_STATES = {
    "connecting": "its worker is connecting to it",
    "disconnected": "it is disconnected",
    "suspended": "its connection is suspended",
    "fenced": "its worker was replaced by another",
    "stopped": "its worker was stopped",
}


class Devices:
    """Asks the feed how devices are."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock

    async def why_offline(self, tenant_id: str, connection_id: str) -> str | None:
        """Why the device of a connection cannot be written to, as a sentence; None: it can."""
        heard = self._hub.health_of(tenant_id)
        if heard is not None and heard.last(connection_id) is not None:
            status = heard.status("", connection_id, feed_lost=False)
            if not status.stale:
                return why_offline(status)
        return why_offline(await self._kept(tenant_id, connection_id))

    async def _kept(self, tenant_id: str, connection_id: str) -> Status:
        """By the heartbeat that is kept in Redis, as old as its own time says."""
        health = Health()
        try:
            text = await self._hub.link.call("HGET", wire.heartbeat_key(tenant_id), connection_id)
        except (OSError, hiredis.ReplyError):
            return health.status("", connection_id, feed_lost=True)
        try:
            beat = wire.decode_message(text or b"")
        except msgspec.MsgspecError:
            beat = None
        if isinstance(beat, wire.Heartbeat) and beat.tenant_id == tenant_id:
            health.remember(beat, self._clock.monotonic(), self._clock.now_us())
        return health.status("", connection_id, feed_lost=False)


def why_offline(status: Status) -> str | None:
    """The same of one status. Pure."""
    if not status.stale and status.state == "connected":
        return None
    if status.stale:
        why = _STALE.get(status.reason or "", "its worker is not heard")
    else:
        why = status.message or _STATES.get(status.state, f"its state is {status.state}")
    return f"the device of {status.connection_id} cannot be written to now: {why}"
