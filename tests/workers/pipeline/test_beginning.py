"""What a worker tells the database of itself, and asks it, before anything else."""

from __future__ import annotations

import msgspec
import pytest

from tests.workers.pipeline.scripted import start, until

pytestmark = pytest.mark.servers


async def suspensions(database) -> list[set[str]]:
    """Of each that is on record, which of its ends are known."""
    found = await database.owner.fetch("SELECT detail FROM pumpjack.hole WHERE kind = 'suspended'")
    return [set(msgspec.json.decode(row["detail"])) for row in found]


async def test_a_suspended_worker_has_it_on_record_until_one_reads_again(
    tmp_path, database, valkey, feed
):
    async def told(*expected: set[str]) -> bool:
        return await suspensions(database) == list(expected)

    for _ in range(2):
        worker = await start(tmp_path / "j", database.connect, valkey.url, suspend=True)
        await until(lambda: told({"from"}))
        await worker.stop()
    again = await start(tmp_path / "j", database.connect, valkey.url)
    await until(lambda: told({"from", "to"}))
    await again.stop()


async def test_a_database_that_is_away_at_the_start_is_told_and_asked_when_it_is_back(
    tmp_path, database, valkey, feed
):
    database.reachable = False
    worker = await start(tmp_path / "j", database.connect, valkey.url, suspend=True)
    await until(lambda: worker.pipeline.writer.problem is not None)
    database.reachable = True

    async def told() -> bool:
        return await suspensions(database) == [{"from"}]

    await until(told)
    await until(lambda: worker.pipeline._beginning.read_until_us == 0)
    await worker.stop()
