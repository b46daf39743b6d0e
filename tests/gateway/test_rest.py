"""History, latest values and wells, from a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.clock import iso_us
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import NO_REDIS, running
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.history import (
    CONNECTION,
    MINUTES,
    NAME,
    OTHER_WELL,
    PERMIAN,
    WELL,
    Filled,
    S,
)
from tests.gateway.screens import screen, token

pytestmark = pytest.mark.servers
PROBLEM = "application/problem+json"
ANN = {"issuer": "pumpjack-demo", "role": "viewer", "address": "127.0.0.1"}


class Api:
    """One person's requests."""

    def __init__(self, gateway: Gateway, bearer: str | None) -> None:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{gateway.rest_port}", headers=headers, timeout=60
        )

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer, which must be a good one."""
        answer = await self.client.get(f"/api/scada/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def problem(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer, which must be a problem document."""
        answer = await self.client.get(path, params=parameters)
        return problem_of(answer)

    async def pages(self, path: str, rows: str, **parameters: Any) -> list[list[dict[str, Any]]]:
        """All pages."""
        found = []
        page = await self.get(path, **parameters)
        found.append(page[rows])
        while page["nextCursor"] is not None:
            page = await self.get(path, **parameters, cursor=page["nextCursor"])
            found.append(page[rows])
        return found


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == PROBLEM, answer.text
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"], "a problem says what to do"
    return body


@pytest.fixture
async def gateway(valkey: EmbeddedValkey, filled: Filled) -> AsyncIterator[Gateway]:
    async with running(valkey.url, filled.url) as gateway:
        yield gateway


@pytest.fixture
async def api(gateway: Gateway) -> AsyncIterator[Api]:
    api = Api(gateway, token(PERMIAN))
    async with api.client:
        yield api


def around(filled: Filled) -> dict[str, str]:
    """The range of the dense readings."""
    return {"start": iso_us(filled.start_us), "end": iso_us(filled.end_us)}


# History


async def test_raw_readings_of_a_well_come_by_time(api: Api, filled: Filled) -> None:
    page = await api.get("readings", wellId=WELL, **around(filled), limit=4)
    assert (page["interval"], page["source"]) == ("raw", "scada_readings")
    first = datetime.fromtimestamp(filled.start_us / S, UTC)
    assert datetime.fromisoformat(page["readings"][0]["time"]) == first
    pressure, flow = page["readings"][:2]
    assert pressure | {"time": None} == {
        "time": None,
        "tagName": "casing_pressure",
        "connectionId": CONNECTION,
        "value": 824.0,
        "quality": "GOOD",
        "reason": None,
        "unit": "psi",
        "sourceProtocol": "modbus-tcp",
    }
    assert (flow["tagName"], flow["quality"], flow["reason"]) == ("flow", "BAD", "out_of_range")


async def test_pages_together_are_the_whole_range_with_nothing_twice(
    api: Api, filled: Filled
) -> None:
    pages = await api.pages("readings", "readings", wellId=WELL, **around(filled), limit=347)
    rows = [(one["time"], one["tagName"]) for page in pages for one in page]
    assert len(rows) == len(set(rows)) == MINUTES * 60 * 2
    assert [one[0] for one in rows] == sorted(one[0] for one in rows)
    assert [len(page) for page in pages] == [347, 347, 347, 159]


async def test_a_page_that_is_exactly_full_has_no_next(api: Api, filled: Filled) -> None:
    page = await api.get(
        "readings", wellId=WELL, tagName="flow", **around(filled), limit=MINUTES * 60
    )
    assert (len(page["readings"]), page["nextCursor"]) == (MINUTES * 60, None)


async def test_only_the_tags_that_are_asked_for(api: Api, filled: Filled) -> None:
    page = await api.get("readings", wellId=WELL, tagName="flow", **around(filled))
    assert {one["tagName"] for one in page["readings"]} == {"flow"}
    page = await api.get("readings", wellId=WELL, tagName=["flow", "none"], **around(filled))
    assert {one["tagName"] for one in page["readings"]} == {"flow"}
    page = await api.get("readings", wellId=WELL, tagName="none", **around(filled))
    assert page["readings"] == []


async def test_start_is_in_the_range_and_end_is_not(api: Api, filled: Filled) -> None:
    one_second = {"start": iso_us(filled.start_us), "end": iso_us(filled.start_us + S)}
    page = await api.get("readings", wellId=WELL, tagName="flow", **one_second)
    assert len(page["readings"]) == 1


async def test_without_a_range_it_is_the_last_hour(api: Api) -> None:
    page = await api.get("readings", wellId=WELL, tagName="flow", limit=5)
    length = datetime.fromisoformat(page["end"]) - datetime.fromisoformat(page["start"])
    assert length.total_seconds() == 3600
    assert len(page["readings"]) == 5


async def test_a_time_with_another_offset_is_the_same_instant(api: Api, filled: Filled) -> None:
    from datetime import timedelta, timezone

    start = datetime.fromtimestamp(filled.start_us / S, timezone(timedelta(hours=-6)))
    end = start + timedelta(seconds=1)
    page = await api.get(
        "readings", wellId=WELL, tagName="flow", start=start.isoformat(), end=end.isoformat()
    )
    assert len(page["readings"]) == 1


async def test_aggregates_are_of_good_readings_only(api: Api, filled: Filled) -> None:
    page = await api.get(
        "aggregates", wellId=WELL, tagName="flow", interval="1min", **around(filled)
    )
    assert page["source"] == "scada_readings_1min"
    assert len(page["aggregates"]) == MINUTES
    good = [100.0 + number for number in range(60) if number % 10]
    assert page["aggregates"][0] | {"bucket": None} == {
        "bucket": None,
        "tagName": "flow",
        "connectionId": CONNECTION,
        "avgValue": pytest.approx(sum(good) / len(good)),
        "minValue": min(good),
        "maxValue": max(good),
        "readingCount": len(good),
        "unit": "bbl/d",
    }


@pytest.mark.parametrize("interval", ["1min", "5min", "1hour", "1day"])
async def test_every_interval_adds_up_to_the_same(api: Api, filled: Filled, interval: str) -> None:
    day = {"start": iso_us(filled.start_us - 86_400 * S), "end": iso_us(filled.end_us)}
    page = await api.get("aggregates", wellId=WELL, tagName="flow", interval=interval, **day)
    assert sum(one["readingCount"] for one in page["aggregates"]) == MINUTES * 54


async def test_pages_of_aggregates_are_whole_too(api: Api, filled: Filled) -> None:
    asked = {"wellId": WELL, "interval": "1min", **around(filled)}
    pages = await api.pages("aggregates", "aggregates", **asked, limit=7)
    assert [len(page) for page in pages] == [7, 7, 6]


RANGES = [
    (1, "raw"),
    (2, "1min"),
    (7, "1min"),
    (8, "1hour"),
    (30, "1hour"),
    (31, "1day"),
]


@pytest.mark.parametrize(("days", "interval"), RANGES)
async def test_the_interval_follows_the_range(
    api: Api, filled: Filled, days: int, interval: str
) -> None:
    range_ = {"start": iso_us(filled.end_us - days * 86_400 * S), "end": iso_us(filled.end_us)}
    page = await api.get("readings", wellId=WELL, tagName="flow", **range_)
    assert page["interval"] == interval


async def test_raw_readings_that_are_kept_no_more_come_as_aggregates(
    valkey: EmbeddedValkey, filled: Filled
) -> None:
    old = {"start": iso_us(filled.old_us), "end": iso_us(filled.old_us + 86_400 * S)}
    async with running(valkey.url, filled.url, raw_kept_days=30.0) as gateway:
        api = Api(gateway, token(PERMIAN))
        page = await api.get("readings", wellId=WELL, **old)
        assert (page["interval"], len(page["aggregates"])) == ("1min", 24)
        await api.client.aclose()


# Cursors


async def test_a_cursor_keeps_the_range_that_the_first_page_had(api: Api) -> None:
    """The default end is now, and now moves on."""
    first = await api.get("readings", wellId=WELL, limit=5)
    second = await api.get("readings", wellId=WELL, limit=5, cursor=first["nextCursor"])
    assert (second["start"], second["end"]) == (first["start"], first["end"])


async def test_a_cursor_of_another_question_is_refused(api: Api, filled: Filled) -> None:
    asked = {"wellId": WELL, **around(filled), "limit": 5}
    cursor = (await api.get("readings", **asked))["nextCursor"]
    path = "/api/scada/readings"
    wrong = [
        asked | {"cursor": cursor, "tagName": "flow"},
        asked | {"cursor": cursor, "wellId": "pad7-4"},
        asked | {"cursor": cursor, "interval": "raw"},
        {"wellId": WELL, "cursor": cursor},
        asked | {"cursor": cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")},
        asked | {"cursor": "nonsense"},
        asked | {"cursor": "ы"},
    ]
    for parameters in wrong:
        problem = await api.problem(path, **parameters)
        assert (problem["status"], problem["code"]) == (422, "BAD_REQUEST")
        assert "does not belong to this question" in problem["detail"]


async def test_gateways_with_one_secret_understand_each_others_cursors(
    valkey: EmbeddedValkey, filled: Filled
) -> None:
    asked = {"wellId": WELL, **around(filled), "limit": 5}
    cursors = []
    for secret in ("shared", "shared", ""):
        async with running(valkey.url, filled.url, cursor_secret=secret) as gateway:
            api = Api(gateway, token(PERMIAN))
            cursors.append((await api.get("readings", **asked))["nextCursor"])
            if secret:
                await api.get("readings", **asked, cursor=cursors[0])
            else:
                await api.problem("/api/scada/readings", **asked, cursor=cursors[0])
            await api.client.aclose()


# Whose wells


async def test_a_well_of_another_tenant_is_not_found_as_one_that_does_not_exist(api: Api) -> None:
    for path in ("readings", "aggregates", "latest"):
        theirs = await api.problem(f"/api/scada/{path}", wellId=OTHER_WELL)
        nobodys = await api.problem(f"/api/scada/{path}", wellId="of-nobody")
        assert (theirs["status"], theirs["code"]) == (404, "NO_SUCH_WELL")
        assert theirs["detail"].replace(OTHER_WELL, "") == nobodys["detail"].replace(
            "of-nobody", ""
        )


async def test_wells_are_those_of_the_tenant_with_their_tags(api: Api, filled: Filled) -> None:
    page = await api.get("wells")
    assert [one["wellId"] for one in page["wells"]] == [WELL, "pad7-4"]
    assert page["wells"][0]["tags"] == [
        {
            "tagName": name,
            "unit": unit,
            "dataType": "float32",
            "connectionId": CONNECTION,
        }
        for name, unit in (("casing_pressure", "psi"), ("flow", "bbl/d"))
    ]
    last = datetime.fromisoformat(page["wells"][0]["lastReadingAt"])
    assert last == datetime.fromtimestamp(filled.end_us / S - 1, UTC)


async def test_wells_come_in_pages(api: Api) -> None:
    first = await api.get("wells", limit=1)
    assert [one["wellId"] for one in first["wells"]] == [WELL]
    second = await api.get("wells", limit=1, after=first["nextAfter"])
    assert ([one["wellId"] for one in second["wells"]], second["nextAfter"]) == (["pad7-4"], None)


async def test_a_tenant_that_the_database_does_not_know_is_told_so(gateway: Gateway) -> None:
    api = Api(gateway, token("newcomer"))
    problem = await api.problem("/api/scada/wells")
    assert (problem["status"], problem["code"]) == (403, "UNKNOWN_TENANT")
    assert (await api.problem("/api/scada/readings", wellId=WELL))["status"] == 404
    await api.client.aclose()


# Latest


async def test_the_latest_come_from_the_feed_with_the_state_of_the_connection(
    api: Api, valkey: EmbeddedValkey
) -> None:
    worker = FakeWorker(valkey.url, PERMIAN, CONNECTION)
    await worker.publish(WELL, {"flow": 7.0})
    await worker.beat()
    answer = await api.get("latest", wellId=WELL)
    assert answer["source"] == "feed"
    assert [(one["tagName"], one["value"]) for one in answer["readings"]] == [("flow", 7.0)]
    (status,) = answer["connections"]
    assert (status["connectionId"], status["state"], status["stale"]) == (
        CONNECTION,
        "connected",
        False,
    )
    await worker.beat(at="2020-01-01T00:00:00Z")
    assert (await api.get("latest", wellId=WELL))["connections"][0]["stale"] is True
    await worker.close()


async def test_without_the_feed_the_latest_are_those_that_were_stored(filled: Filled) -> None:
    async with running(NO_REDIS, filled.url) as gateway:
        api = Api(gateway, token(PERMIAN))
        answer = await api.get("latest", wellId=WELL)
        assert answer["source"] == "database"
        assert {one["tagName"]: one["value"] for one in answer["readings"]} == {
            "casing_pressure": 800.0 + 24 + MINUTES * 60 - 1,
            "flow": 100.0 + MINUTES * 60 - 1,
        }
        assert answer["connections"][0]["reason"] == "FeedLost"
        assert answer["readings"][0]["timestamp"] == iso_us(filled.end_us - S)
        await api.client.aclose()


async def test_a_well_that_does_not_publish_now_shows_what_was_stored(api: Api) -> None:
    answer = await api.get("latest", wellId="pad7-4")
    assert (answer["source"], answer["connections"][0]["reason"]) == ("database", "NeverHeard")


# Refusals

BAD_REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no well": ({"wellId": None}, "wellId"),
    "an empty well": ({"wellId": ""}, "wellId"),
    "a well with NUL": ({"wellId": "a\x00b"}, "wellId"),
    "a start without offset": ({"start": "2026-01-31T06:30:00"}, "has no offset"),
    "a start whose + was not escaped": ({"start": "2026-01-31T06:30:00 02:00"}, "%2B"),
    "a start that is a word": ({"start": "yesterday"}, "is no time"),
    "a start long before all wells": ({"start": "0001-01-01T00:00:00Z"}, "1970"),
    "a start at the end of all calendars": ({"start": "9999-12-31T23:59:59-12:00"}, "calendars"),
    "an end before the start": (
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        "start is not before end",
    ),
    "a parameter that is misspelt": ({"tagname": "flow"}, "is tagName meant"),
    "a parameter that is none": ({"q": "flow"}, "there are interval, points, wellId"),
    "a parameter twice": ({"start": ["2026-01-01T00:00:00Z"] * 2}, "twice"),
    "an unknown interval": ({"interval": "2min"}, "interval"),
    "a limit of nothing": ({"limit": 0}, "limit"),
    "a limit beyond all": ({"limit": 10_000_000}, "at most 5000"),
    "a limit that is a word": ({"limit": "many"}, "limit"),
}


@pytest.mark.parametrize(("changes", "words"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
async def test_a_bad_request_is_told_what_is_wrong(
    api: Api, changes: dict[str, Any], words: str
) -> None:
    parameters = {name: v for name, v in ({"wellId": WELL} | changes).items() if v is not None}
    problem = await api.problem("/api/scada/readings", **parameters)
    assert (problem["status"], problem["code"]) == (422, "BAD_REQUEST")
    assert words in problem["detail"]


async def test_without_a_token_nothing_is_said(gateway: Gateway) -> None:
    for bearer, code in ((None, "AUTH_REQUIRED"), ("x.y.z", "AUTH_FAILED")):
        api = Api(gateway, bearer)
        for path in ("readings", "aggregates", "latest", "wells"):
            answer = await api.client.get(f"/api/scada/{path}")
            assert (answer.status_code, problem_of(answer)["code"]) == (401, code)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert (await api.client.post("/api/scada/control")).status_code == 401
        await api.client.aclose()


async def test_an_expired_token_is_said_to_be_expired(gateway: Gateway) -> None:
    api = Api(gateway, token(PERMIAN, lifetime_s=-60))
    assert (await api.problem("/api/scada/wells"))["code"] == "TOKEN_EXPIRED"
    await api.client.aclose()


async def test_addresses_and_methods_that_are_none_are_problems_too(api: Api) -> None:
    assert (await api.problem("/api/scada/reading"))["code"] == "NOT_FOUND"
    answer = await api.client.delete("/api/scada/readings")
    assert (answer.status_code, problem_of(answer)["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET"


async def test_too_many_requests_are_told_when_to_come_back(
    valkey: EmbeddedValkey, filled: Filled
) -> None:
    limits = {"rest_rate_user_burst": 2.0, "rest_rate_user_per_s": 0.1}
    async with running(valkey.url, filled.url, **limits) as gateway:
        api = Api(gateway, token(PERMIAN))
        await api.get("wells")
        await api.get("wells")
        answer = await api.client.get("/api/scada/wells")
        assert (answer.status_code, problem_of(answer)["code"]) == (429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["retry-after"]) <= 10
        other = Api(gateway, token(PERMIAN, subject="joe"))
        await other.get("wells")
        await api.client.aclose()
        await other.client.aclose()


async def test_a_tenants_people_share_the_tenants_rate(
    valkey: EmbeddedValkey, filled: Filled
) -> None:
    limits = {"rest_rate_tenant_burst": 2.0, "rest_rate_tenant_per_s": 0.1}
    async with running(valkey.url, filled.url, **limits) as gateway:
        people = [Api(gateway, token(PERMIAN, subject=name)) for name in ("a", "b", "c")]
        codes = [(await one.client.get("/api/scada/wells")).status_code for one in people]
        assert codes == [200, 200, 429]
        for one in people:
            await one.client.aclose()


async def test_a_database_that_is_down_is_said_to_be_down(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url) as gateway:
        api = Api(gateway, token(PERMIAN))
        answer = await api.client.get("/api/scada/wells")
        assert (answer.status_code, problem_of(answer)["code"]) == (503, "STORE_UNAVAILABLE")
        assert "retry-after" in answer.headers
        ready = await api.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"ready": False, "down": ["the history (the database)"]}
        await api.client.aclose()


async def test_a_query_that_takes_too_long_says_what_to_ask_for(
    valkey: EmbeddedValkey, filled: Filled, postgres: EmbeddedPostgres
) -> None:
    admin = await asyncpg.connect(postgres.url(NAME))
    async with running(valkey.url, filled.url, database_limit_s=0.1) as gateway:
        api = Api(gateway, token(PERMIAN))
        async with admin.transaction():
            await admin.execute("LOCK TABLE pumpjack.well")
            problem = await api.problem("/api/scada/wells")
        assert (problem["status"], problem["code"]) == (503, "QUERY_TOO_LONG")
        await api.get("wells")
        await api.client.aclose()
    await admin.close()


async def test_a_fault_of_the_gateway_is_a_problem_that_says_nothing_of_it(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(gateway.store, "wells", fail)
    api = Api(gateway, token(PERMIAN))
    answer = await api.client.get("/api/scada/wells")
    assert (answer.status_code, problem_of(answer)["code"]) == (500, "INTERNAL")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    await api.client.aclose()


async def test_a_database_without_our_tables_says_what_to_run(
    valkey: EmbeddedValkey, empty_database: str
) -> None:
    async with running(valkey.url, empty_database) as gateway:
        api = Api(gateway, token(PERMIAN))
        problem = await api.problem("/api/scada/wells")
        assert problem["status"] in (403, 503)
        await api.client.aclose()


# Around it


async def test_health_and_readiness_need_no_token(gateway: Gateway) -> None:
    api = Api(gateway, None)
    assert (await api.client.get("/healthz")).json() == {"ok": True}
    assert (await api.client.get("/readyz")).json() == {"ready": True, "down": []}
    await api.client.aclose()


async def test_metrics_have_the_names_of_the_design(api: Api) -> None:
    await api.get("wells")
    text = (await api.client.get("/metrics")).text
    for line in (
        "scada_redis_up 1.0",
        "scada_database_up 1.0",
        'scada_rest_request_seconds_count{route="/api/scada/wells",status="200"} 1.0',
        "# TYPE scada_end_to_end_latency_seconds histogram",
        "# TYPE scada_websocket_clients gauge",
    ):
        assert line in text


async def test_every_answer_has_the_security_headers(api: Api) -> None:
    for path in ("/healthz", "/docs", "/api/scada/wells", "/nowhere"):
        headers = (await api.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


async def test_only_listed_origins_may_read_answers(valkey: EmbeddedValkey) -> None:
    origin = "https://screens.example.com"
    async with running(valkey.url, origins=(origin,)) as gateway:
        api = Api(gateway, token(PERMIAN))
        allowed = await api.client.get("/healthz", headers={"Origin": origin})
        assert allowed.headers["access-control-allow-origin"] == origin
        other = await api.client.get("/healthz", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        await api.client.aclose()


async def test_the_page_of_docs_shows_every_address_and_loads_nothing(api: Api) -> None:
    page = (await api.client.get("/docs")).text
    for path in ("readings", "aggregates", "latest", "wells", "control"):
        assert f"/api/scada/{path}" in page
    assert "src=" not in page
    assert "<script" not in page


async def test_sign_ins_and_subscriptions_are_in_the_audit_log(
    gateway: Gateway, filled: Filled, postgres: EmbeddedPostgres
) -> None:
    async with screen(gateway, PERMIAN, sign_in=token(PERMIAN, subject="auditor")) as client:
        await client.subscribe(WELL)
        await client.say(type="subscribe-well", wellId=OTHER_WELL)
        await client.until("error")
    admin = await asyncpg.connect(postgres.url(NAME))
    rows: list[Any] = []
    async with asyncio.timeout(60):
        while len(rows) < 3:
            rows = await admin.fetch(
                "SELECT action, outcome, detail FROM pumpjack.audit_logs "
                "WHERE actor = 'auditor' AND tenant_id = 'permian' ORDER BY audit_id"
            )
    await admin.close()
    assert [(row["action"], row["outcome"], json.loads(row["detail"])) for row in rows] == [
        ("sign-in", "ok", ANN | {"via": "websocket"}),
        ("subscribe", "ok", {"wellId": WELL}),
        ("subscribe", "refused", {"wellId": OTHER_WELL}),
    ]


async def test_the_first_request_with_a_token_is_a_sign_in_with_its_address(
    gateway: Gateway, filled: Filled, postgres: EmbeddedPostgres
) -> None:
    api = Api(gateway, token(PERMIAN, subject="rest-auditor"))
    api.client.headers["X-Forwarded-For"] = "203.0.113.9"
    for _ in range(3):
        await api.get("wells")
    await api.client.aclose()
    await gateway.audit.flush()
    admin = await asyncpg.connect(postgres.url(NAME))
    rows: list[Any] = []
    async with asyncio.timeout(60):
        while not rows:
            rows = await admin.fetch(
                "SELECT action, outcome, detail FROM pumpjack.audit_logs "
                "WHERE actor = 'rest-auditor' AND tenant_id = 'permian'"
            )
    await admin.close()
    assert [(row["action"], row["outcome"], json.loads(row["detail"])) for row in rows] == [
        ("sign-in", "ok", ANN | {"via": "rest", "forwardedFor": "203.0.113.9"}),
    ]
