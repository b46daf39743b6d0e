"""Whoever was let in before is let out again: tenants that left, sessions of earlier passwords.

Both wait a while. The workers of a tenant that loses its last namespace still store what is in
their journals, and a label that was removed by mistake is put back; after a renewal each worker
has to get its new pod first. The wait begins anew when the operator starts anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from pumpjack_core.clock import Clock
from pumpjack_core.errors import PumpjackError
from pumpjack_core.log import get_logger
from pumpjack_core.storage import roles
from pumpjack_operator.database import Database
from pumpjack_operator.logins import Logins, closed_logins
from pumpjack_operator.records import Records
from pumpjack_operator.redis_users import RedisUsers

CLOSE_AFTER_S = 900.0
"""A tenant without a namespace keeps its logins for so long."""
OVERLAP_S = 300.0
"""Sessions that began with an earlier password go on for so long after a renewal."""
_log = get_logger("operator.departures")


class _Lasting:
    """Since when something has been so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since_s: dict[str, float] = {}

    def begin(self, key: str) -> None:
        """It is so from now on."""
        self._since_s[key] = self._clock.monotonic()

    def for_s(self, key: str, is_so: bool) -> float:
        """For how long it has been so, as far as anybody looked; -1 when it is not."""
        if not is_so:
            self._since_s.pop(key, None)
            return -1.0
        now_s = self._clock.monotonic()
        return now_s - self._since_s.setdefault(key, now_s)


class Departures:
    """Lets out who has to go; look() is called again and again."""

    def __init__(
        self,
        records: Records,
        database: Database,
        users: RedisUsers,
        clock: Clock,
        *,
        serves: Callable[[str], bool],
        turn: Callable[[str], asyncio.Lock],
        closed: Callable[[str], None],
    ) -> None:
        """What to ask and whom to tell of a tenant.

        serves  whether any namespace is its, or may be
        turn    held while its logins are made
        closed  is told of one whose logins open nothing any more
        """
        self._records = records
        self._database = database
        self._users = users
        self._serves = serves
        self._turn = turn
        self._closed = closed
        self._left = _Lasting(clock)
        self._renewed = _Lasting(clock)
        self._told: dict[str, str] = {}
        """Tenant to why it could not be let out, as it was logged."""

    def was_renewed(self, tenant: str) -> None:
        """A tenant has other logins from now on: sessions that begin later are with those."""
        self._renewed.begin(tenant)

    async def look(self, tenant: str, logins: Logins) -> None:
        """Let out whoever has been due for long enough. Tried again at the next look."""
        if logins.closed and not self._serves(tenant):
            self._users.remove(tenant)  # also on a server that was put back from a backup
        left_s = self._left.for_s(tenant, not logins.closed and not self._serves(tenant))
        is_renewed = logins.applied == logins.version and logins.alone != logins.version
        renewed_s = self._renewed.for_s(tenant, is_renewed)
        try:
            if left_s >= CLOSE_AFTER_S:
                await self._close(tenant)
            elif renewed_s >= OVERLAP_S:
                await self._end_sessions(tenant, renewed_s)
        except PumpjackError as error:
            if self._told.get(tenant) != str(error):
                _log.warning(f"tenant {tenant}: its old logins still open something: {error}")
            self._told[tenant] = str(error)
        else:
            self._told.pop(tenant, None)

    async def _close(self, tenant: str) -> None:
        async with self._turn(tenant):
            record = await self._records.read(tenant)
            if record.logins is None or record.logins.closed or self._serves(tenant):
                return
            async with self._database.connected() as connection:
                await roles.close_tenant(connection, tenant)
            await self._records.write(tenant, closed_logins(record.logins), record.stored)
            self._users.remove(tenant)
            self._closed(tenant)
        _log.info("a tenant without a namespace: its logins are closed", tenant=tenant)

    async def _end_sessions(self, tenant: str, older_than_s: float) -> None:
        async with self._turn(tenant):
            record = await self._records.read(tenant)
            logins = record.logins
            if logins is None or logins.alone == logins.version:
                return
            async with self._database.connected() as connection:
                ended = await roles.end_sessions(connection, tenant, older_than_s=older_than_s)
            if not logins.redis_url:
                await self._users.end_sessions(tenant, older_than_s=older_than_s)
            await self._records.write(tenant, replace(logins, alone=logins.version), record.stored)
        _log.info("sessions with an earlier password are ended", tenant=tenant, sessions=ended)
