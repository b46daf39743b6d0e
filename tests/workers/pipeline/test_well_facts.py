"""What is said of wells comes to the database with the tags, while readings go on."""

from __future__ import annotations

import msgspec
import pytest

from pumpjack_core.tags import TagTable, WellFacts
from tests.workers.pipeline.examples import tag
from tests.workers.pipeline.scripted import configured, start, stored, until

pytestmark = pytest.mark.servers
TAGS = (tag("pressure"), tag("flow"))
WELL = TAGS[0].well_id


async def test_a_change_of_facts_is_in_the_database_and_costs_no_reading(
    tmp_path, database, valkey, feed
):
    async def is_told(*wanted: tuple[str, str]) -> None:
        async def so() -> bool:
            found = await database.owner.fetch(
                "SELECT title, roles->>'tubing_pressure' FROM pumpjack.well_definition"
            )
            return [tuple(row) for row in found] == list(wanted)

        await until(so)

    first = TagTable(TAGS, (WellFacts(WELL, title="A-1", roles={"tubing_pressure": "pressure"}),))
    worker = await start(tmp_path / "journal", database.connect, valkey.url, first)
    worker.adapter.read(1.0)
    await is_told(("A-1", "pressure"))
    await stored(database, 1.0)
    await database.cut()
    worker.adapter.read(2.0)  # waits in the journal, of the table before
    await until(lambda: worker.pipeline.status().journal_batches == 1)
    second = msgspec.structs.replace(first.facts[0], title="Permian A-1")
    worker.pipeline.apply(configured(TagTable(TAGS, (second,))))
    worker.adapter.read(3.0)
    database.reachable = True
    await is_told(("Permian A-1", "pressure"))
    await stored(database, 1.0, 2.0, 3.0)
    worker.pipeline.apply(configured(TagTable(TAGS)))
    await is_told()
    await worker.stop()
