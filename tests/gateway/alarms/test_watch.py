"""Silent connections, the end of shelvings, and which replica sees to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.storage.roles import reader_role
from pumpjack_core.wire import DeviceState
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.api import person
from tests.gateway.alarms.field import Field
from tests.gateway.clocks import ShiftedClock
from tests.gateway.conftest import FeedServer, running
from tests.gateway.databases import Database
from tests.gateway.screens import Screen, screen

pytestmark = pytest.mark.servers
WAIT_S = 30.0


async def soon(is_so: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            while not await is_so():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(what) from None


async def failures(field: Field) -> list[dict[str, Any]]:
    """The events of the connection's comm_failure, the oldest first."""
    rows = await field.database.ask(
        "SELECT kind, comment, state FROM pumpjack.events WHERE alarm_id = $1 ORDER BY event_no",
        field.id("comm_failure", "", ""),
    )
    return [dict(row) for row in rows]


@asynccontextmanager
async def beating(
    field: Field, state: DeviceState = "connected", **changes: object
) -> AsyncIterator[None]:
    """A worker that lives as long as the block."""

    async def beat() -> None:
        while True:
            await field.beat(state=state, **changes)
            await asyncio.sleep(0.2)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


async def looked(gateway: Gateway, times: int = 2) -> None:
    """Until a gateway has looked at everything so often from now on."""
    before = gateway.watch.looks
    async with asyncio.timeout(WAIT_S):
        while gateway.watch.looks < before + times:
            await asyncio.sleep(0.05)


async def see(client: Screen) -> None:
    await client.say(type="subscribe-alarms")
    await client.until("alarms")


async def test_a_connection_that_falls_silent_raises_comm_failure_and_its_return_ends_it(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    clock = ShiftedClock()
    async with (
        running(valkey.url, alarm_database.gateway_url, clock=clock) as gateway,
        screen(gateway, field.tenant) as client,
    ):
        async with beating(field):
            await see(client)
            await looked(gateway, 4)
            assert await failures(field) == []
        raised = await client.until("alarm", condition="comm_failure", state="unacknowledged")
        assert (raised["connectionId"], raised["wellId"]) == (field.connection, "")
        assert "three heartbeats" in raised["event"]["comment"]
        async with beating(field):
            returned = await client.until("alarm", condition="comm_failure")
            assert returned["state"] == "returned_unacknowledged"
        assert [one["kind"] for one in await failures(field)] == ["raised", "returned"]


async def test_a_device_that_is_away_for_ten_seconds_raises_it_with_the_workers_own_words(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    clock = ShiftedClock()
    async with running(valkey.url, alarm_database.gateway_url, clock=clock) as gateway:
        async with beating(field, "disconnected", message="nothing listens on 10.1.7.20:502"):
            await looked(gateway, 3)
            assert await failures(field) == []
            for _ in range(4):  # in steps, so that no heartbeat is missed
                clock.forward(2.5)
                await looked(gateway, 2)

            async def is_raised() -> bool:
                return bool(await failures(field))

            await soon(is_raised, "a device away for 10 s raises comm_failure")
            assert "nothing listens on 10.1.7.20:502" in (await failures(field))[0]["comment"]


async def test_a_suspended_and_a_deleted_connection_raise_nothing(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    gone = Field(alarm_database, valkey.url, "ops/gone")
    await gone.open(tenant=field.tenant)
    await alarm_database.ask(
        "SELECT pumpjack.retire_connection($1, $2)", field.tenant, gone.connection
    )
    loud = Field(alarm_database, valkey.url, "ops/silent")
    await loud.open(tenant=field.tenant)
    clock = ShiftedClock()
    async with running(valkey.url, alarm_database.gateway_url, clock=clock) as gateway:
        await field.beat(state="suspended")
        await looked(gateway, 3)
        clock.forward(8)

        async def is_raised() -> bool:
            return bool(await failures(loud))

        await looked(gateway, 2)
        clock.forward(2.9)
        await looked(gateway, 2)
        clock.forward(2.9)
        await soon(is_raised, "the third connection, of which nothing was ever heard")
        assert await failures(field) == []
        assert await failures(gone) == []
    for one in (gone, loud):
        await one.close()


async def test_two_replicas_raise_it_once(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    url = alarm_database.gateway_url
    async with running(valkey.url, url) as one, running(valkey.url, url) as two:

        async def one_of_them_has_it() -> bool:
            return (field.tenant in one.watch.held) != (field.tenant in two.watch.held)

        async with beating(field):
            await looked(one, 2)
            await looked(two, 2)
            await soon(one_of_them_has_it, "one replica watches the tenant")

        async def is_raised() -> bool:
            return bool(await failures(field))

        await soon(is_raised, "the silence is an alarm")
        await looked(one, 3)
        await looked(two, 3)
        assert [event["kind"] for event in await failures(field)] == ["raised"]


async def test_a_replica_that_ends_hands_its_tenants_to_another(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    url = alarm_database.gateway_url
    async with running(valkey.url, url) as other:
        async with running(valkey.url, url) as first:
            await looked(first, 1)
            await looked(other, 1)

            async def somebody_has_it() -> bool:
                return field.tenant in first.watch.held | other.watch.held

            await soon(somebody_has_it, "one of them takes the lease")
            # whoever has it, the other one is to have it afterwards

        async def is_held() -> bool:
            return field.tenant in other.watch.held

        await soon(is_held, "the one that is left takes the lease")


async def test_a_replica_that_dies_hands_its_tenants_over_when_its_lease_ends(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    await alarm_database.ask(
        "INSERT INTO pumpjack.gateway_lease (tenant_id, holder, until) "
        "VALUES ($1, gen_random_uuid(), clock_timestamp() + interval '12 seconds')",
        field.tenant,
    )
    async with running(valkey.url, alarm_database.gateway_url) as gateway:
        await looked(gateway, 1)
        assert field.tenant not in gateway.watch.held, "the dead one's lease still runs"

        async def is_held() -> bool:
            return field.tenant in gateway.watch.held

        await soon(is_held, "its lease ended, and the other one takes it")


async def test_a_replica_that_takes_over_does_not_clear_the_alarm_of_a_dead_worker(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    await field.beat()  # the last one of a worker that died
    url = alarm_database.gateway_url
    async with running(valkey.url, url):

        async def is_raised() -> bool:
            return bool(await failures(field))

        await soon(is_raised, "the silence is an alarm")
    async with running(valkey.url, url) as second:
        await looked(second, 10)
        assert [one["kind"] for one in await failures(field)] == ["raised"]


@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_failure_that_somebody_else_raised_or_cleared_meanwhile_is_noticed(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey, is_silent: bool
) -> None:
    """A replica that was frozen tells late, or a failover has forgotten what was told."""

    async def count() -> int:
        return len(await failures(field))

    async with running(valkey.url, alarm_database.gateway_url) as gateway:
        async with nullcontext() if is_silent else beating(field):
            if is_silent:

                async def is_raised() -> bool:
                    return await count() == 1

                await soon(is_raised, "the silence is an alarm")
            else:
                await looked(gateway, 4)
            before = await count()
            await alarm_database.ask(
                "SELECT pumpjack.raise_comm_failure($1, $2, $3, now(), 'said by another')",
                *(field.tenant, field.connection, not is_silent),
            )

            async def is_put_right() -> bool:
                return await count() == before + 2

            await soon(is_put_right, "it is told as it is")
            kinds = [event["kind"] for event in await failures(field)]
            assert kinds[-1] == ("raised" if is_silent else "returned")


@pytest.mark.parametrize("feed_server", ["valkey"], indirect=True)
async def test_redis_away_for_the_gateway_is_no_comm_failure_of_anybody(
    alarm_database: Database, feed_server: FeedServer
) -> None:
    field = Field(alarm_database, feed_server.url)
    await field.open()
    clock = ShiftedClock()
    async with running(feed_server.url, alarm_database.gateway_url, clock=clock) as gateway:
        async with beating(field):
            await looked(gateway, 3)
        feed_server.stop()
        for _ in range(4):
            clock.forward(2.9)
            await looked(gateway, 2)
        assert "scada_alarm_watching 0.0" in gateway.metrics.text().decode()
        assert await failures(field) == []
        feed_server.start()
        async with asyncio.timeout(WAIT_S):
            while not gateway.hub.is_up:
                await asyncio.sleep(0.05)
        await looked(gateway, 2)
        clock.forward(2.9)
        await looked(gateway, 2)
        clock.forward(2.9)
        await looked(gateway, 2)
        assert await failures(field) == [], "its worker has time to be heard again"

        async def is_raised() -> bool:
            clock.forward(2.9)
            await looked(gateway, 1)
            return bool(await failures(field))

        await soon(is_raised, "one that is still silent afterwards has failed")
    await field.close()


@asynccontextmanager
async def stuck(field: Field) -> AsyncIterator[None]:
    """Its worker keeps a transaction open in which it has stored a transition."""
    connection = await asyncpg.connect(field.database.admin_url)
    try:
        async with connection.transaction():
            head = "SELECT FROM pumpjack.event_head WHERE tenant_id = $1 FOR UPDATE"
            assert len(await connection.fetch(head, field.tenant)) == 1
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def without_its_reader(field: Field) -> AsyncIterator[None]:
    """As after a dump was put back without its roles."""
    role = reader_role(field.tenant)
    await field.database.ask(f"ALTER ROLE {role} RENAME TO {role}_gone")
    try:
        yield
    finally:
        await field.database.ask(f"ALTER ROLE {role}_gone RENAME TO {role}")


@asynccontextmanager
async def stuck_with_a_shelving_that_is_over(field: Field) -> AsyncIterator[None]:
    await field.database.ask(
        "UPDATE pumpjack.alarm SET shelved_until = now() - interval '1 second', "
        "shelved_by = 'ann', state = 'shelved' WHERE alarm_id = $1",
        field.id("hi"),
    )
    async with stuck(field):
        yield


@pytest.mark.parametrize("trouble", [stuck, stuck_with_a_shelving_that_is_over, without_its_reader])
async def test_a_tenant_that_cannot_be_served_keeps_nobody_elses_failure_from_being_raised(
    alarm_database: Database,
    field: Field,
    valkey: EmbeddedValkey,
    trouble: Callable[[Field], AbstractAsyncContextManager[None]],
) -> None:
    first = Field(alarm_database, valkey.url)
    await first.open(tenant=f"a-{field.tenant}")  # served before all others
    await first.set(True)
    shelved = await field.set(True)
    await alarm_database.ask(
        "UPDATE pumpjack.alarm SET shelved_until = now() - interval '1 second', "
        "shelved_by = 'ann', state = 'shelved' WHERE alarm_id = $1",
        shelved,
    )

    async def is_served(one: Field) -> bool:
        return bool(await failures(one))

    async with running(valkey.url, alarm_database.gateway_url) as gateway:
        async with trouble(first):

            async def is_in_trouble() -> bool:
                line = f'scada_alarm_watch_failures_total{{tenant_id="{first.tenant}"}}'
                return line in gateway.metrics.text().decode()

            await soon(lambda: is_served(field), "the others are served meanwhile")
            await soon(is_in_trouble, "who is not served is told")
            state = await alarm_database.ask(
                "SELECT state FROM pumpjack.alarm WHERE alarm_id = $1", shelved
            )
            assert state[0]["state"] == "unacknowledged", "their shelvings end, too"
            assert await failures(first) == []
        await soon(lambda: is_served(first), "and it is served once it can be")
    await first.close()


async def test_a_replica_gives_up_the_lease_of_a_tenant_that_it_cannot_serve_and_tries_again_later(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    clock = ShiftedClock()
    async with running(valkey.url, alarm_database.gateway_url, clock=clock) as gateway:

        async def has_given_up() -> bool:
            clock.forward(2.5)
            return not await alarm_database.ask(
                "SELECT FROM pumpjack.gateway_lease WHERE tenant_id = $1", field.tenant
            )

        async def is_raised() -> bool:
            clock.forward(2.5)
            return bool(await failures(field))

        async with without_its_reader(field):

            async def holds() -> bool:
                return field.tenant in gateway.watch.held

            await soon(holds, "it takes the lease")
            await soon(has_given_up, "another replica may try")
            assert field.tenant not in gateway.watch.held
        await soon(is_raised, "it tries again itself")


async def test_a_shelving_ends_by_itself_and_everyone_is_told(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with (
        screen(alarm_gateway, field.tenant) as client,
        person(alarm_gateway, field.tenant) as ann,
        beating(field),
    ):
        await see(client)
        until = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()
        await ann.act("shelve", alarm, reason="noise", until=until)
        await client.until("alarm", alarmId=alarm, state="shelved")
        back = await client.until("alarm", alarmId=alarm)
        assert (back["state"], back["event"]["kind"]) == ("unacknowledged", "unshelved")
        assert back["event"]["actor"] == ""


async def test_metrics_count_alarms_by_state_and_priority_on_the_replica_that_has_the_lease(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    await field.set(True, "hihi")
    async with running(valkey.url, alarm_database.gateway_url) as gateway, beating(field):
        line = f'scada_alarms{{priority="1",state="unacknowledged",tenant_id="{field.tenant}"}} 1.0'

        async def is_told() -> bool:
            return line in gateway.metrics.text().decode()

        await soon(is_told, "the gauge of all alarms")
        text = gateway.metrics.text().decode()
        assert f'scada_alarms_raised_recently{{tenant_id="{field.tenant}"}} 1.0' in text
