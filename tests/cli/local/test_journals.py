"""Readings that wait in journals whose worker does not run."""

from __future__ import annotations

from pathlib import Path

from pumpjack_cli.local.datadir import DataDir
from pumpjack_cli.local.journals import abandoned, waiting
from pumpjack_core.clock import SystemClock
from pumpjack_worker.pipeline.journal import Journal
from tests.workers.pipeline.examples import batch, table


async def journal_with(folder: Path, readings: int) -> None:
    """A journal that the worker's own code wrote."""
    journal = await Journal.open(folder, "ops/plc", size_bytes=1 << 24, clock=SystemClock())
    tags = table("pressure")
    for value in range(readings):
        await journal.append(journal.take_seq(), batch(tags, [float(value)]), ())
    await journal.close()


async def test_what_a_stopped_worker_could_not_store_is_counted(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await journal_with(data.journal("ops/plc"), 3)
    assert waiting(data.journal("ops/plc")) == 3
    assert abandoned(data, ["ops/plc"]) == []
    assert abandoned(data, ["ops/other"]) == [(data.journal("ops/plc"), 3)]


async def test_an_empty_a_missing_and_a_damaged_journal_hold_nothing_up(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await journal_with(data.journal("ops/plc"), 0)
    data.journal("ops/bad").mkdir(parents=True)
    (data.journal("ops/bad") / "journal.db").write_bytes(b"\0" * 5000)
    assert waiting(data.journal("ops/none")) == 0
    assert abandoned(data, []) == []
