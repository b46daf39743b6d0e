"""What a screen with all wells is told, through a real gateway, database and Redis."""

from __future__ import annotations

import msgspec
import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.clock import SystemClock, iso_us
from pumpjack_core.wire import Reading
from pumpjack_gateway.main import Gateway
from tests.gateway.clocks import ShiftedClock
from tests.gateway.conftest import running
from tests.gateway.databases import Database
from tests.gateway.overview.oilfield import (
    CASING,
    CONNECTION,
    FACTS,
    FLOW,
    LEVEL,
    OTHER,
    RUNNING,
    WELL,
    Oilfield,
)
from tests.gateway.overview.viewer import viewer
from tests.gateway.screens import screen

pytestmark = pytest.mark.servers


async def test_all_wells_are_shown_at_once_with_their_key_values_and_connections(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    await oilfield.worker.publish(WELL, {"casing_pressure": 812.5, "flow": 99.0, "running": 1.0})
    await oilfield.worker.publish(OTHER, {"level": None})
    await oilfield.worker.beat()
    async with viewer(overviews, oilfield.tenant) as shown:
        assert list(shown.wells) == [WELL, OTHER]
        assert shown.told[0]["resumed"] is False
        assert shown.values(WELL) == [99.0, 812.5]  # flow, casing_pressure: as it was told
        assert shown.wells[WELL]["counts"] == {"good": 3, "uncertain": 0, "bad": 0}
        assert shown.wells[WELL]["worst"] is None
        assert shown.values(OTHER) == [None]
        assert shown.wells[OTHER]["values"][0][1] == "BAD"
        assert shown.wells[OTHER]["counts"] == {"good": 0, "uncertain": 0, "bad": 1}
        assert shown.wells[OTHER]["worst"]["tagName"] == "level"
        assert shown.states(WELL) == shown.states(OTHER) == {CONNECTION: ("connected", None)}


async def test_a_key_that_has_no_reading_is_null(overviews: Gateway, oilfield: Oilfield) -> None:
    await oilfield.worker.publish(WELL, {"flow": 99.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        assert shown.wells[WELL]["values"][1] is None
        assert shown.wells[OTHER]["values"] == [None]
        assert shown.wells[WELL]["counts"]["good"] == 1


async def test_what_changed_is_told_of_each_well_once(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    worker = oilfield.worker
    await worker.publish(WELL, {"flow": 1.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        for value in range(2, 50):
            await worker.publish(WELL, {"flow": float(value), "running": 1.0})
        await shown.until(lambda _: shown.values(WELL)[0] == 49.0)
        assert shown.wells[WELL]["counts"]["good"] == 2
        assert len(shown.told) < 20, "48 messages within a second are not 48 changes"
        changes = [one for one in shown.told if one["type"] == "overview-changes"]
        assert all(len(one["wells"]) == 1 for one in changes), "of the other well nothing changed"


async def test_a_reading_that_is_older_than_the_one_shown_is_not_shown(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    worker = oilfield.worker
    await worker.publish(WELL, {"flow": 1.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        old = Reading("flow", 666.0, "BAD", None, "2020-01-01T00:00:00.000000Z")
        await worker.send(msgspec.json.encode(worker.message(WELL, [old])))
        await worker.publish(WELL, {"casing_pressure": 2.0})
        await shown.until(lambda _: shown.values(WELL)[1] == 2.0)
        assert shown.values(WELL)[0] == 1.0
        assert shown.wells[WELL]["counts"] == {"good": 2, "uncertain": 0, "bad": 0}


async def test_the_worst_tag_is_named_also_where_it_is_no_key(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    worker = oilfield.worker
    await worker.publish(WELL, {"flow": 1.0, "casing_pressure": 2.0, "running": 1.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        now = iso_us(SystemClock().now_us())
        odd = Reading("running", 1.0, "UNCERTAIN", "anomaly", now)
        await worker.send(msgspec.json.encode(worker.message(WELL, [odd])))
        await shown.until(lambda wells: wells[WELL]["worst"] is not None)
        assert shown.wells[WELL]["worst"] == {
            "tagName": "running",
            "quality": "UNCERTAIN",
            "reason": "anomaly",
            "timestamp": now,
        }
        await worker.publish(WELL, {"flow": None})
        await shown.until(lambda wells: wells[WELL]["worst"]["tagName"] == "flow")
        assert shown.wells[WELL]["counts"] == {"good": 1, "uncertain": 1, "bad": 1}
        await worker.publish(WELL, {"flow": 1.0, "running": 1.0})
        await shown.until(lambda wells: wells[WELL]["worst"] is None)


async def test_a_message_that_was_lost_is_made_up_for_from_the_latest_values(
    overviews: Gateway, oilfield: Oilfield, valkey: EmbeddedValkey
) -> None:
    worker = oilfield.worker
    await worker.publish(WELL, {"flow": 1.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        lost = worker.lose(WELL, {"casing_pressure": 812.0})
        kept = {one.tag_name: msgspec.json.encode(one) for one in lost.readings}
        await worker.keep(WELL, kept)
        await worker.beat()
        await shown.until(lambda _: shown.values(WELL)[1] == 812.0)


async def test_a_client_that_wants_it_no_more_is_told_no_more(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    async with viewer(overviews, oilfield.tenant) as stays:
        async with viewer(overviews, oilfield.tenant) as leaves:
            await leaves.client.say(type="unsubscribe-overview")
            await leaves.client.until("overview-unsubscribed")
            await oilfield.worker.publish(WELL, {"flow": 7.0})
            await stays.until(lambda _: stays.values(WELL)[0] == 7.0)
            await leaves.client.nothing_but()


async def test_subscribing_again_is_a_fresh_start(overviews: Gateway, oilfield: Oilfield) -> None:
    async with viewer(overviews, oilfield.tenant) as shown:
        await oilfield.worker.publish(WELL, {"flow": 7.0})
        await shown.until(lambda _: shown.values(WELL)[0] == 7.0)
        await shown.open()
        assert shown.values(WELL)[0] == 7.0
        await oilfield.worker.publish(WELL, {"flow": 8.0})
        await shown.until(lambda _: shown.values(WELL)[0] == 8.0)


async def test_a_tenant_without_wells_sees_none(overviews: Gateway) -> None:
    async with viewer(overviews, "nobody-knows-it") as shown:
        assert shown.wells == {}


async def test_a_tenant_sees_its_own_wells_only(
    overviews: Gateway, oilfield: Oilfield, overview_database: Database, valkey: EmbeddedValkey
) -> None:
    theirs = Oilfield(overview_database, valkey.url)
    await theirs.open((LEVEL,), ())
    async with viewer(overviews, theirs.tenant) as shown:
        assert list(shown.wells) == [OTHER]
        # a message of the other tenant, and one on the wrong channel
        await oilfield.worker.publish(WELL, {"flow": 666.0})
        await oilfield.worker.beat()
        forged = oilfield.worker.message(OTHER, [Reading("level", 666.0, "GOOD", None, "2030")])
        channel = f"scada:readings:{theirs.tenant}"
        await oilfield.worker.send(msgspec.json.encode(forged), channel)
        await theirs.worker.publish(OTHER, {"level": 5.0})
        await shown.until(lambda _: shown.values(OTHER)[0] == 5.0)
        assert list(shown.wells) == [OTHER]
        assert not [one for one in shown.told if "666" in str(one)]
    await theirs.close()


async def test_nobody_looks_so_nothing_is_subscribed(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    async with viewer(overviews, oilfield.tenant):
        assert overviews.hub.health_of(oilfield.tenant) is not None
    async with screen(overviews, oilfield.tenant) as client:  # the other one has left by then
        await client.say(type="getStats")
        while (await client.until("stats"))["tenantClients"] != 1:
            await client.say(type="getStats")
    assert overviews.hub.health_of(oilfield.tenant) is None


# What changes about wells


async def test_a_new_well_and_other_keys_bring_everything_anew(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    await oilfield.worker.publish(WELL, {"flow": 1.0, "casing_pressure": 2.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        third = msgspec.structs.replace(FLOW, well_id="pad7-5")
        facts = msgspec.structs.replace(FACTS[0], key_tags=("casing_pressure",))
        await oilfield.declare((CASING, FLOW, RUNNING, LEVEL, third), (facts,))
        await shown.until(lambda wells: "pad7-5" in wells and len(wells[WELL]["values"]) == 1)
        assert shown.values(WELL) == [2.0]
        again = [one for one in shown.told if one["type"] == "overview"][1:]
        assert again
        assert all(one["resumed"] for one in again)


async def test_a_well_that_nobody_reads_any_more_disappears(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    await oilfield.worker.publish(OTHER, {"level": 5.0})
    async with viewer(overviews, oilfield.tenant) as shown:
        assert OTHER in shown.wells
        await oilfield.declare((CASING, FLOW, RUNNING), FACTS)
        await shown.until(lambda wells: OTHER not in wells)
        assert list(shown.wells) == [WELL]


async def test_a_tag_that_is_read_no_more_counts_no_more(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    await oilfield.worker.publish(WELL, {"flow": 1.0, "running": None})
    async with viewer(overviews, oilfield.tenant) as shown:
        assert shown.wells[WELL]["worst"]["tagName"] == "running"
        await oilfield.declare((CASING, FLOW, LEVEL), FACTS)
        await shown.until(lambda wells: wells[WELL]["worst"] is None)
        assert shown.wells[WELL]["counts"] == {"good": 1, "uncertain": 0, "bad": 0}


async def test_a_well_that_publishes_is_shown_before_the_database_knows_it(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    async with viewer(overviews, oilfield.tenant) as shown:
        await oilfield.worker.publish("brand-new", {"flow": None})
        await shown.until(lambda wells: "brand-new" in wells)
        await shown.until(lambda wells: wells["brand-new"]["counts"]["bad"] == 1)
        assert shown.wells["brand-new"]["values"] == []


async def test_a_well_of_which_no_worker_speaks_and_the_database_knows_nothing_is_gone(
    overview_database: Database, oilfield: Oilfield, valkey: EmbeddedValkey
) -> None:
    clock = ShiftedClock()
    url = overview_database.gateway_url
    async with running(valkey.url, url, facts_fresh_s=0.1, clock=clock) as gateway:
        async with viewer(gateway, oilfield.tenant) as shown:
            await oilfield.worker.publish("not-for-long", {"flow": 1.0})
            await shown.until(lambda wells: "not-for-long" in wells)
            clock.forward(20)
            await shown.until(lambda wells: "not-for-long" not in wells)
            assert list(shown.wells) == [WELL, OTHER]


async def test_the_state_of_a_connection_is_told_when_it_changes(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    async with viewer(overviews, oilfield.tenant) as shown:
        assert shown.states(WELL) == {CONNECTION: ("unknown", "NeverHeard")}
        await oilfield.worker.beat()
        await shown.until(lambda _: shown.states(WELL) == {CONNECTION: ("connected", None)})
        await oilfield.worker.beat(state="disconnected", reason="DeviceSilent", message="Silent.")
        await shown.until(lambda _: shown.states(OTHER) == {CONNECTION: ("disconnected", None)})
        assert shown.wells[WELL]["connections"][0]["reason"] == "DeviceSilent"


async def test_heartbeats_that_say_nothing_new_are_not_told(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    await oilfield.worker.publish(WELL, {"flow": 1.0})
    await oilfield.worker.beat()
    async with viewer(overviews, oilfield.tenant) as shown:
        for stored in range(1, 4):
            await oilfield.worker.beat(stored=stored)
        await oilfield.worker.publish(WELL, {"flow": 2.0})
        await shown.until(lambda _: shown.values(WELL)[0] == 2.0)
        assert not [
            change
            for one in shown.told
            if one["type"] == "overview-changes"
            for change in one["wells"]
            if "connections" in change
        ]
        await shown.open()  # whoever comes later has the last numbers
        assert shown.wells[WELL]["connections"][0]["storedSeq"] == 3
