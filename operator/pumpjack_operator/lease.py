"""Which of the replicas acts: the one that holds the Lease.

Clocks are not compared. A replica watches how long renewTime has stood still, by its own monotonic
clock, and takes the Lease over when that was longer than the Lease lasts; what time stands in it
does not matter. The holder gives up acting earlier than that, when it cannot renew, so that two
never act at once as long as their clocks run at the same speed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

from msgspec import Struct

from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.errors import PumpjackError
from pumpjack_core.log import get_logger
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import ApiError, Conflict, NotFound
from pumpjack_operator.kinds import LEASE

NAME = "pumpjack-operator"
RELEASE_S = 5.0
"""A process that is to end waits no longer to say so."""
_log = get_logger("operator.lease")


class Times(Struct, frozen=True):
    """How long things take [s].

    lasts   a Lease that was not renewed for so long is taken over
    gives_up  the holder stops acting when it could not renew for so long
    every   the holder renews, and others look, this often
    """

    lasts: float = 15.0
    gives_up: float = 10.0
    every: float = 2.0


class Lost(PumpjackError):
    """The Lease could not be kept; whoever held it must stop at once."""


class Lease:
    """One Lease, seen from one replica."""

    def __init__(
        self, api: Api, clock: Clock, namespace: str, identity: str, times: Times | None = None
    ) -> None:
        self._api = api
        self._clock = clock
        self._namespace = namespace
        self._identity = identity
        self._times = times or Times()
        self._seen: tuple[str, str] | None = None
        """Holder and renewTime as they were seen last."""
        self._since = 0.0
        """Since when they stand still, on the monotonic clock."""
        self._renewed = 0.0
        """When it was last asked for with success, on the monotonic clock."""

    async def acquire(self) -> None:
        """Wait until this replica holds the Lease."""
        told = ""
        while True:
            asked = self._clock.monotonic()
            try:
                # an answer that comes later is of no use: another may act by then
                async with asyncio.timeout(self._times.gives_up):
                    holder = await self._try()
            except Conflict:
                holder = "another"  # another was quicker; look again
            except (ApiError, TimeoutError) as error:
                why = str(error) or "the API server did not answer in time"
                _log.warning(f"the Lease cannot be read: {why}")
                holder = ""
            if holder == self._identity:
                self._renewed = asked
                _log.info("acting: this replica holds the Lease", identity=self._identity)
                return
            if holder != told:
                _log.info("waiting: another replica acts", holder=holder)
                told = holder
            await asyncio.sleep(self._times.every * random.uniform(0.8, 1.2))  # noqa: S311

    async def keep(self) -> None:
        """Renew until cancelled. Raises Lost when it cannot be kept."""
        renewed = self._renewed
        while True:
            await asyncio.sleep(self._times.every)
            left_s = renewed + self._times.gives_up - self._clock.monotonic()
            asked = self._clock.monotonic()
            try:
                async with asyncio.timeout(max(0.0, left_s)):
                    holder = await self._try()
            except (ApiError, TimeoutError) as error:
                if self._clock.monotonic() - renewed >= self._times.gives_up:
                    why = str(error) or "the API server did not answer in time"
                    raise Lost(f"the Lease could not be renewed: {why}") from error
                continue
            if holder != self._identity:
                raise Lost(f"{holder} has taken the Lease over")
            renewed = asked  # it is valid since it was asked for, not since the answer

    async def release(self) -> None:
        """Let another act at once. Where the API server is away, it acts when the Lease ends."""
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await self._give_back()

    async def _give_back(self) -> None:
        lease = await self._api.get(LEASE, self._namespace, NAME)
        if lease["spec"].get("holderIdentity") == self._identity:
            lease["spec"]["holderIdentity"] = ""
            await self._api.replace(LEASE, lease)

    async def _try(self) -> str:
        """Take or renew the Lease where that is allowed; returns who holds it."""
        try:
            lease = await self._api.get(LEASE, self._namespace, NAME)
        except NotFound:
            await self._api.create(LEASE, self._namespace, self._filled({}, 0))
            return self._identity
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._stands_still(spec):
            return str(holder)
        changes = spec.get("leaseTransitions") or 0
        await self._api.replace(LEASE, self._filled(lease, changes + (holder != self._identity)))
        return self._identity

    def _stands_still(self, spec: dict[str, Any]) -> bool:
        """Whether nobody has renewed it for longer than it lasts, as far as was seen from here."""
        now = self._clock.monotonic()
        seen = (str(spec.get("holderIdentity")), str(spec.get("renewTime")))
        if seen != self._seen:
            self._seen, self._since = seen, now
            return False
        lasts = max(self._times.lasts, float(spec.get("leaseDurationSeconds") or 0))
        return now - self._since > lasts

    def _filled(self, lease: dict[str, Any], transitions: int) -> dict[str, Any]:
        now = iso_us(self._clock.now_us())
        spec = lease.get("spec") or {}
        acquired = spec.get("acquireTime") if spec.get("holderIdentity") == self._identity else None
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": lease.get("metadata") or {"name": NAME, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, int(self._times.lasts)),
                "acquireTime": acquired or now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }
