"""What a trend shows of an outage, and of the time between two workers; on real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap

import pytest

from tests.workers.pipeline.examples import table
from tests.workers.pipeline.scripted import start, stored, until

pytestmark = pytest.mark.servers

FAST = table("pressure", "flow", interval_s=0.05)


async def rows(database, tag_name: str = "pressure") -> list[tuple[float | None, str | None]]:
    """Value and reason in the order of their times."""
    found = await database.owner.fetch(
        "SELECT value, reason FROM scada_readings WHERE tag_name = $1 ORDER BY time", tag_name
    )
    return [tuple(row) for row in found]


MARK = (None, "comm_failure")


async def test_an_outage_of_a_polled_device_is_marked_at_both_ends(
    tmp_path, database, valkey, feed
):
    worker = await start(tmp_path / "j", database.connect, valkey.url, FAST, brought_back=False)
    worker.adapter.read(1.0)
    await until(lambda: worker.adapter.acknowledged == [1.0])
    worker.adapter.reachable = False
    worker.adapter.lose()
    await until(lambda: worker.pipeline.status().state == "disconnected")
    worker.adapter.reachable = True
    await until(lambda: worker.adapter.sessions == 2)
    worker.adapter.read(2.0)
    await stored(database, 1.0, None, None, 2.0)
    assert await rows(database) == [(1.0, None), MARK, MARK, (2.0, None)]
    assert await rows(database, "flow") == [MARK, MARK]
    assert await worker.stop()


async def test_what_a_killed_worker_did_not_read_is_marked_by_the_next(
    tmp_path, database, valkey, feed
):
    """The journal is written by a process of its own, which is killed; it marks nothing."""
    script = textwrap.dedent(f"""
        import os, time
        from pathlib import Path
        from pumpjack_core.clock import SystemClock
        from pumpjack_worker.pipeline import codec
        from pumpjack_worker.pipeline.spool import Row, Spool
        from tests.workers.pipeline.examples import batch
        from tests.workers.pipeline.scripted import CONNECTION
        from tests.workers.pipeline.test_gap_marks import FAST
        journal = Spool(Path({str(tmp_path / "j")!r}), CONNECTION, size_bytes=4 << 20)
        now = SystemClock().now_us()
        content = batch(FAST, [1.0, 2.0], us=now, received_us=now)
        journal.append([Row(journal.next_seq, now, 2, FAST, codec.encode(content))])
        os.write(1, b"x")
        time.sleep(600)
    """)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.read(1), 60) == b"x"
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    await asyncio.sleep(0.2)  # four intervals
    worker = await start(tmp_path / "j", database.connect, valkey.url, FAST, brought_back=False)
    await until(lambda: worker.adapter.sessions == 1)
    worker.adapter.read(3.0)
    await stored(database, 1.0, None, None, 3.0)
    assert await rows(database) == [(1.0, None), MARK, MARK, (3.0, None)]
    assert await rows(database, "flow") == [(2.0, None), MARK, MARK]
    assert await worker.stop()


async def test_also_when_everything_was_stored_and_the_journal_was_empty(
    tmp_path, database, valkey, feed
):
    for value in (1.0, 2.0):
        worker = await start(tmp_path / "j", database.connect, valkey.url, FAST, brought_back=False)
        await until(lambda worker=worker: worker.adapter.sessions == 1)
        worker.adapter.read(value)
        await until(lambda worker=worker, value=value: worker.adapter.acknowledged == [value])
        assert await worker.stop()
        await asyncio.sleep(0.2)  # four intervals
    assert await rows(database) == [(1.0, None), MARK, MARK, (2.0, None)]


async def test_the_time_between_two_workers_is_marked_though_the_second_has_no_journal(
    tmp_path, database, valkey, feed
):
    for value, folder in ((1.0, "a"), (2.0, "b")):
        worker = await start(
            tmp_path / folder, database.connect, valkey.url, FAST, brought_back=False
        )
        await until(lambda worker=worker: worker.adapter.sessions == 1)
        worker.adapter.read(value)
        await stored(database, *([1.0] if value == 1.0 else [1.0, None, None, 2.0]))
        assert await worker.stop()
        await asyncio.sleep(0.2)  # four intervals
    assert await rows(database) == [(1.0, None), MARK, MARK, (2.0, None)]


async def test_where_the_protocol_brings_back_what_was_missed_only_the_loss_is_marked(
    tmp_path, database, valkey, feed
):
    for value in (1.0, 3.0):
        worker = await start(tmp_path / "j", database.connect, valkey.url, FAST)
        await until(lambda worker=worker: worker.adapter.sessions == 1)
        worker.adapter.read(value)
        await until(lambda worker=worker, value=value: worker.adapter.acknowledged == [value])
        worker.adapter.lose()
        await until(lambda worker=worker: worker.adapter.sessions == 2)
        worker.adapter.read(value + 1)
        await until(lambda worker=worker: len(worker.adapter.acknowledged) == 2)
        assert await worker.stop()
        await asyncio.sleep(0.2)
    assert [value for value, _ in await rows(database)] == [1.0, None, 2.0, 3.0, None, 4.0]
