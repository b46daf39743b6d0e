"""What a chart gets over REST, from a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.clock import iso_us
from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.tags import Tag
from pumpjack_gateway.main import Gateway
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, HOUR_US, MINUTE_US, Database, Worker, now_us
from tests.gateway.conftest import running
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import token

pytestmark = pytest.mark.parametrize("level", LEVELS[:1])
BAD = quality(Level.BAD, Reason.OUT_OF_RANGE)
UNCERTAIN = quality(Level.UNCERTAIN, Reason.ANOMALY)
S = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WELL = "well-1"


@pytest.fixture
async def gateway(valkey: EmbeddedValkey, database: Database) -> AsyncIterator[Gateway]:
    await database.tenant()
    url = database.login("pumpjack_gateway")
    async with running(valkey.url, url, raw_kept_days=10.0) as gateway:
        yield gateway


@pytest.fixture
async def api(gateway: Gateway) -> AsyncIterator[Api]:
    async with Api(gateway) as api:
        yield api


class Api(httpx.AsyncClient):
    """Requests of a viewer of permian."""

    def __init__(self, gateway: Gateway, tenant: str = "permian") -> None:
        super().__init__(
            base_url=f"http://127.0.0.1:{gateway.rest_port}/api/scada/",
            headers={"Authorization": f"Bearer {token(tenant)}"},
            timeout=60,
        )

    async def ask(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = await self.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def chart(self, start_us: int, end_us: int, **parameters: Any) -> dict[str, Any]:
        """Of tag-0 in 60 columns, where nothing else is asked for."""
        asked = {"wellId": WELL, "tagName": "tag-0", "points": 60, **parameters}
        return await self.ask("readings", start=iso_us(start_us), end=iso_us(end_us), **asked)

    async def refused(self, path: str, **parameters: Any) -> tuple[int, str]:
        answer = await self.get(path, params=parameters)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["detail"]


def an_hour(ago: int) -> int:
    return now_us() // HOUR_US * HOUR_US - ago * HOUR_US


def time(us: int) -> str:
    return (EPOCH + timedelta(microseconds=us)).isoformat().replace("+00:00", "Z")


async def test_a_chart_has_columns_with_their_extremes_counts_and_worst_quality(
    api: Api, database: Database
) -> None:
    worker = await database.worker()
    hour = an_hour(2)
    await worker.write(
        [
            (hour + 500_123, 0, 5.0),
            (hour + 20 * S, 0, -3.0),
            (hour + 30 * S, 0, 900.0, UNCERTAIN),
            (hour + 40 * S, 0, 4e6, BAD),
            (hour + 59 * S, 0, 7.0),
            (hour + 10 * MINUTE_US, 0, 1e7, BAD),
            (hour + HOUR_US, 0, 1.0),
        ]
    )
    chart = await api.chart(hour, hour + HOUR_US)
    assert chart | {"asOf": 0, "series": 0, "holes": 0} == {
        "asOf": 0,
        "wellId": WELL,
        "start": time(hour),
        "end": time(hour + HOUR_US),
        "interval": "raw",
        "source": "scada_points_raw",
        "columnS": 60.0,
        "storedUntil": None,
        "series": 0,
        "holes": 0,
    }
    (series,) = chart["series"]
    assert series | {"buckets": 0} == {
        "tagName": "tag-0",
        "unit": "psi",
        "connectionIds": ["ops/pad7"],
        "buckets": 0,
    }
    ms = hour // 1000
    assert series["buckets"] == [
        [ms, 5.0, 7.0, -3.0, 900.0, 5, 3, 2, ms + 500.123, ms + 59_000, 3.0],
        [ms + 600_000, None, None, None, None, 1, 0, 2, None, None, None],
    ]


async def test_what_is_older_than_raw_is_kept_comes_from_aggregates_with_its_worst_quality(
    api: Api, database: Database
) -> None:
    worker = await database.worker()
    old = an_hour(20 * 24)
    await worker.write(
        [
            (old + 5 * S, 0, 10.0),
            (old + 6 * S, 0, 20.0),
            (old + 7 * S, 0, -500.0, UNCERTAIN),
            (old + 3 * MINUTE_US, 0, 1e9, BAD),
            (old + 3 * MINUTE_US + S, 0, 44.0),
        ]
    )
    for _ in range(2):
        chart = await api.chart(old + S, old + 6 * HOUR_US - S, points=100)
        assert (chart["interval"], chart["source"]) == ("1min", "scada_points_1min")
        assert (chart["start"], chart["end"]) == (time(old), time(old + 6 * HOUR_US))
        assert chart["columnS"] == 240.0
        ms = old // 1000
        assert chart["series"][0]["buckets"] == [
            [ms, 15.0, 44.0, -500.0, 44.0, 5, 3, 2, ms + 30_000, ms + 210_000, 74 / 3]
        ]
        await database.maintain()


async def test_of_several_tags_each_is_a_series_and_one_without_readings_is_empty(
    api: Api, database: Database
) -> None:
    worker = await database.worker()
    hour = an_hour(2)
    await worker.write([(hour, 0, 1.0), (hour, 1, 2.0)])
    names = ["tag-2", "tag-1", "tag-1", "no such tag"]
    chart = await api.chart(hour, hour + HOUR_US, tagName=names)
    assert [(one["tagName"], len(one["buckets"])) for one in chart["series"]] == [
        ("tag-2", 0),
        ("tag-1", 1),
    ]


async def test_a_tag_whose_unit_changed_is_two_series_and_one_that_changed_hands_is_one(
    api: Api, database: Database
) -> None:
    worker = await database.worker(name="ops/old")
    hour = an_hour(3)
    await worker.write([(hour, 0, 100.0), (hour, 1, 50.0)])
    other = await database.worker(name="ops/new", tags=1)
    await other.write([(hour + S, 0, 200.0)])
    table = [Tag(WELL, "tag-1", "holding:1", "float32", 1.0, "bar")]
    worker.tags[1:2] = await worker.ingest.register_series(worker.name, table)
    await worker.write([(hour + 2 * S, 1, 3.4)])
    chart = await api.chart(hour, hour + HOUR_US, tagName=["tag-0", "tag-1"], points=16)
    found = [
        (one["tagName"], one["unit"], one["connectionIds"], one["buckets"][0][1:6])
        for one in chart["series"]
    ]
    assert found == [
        ("tag-0", "psi", ["ops/old", "ops/new"], [100.0, 200.0, 100.0, 200.0, 2]),
        ("tag-1", "psi", ["ops/old"], [50.0, 50.0, 50.0, 50.0, 1]),
        ("tag-1", "bar", ["ops/old"], [3.4, 3.4, 3.4, 3.4, 1]),
    ]


async def heard(valkey: EmbeddedValkey, worker: Worker, seq: int, **changes: Any) -> str:
    """A heartbeat of the worker; when it was."""
    fake = FakeWorker(valkey.url, "permian", worker.name)
    fake.epoch, fake.last = str(worker.journal), {WELL: seq}
    beat = await fake.beat(**changes)
    await fake.close()
    return beat.at


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_stored_until_is_the_heartbeat_when_all_that_was_published_is_stored(
    api: Api, valkey: EmbeddedValkey, database: Database
) -> None:
    worker = await database.worker()
    await worker.write([(an_hour(1), 0, 1.0)])
    beat = await heard(valkey, worker, worker.seq)
    chart = await api.chart(an_hour(1), now_us())
    assert at(chart["storedUntil"]) == at(beat)
    assert [hole["reason"] for hole in chart["holes"]] == []


async def test_what_waits_in_a_journal_is_told_as_catching_up(
    api: Api, valkey: EmbeddedValkey, database: Database
) -> None:
    worker = await database.worker()
    await worker.write([(an_hour(1), 0, 1.0)])
    beat = await heard(valkey, worker, worker.seq + 5, journal_batches=5, journal_oldest_s=90.0)
    chart = await api.chart(an_hour(1), now_us() + HOUR_US)
    assert at(chart["storedUntil"]) == at(beat) - timedelta(seconds=91)
    (hole,) = chart["holes"]
    assert (hole["reason"], hole["from"]) == ("catching_up", chart["storedUntil"])
    assert at(hole["to"]) == at(chart["asOf"])


async def test_holes_of_the_tags_connections_are_named(api: Api, database: Database) -> None:
    worker = await database.worker()
    await database.worker(name="ops/other", tags=0)
    hour = an_hour(2)
    note = {"from": time(hour + 60 * S), "to": time(hour + 90 * S)}
    await worker.write(
        [(hour, 0, 1.0)], [(None, hour, "not_stored", msgspec.json.encode(note).decode())]
    )
    chart = await api.chart(hour, hour + HOUR_US)
    assert chart["holes"] == [
        {
            "connectionId": "ops/pad7",
            **note,
            "reason": "not_stored",
            "message": "the journal had no room for what was read",
        }
    ]
    assert (await api.chart(hour - 2 * HOUR_US, hour - HOUR_US))["holes"] == []


async def test_aggregates_of_before_doubt_was_kept_say_that_their_quality_is_unknown(
    api: Api, database: Database
) -> None:
    worker = await database.worker()
    old = an_hour(20 * 24)
    await worker.write([(old, 0, 1.0), (old + 2 * HOUR_US, 0, 1.0)])
    await database.admin.execute(
        "UPDATE pumpjack.doubt_known SET since = $1", EPOCH + timedelta(microseconds=old + HOUR_US)
    )
    chart = await api.chart(old, old + 3 * HOUR_US)
    assert [(hole["reason"], hole["from"], hole["to"]) for hole in chart["holes"]] == [
        ("quality_unknown", time(old), time(old + HOUR_US))
    ]
    assert (await api.chart(old + HOUR_US, old + 3 * HOUR_US))["holes"] == []


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no tag": ({"tagName": []}, 422, "1 to 8 tags"),
    "nine tags": ({"tagName": [f"tag-{n}" for n in range(9)]}, 422, "1 to 8 tags"),
    "a limit": ({"limit": 10}, 422, "leave limit out"),
    "a cursor": ({"cursor": "x"}, 422, "leave cursor out"),
    "too few columns": ({"points": 15}, 422, "16"),
    "too many columns": ({"points": 4001}, 422, "4000"),
    "an end before its start": ({"start": "2200-01-01T00:00:00Z"}, 422, "start is not before end"),
    "a well of nobody": ({"wellId": "bakken-1"}, 404, "no well 'bakken-1'"),
}


@pytest.mark.parametrize(("changes", "status", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_refused_with_a_sentence(
    api: Api, database: Database, changes: dict[str, Any], status: int, words: str
) -> None:
    await database.worker()
    asked = {"wellId": WELL, "tagName": "tag-0", "points": 60} | changes
    found, detail = await api.refused("readings", **asked)
    assert found == status
    assert words in detail


async def test_another_tenants_well_does_not_exist(
    gateway: Gateway, database: Database, valkey: EmbeddedValkey
) -> None:
    worker = await database.worker()
    await worker.write([(an_hour(1), 0, 1.0)])
    await database.tenant("bakken")
    async with Api(gateway, "bakken") as theirs:
        status, _ = await theirs.refused("readings", wellId=WELL, tagName="tag-0", points=60)
        assert status == 404
        assert (await theirs.ask("sparks", pen=f"{WELL}/tag-0"))["sparks"] == []


# Small trends


async def test_small_trends_have_an_entry_a_column_and_unknown_pens_are_left_out(
    api: Api, database: Database
) -> None:
    worker = await database.worker(well="pad/7")
    now = now_us()
    await worker.write(
        [
            (now - 3 * HOUR_US, 0, 1.0),
            (now - 3 * HOUR_US + 1, 0, 9.0, UNCERTAIN),
            (now - 2, 0, 5.0),
            (now - 2, 1, 5.0, BAD),
        ]
    )
    pens = ["pad/7/tag-1", "pad/7/tag-0", "pad/7/none", "x/tag-0", "pad/7/tag-0"]
    answer = await api.ask("sparks", pen=pens)
    assert [(one["wellId"], one["tagName"]) for one in answer["sparks"]] == [
        ("pad/7", "tag-1"),
        ("pad/7", "tag-0"),
    ]
    bad, good = answer["sparks"]
    start, width = at(answer["start"]), timedelta(seconds=answer["columnS"])
    assert width == timedelta(minutes=10)
    column = (EPOCH + timedelta(microseconds=now - 3 * HOUR_US) - start) // width
    newest = (EPOCH + timedelta(microseconds=now - 2) - start) // width
    assert {name: len(good[name]) for name in ("min", "max", "last", "worst")} == {
        "min": 48,
        "max": 48,
        "last": 48,
        "worst": 48,
    }
    assert [good[name][column] for name in ("min", "max", "last", "worst")] == [1.0, 9.0, 1.0, 1]
    assert [good[name][newest] for name in ("min", "max", "last", "worst")] == [5.0, 5.0, 5.0, 0]
    assert [bad[name][newest] for name in ("min", "max", "last", "worst")] == [None, None, None, 2]
    assert sum(entry is not None for entry in good["worst"]) == 2


async def test_small_trends_of_any_length_and_width(api: Api, database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us() - 3 * DAY_US, 0, 3.0), (now_us() - 2, 0, 4.0)])
    answer = await api.ask("sparks", pen=f"{WELL}/tag-0", hours=168, columns=20)
    assert answer["interval"] == "1hour"
    assert [value for value in answer["sparks"][0]["max"] if value is not None] == [3.0, 4.0]
    assert len(answer["sparks"][0]["max"]) == 20


async def test_pens_are_refused_with_a_sentence(api: Api) -> None:
    for pen in ("flow", "/flow", "well/"):
        status, detail = await api.refused("sparks", pen=pen)
        assert status == 422, pen
        assert "wellId/tagName" in detail or "3 characters" in detail
    status, _ = await api.refused("sparks", pen=[f"w/{n}" for n in range(61)])
    assert status == 422
