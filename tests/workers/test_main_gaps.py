"""Gaps of a PLC as they stand in the database, with `python -m pumpjack_worker` and kill -9."""

from __future__ import annotations

import asyncio

import pytest

from tests.workers.pipeline.scripted import until
from tests.workers.test_main import Site, site

__all__ = ["site"]
pytestmark = pytest.mark.servers

Row = tuple[int, float | None, str | None]


async def trend(site: Site, name: str = "r0") -> list[Row]:
    """Time [µs], value and reason, in the order of time."""
    rows = await site.database.fetch(
        "SELECT (extract(epoch FROM time) * 1000000)::bigint AS us, value, reason"
        " FROM scada_readings WHERE tag_name = $1 ORDER BY time",
        name,
    )
    return [(row["us"], row["value"], row["reason"]) for row in rows]


def gaps(rows: list[Row]) -> list[list[Row]]:
    """The runs of readings without a value that have one before and one after."""
    found: list[list[Row]] = []
    run: list[Row] = []
    for row in rows:
        if row[1] is None:
            run.append(row)
        else:
            if run:
                found.append(run)
            run = []
    return found


async def until_read(site: Site, more: int = 3) -> None:
    enough = site.polls + more
    await until(lambda: site.polls >= enough)


async def one_gap(site: Site) -> list[Row]:
    async def there() -> bool:
        return len(gaps(await trend(site))) == 1

    await until(there)
    return gaps(await trend(site))[0]


async def test_the_time_without_a_worker_after_kill_minus_9_is_marked_at_both_ends(
    site: Site,
) -> None:
    worker = await site.start()
    await until_read(site)
    worker.kill()
    await worker.wait()
    killed_at = site.polls
    await asyncio.sleep(1.0)  # ten intervals
    await site.start()
    await until_read(site)
    first, last = await one_gap(site)
    rows = await trend(site)
    before, after = rows[rows.index(first) - 1], rows[rows.index(last) + 1]
    assert (first[2], last[2]) == ("comm_failure", "comm_failure")
    assert first[0] - before[0] <= 1_000, "at once after the last that is safe"
    assert before[1] is not None
    assert killed_at - 2 <= before[1] <= killed_at, "the last that the first worker read"
    assert last[0] - first[0] >= 1_000_000
    assert after[0] > last[0]
    for name in ("r1", "r2"):
        assert len(gaps(await trend(site, name))) == 1


async def test_a_plc_that_was_away_is_marked_where_it_was_lost_and_before_it_came_back(
    site: Site,
) -> None:
    await site.start()
    await until_read(site)
    site.device.silent.add(1)

    async def disconnected() -> bool:
        return (await site.get("/status")).json()["state"] == "disconnected"

    await until(disconnected)
    site.device.silent.clear()
    await until_read(site)
    marks = await one_gap(site)
    assert {reason for _, _, reason in marks} == {"comm_failure"}
    assert len(marks) >= 2
    rows = await trend(site)
    after = rows[rows.index(marks[-1]) + 1]
    assert after[1] is not None
    assert marks[0][0] < marks[-1][0] < after[0]
