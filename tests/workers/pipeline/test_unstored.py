"""What a trend shows of readings that the journal had no room for; on real PostgreSQL."""

from __future__ import annotations

import pytest

from pumpjack_worker.pipeline import pipeline
from pumpjack_worker.pipeline.hole_file import HoleFile
from tests.workers.pipeline.scripted import start, until
from tests.workers.pipeline.test_gap_marks import rows

pytestmark = pytest.mark.servers

MARK = (None, "not_stored")


async def became(database, tag_name: str, *expected: tuple[float | None, str | None]) -> None:
    async def so() -> bool:
        return await rows(database, tag_name) == list(expected)

    await until(so)


def full(worker) -> int:
    """The journal takes nothing from now on. Returns the size that it had."""
    spool = worker.pipeline._journal._spool
    size, spool._size_bytes = spool._size_bytes, 0
    return size


async def test_what_was_not_stored_is_marked_at_both_ends_once_the_journal_takes_again(
    worker, database
):
    worker.adapter.read(1.0)
    await became(database, "pressure", (1.0, None))
    size = full(worker)
    for value in (2.0, 3.0, 4.0):
        worker.adapter.read(value)
    worker.adapter.read(7.0, at=1)
    await until(lambda: worker.pipeline._metrics.not_stored._value.get() == 4)
    worker.pipeline._journal._spool._size_bytes = size
    worker.adapter.read(5.0)
    await became(database, "pressure", (1.0, None), MARK, MARK, (5.0, None))
    await became(database, "flow", MARK)


async def test_what_is_told_is_what_the_file_says_so_that_a_kill_in_between_tells_it_once(
    tmp_path, database, valkey, feed, monkeypatch
):
    monkeypatch.setattr(pipeline, "WATCH_S", 3_600.0)
    worker = await start(tmp_path / "j", database.connect, valkey.url)
    file, kept = worker.pipeline._unstored._file, []
    write = file.write
    monkeypatch.setattr(file, "write", lambda loss: kept.append(loss) or write(loss))
    size = full(worker)
    for value in (2.0, 3.0, 4.0):
        worker.adapter.read(value)
    await until(lambda: worker.pipeline._metrics.not_stored._value.get() == 3)
    worker.pipeline._journal._spool._size_bytes = size
    worker.adapter.read(5.0)
    await became(database, "pressure", MARK, MARK, (5.0, None))
    assert HoleFile(tmp_path / "j").read() == kept[-1]
    assert kept[-1].readings == 3
    await worker.stop()
    assert HoleFile(tmp_path / "j").read() is None


async def test_a_hole_that_was_not_on_record_when_its_worker_was_killed_is_told_by_the_next(
    tmp_path, database, valkey, feed
):
    folder = tmp_path / "j"
    worker = await start(folder, database.connect, valkey.url)
    full(worker)
    worker.adapter.read(1.0)
    await until(lambda: worker.pipeline._metrics.not_stored._value.get() == 1)
    await until(lambda: HoleFile(folder).read() is not None)
    await worker.stop()  # still full: as after a kill, the note is in no journal
    assert HoleFile(folder).read() is not None
    again = await start(folder, database.connect, valkey.url)
    again.adapter.read(2.0)

    async def on_record() -> list[int]:
        found = await database.owner.fetch(
            "SELECT (raw::json ->> 'readings')::int AS readings FROM pumpjack.quarantine"
            " WHERE reason = 'not_stored'"
        )
        return [row["readings"] for row in found]

    async def told() -> bool:
        return await on_record() == [1]

    await until(told)
    await until(lambda: HoleFile(folder).read() is None)
    await again.stop()
    third = await start(folder, database.connect, valkey.url)
    third.adapter.read(3.0)
    await until(lambda: third.adapter.acknowledged == [3.0])
    assert await third.stop()
    assert await on_record() == [1], "told once"
