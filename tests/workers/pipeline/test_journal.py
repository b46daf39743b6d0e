"""The journal as the pipeline uses it."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from pumpjack_core.alarms import Transition
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import JournalFull
from pumpjack_core.readings import Quarantined
from pumpjack_worker.pipeline.journal import Journal
from tests.workers.pipeline.examples import batch, table

TAGS = table("a", "b")


@pytest.fixture
async def journal(tmp_path):
    opened = await Journal.open(tmp_path, "ns/plc", size_bytes=10_000, clock=SystemClock())
    yield opened
    await opened.close()


async def test_an_append_is_on_disk_when_its_future_is_done(journal, tmp_path):
    seq = journal.take_seq()
    note = Quarantined(0, 1, "too_old", "value=1")

    await journal.append(seq, batch(TAGS, [1.0, 2.0]), (note,))

    (entry,) = await journal.oldest(most_readings=100)
    assert (entry.seq, entry.batch.value.tolist(), entry.quarantined) == (seq, [1.0, 2.0], (note,))
    assert sqlite3.connect(tmp_path / "journal.db").execute("SELECT seq FROM batch").fetchall() == [
        (seq,)
    ]


async def test_appends_of_one_moment_share_a_commit(journal, tmp_path):
    commits = []
    original = journal._spool.append
    journal._spool.append = lambda rows: (commits.append(len(rows)), original(rows))[1]

    waiting = [journal.append(journal.take_seq(), batch(TAGS, [1.0])) for _ in range(50)]
    await asyncio.gather(*waiting)

    assert sum(commits) == 50
    assert len(commits) <= 2


async def test_a_full_journal_says_so_and_takes_readings_again_when_there_is_room(journal):
    big = batch(TAGS, [1.0] * 300, index=[0] * 300)
    first = journal.take_seq()
    await journal.append(first, big)
    with pytest.raises(JournalFull):
        await journal.append(journal.take_seq(), big)
    assert "at most 10,000" in str(journal.full)

    await journal.remove(first)
    await journal.append(journal.take_seq(), big)

    assert journal.full is None


async def test_transitions_overtake_none_that_found_no_room_though_their_readings_do(journal):
    def transition(active: bool) -> Transition:
        return Transition(0, "hi", active, 1, None)

    refused = []

    def append(number: int, content, *transitions):
        return journal.append(
            journal.take_seq(),
            content,
            transitions=transitions,
            refused=lambda: refused.append(number),
        )

    big, small = batch(TAGS, [1.0] * 600, index=[0] * 600), batch(TAGS, [1.0])
    waiting = [
        append(1, small, transition(True)),
        append(2, big, transition(False)),
        append(3, small, transition(True)),
        append(4, small),
        append(5, small, transition(False)),
    ]
    outcome = await asyncio.gather(*waiting, return_exceptions=True)

    assert [isinstance(one, JournalFull) for one in outcome] == [False, True, False, False, False]
    assert refused == [2, 3, 5]
    entries = await journal.oldest(most_readings=100)
    assert [len(entry.transitions) for entry in entries] == [1, 0, 0, 0]
    await append(6, small, transition(True))
    assert refused == [2, 3, 5]


async def test_an_append_that_fails_in_an_unforeseen_way_is_told_and_the_next_goes_on(journal):
    def broken(rows):
        journal._spool.append = original
        raise MemoryError("no room for it")

    original, journal._spool.append = journal._spool.append, broken
    with pytest.raises(MemoryError):
        await asyncio.wait_for(journal.append(journal.take_seq(), batch(TAGS, [1.0])), 5)
    await asyncio.wait_for(journal.append(journal.take_seq(), batch(TAGS, [2.0])), 5)


async def test_a_damaged_batch_that_cannot_be_kept_aside_does_not_stop_the_others(
    journal, tmp_path
):
    seqs = [journal.take_seq() for _ in range(2)]
    for seq in seqs:
        await journal.append(seq, batch(TAGS, [1.0]))
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE batch SET payload = zeroblob(46) WHERE seq = ?", (seqs[0],))
    db.close()
    (tmp_path / f"journal.damaged-batch-{seqs[0]}.bin").mkdir()

    entries = await journal.oldest(most_readings=100)

    assert [entry.seq for entry in entries] == seqs
    assert entries[0].quarantined[0].reason == "damaged_batch"


async def test_close_commits_what_is_pending(tmp_path):
    journal = await Journal.open(tmp_path, "ns/plc", size_bytes=10_000, clock=SystemClock())
    waiting = [journal.append(journal.take_seq(), batch(TAGS, [float(n)])) for n in range(5)]
    await journal.close()
    assert all(done.done() and not done.exception() for done in waiting)


async def test_a_batch_with_a_wrong_checksum_is_kept_aside_and_told(journal, tmp_path):
    seqs = [journal.take_seq() for _ in range(3)]
    for seq in seqs:
        await journal.append(seq, batch(TAGS, [1.0]))
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("UPDATE batch SET payload = zeroblob(46) WHERE seq = ?", (seqs[1],))
    db.close()

    entries = await journal.oldest(most_readings=100)

    assert [entry.seq for entry in entries] == seqs
    assert [len(entry.batch) for entry in entries] == [1, 0, 1]
    assert entries[1].quarantined[0].reason == "damaged_batch"
    assert (tmp_path / f"journal.damaged-batch-{seqs[1]}.bin").exists()
