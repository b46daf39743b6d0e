"""Empty a journal into the database: the worker's own writer, with nothing before it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from pumpjack_cli.journals.heir import Heir, Tally
from pumpjack_cli.journals.look import FILE, Look, look
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import JournalError, JournalFull, StorageUnavailable
from pumpjack_core.readings import no_readings
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.hole import Hole
from pumpjack_worker.pipeline.hole_file import HoleFile
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.writer import Writer

LOOK_S = 0.2
"""How often a drain that does not move is looked at."""


class Drained(Struct, frozen=True):
    """What one drain did.

    found    the journal as it was before
    did      readings by what became of them
    left     batches that wait still
    """

    found: Look
    did: Tally
    left: int


Progress = Callable[[int, Tally], None]
"""Called after each transaction with the batches that wait still, and what was done so far."""
Say = Callable[[str], None]


async def drain(
    folder: Path,
    url: str,
    *,
    connection_id: str | None,
    protocol: str | None,
    patience_s: float,
    progress: Progress,
    say: Say,
) -> Drained:
    """Store what waits in a folder's journal, oldest first, and leave it empty.

    connection_id  of a journal that is too damaged to tell it
    protocol       what the connection speaks, where the database does not know it yet
    patience_s     how long a database that takes nothing is tried again
    say            what stands in the way, once each time

    Raises JournalError when the journal is in use or cannot be opened, StorageError when the
    database will not take it. What was not stored stays in the journal.
    """
    seen = await asyncio.to_thread(look, folder)
    if seen.in_use:
        raise JournalError(
            f"a worker has the journal in {folder} open, and stores it by itself; stop it first "
            "if it should not"
        )
    named = seen.connection_id or connection_id
    if named is None:
        raise JournalError(
            f"the journal in {folder} is too damaged to tell its connection ({seen.damage}); say "
            "it with --connection NAMESPACE/NAME"
        )
    journal = await Journal.open(folder, named, size_bytes=sys.maxsize, clock=SystemClock())
    heir = Heir(url, lambda tally: progress(journal.waiting.batches, tally))
    writer = Writer(
        journal,
        heir,
        connection_id=named,
        protocol=protocol or "",
        clock=SystemClock(),
        metrics=Metrics(tenant_id="", protocol=protocol or "", connection_id=named),
    )
    try:
        await _tell_hole(journal, HoleFile(folder))
        if journal.waiting.batches:
            await _until_empty(writer, heir, patience_s, say)
        return Drained(seen, heir.tally, journal.waiting.batches)
    finally:
        await journal.close()
        _give_back(folder)


async def _tell_hole(journal: Journal, file: HoleFile) -> None:
    """What its worker had no room for and was killed before it could say so goes on record too."""
    left = file.read()
    if left is None:
        return
    nothing = no_readings(TagTable(()), SystemClock().now_us())
    with contextlib.suppress(JournalFull):  # the next drain finds room
        await journal.append(journal.take_seq(), nothing, (Hole(left).note(),))
        file.write(None)


async def _until_empty(writer: Writer, heir: Heir, patience_s: float, say: Say) -> None:
    """Run the writer until nothing waits. Raises what ended it before."""
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(writer.run(), name="writer")
    drained = asyncio.create_task(writer.drained(), name="drained")
    refused = asyncio.create_task(heir.refused.wait(), name="refused")
    tasks = (running, drained, refused)
    moved_at, before, told = loop.time(), heir.tally, ""
    try:
        while not any(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if heir.tally is not before:
                moved_at, before, told = loop.time(), heir.tally, ""
            elif writer.problem and writer.problem != told:
                told = writer.problem
                say(f"{told}; trying for {patience_s:.0f} s")
            if loop.time() - moved_at > patience_s:
                raise StorageUnavailable(f"{told}; what is not stored waits in the journal still")
        if drained.done():
            drained.result()
            return
        if heir.why is not None:
            raise heir.why
        running.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _give_back(folder: Path) -> None:
    """Files that root made belong to whom the folder does: its worker must open them again."""
    if os.geteuid() != 0:
        return
    owner = folder.stat()
    for path in (*folder.glob(f"{FILE}*"), *folder.glob("journal.*")):
        with contextlib.suppress(FileNotFoundError):
            shutil.chown(path, owner.st_uid, owner.st_gid)
