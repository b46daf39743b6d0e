"""What a tenant's workers log in with: made, kept right and renewed.

In this order, each step safe to repeat, so that a stop at any point loses and doubles nothing:
the record (stores.py), the roles in the database, the user in Redis, the copy in the namespace.
Database away: a tenant that never had roles waits for it, another goes on with what it has.
Redis away or closed to us: said by problem(); storing goes on, and the user is made later.

A login is renewed when the record bears another value of the annotation pumpjack.dev/rotate.
Sessions that are open stay open for a while; pods are made anew because stores_version changes;
whoever has to log in between finds the journal to write to. Who has to go: departures.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.errors import ManifestError, PumpjackError, StorageUnavailable
from pumpjack_core.log import get_logger
from pumpjack_core.storage import roles
from pumpjack_operator.database import AGAIN_S, Database
from pumpjack_operator.departures import Departures
from pumpjack_operator.logins import (
    SUPPLIED_REDIS_URL,
    Logins,
    copy_manifest,
    copy_problem,
    emptied_copy,
    has_logins,
    is_copied,
    stores_version,
    wanted_logins,
)
from pumpjack_operator.objects import Conflict, Objects
from pumpjack_operator.records import Record, Records
from pumpjack_operator.redis_users import RedisUsers, database_of
from pumpjack_operator.specs.wanted import Manifest
from pumpjack_operator.stores import Stores

USERS_S = 2.5
"""Between two looks at Redis: with the time that a call may take, within 5 s of a loss."""
RECORDS_S = 15.0
"""Between two looks at the records, for those that are to be renewed."""
REFRESH_S = 300.0
"""After this long the Secrets that were found right are looked at again."""
ROLES_S = 3_600.0
"""After this long a role is given its password again: a write, and of no use nearly always."""
_ATTEMPTS = 3
_log = get_logger("operator.tenants")


class _Known:
    """What this process knows of one tenant."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.logins: Logins | None = None
        self.due_s = 0.0
        """When the logins are looked at again, on the monotonic clock."""
        self.roles_due_s = 0.0
        """When the database is told them again."""
        self.copied: dict[str, str] = {}
        """Namespace to the version that its copy was seen to have."""
        self.namespaces: set[str] = set()
        self.problem: str | None = None


class Tenants:
    """The tenants' logins. run() must run beside."""

    def __init__(
        self,
        objects: Objects,
        stores: Stores,
        users: RedisUsers,
        *,
        own_namespace: str,
        secret_name: str,
        changed: Callable[[str], None],
        serves: Callable[[str], bool] = lambda _tenant: True,
        clock: Clock | None = None,
    ) -> None:
        """What to ask and whom to tell.

        changed  is told of a namespace in which there is something to do again
        serves   whether any namespace is, or may be, a tenant's; True in doubt
        """
        self._objects = objects
        self._stores = stores
        self._users = users
        self.secret_name = secret_name
        self._changed = changed
        self._clock = clock or SystemClock()
        self._known: dict[str, _Known] = {}
        self._users_due = asyncio.Event()
        self._records = Records(objects, own_namespace)
        self._database = Database(stores.database_url, self._clock)
        self._departures = Departures(
            self._records,
            self._database,
            users,
            self._clock,
            serves=serves,
            turn=lambda tenant: self._knows(tenant).turn,
            closed=self._was_closed,
        )

    async def ensure_tenant(self, namespace: str, tenant: str) -> str:
        """Have the tenant's logins made and copied to a namespace; returns their version.

        Quick when nothing is to be done. Raises StorageUnavailable when the database is away and
        the tenant's roles were never made, StorageError when it refuses, ManifestError when a
        Secret stands in the way, and the errors of the API server.
        """
        known = self._knows(tenant)
        known.namespaces.add(namespace)
        async with known.turn:
            if known.logins is None or self._clock.monotonic() >= known.due_s:
                known.copied.clear()
                known.logins = await self._logins(tenant, known)
                self._tell_users(tenant, known.logins)
            copy = copy_manifest(self.secret_name, namespace, tenant, known.logins, self._stores)
            version = stores_version(copy)
            if known.copied.get(namespace) != version:
                known.copied[namespace] = version  # before the look: forget() may come in it
                try:
                    await self._copy(copy)
                except BaseException:
                    self.forget(namespace)
                    raise
        return version

    async def retire(self, tenant: str, connection_id: str) -> None:
        """A connection was deleted: its silence is no failure. Raises StorageError."""
        async with self._database.connected() as connection:
            await connection.execute(
                "SELECT pumpjack.retire_connection($1, $2)", tenant, connection_id
            )

    def problem(self, tenant: str) -> str | None:
        """What does not go well with its logins, though its workers run: a sentence."""
        known = self._known.get(tenant)
        if known is None:
            return None
        found = [known.problem] if known.problem else []
        if self._users.problem and known.logins and not known.logins.redis_url:
            found.append(
                f"{self._users.problem}. Readings are stored; screens may see nothing new. Where "
                f"users cannot be made, make {roles.writer_role(tenant)} yourself and put its URL "
                f"into the key {SUPPLIED_REDIS_URL} of the Secret {self._records.place(tenant)}"
            )
        return "; ".join(found) or None

    def forget(self, namespace: str) -> None:
        """Somebody may have changed the copy in a namespace; look at it the next time."""
        for known in self._known.values():
            known.copied.pop(namespace, None)

    async def take_back(self, namespace: str) -> None:
        """A namespace is nobody's, or another's: what logs in as a tenant goes from its Secret."""
        for known in self._known.values():
            known.namespaces.discard(namespace)
            known.copied.pop(namespace, None)
        stored = await self._objects.get("Secret", namespace, self.secret_name)
        if has_logins(stored):
            emptied = emptied_copy(self.secret_name, namespace, self._stores)
            await self._objects.apply(emptied)
            _log.info("a namespace left its tenant: it has no logins any more", at=namespace)

    async def run(self) -> None:
        """Keep users and records right until cancelled; disconnects from Redis."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_users(), name="redis users")
                tasks.create_task(self._keep_records(), name="tenants' records")
        finally:
            await self._users.close()

    async def _keep_users(self) -> None:
        told: str | None = None
        while True:
            await self._users.apply()
            if self._users.problem != told:
                told = self._users.problem
                _log.warning(told) if told else _log.info("every Redis server has its users")
                for known in self._known.values():
                    for namespace in known.namespaces:
                        self._changed(namespace)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(USERS_S):
                    await self._users_due.wait()
            self._users_due.clear()

    async def _keep_records(self) -> None:
        while True:
            await asyncio.sleep(RECORDS_S)
            try:
                await self.look_at_records()
            except PumpjackError as error:
                _log.warning(f"the tenants' records cannot be read: {error}")

    async def look_at_records(self) -> None:
        """Find the records that changed, or ask for other logins, and say which namespaces.

        Whoever has to go is let out.
        """
        records = await self._records.all()
        for tenant, known in self._known.items():
            if known.logins is None or self._is_settled(known, records.get(tenant)):
                continue
            known.due_s = 0.0
            for namespace in known.namespaces:
                self._changed(namespace)
        for tenant, record in records.items():
            if record.logins is not None:
                await self._departures.look(tenant, record.logins)

    def _is_settled(self, known: _Known, record: Record | None) -> bool:
        if record is None or record.logins is None or known.problem is not None:
            return False
        is_known = record.logins == known.logins
        return is_known and wanted_logins(record.logins, record.asked) is record.logins

    def _knows(self, tenant: str) -> _Known:
        return self._known.setdefault(tenant, _Known())

    def _was_closed(self, tenant: str) -> None:
        self._known[tenant].logins = None

    def _tell_users(self, tenant: str, logins: Logins) -> None:
        if logins.redis_url:
            self._users.leave(tenant)
        else:
            database = database_of(self._stores.worker_redis_url)
            self._users.want(tenant, logins.redis_password, database=database)
        self._users_due.set()

    async def _logins(self, tenant: str, known: _Known) -> Logins:
        """The record's, the database knowing them; where it is away, those that it last knew."""
        for _ in range(_ATTEMPTS):
            stored, record, asked = await self._records.read(tenant)
            now_s = self._clock.monotonic()
            is_known = record == known.logins and now_s < known.roles_due_s
            if record is not None and is_known and wanted_logins(record, asked) is record:
                known.due_s, known.problem = now_s + REFRESH_S, None
                return record
            try:
                logins = await self._make(tenant, stored, record, asked)
            except Conflict:  # another operator was quicker: what it wrote is the record
                continue
            except StorageUnavailable as error:
                is_applied = record is not None and record.applied == record.version
                last = record if is_applied else known.logins
                if last is None:
                    raise
                if known.problem is None:
                    _log.warning(f"tenant {tenant}: {error}; workers go on with their logins")
                known.problem = f"{error}; workers go on with the logins that they have"
                known.due_s = now_s + AGAIN_S
                return last
            known.problem = None
            known.due_s, known.roles_due_s = now_s + REFRESH_S, now_s + ROLES_S
            return logins
        raise Conflict(
            f"Secret {self._records.place(tenant)} is being changed by others; see that only one "
            "operator works"
        )

    async def _make(
        self, tenant: str, stored: Manifest | None, record: Logins | None, asked: str
    ) -> Logins:
        """Roles with the password of the record, which is made or renewed before."""
        async with self._database.connected() as connection:
            logins = wanted_logins(record, asked)
            if logins is not record:
                stored = await self._records.write(tenant, logins, stored)
            await roles.ensure_tenant(connection, tenant, writer_password=logins.database_password)
        if logins.applied != logins.version:
            logins = msgspec.structs.replace(logins, applied=logins.version)
            await self._records.write(tenant, logins, stored)
            self._departures.was_renewed(tenant)
        return logins

    async def _copy(self, copy: Manifest) -> None:
        """Bring a namespace's Secret to what its workers need."""
        metadata = copy["metadata"]
        stored = await self._objects.get("Secret", metadata["namespace"], metadata["name"])
        if is_copied(stored, copy):
            return
        if problem := copy_problem(stored):
            raise ManifestError(problem)
        await self._objects.apply(copy)
