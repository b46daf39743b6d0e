"""GET /api/scada/overview: which wells there are, and whether that is new."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.tags import Tag, WellFacts
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.api import person, problem_of
from tests.gateway.conftest import NO_DATABASE, NO_REDIS, running
from tests.gateway.databases import Database
from tests.gateway.overview.oilfield import (
    CASING,
    CONNECTION,
    FLOW,
    LEVEL,
    OTHER,
    RUNNING,
    WELL,
    Oilfield,
)

pytestmark = pytest.mark.servers


async def asked(gateway: Gateway, tenant: str, **headers: str) -> httpx.Response:
    async with person(gateway, tenant, "viewer") as api:
        return await api.client.get("overview", headers=headers)


async def wells(gateway: Gateway, tenant: str) -> dict[str, dict[str, Any]]:
    answer = await asked(gateway, tenant)
    assert answer.status_code == 200, answer.text
    return {well["wellId"]: well for well in answer.json()["wells"]}


async def test_wells_come_with_their_titles_and_the_facts_of_their_keys(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    answer = await asked(overviews, oilfield.tenant)
    assert set(answer.json()) == {"asOf", "wells"}
    well, other = answer.json()["wells"]
    keys = well.pop("keys")
    assert datetime.fromisoformat(well.pop("since")) < datetime.fromisoformat(answer.json()["asOf"])
    assert well == {
        "wellId": WELL,
        "title": "Pad 7 well 3",
        "type": "rod-pump",
        "pad": "Pad 7",
        "route": "North",
        "timeZone": "America/Chicago",
        "connectionIds": [CONNECTION],
        "tags": 3,
    }
    assert [key["tagName"] for key in keys] == ["flow", "casing_pressure"]
    casing = keys[1]
    assert (casing["title"], casing["unit"], casing["digits"]) == ("Casing", "psi", 0)
    assert (casing["low"], casing["high"]) == (0.0, 3000.0)
    assert (casing["normalLow"], casing["normalHigh"]) == (600.0, 1100.0)
    assert casing["limits"] == [
        {"condition": "hihi", "limit": 2400.0, "priority": 1},
        {"condition": "lo", "limit": 100.0, "priority": 3},
    ]
    assert (other["wellId"], other["title"], other["tags"]) == (OTHER, "", 1)


async def test_where_no_keys_are_told_the_first_three_analog_tags_are_shown(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    names = ["zulu", "yankee", "xray", "whiskey"]
    tags = [RUNNING, *(Tag(WELL, name, "a", "float32", 1.0) for name in names)]
    await oilfield.declare(tags)
    found = (await wells(overviews, oilfield.tenant))[WELL]
    assert [key["tagName"] for key in found["keys"]] == sorted(names)[:3]


async def test_keys_that_no_tag_has_are_left_out_and_if_all_are_the_first_are_shown(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    some = (WellFacts(WELL, key_tags=("gone", "casing_pressure")),)
    await oilfield.declare((FLOW, CASING), some)
    found = (await wells(overviews, oilfield.tenant))[WELL]
    assert [key["tagName"] for key in found["keys"]] == ["casing_pressure"]
    none = Oilfield(oilfield.database, NO_REDIS)
    await none.open((FLOW, CASING), (WellFacts(WELL, key_tags=("gone",)),))
    found = (await wells(overviews, none.tenant))[WELL]
    assert [key["tagName"] for key in found["keys"]] == ["casing_pressure", "flow"]
    await none.close()


async def test_a_well_with_states_alone_has_no_keys(overviews: Gateway, oilfield: Oilfield) -> None:
    await oilfield.declare((RUNNING,))
    found = await wells(overviews, oilfield.tenant)
    assert found[WELL]["keys"] == []
    assert found[WELL]["tags"] == 1
    assert OTHER not in found, "nobody reads it any more"


async def test_two_connections_of_one_well_are_both_named(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    more = Tag(WELL, "vibration", "a", "float32", 1.0)
    await oilfield.declare((more,), connection="permian-ops/second")
    found = (await wells(overviews, oilfield.tenant))[WELL]
    assert found["connectionIds"] == [CONNECTION, "permian-ops/second"]
    assert found["tags"] == 4


async def test_nothing_new_is_answered_304_until_something_is(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    first = await asked(overviews, oilfield.tenant)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = await asked(overviews, oilfield.tenant, **{"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    await oilfield.declare((CASING, FLOW, RUNNING, LEVEL), (WellFacts(WELL, "Another title"),))
    now = again
    while now.status_code == 304:  # the facts are read again when they are a tenth of a second old
        now = await asked(overviews, oilfield.tenant, **{"If-None-Match": etag})
    assert now.status_code == 200
    assert now.json()["wells"][0]["title"] == "Another title"
    assert now.headers["etag"] != etag


async def test_a_tenant_sees_its_own_wells_and_another_none(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    assert list(await wells(overviews, oilfield.tenant)) == [WELL, OTHER]
    assert await wells(overviews, "nobody-knows-it") == {}
    theirs = Oilfield(oilfield.database, NO_REDIS)
    await theirs.open((LEVEL,), ())
    assert list(await wells(overviews, theirs.tenant)) == [OTHER]
    await theirs.close()


async def test_another_tenants_etag_is_worth_nothing(
    overviews: Gateway, oilfield: Oilfield
) -> None:
    etag = (await asked(overviews, oilfield.tenant)).headers["etag"]
    theirs = await asked(overviews, "nobody-knows-it", **{"If-None-Match": etag})
    assert theirs.status_code == 200


async def test_while_the_database_is_away_the_last_known_wells_are_answered(
    overview_database: Database, oilfield: Oilfield, valkey: EmbeddedValkey
) -> None:
    async with overview_database.breakable() as (url, proxy):
        async with running(valkey.url, url, facts_fresh_s=0.0) as gateway:
            before = await asked(gateway, oilfield.tenant)
            await proxy.refuse()
            after = await asked(gateway, oilfield.tenant)
            assert after.status_code == 200
            assert after.json() == before.json(), "asOf says of when it is"


async def test_without_a_database_from_the_start_nobody_can_say(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url, NO_DATABASE) as gateway:
        problem = problem_of(await asked(gateway, "permian"), 503)
        assert problem["code"]
