"""What a tenant's worker writes into Redis, whatever it is, costs no other tenant anything."""

from __future__ import annotations

import pytest
import redis.asyncio

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core import wire
from pumpjack_gateway.alarms.beats import HEARTBEAT_MAX_BYTES
from pumpjack_gateway.alarms.feed import AlarmFeed
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import WELL, Field
from tests.gateway.alarms.test_watch import beating, failures, looked, see, soon
from tests.gateway.conftest import running
from tests.gateway.databases import Database
from tests.gateway.screens import screen

pytestmark = pytest.mark.servers
NESTED = b"[" * 100_000 + b"]" * 100_000


def message(field: Field, kind: str, rest: bytes) -> bytes:
    return b'{"type":"%b","tenantId":"%b",%b}' % (kind.encode(), field.tenant.encode(), rest)


BEATS = {
    "nested too deeply": b'"x":' + NESTED,
    "not UTF-8": b'"message":"\xff"',
    "far too long": b'"message":"' + b"x" * HEARTBEAT_MAX_BYTES + b'"',
}


@pytest.mark.parametrize("rest", BEATS.values(), ids=BEATS)
async def test_a_heartbeat_that_is_none_is_silence_and_others_are_watched(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey, rest: bytes
) -> None:
    first = Field(alarm_database, valkey.url)
    await first.open(tenant=f"a-{field.tenant}")
    client = redis.asyncio.from_url(valkey.url)
    garbage = message(first, "heartbeat", rest)
    for name in (first.connection, "ops/nobody"):
        await client.hset(wire.heartbeat_key(first.tenant), name, garbage)  # type: ignore[misc]
    async with running(valkey.url, alarm_database.gateway_url) as gateway:
        for one in (first, field):

            async def is_raised(one: Field = one) -> bool:
                return bool(await failures(one))

            await soon(is_raised, "both are silent")
        async with beating(field):

            async def has_returned() -> bool:
                return (await failures(field))[-1]["kind"] == "returned"

            await soon(has_returned, "the other one is watched on")
        await looked(gateway)
    await client.aclose()
    await first.close()


@pytest.mark.parametrize("kind", ["condition", "heartbeat", "readings"])
async def test_a_message_that_is_nested_too_deeply_is_refused_and_the_feed_goes_on(
    alarm_gateway: Gateway, field: Field, valkey: EmbeddedValkey, kind: str
) -> None:
    channel = wire.alarms_channel if kind == "condition" else wire.readings_channel
    client = redis.asyncio.from_url(valkey.url)
    async with screen(alarm_gateway, field.tenant) as ann, beating(field):
        await see(ann)
        await ann.say(type="subscribe-commands")
        await ann.until("commands")
        await ann.subscribe(WELL)
        await client.publish(channel(field.tenant), message(field, kind, b'"x":' + NESTED))

        async def is_refused() -> bool:
            text = alarm_gateway.metrics.text().decode()
            # what workers say of alarms is bounded in length before it is looked into
            return 'refused_total{reason="malformed"} 1.0' in text or (
                kind == "condition" and 'refused_total{reason="oversize"} 1.0' in text
            )

        await soon(is_refused, "it is counted")
        alarm = await field.set(True)
        await ann.until("alarm", alarmId=alarm, confirmed=True)
        told = [one["type"] for one in ann.seen]
        assert told.count("alarms") == 1, "the link to Redis was not lost: nothing was told anew"
    await client.aclose()


async def test_alarms_that_cannot_be_made_sense_of_are_read_anew_and_end_nothing(
    alarm_gateway: Gateway, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a tenant can do is known to bring this about, so the feed is broken by hand."""
    async with screen(alarm_gateway, field.tenant) as ann:
        await see(ann)
        broken = AlarmFeed._measure

        def fails(*_: object) -> None:
            monkeypatch.setattr(AlarmFeed, "_measure", broken)
            raise RuntimeError("this cannot be")

        monkeypatch.setattr(AlarmFeed, "_measure", fails)
        alarm = await field.set(True)
        resumed = await ann.until("alarms", resumed=True)
        assert [one["alarmId"] for one in resumed["alarms"]] == [alarm]
        await field.set(False)
        await ann.until("alarm", alarmId=alarm, state="returned_unacknowledged")


LONG = {
    "a message that no mapping allows": {"message": "x" * 257},
    "the id of no alarm": {"alarmId": "x" * 32},
    "a name that no database takes": {"tagName": "x" * 513},
    "what nobody asked for": {"more": "x" * 8_192},
}


@pytest.mark.parametrize("changes", LONG.values(), ids=LONG)
async def test_a_condition_that_is_longer_than_any_can_be_is_not_kept(
    alarm_gateway: Gateway, field: Field, changes: dict[str, str]
) -> None:
    async with screen(alarm_gateway, field.tenant) as ann:
        await see(ann)
        await field.tell(True, **changes)

        async def is_refused() -> bool:
            text = alarm_gateway.metrics.text().decode()
            return "scada_feed_refused_total{" in text

        await soon(is_refused, "it is counted")
        await field.tell(True, "hihi", message="x" * 256)
        told = await ann.until("alarm")
        assert (told["condition"], told["confirmed"]) == ("hihi", False)
