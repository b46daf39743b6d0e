"""Readings that were kept out come back once, when what was wrong with them is mended."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from pumpjack_core.storage.quarantine import Replayed, Which, items, replay, totals
from pumpjack_core.storage.reasons import REASONS, Correction, Item, Reading, reading_of
from pumpjack_core.storage.reconcile import reconcile
from tests.core.storage.database import DAY_US, HOUR_US, Database, now_us

EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC))


def which(reason: str) -> Which:
    return Which("permian", "ops/pad7", reason, *EVER)


async def back(database: Database, reason: str, **correction: Any) -> Replayed:
    return await replay(
        database.url, which(reason), Correction(**correction), actor="me", dry_run=False
    )


async def values(database: Database) -> list[float]:
    rows = await database.read("SELECT value FROM pumpjack.scada_readings ORDER BY time")
    return [row[0] for row in rows]


async def test_readings_of_a_wrong_zone_come_back_shifted_and_once(database: Database) -> None:
    worker = await database.worker(protocol="mqtt")
    ahead = now_us() + 30 * HOUR_US
    written = await worker.write([(ahead + n * 1_000, 0, float(n)) for n in range(5)])
    assert written.quarantined == 5
    (total,) = await totals(database.url, which("in_future"))
    assert (total.total, total.kept) == (5, 5)
    done = await back(database, "in_future", shift_s=-31 * 3_600)
    assert (done.removed, done.stored, done.quarantined, done.left) == (5, 5, 0, {})
    assert await values(database) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (await back(database, "in_future", shift_s=-31 * 3_600)).removed == 0
    assert len(await values(database)) == 5
    audited = await database.admin.fetch("SELECT actor, action, detail FROM pumpjack.audit_logs")
    assert [(row["actor"], row["action"]) for row in audited] == [("me", "quarantine.replay")]
    kept = await database.read("SELECT total, kept FROM pumpjack.scada_quarantine_totals")
    assert kept == [(5, 0)]
    if database.level != "community":
        await database.maintain()
        sums = await database.read("SELECT sum(reading_count) FROM pumpjack.scada_readings_1hour")
        assert sums == [(5,)]


async def test_counts_stay_whole_when_readings_come_back(database: Database) -> None:
    await database.admin.execute("UPDATE pumpjack.settings SET counted_from = '2020-01-01'")
    worker = await database.worker(protocol="mqtt")
    await worker.write([(now_us() + 30 * HOUR_US, 0, 1.0), (now_us(), 1, 2.0)])
    await back(database, "in_future", shift_s=-31 * 3_600)
    found = await reconcile(
        database.url,
        tenant_id="permian",
        connection_id="ops/pad7",
        begins=datetime.fromtimestamp(now_us() / 1e6 - 3 * 3_600, UTC),
        ends=datetime.fromtimestamp(now_us() / 1e6 + 40 * 3_600, UTC),
    )
    counts = found.counts
    assert (counts.received, counts.stored, counts.quarantined, found.rows) == (2, 2, 0, 2)
    assert found.whole


async def test_what_is_still_wrong_goes_back_with_its_reason_of_now(database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us() + 30 * HOUR_US, 0, 1.0)])
    done = await back(database, "in_future", shift_s=-200 * 24 * 3_600)
    assert (done.removed, done.stored, done.quarantined) == (1, 0, 1)
    (item,) = await items(database.url, which("too_old"), limit=10)
    assert item.raw == "value 1, quality 0"


async def test_readings_too_old_come_back_when_more_days_are_kept(database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us() - 100 * DAY_US, 0, 1.0)])
    await database.admin.execute("UPDATE pumpjack.settings SET raw_days = 200")
    assert (await back(database, "too_old")).stored == 1
    assert await values(database) == [1.0]


async def test_two_who_replay_at_once_store_each_reading_once(database: Database) -> None:
    if database.level == "community":
        pytest.skip("this server takes one connection at a time")
    worker = await database.worker()
    await worker.write([(now_us() + 30 * HOUR_US + n, 0, float(n)) for n in range(50)])
    done = await asyncio.gather(
        *(back(database, "in_future", shift_s=-31 * 3_600) for _ in range(3))
    )
    assert sum(one.stored for one in done) == 50
    assert sum(one.duplicates + one.shifted for one in done) == 0
    assert len(await values(database)) == 50


async def test_text_comes_back_as_a_number_only_when_asked(database: Database) -> None:
    worker = await database.worker()
    await worker.write(
        [], [(0, now_us(), "text_value", '"12.5"'), (0, now_us(), "text_value", "high")]
    )
    assert (await back(database, "text_value")).left == {
        "it is text; --text takes text that is a number for one": 2
    }
    done = await back(database, "text_value", text=True, scale=10.0)
    assert (done.stored, done.left) == (1, {"its text is no number": 1})
    assert await values(database) == [125.0]
    (stays,) = await items(database.url, which("text_value"), limit=10)
    assert stays.raw == "high"


async def test_notes_on_what_is_missing_are_never_replayed(database: Database) -> None:
    worker = await database.worker()
    await worker.write([], [(None, now_us(), "gap", "lost")])
    done = await back(database, "gap")
    assert (done.removed, len(done.left)) == (0, 1)
    assert len(await items(database.url, which("gap"), limit=10)) == 1


# Making readings of rows, without a database


def item(reason: str, raw: str, **more: Any) -> Item:
    of = {"quarantine_id": 7, "us": 1_000_000, "well_id": "w", "tag_name": "t", "tag_id": 3}
    return Item(**{**of, "current_tag_id": 4, "reason": reason, "raw": raw, **more})


def test_both_ways_in_which_values_are_kept_are_read() -> None:
    for raw in ("value 2.5, quality 6", "value=2.5 quality=6"):
        assert reading_of(item("too_old", raw), Correction()) == Reading(7, 1_000_000, 3, 6, 2.5)


def test_a_value_beside_its_time_is_read_with_the_format_of_the_time() -> None:
    found = item("bad_time", '12 at "01/01/1970 00:05"')
    made = reading_of(found, Correction(time_format="%d/%m/%Y %H:%M", current=True))
    assert made == Reading(7, 300_000_000, 4, 0, 12.0)
    assert "--time-format" in str(reading_of(found, Correction()))
    assert "not of the form" in str(reading_of(found, Correction(time_format="%Y")))


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_says_what_it_means_and_a_row_without_a_tag_stays(reason: str) -> None:
    assert REASONS[reason].means and REASONS[reason].do
    assert isinstance(reading_of(item(reason, "1", tag_id=None), Correction(text=True)), str)
