"""What a tenant's Redis user may do, on real servers, and that it comes back when it was lost."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis.asyncio
import redis.exceptions

from pumpjack_core import wire
from pumpjack_core.storage.roles import writer_role
from pumpjack_operator.redis_users import COMMANDS, RedisUsers, database_of, rules
from pumpjack_operator.stores import with_login
from pumpjack_worker.pipeline.feed import Feed
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.publisher import Publisher
from tests.operator.redis_server import PASSWORD, RedisServer, redis_program, redis_server
from tests.workers.pipeline.examples import StillClock, batch, table

THIEF, VICTIM = "permian", "bakken"
PASSWORDS = {THIEF: "a" * 43, VICTIM: "b" * 43}
PATIENCE_S = 60.0
REFUSED = "invalid username-password pair"
REDIS = redis_program()

pytestmark = pytest.mark.servers


@pytest.fixture(
    params=[
        "valkey",
        pytest.param(
            "redis",
            marks=[
                pytest.mark.peers,
                pytest.mark.skipif(REDIS is None, reason="peer-missing: redis-server"),
            ],
        ),
    ],
    scope="module",
)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    program = REDIS if request.param == "redis" else None
    with tempfile.TemporaryDirectory(prefix="pj-users-") as folder:
        with redis_server(Path(folder), program=program) as running:
            yield running


@pytest.fixture
async def users(server):
    with server.admin() as admin:
        admin.flushall()
    made = RedisUsers([server.url])
    for tenant, password in PASSWORDS.items():
        made.want(tenant, password)
    await made.apply()
    assert made.problem is None
    yield made
    await made.close()


def login(server: RedisServer, tenant: str) -> str:
    return with_login(server.place, writer_role(tenant), PASSWORDS[tenant])


@pytest.fixture
async def thief(server, users):
    async with redis.asyncio.from_url(login(server, THIEF)) as client:
        yield client


OWN_COMMANDS = wire.commands_stream(THIEF, "ops/plc")
VICTIMS_COMMANDS = wire.commands_stream(VICTIM, "ops/plc")
VICTIMS_WELL = wire.latest_key(VICTIM, "w1")
STOLEN = {
    "publish on the other's channel": ["PUBLISH", wire.readings_channel(VICTIM), "x"],
    "publish on the other's alarms": ["PUBLISH", wire.alarms_channel(VICTIM), "x"],
    "publish a command to a worker": ["PUBLISH", f"scada:commands:{THIEF}", "x"],
    "wake a worker of its own for a command": ["XADD", OWN_COMMANDS, "*", "a", "1"],
    "trim what wakes a worker of its own": ["XTRIM", OWN_COMMANDS, "MAXLEN", "0"],
    "remove what wakes a worker of its own": ["DEL", OWN_COMMANDS],
    "put a hash in its place": ["HSET", OWN_COMMANDS, "a", "1"],
    "wake the other's worker": ["XADD", VICTIMS_COMMANDS, "*", "a", "1"],
    "see when the other's worker is woken": ["XREAD", "STREAMS", VICTIMS_COMMANDS, "0"],
    "see when one is woken whose name begins alike": [
        "XREAD",
        "STREAMS",
        wire.commands_stream(f"{THIEF}2", "ops/plc"),
        "0",
    ],
    "take what wakes others, as a group": [
        "XREADGROUP",
        "GROUP",
        "g",
        "c",
        "STREAMS",
        OWN_COMMANDS,
        ">",
    ],
    "publish on a channel that begins alike": ["PUBLISH", f"scada:readings:{THIEF}2", "x"],
    "publish to a shard's channel": ["SPUBLISH", wire.readings_channel(THIEF), "x"],
    "subscribe to the other": ["SUBSCRIBE", wire.readings_channel(VICTIM)],
    "subscribe to everything": ["PSUBSCRIBE", "*"],
    "subscribe to its own": ["SUBSCRIBE", wire.readings_channel(THIEF)],
    "subscribe to its own alarms": ["SUBSCRIBE", wire.alarms_channel(THIEF)],
    "ask who listens": ["PUBSUB", "CHANNELS", "*"],
    "read the other's latest": ["HGETALL", VICTIMS_WELL],
    "read one value of it": ["HGET", VICTIMS_WELL, "pressure"],
    "write the other's latest": ["HSET", VICTIMS_WELL, "pressure", "1"],
    "remove the other's latest": ["HDEL", VICTIMS_WELL, "pressure"],
    "write the other's heartbeat": ["HSET", wire.heartbeat_key(VICTIM), "ops/plc", "x"],
    "write a key of a tenant that begins alike": ["HSET", f"scada:latest:{THIEF}2:w1", "a", "1"],
    "write any key": ["HSET", "another", "a", "1"],
    "read its own latest": ["HGETALL", wire.latest_key(THIEF, "w1")],
    "copy the other's latest to its own": ["COPY", VICTIMS_WELL, wire.latest_key(THIEF, "w1")],
    "list the keys": ["KEYS", "*"],
    "scan the keys": ["SCAN", "0"],
    "delete a key": ["DEL", wire.latest_key(THIEF, "w1")],
    "have one expire": ["EXPIRE", wire.latest_key(THIEF, "w1"), "1"],
    "empty the server": ["FLUSHALL"],
    "empty the database": ["FLUSHDB"],
    "read the configuration": ["CONFIG", "GET", "requirepass"],
    "change the configuration": ["CONFIG", "SET", "maxmemory", "1"],
    "list the users": ["ACL", "LIST"],
    "give itself more": ["ACL", "SETUSER", writer_role(THIEF), "+@all"],
    "ask who it is": ["ACL", "WHOAMI"],
    "run a script": ["EVAL", "return redis.call('KEYS', '*')", "0"],
    "load a script": ["SCRIPT", "LOAD", "return 1"],
    "load a function": ["FUNCTION", "LIST"],
    "see what others send": ["MONITOR"],
    "list the clients": ["CLIENT", "LIST"],
    "end the others' sessions": ["CLIENT", "KILL", "TYPE", "normal"],
    "hold up everybody": ["CLIENT", "PAUSE", "1"],
    "see the slow queries": ["SLOWLOG", "GET"],
    "ask for the state": ["INFO"],
    "take another database": ["SELECT", "1"],
    "take it into a copy": ["REPLICAOF", "NO", "ONE"],
    "become a copy": ["SYNC"],
    "end the server": ["SHUTDOWN", "NOSAVE"],
    "move a key away": ["MIGRATE", "127.0.0.1", "1", VICTIMS_WELL, "0", "100"],
}


@pytest.mark.parametrize("command", STOLEN.values(), ids=list(STOLEN))
async def test_stolen_credentials_cannot(command, thief, server):
    with server.admin() as admin:
        admin.hset(VICTIMS_WELL, "pressure", "5")
    with pytest.raises(redis.exceptions.NoPermissionError):
        await thief.execute_command(*command)
    with server.admin() as admin:
        assert admin.hgetall(VICTIMS_WELL) == {"pressure": "5"}


async def test_nor_can_they_within_a_transaction(thief, server):
    async with thief.pipeline(transaction=True) as pipe:
        pipe.publish(wire.readings_channel(THIEF), "x")
        pipe.hset(VICTIMS_WELL, "pressure", "9")
        with pytest.raises(redis.exceptions.RedisError):
            await pipe.execute()
    with server.admin() as admin:
        assert admin.hgetall(VICTIMS_WELL) == {}


async def test_another_tenants_user_needs_that_tenants_password(server, users):
    url = with_login(server.place, writer_role(VICTIM), PASSWORDS[THIEF])
    async with redis.asyncio.from_url(url) as client:
        with pytest.raises(redis.exceptions.ConnectionError, match=REFUSED):
            await client.execute_command("HSET", VICTIMS_WELL, "a", "1")


async def test_a_worker_can_do_all_that_its_publisher_does_and_asks_for_nothing_else(server, users):
    """The real publisher, so that a command it learns is missed here first."""
    names = {"tenant_id": THIEF, "connection_id": "ops/plc"}
    tags = table("pressure", "temperature")
    publisher = Publisher(
        login(server, THIEF),
        Feed(epoch=UUID(int=7), follows=0, protocol="modbus-tcp", **names),
        heartbeat=lambda: wire.Heartbeat(
            *[""] * 4, "", {}, 0, "connected", None, None, 0, 0, 0, 0, ""
        ),
        clock=StillClock(),
        metrics=Metrics(protocol="modbus-tcp", **names),
        **names,
    )
    with server.admin() as admin:
        admin.acl_log_reset()
        admin.config_resetstat()
        with admin.pubsub() as screen:
            screen.subscribe(wire.readings_channel(THIEF))
            publisher.publish(1, batch(tags, [1.0, 2.0]), stored=True)
            await publisher._send_waiting()
            publisher.forget({"a1": {"pressure"}})
            await publisher._beat()
            await publisher._write_latest_again()
            await publisher.close()
            async with redis.asyncio.from_url(login(server, THIEF)) as client:
                assert await client.publish(wire.alarms_channel(THIEF), "x") == 0
                admin.xadd(OWN_COMMANDS, {"command": "1"}, maxlen=16)
                ((_, woken),) = await client.xread({OWN_COMMANDS: "0"}, block=1_000)
            heard = [screen.get_message(timeout=PATIENCE_S) for _ in range(3)]
        latest = admin.hgetall(wire.latest_key(THIEF, "a1"))
        used = set(admin.info("commandstats"))
        knows_setinfo = "setinfo" in str(admin.execute_command("ACL CAT", "connection"))
        assert [entry for entry in admin.acl_log() if entry["username"] != "default"] == []
    assert [message["type"] for message in heard] == ["subscribe", "message", "message"]
    assert [fields for _, fields in woken] == [{b"command": b"1"}]
    assert "pressure" in latest
    assert "temperature" not in latest
    assert publisher.breaker.allows()
    known = set(COMMANDS) - (set() if knows_setinfo else {"client|setinfo"})
    unused = {f"cmdstat_{command}" for command in known} - used
    assert unused == set(), "the user may do what no worker does"


async def test_users_that_a_restart_lost_are_there_again(server, users):
    server.stop()
    await users.apply()
    assert "out of reach" in (users.problem or "")
    assert "users are made when it is back" in (users.problem or "")
    server.start()
    async with redis.asyncio.from_url(login(server, THIEF)) as client:
        with pytest.raises(redis.exceptions.ConnectionError, match=REFUSED):
            await client.publish(wire.readings_channel(THIEF), "x")
        await users.apply()
        assert users.problem is None
        await client.publish(wire.readings_channel(THIEF), "x")


MEDDLING = {
    "given more": ["ACL", "SETUSER", writer_role(THIEF), "+@all", "~*", "&*"],
    "switched off": ["ACL", "SETUSER", writer_role(THIEF), "off"],
    "given another password": ["ACL", "SETUSER", writer_role(THIEF), ">x", "resetpass", ">y"],
    "removed": ["ACL", "DELUSER", writer_role(THIEF)],
}


@pytest.mark.parametrize("change", MEDDLING.values(), ids=list(MEDDLING))
async def test_a_user_that_others_changed_is_set_right(change, server, users):
    with server.admin() as admin:
        admin.execute_command(*change)
        await users.apply()
        async with redis.asyncio.from_url(login(server, THIEF)) as client:
            await client.publish(wire.readings_channel(THIEF), "x")
            with pytest.raises(redis.exceptions.NoPermissionError):
                await client.execute_command("KEYS", "*")


async def test_nothing_is_written_when_nothing_changed(server, users):
    with server.admin() as admin:
        admin.config_resetstat()
        await users.apply()
        assert not {"cmdstat_acl|setuser", "cmdstat_acl|save"} & set(admin.info("commandstats"))


async def test_a_new_password_closes_the_door_to_the_old_one_and_ends_no_session(server, users):
    async with redis.asyncio.from_url(login(server, THIEF)) as session:
        await session.publish(wire.readings_channel(THIEF), "before")
        users.want(THIEF, "c" * 43)
        await users.apply()
        await session.publish(wire.readings_channel(THIEF), "after")
    async with redis.asyncio.from_url(login(server, THIEF)) as late:
        with pytest.raises(redis.exceptions.ConnectionError, match=REFUSED):
            await late.publish(wire.readings_channel(THIEF), "x")
    new = with_login(server.place, writer_role(THIEF), "c" * 43)
    async with redis.asyncio.from_url(new) as client:
        await client.publish(wire.readings_channel(THIEF), "x")


async def test_every_server_has_the_users_and_one_that_is_away_stops_no_other(server, tmp_path):
    away = f"unix://default:{PASSWORD}@{tmp_path}/none.sock"
    users = RedisUsers([away, server.url])
    users.want("eagleford", "d" * 43)
    await users.apply()
    assert str(tmp_path) in (users.problem or "")
    assert PASSWORD not in (users.problem or "")
    url = with_login(server.place, writer_role("eagleford"), "d" * 43)
    async with redis.asyncio.from_url(url) as client:
        await client.publish(wire.readings_channel("eagleford"), "x")
    await users.close()


async def test_an_aclfile_keeps_users_over_a_restart():
    with tempfile.TemporaryDirectory(prefix="pj-users-") as folder:
        with redis_server(Path(folder), aclfile=True) as server:
            users = RedisUsers([server.url])
            users.want(THIEF, PASSWORDS[THIEF])
            await users.apply()
            assert users.problem is None
            server.stop()
            server.start()
            async with redis.asyncio.from_url(login(server, THIEF)) as client:
                await client.publish(wire.readings_channel(THIEF), "x")
            await users.close()


async def test_an_aclfile_that_cannot_be_written_is_told_and_tried_again(tmp_path):
    with tempfile.TemporaryDirectory(prefix="pj-users-") as folder:
        with redis_server(Path(folder), aclfile=True) as server:
            (Path(folder) / "users.acl").unlink()
            (Path(folder) / "users.acl").mkdir()
            users = RedisUsers([server.url])
            users.want(THIEF, PASSWORDS[THIEF])
            await users.apply()
            assert "lets the operator make no users" in (users.problem or "")
            (Path(folder) / "users.acl").rmdir()
            await users.apply()
            assert users.problem is None
            assert writer_role(THIEF) in (Path(folder) / "users.acl").read_text()
            await users.close()


async def test_where_the_operator_may_not_make_users_it_says_so_and_goes_on(server):
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "+ping", "+info")
    users = RedisUsers([with_login(server.place, "limited", "pw")])
    users.want(THIEF, PASSWORDS[THIEF])
    await users.apply()
    assert "lets the operator make no users" in (users.problem or "")
    assert "no permissions" in (users.problem or "").lower()
    await users.close()
    wrong = RedisUsers([with_login(server.place, "default", "wrong")])
    await wrong.apply()
    assert "refuses the operator's own login" in (wrong.problem or "")
    await wrong.close()


async def test_the_operators_user_of_docs_operations_is_enough(server):
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    (line,) = re.findall(r"^ +user pumpjack-operator (.*)$", page, re.MULTILINE)
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "documented", "reset", *line.split())
    (password,) = re.findall(r">(\S+)", line)
    users = RedisUsers([with_login(server.place, "documented", password)])
    users.want(THIEF, PASSWORDS[THIEF])
    await users.apply()
    assert users.problem is None
    async with redis.asyncio.from_url(login(server, THIEF)) as client:
        await client.publish(wire.readings_channel(THIEF), "x")
    await users.close()


async def test_a_server_that_lets_everybody_in_is_told(server):
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "default", "nopass")
        users = RedisUsers([server.place])
        await users.apply()
        assert "lets everybody in" in (users.problem or "")
        admin.execute_command("ACL", "SETUSER", "default", "resetpass", f">{PASSWORD}")
        await users.close()


async def test_many_tenants_are_made_at_once(server):
    users = RedisUsers([server.url])
    for number in range(500):
        users.want(f"tenant-{number}", f"{number:043}")
    await users.apply()
    assert users.problem is None
    last = with_login(server.place, writer_role("tenant-499"), f"{499:043}")
    async with redis.asyncio.from_url(last) as client:
        await client.publish(wire.readings_channel("tenant-499"), "x")
    await users.close()


def test_a_user_that_must_take_another_database_may_and_no_other():
    assert "+select" in rules("permian", "x", database=2)
    assert "+select" not in rules("permian", "x")
    urls = ["redis://h/2", "redis://h:6379/0", "redis://h", "unix:///run/s?db=3", "unix:///run/s"]
    assert [database_of(url) for url in urls] == [2, 0, 0, 3, 0]


def test_the_password_itself_is_in_no_rule():
    assert "hunter2" not in " ".join(rules("permian", "hunter2"))


async def test_no_look_waits_for_a_server_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("pumpjack_operator.redis_users.CALL_TIMEOUT_S", 0.1)
    connected = asyncio.Event()

    async def silent(_reader, writer):
        connected.set()

    listener = await asyncio.start_unix_server(silent, tmp_path / "silent.sock")
    users = RedisUsers([f"unix://{tmp_path}/silent.sock"])
    async with asyncio.timeout(PATIENCE_S):
        await users.apply()
    assert connected.is_set()
    assert "out of reach" in (users.problem or "")
    await users.close()
    listener.close()


def test_docs_tenancy_gives_the_rules_that_the_operator_sets():
    page = (Path(__file__).parents[2] / "docs" / "tenancy.md").read_text()
    (line,) = re.findall(r"^on >PASSWORD (.*)$", page, re.MULTILINE)
    _reset, _on, _password, *given = rules("permian", "x")
    assert line.split() == given
