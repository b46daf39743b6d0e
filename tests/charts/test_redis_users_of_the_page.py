"""The Redis users that docs/operations.md tells the platform to make may do enough, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redis.exceptions

from pumpjack_core import wire
from pumpjack_core.storage.roles import writer_role
from pumpjack_gateway.presence.messages import presence_channel
from pumpjack_operator.redis_users import RedisUsers
from pumpjack_operator.stores import with_login
from tests.operator.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.servers

STREAM = wire.commands_stream("permian", "permian-ops/plc")
PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
USERS = {
    line.split()[1]: line.split()[2:]
    for line in re.findall(r"^ *(user pumpjack-.*)$", PAGE, re.MULTILINE)
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """With the users of the page in its aclfile."""
    with redis_server(tmp_path, aclfile=True) as running:
        with running.admin() as admin:
            for name, rules in USERS.items():
                admin.execute_command("ACL", "SETUSER", name, *rules)
        yield running


async def test_the_operators_user_makes_those_of_tenants(server):
    users = RedisUsers([with_login(server.place, "pumpjack-operator", "THE-OPERATORS")])
    users.want("permian", "x" * 43)
    try:
        await users.apply()
        assert users.problem is None
    finally:
        await users.close()
    with server.admin() as admin:
        assert writer_role("permian") in admin.execute_command("ACL", "USERS")


def test_the_gateways_user_reads_every_feed_and_writes_none_but_wakes_for_alarms_and_commands(
    server,
):
    url = with_login(server.place, "pumpjack-gateway", "THE-GATEWAYS")
    with redis.from_url(url, decode_responses=True) as gateway:
        # what gateway/pumpjack_gateway sends
        assert gateway.execute_command("HELLO", "3", "SETNAME", "pumpjack-gateway")
        assert gateway.hgetall(wire.latest_key("permian", "w1")) == {}
        assert gateway.hmget(wire.heartbeat_key("permian"), ["a"]) == [None]
        assert gateway.exists(wire.latest_key("permian", "w1")) == 0
        with gateway.pubsub() as listening:
            listening.subscribe(wire.readings_channel("permian"))
            assert listening.get_message(timeout=60)["type"] == "subscribe"
            listening.subscribe(wire.alarms_channel("permian"))
            assert listening.get_message(timeout=60)["type"] == "subscribe"
            assert gateway.publish(wire.alarms_channel("permian"), "{}") == 1
            listening.subscribe(presence_channel("permian"))
            assert gateway.publish(presence_channel("permian"), "{}") == 1
        assert gateway.xadd(STREAM, {"command": "1"}, maxlen=16)
        assert len(gateway.xrange(STREAM)) == 1
        for refused in (
            ("PUBLISH", wire.readings_channel("permian"), "{}"),
            ("SPUBLISH", wire.readings_channel("permian"), "{}"),
            ("XADD", wire.latest_key("permian", "w1"), "*", "a", "1"),
            ("DEL", STREAM),
            ("HSET", wire.latest_key("permian", "w1"), "a", "b"),
            ("GET", "another:key"),
            ("ACL", "LIST"),
            ("FLUSHALL",),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                gateway.execute_command(*refused)
