"""Workers with a fault in their code, to see that the run finds them out.

    python -m tests.chaos.flawed_worker acknowledge-first

Started in place of `python -m pumpjack_worker`, with the same environment.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from pumpjack_core import wire
from pumpjack_core.alarms import Transition
from pumpjack_core.readings import Batch, Floats, Int16s, Int32s, Int64s, Quarantined
from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_core.storage.ingest import Ingest, Written
from pumpjack_worker import main
from pumpjack_worker.adapters.contract import Ack, no_ack
from pumpjack_worker.pipeline import journal
from pumpjack_worker.pipeline.alarms.desk import AlarmDesk
from pumpjack_worker.pipeline.feed import Feed, FeedMessage
from pumpjack_worker.pipeline.pipeline import Pipeline
from pumpjack_worker.pipeline.storing import Storing
from tests.chaos import witness

GROUP_S = 0.2
"""Longer than the journal's own: what is not on disk yet is so for long enough to be hit."""
HELD_S = 1.0
"""So long a command is written and not on record: long enough to be hit."""


def acknowledge_first() -> None:
    """Tell the device that its readings are safe before the journal has them on disk."""
    store = Storing.store

    async def hasty(
        self: Storing,
        batch: Batch,
        quarantined: tuple[Quarantined, ...] = (),
        ack: Ack = no_ack,
        memo: bytes = b"",
        transitions: tuple[Transition, ...] = (),
    ) -> None:
        await ack()
        await store(self, batch, quarantined, no_ack, memo, transitions)

    journal.GROUP_S = GROUP_S
    Storing.store = hasty  # type: ignore[method-assign]


def write_without_cursor() -> None:
    """Write each batch as the first of a journal that nobody knows: nothing is compared.

    Each time a microsecond later, for the database would know a reading by its time.
    """
    write = Ingest.write_batch
    opened = Ingest.open_journal
    unknown = uuid4()
    connection = ""
    times = count(1)

    async def open_another(self: Ingest) -> None:
        """Ahead of the write, so that a lost answer is the write's."""
        nonlocal unknown
        unknown = uuid4()
        await opened(self, unknown, connection)

    async def open_journal(
        self: Ingest,
        journal_id: UUID,
        connection_id: str,
        fence: int | None = None,
        follows: int = 0,
    ) -> int:
        nonlocal connection
        connection = connection_id
        await open_another(self)
        return await opened(self, journal_id, connection_id, fence, follows)

    async def write_batch(
        self: Ingest,
        journal_id: UUID,
        prev: int,
        seq: int,
        us: Int64s,
        tag: Int32s,
        quality: Int16s,
        value: Floats,
        quarantined: Sequence[tuple[int | None, int, str, str]] = (),
        transitions: Sequence[tuple[int, Transition]] = (),
    ) -> Written:
        await write(self, unknown, 0, seq, us + next(times), tag, quality, value, quarantined)
        await open_another(self)
        # Alarms, and the cursor, as they should be.
        return await write(
            self, journal_id, prev, seq, us[:0], tag[:0], quality[:0], value[:0], (), transitions
        )

    Ingest.open_journal = open_journal  # type: ignore[method-assign]
    Ingest.write_batch = write_batch  # type: ignore[method-assign]


def hide_losses() -> None:
    """Number the messages of the live feed as if none had ever been lost."""
    encode = Feed.encode
    heartbeat = Pipeline._heartbeat

    def whole(self: Feed, seq: int, batch: Batch, *, stored: bool = True) -> list[FeedMessage]:
        return [
            message._replace(payload=re.sub(r'"prev":\d+', '"prev":0', message.payload))
            for message in encode(self, seq, batch, stored=stored)
        ]

    def silent(self: Pipeline) -> wire.Heartbeat:
        return replace(heartbeat(self), wells={})

    Feed.encode = whole  # type: ignore[method-assign]
    Pipeline._heartbeat = silent  # type: ignore[method-assign]


def forget_at_start() -> None:
    """Tell nothing of an alarm that is not active when a worker first sees it: it is no news."""
    judge = AlarmDesk.judge

    def news(self: AlarmDesk, batch: Batch) -> tuple[Transition, ...]:
        return tuple(
            one
            for one in judge(self, batch)
            if one.active or (batch.tags.tags[one.tag_index].key, one.condition) in self._known
        )

    AlarmDesk.judge = news  # type: ignore[method-assign]


def write_before_sent() -> None:
    """Record a command as sent only when the device has taken it: one transaction for both."""
    claim_command = Orders.claim_command
    tell_command = Orders.tell_command
    open_claims: set[Orders] = set()

    async def claim(self: Orders, connection_id: str, fence: int) -> Claim | None:
        if self in open_claims:
            return None
        await self._connection.execute("BEGIN")
        found = await claim_command(self, connection_id, fence)
        if found is None:
            await self._connection.execute("ROLLBACK")
        else:
            open_claims.add(self)
        return found

    async def tell(self: Orders, command_id: UUID, state: str, detail: dict[str, Any]) -> bool:
        told = await tell_command(self, command_id, state, detail)
        if self in open_claims:
            await asyncio.sleep(HELD_S)
            await self._connection.execute("COMMIT")
            open_claims.discard(self)
        return told

    Orders.claim_command = claim  # type: ignore[method-assign]
    Orders.tell_command = tell  # type: ignore[method-assign]


FLAWS: dict[str, Callable[[], None]] = {
    "acknowledge-first": acknowledge_first,
    "write-without-cursor": write_without_cursor,
    "hide-losses": hide_losses,
    "forget-at-start": forget_at_start,
    "write-before-sent": write_before_sent,
}


def command(flaw: str) -> Sequence[str]:
    """What is started in place of the worker."""
    return (sys.executable, "-m", "tests.chaos.flawed_worker", flaw)


if __name__ == "__main__":
    FLAWS[sys.argv[1]]()
    witness.watch(Path(os.environ[witness.WITNESS]))
    main.main()
