"""A well as its manifests tell it, who is signed in, and the process pictures, over REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Alarm, Tag, WellFacts, Write
from pumpjack_gateway.main import Gateway
from pumpjack_gateway.pictures.shelf import OURS
from tests.gateway.conftest import NO_REDIS, running
from tests.gateway.databases import Database, made
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import token
from tests.gateway.test_rest import Api

pytestmark = pytest.mark.servers
NAME = "gateway_wells"
PERMIAN, BAKKEN = "permian", "bakken"
CONNECTION = "permian-ops/pad9"
DRAWN, WELL, OTHERS = "pad9/well-1", "pad7-3", "bakken-1"
PRESSURE = Tag(
    DRAWN,
    "thp",
    "holding:1",
    "float32",
    1.0,
    unit="psi",
    low=0.0,
    high=3000.0,
    description="at the wellhead",
    title="Tubing pressure",
    normal_low=200.0,
    normal_high=900.0,
    digits=0,
    alarms=(
        Alarm("hi", limit=1200.0, priority=2),
        Alarm("hihi", limit=1400.0, priority=1),
        Alarm("rate", limit=50.0),
        Alarm("lo", limit=100.0),
    ),
)
STATUS = Tag(
    DRAWN,
    "run_status",
    "coil:1",
    "bool",
    0.0,
    state_names={"0": "STOPPED", "1": "RUNNING"},
    write=Write(states=(0, 1)),
)
LOOSE = Tag(DRAWN, "casing_pressure", "holding:5", "float32", 5.0, unit="psi")
TAGS = (PRESSURE, STATUS, LOOSE)
PLAIN = Tag(WELL, "flow", "holding:7", "float32", 1.0, unit="bbl/d")
FACTS = WellFacts(
    DRAWN,
    title="Pad 9, well 1",
    type="rod-pump",
    pad="Pad 9",
    route="Route A",
    time_zone="America/Chicago",
    roles={"tubing_pressure": "thp", "fluid_level": "gone", "casing_pressure": "thp"},
    key_tags=("thp", "run_status"),
)


@pytest.fixture(scope="module")
def declared(postgres: EmbeddedPostgres) -> str:
    """URL of a database of two tenants; one has told of its tags and its well."""
    database = asyncio.run(filled(postgres))
    return database.gateway_url


async def filled(postgres: EmbeddedPostgres) -> Database:
    database = await made(postgres, NAME)
    await database.add(PERMIAN, BAKKEN)
    ours = await Ingest.connect(database.writer_url(PERMIAN))
    fence = await ours.take_fence(CONNECTION, "modbus-tcp")
    await ours.register_series(CONNECTION, [*TAGS, PLAIN])
    await ours.declare_tags(CONNECTION, fence, [*TAGS, PLAIN], [FACTS], writes=True)
    await ours.close()
    theirs = await Ingest.connect(database.writer_url(BAKKEN))
    await theirs.take_fence("bakken-ops/a", "modbus-tcp")
    await theirs.register_series("bakken-ops/a", [msgspec.structs.replace(PLAIN, well_id=OTHERS)])
    await theirs.close()
    return database


@pytest.fixture
async def gateway(valkey: EmbeddedValkey, declared: str) -> AsyncIterator[Gateway]:
    async with running(valkey.url, declared) as gateway:
        yield gateway


async def test_a_well_tells_what_screens_need_to_draw_it(gateway: Gateway) -> None:
    well = await Api(gateway, token(PERMIAN)).get(f"wells/{DRAWN}")
    as_of = datetime.fromisoformat(well.pop("asOf"))
    assert as_of.tzinfo is not None
    assert datetime.fromisoformat(well.pop("since")) < as_of
    tags = {tag["tagName"]: tag for tag in well.pop("tags")}
    assert well == {
        "wellId": DRAWN,
        "title": "Pad 9, well 1",
        "type": "rod-pump",
        "pad": "Pad 9",
        "route": "Route A",
        "timeZone": "America/Chicago",
        "template": "rod-pump",
        "roles": {
            "casing_pressure": "thp",
            "fluid_level": "gone",
            "run_status": "run_status",
            "tubing_pressure": "thp",
        },
        "keyTags": ["thp", "run_status"],
    }
    assert list(tags) == ["casing_pressure", "run_status", "thp"]
    assert tags["thp"] == {
        "tagName": "thp",
        "title": "Tubing pressure",
        "description": "at the wellhead",
        "connectionId": "permian-ops/pad9",
        "protocol": "modbus-tcp",
        "address": "holding:1",
        "unit": "psi",
        "dataType": "float32",
        "intervalS": 1.0,
        "staleAfterS": 10.0,
        "low": 0.0,
        "high": 3000.0,
        "normalLow": 200.0,
        "normalHigh": 900.0,
        "digits": 0,
        "stateNames": {},
        "writable": False,
        "limits": [
            {"condition": "hihi", "limit": 1400.0, "priority": 1},
            {"condition": "hi", "limit": 1200.0, "priority": 2},
            {"condition": "lo", "limit": 100.0, "priority": 3},
        ],
    }
    status = tags["run_status"]
    assert (status["writable"], status["stateNames"]) == (True, {"0": "STOPPED", "1": "RUNNING"})
    assert (status["intervalS"], status["low"], status["digits"]) == (None, None, None)


async def test_a_slash_in_a_wells_id_may_be_written_either_way(gateway: Gateway) -> None:
    api = Api(gateway, token(PERMIAN))
    assert (await api.get("wells/pad9%2Fwell-1"))["wellId"] == DRAWN


async def test_a_well_that_nobody_described_has_its_tags_all_the_same(gateway: Gateway) -> None:
    well = await Api(gateway, token(PERMIAN)).get(f"wells/{WELL}")
    assert (well["title"], well["type"], well["template"], well["roles"]) == ("", "", None, {})
    assert [tag["tagName"] for tag in well["tags"]] == ["flow"]


async def test_a_well_that_only_publishes_yet_has_no_tags_yet(
    gateway: Gateway, valkey: EmbeddedValkey
) -> None:
    worker = FakeWorker(valkey.url, tenant=PERMIAN)
    await worker.publish("brand-new", {"flow": 1.0})
    await worker.close()
    well = await Api(gateway, token(PERMIAN)).get("wells/brand-new")
    assert (well["wellId"], well["tags"]) == ("brand-new", [])


async def test_a_well_of_another_tenant_does_not_exist(gateway: Gateway) -> None:
    api = Api(gateway, token(PERMIAN))
    problems = [await api.problem(f"/api/scada/wells/{name}") for name in (OTHERS, "none")]
    assert [problem["code"] for problem in problems] == ["NO_SUCH_WELL"] * 2
    theirs, none = (problem["detail"] for problem in problems)
    assert theirs.replace(OTHERS, "none") == none


async def test_a_parameter_that_there_is_not_is_refused(gateway: Gateway) -> None:
    problem = await Api(gateway, token(PERMIAN)).problem(f"/api/scada/wells/{DRAWN}", tags="all")
    assert problem["code"] == "BAD_REQUEST"


MAY = {
    "viewer": [],
    "operator": ["acknowledge", "shelve", "unshelve", "reset", "command", "approve"],
}
MAY["engineer"] = MAY["admin"] = [*MAY["operator"], "out-of-service", "in-service"]


@pytest.mark.parametrize(("role", "may"), MAY.items(), ids=MAY)
async def test_people_are_told_who_they_are_and_what_they_may(
    gateway: Gateway, role: str, may: list[str]
) -> None:
    me = await Api(gateway, token(PERMIAN, role=role, subject="ann")).get("me")
    ends = datetime.fromisoformat(me.pop("expiresAt")) - datetime.fromisoformat(me.pop("asOf"))
    assert timedelta(seconds=500) < ends < timedelta(seconds=620)
    assert me == {
        "subject": "ann",
        "email": None,
        "tenantId": PERMIAN,
        "role": role,
        "may": may,
    }


async def test_what_people_are_told_they_may_not_is_refused(gateway: Gateway) -> None:
    api = Api(gateway, token(PERMIAN, role="operator"))
    body = {"alarms": [{"alarmId": "0" * 32, "version": 1}], "reason": "a test"}
    for action in ("out-of-service", "in-service"):
        answer = await api.client.post(f"/api/scada/alarms/{action}", json=body)
        assert answer.json()["code"] == "ROLE_TOO_LOW"


async def test_the_pictures_that_wells_are_drawn_with_are_listed(gateway: Gateway) -> None:
    answer = await Api(gateway, token(PERMIAN)).get("templates")
    assert "asOf" in answer
    assert answer["templates"] == [
        {"template": "esp", "version": 1, "title": "ESP"},
        {"template": "gas-lift", "version": 1, "title": "Gas lift"},
        {"template": "rod-pump", "version": 1, "title": "Rod pump"},
    ]


async def test_a_picture_comes_with_what_its_elements_show(gateway: Gateway) -> None:
    api = Api(gateway, token(PERMIAN))
    for name in ("esp", "gas-lift", "rod-pump"):
        found = await api.get(f"templates/{name}")
        svg = found.pop("svg")
        assert svg.startswith("<svg ")
        assert "<style" not in svg
        assert "style=" not in svg
        written = msgspec.json.decode((OURS / f"{name}.json").read_bytes())
        assert found == written, "nothing is added to it or left out"


async def test_a_picture_that_is_known_is_not_sent_again(gateway: Gateway) -> None:
    client = Api(gateway, token(PERMIAN)).client
    first = await client.get("/api/scada/templates/esp")
    again = await client.get(
        "/api/scada/templates/esp", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


async def test_a_picture_that_there_is_not_is_refused_with_a_sentence(gateway: Gateway) -> None:
    problem = await Api(gateway, token(PERMIAN)).problem("/api/scada/templates/jet-pump")
    assert (problem["status"], problem["code"]) == (404, "NO_SUCH_TEMPLATE")
    assert "/api/scada/templates" in problem["detail"]


@pytest.mark.parametrize("path", ["me", f"wells/{WELL}", "templates", "templates/esp"])
async def test_nothing_of_it_is_for_strangers(gateway: Gateway, path: str) -> None:
    assert (await Api(gateway, None).problem(f"/api/scada/{path}"))["code"] == "AUTH_REQUIRED"


async def test_a_platforms_own_picture_is_served_and_a_broken_one_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = {"template": "plunger", "version": 3, "title": "Plunger", "picture": "plunger.svg"}
    rest: dict[str, object] = {"views": {}, "roles": {}, "bind": []}
    (tmp_path / "plunger.json").write_bytes(msgspec.json.encode(mine | rest))
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"/>'
    (tmp_path / "plunger.svg").write_text(svg)
    evil = mine | {"template": "evil", "picture": "evil.svg"}
    (tmp_path / "evil.json").write_bytes(msgspec.json.encode(evil | rest))
    (tmp_path / "evil.svg").write_text(svg.replace("/>", "><script>alert(1)</script></svg>"))
    async with running(NO_REDIS, templates_dir=str(tmp_path)) as gateway:
        listed = (await Api(gateway, token(PERMIAN)).get("templates"))["templates"]
    assert [each["template"] for each in listed] == ["esp", "gas-lift", "plunger", "rod-pump"]
    said = capfd.readouterr().out
    assert "evil.json" in said
    assert "<script> is not allowed" in said
