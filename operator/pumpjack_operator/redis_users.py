"""The tenants' Redis users: workers publish their own tenant's feed and alarms, read what wakes
them for commands, and can do nothing else.

Redis copies users to no other server, so each server is told. Users that a server lost (a restart
without an aclfile, a fail-over, a person) are there again after the next look. Where a server lets
us make none, that is said in a sentence and everything else goes on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pumpjack_core import wire
from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.storage.roles import writer_role
from pumpjack_operator.stores import place

CALL_TIMEOUT_S = 2.0
_BURST_USERS = 200
COMMANDS = ("publish", "hset", "hdel", "multi", "exec", "xread", "client|setinfo")
"""All that workers send; a test holds them together."""
_NEWER = "+client|setinfo"
"""Redis knows it from 7.2 on; clients do well without."""
_NO_FILE = "not configured to use an ACL file"


def rules(tenant: str, password: str, *, database: int = 0) -> tuple[str, ...]:
    """What ACL SETUSER is told, everything from anew (Redis manual, ACL). The password as a hash.

    Tenant ids are label values, so that none holds a character that patterns give a meaning to.
    """
    allowed = (*COMMANDS, "select") if database else COMMANDS
    return (
        "reset",
        "on",
        "#" + hashlib.sha256(password.encode()).hexdigest(),
        "&" + wire.readings_channel(tenant),
        "&" + wire.alarms_channel(tenant),
        "%W~" + wire.latest_key(tenant, "*"),
        "%W~" + wire.heartbeat_key(tenant),
        "%R~" + wire.commands_stream(tenant, "*"),
        *(f"+{command}" for command in allowed),
    )


def database_of(url: str) -> int:
    """Number of the database that a Redis URL names, 0 when it names none."""
    parts = urlsplit(url)
    named = parse_qs(parts.query).get("db", [""])[0]
    if not named and parts.scheme != "unix":
        named = parts.path.strip("/")
    return int(named) if named.isdecimal() else 0


class RedisUsers:
    """What users there shall be, and the servers that are told."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._wanted: dict[str, tuple[str, ...]] = {}
        """User to its rules."""
        self._unwanted: set[str] = set()
        """Users that must not be there."""
        self._servers = [_Server(url) for url in urls]

    def want(self, tenant: str, password: str, *, database: int = 0) -> None:
        """Have this user from the next apply() on; with database others than 0 it may take one."""
        self._wanted[writer_role(tenant)] = rules(tenant, password, database=database)
        self._unwanted.discard(writer_role(tenant))

    def leave(self, tenant: str) -> None:
        """Its user is the platform's matter."""
        self._wanted.pop(writer_role(tenant), None)

    def remove(self, tenant: str) -> None:
        """From the next apply() on have no such user, and no session of it."""
        self._wanted.pop(writer_role(tenant), None)
        self._unwanted.add(writer_role(tenant))

    async def apply(self) -> None:
        """Make every server's users what is wanted; problem says where that did not go."""
        wanted, unwanted = dict(self._wanted), frozenset(self._unwanted)
        async with asyncio.TaskGroup() as tasks:
            for server in self._servers:
                tasks.create_task(server.apply(wanted, unwanted))

    async def end_sessions(self, tenant: str, *, older_than_s: float) -> None:
        """End a user's sessions that began longer ago; on servers before Redis 7.4 all of them.

        Raises StorageUnavailable when a server is away, StorageError when it refuses.
        """
        for server in self._servers:
            await server.end_sessions(writer_role(tenant), older_than_s)

    @property
    def problem(self) -> str | None:
        """Which servers have not taken the users, and why: a sentence."""
        if not self._servers and self._wanted:
            return "no Redis server is named on which the tenants' users could be made"
        found = [server.problem for server in self._servers if server.problem]
        return "; ".join(found) or None

    async def close(self) -> None:
        """Disconnect."""
        for server in self._servers:
            await server.close()


class _Server:
    """One server, what it was last told, and how it then said it."""

    def __init__(self, url: str) -> None:
        self._place = place(url)
        self._redis = redis.asyncio.from_url(
            url,
            socket_timeout=CALL_TIMEOUT_S,
            socket_connect_timeout=CALL_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # it is looked at again soon anyway
        )
        self._turn = asyncio.Lock()
        """Two at once would each take the other's users for changed ones."""
        self._told: dict[str, tuple[tuple[str, ...], str]] = {}
        """User to its rules and to the line in which the server lists them: each version of Redis
        has another way to write the same."""
        self._unsaved = False
        self._is_old = False
        """It does not know _NEWER."""
        self.problem: str | None = None

    async def apply(self, wanted: dict[str, tuple[str, ...]], unwanted: frozenset[str]) -> None:
        async with self._turn:
            try:
                async with asyncio.timeout(2 * CALL_TIMEOUT_S):
                    await self._apply(wanted, unwanted)
            except redis.exceptions.RedisError as error:
                self.problem = _explain(self._place, error)
            except (OSError, TimeoutError) as error:
                self.problem = _away(self._place, error)

    async def end_sessions(self, user: str, older_than_s: float) -> None:
        try:
            async with asyncio.timeout(2 * CALL_TIMEOUT_S):
                try:
                    age_s = int(older_than_s) or None  # Redis takes no 0
                    await self._redis.client_kill_filter(user=user, maxage=age_s)
                except redis.exceptions.ResponseError as error:
                    if "syntax" not in str(error):
                        raise
                    await self._redis.client_kill_filter(user=user)
        except redis.exceptions.ResponseError as error:
            if "No such user" not in str(error):
                raise StorageError(
                    f"Redis {self._place} lets the operator end no sessions ({error}); allow its "
                    "user +@connection"
                ) from error
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            raise StorageUnavailable(_away(self._place, error)) from error

    async def _apply(self, wanted: dict[str, tuple[str, ...]], unwanted: frozenset[str]) -> None:
        found = await self._listed()
        if leaving := sorted(unwanted & found.keys()):
            await self._redis.acl_deluser(*leaving)  # ends their sessions, too
            self._unsaved = True
        missing = [
            user
            for user, given in wanted.items()
            if self._told.get(user) != (given, found.get(user))
        ]
        if missing:
            self._unsaved = True
            await self._tell(missing, wanted)
            found = await self._listed()
            self._told |= {user: (wanted[user], found[user]) for user in missing if user in found}
        if self._unsaved:
            await self._save()
        self.problem = _open_door(self._place, found.get("default", ""))

    async def _tell(self, users: list[str], wanted: dict[str, tuple[str, ...]]) -> None:
        for start in range(0, len(users), _BURST_USERS):
            burst = users[start : start + _BURST_USERS]
            try:
                await self._set(burst, wanted)
            except redis.exceptions.ResponseError as error:
                if self._is_old or _NEWER not in str(error):
                    raise
                self._is_old = True
                await self._set(burst, wanted)

    async def _set(self, users: list[str], wanted: dict[str, tuple[str, ...]]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for user in users:
            known = (rule for rule in wanted[user] if not (self._is_old and rule == _NEWER))
            pipe.execute_command("ACL SETUSER", user, *known)
        await pipe.execute()

    async def _listed(self) -> dict[str, str]:
        """User to its line."""
        found: list[bytes | str] = await self._redis.acl_list()
        lines = [line if isinstance(line, str) else line.decode() for line in found]
        return {line.split(" ", 2)[1]: line for line in lines}

    async def _save(self) -> None:
        """Into its aclfile; where it has none, it is told again after a restart."""
        try:
            await self._redis.acl_save()
        except redis.exceptions.ResponseError as error:
            if _NO_FILE not in str(error):
                raise
        self._unsaved = False

    async def close(self) -> None:
        await self._redis.aclose()


def _open_door(where: str, default: str) -> str | None:
    """A server that lets everybody in keeps no tenants apart. default: that user's line."""
    words = default.split()
    if not {"on", "nopass", "+@all"} <= set(words):
        return None
    return (
        f"Redis {where} lets everybody in as its user default, so that tenants are not kept apart; "
        "give that user a password (requirepass)"
    )


def _explain(where: str, error: redis.exceptions.RedisError) -> str:
    if _is_login(error):
        return f"Redis {where} refuses the operator's own login ({error}); correct its password"
    if isinstance(error, redis.exceptions.ResponseError):
        return f"Redis {where} lets the operator make no users ({_words(error)})"
    return _away(where, error)


def _is_login(error: BaseException | None) -> bool:
    """Whether a login was refused; the client tells it as a lost connection with a cause."""
    while error is not None:
        if isinstance(error, redis.exceptions.AuthenticationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _words(error: redis.exceptions.ResponseError) -> str:
    """The server's own, without the command that the client puts before them."""
    return str(error).partition("pipeline caused error: ")[2] or str(error)


def _away(where: str, error: Exception) -> str:
    return (
        f"Redis {where} is out of reach ({error or 'no answer in time'}); users are made when it "
        "is back"
    )
