"""Who signed in and what they looked at, to the database's audit log. Never in anyone's way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from pumpjack_core.backoff import Backoff
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_gateway.entries import kept
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.store import Rejected

ENTRIES_MAX = 5_000
BATCH_MAX = 200
_log = get_logger("gateway.audit")

Entry = tuple[str, str, str, str, str]
"""Tenant, actor, action, outcome, detail as JSON."""


class Book(Protocol):
    """Where entries are kept (store.Store)."""

    async def audit(self, entries: Sequence[Entry]) -> None:
        """All or none. Raises StorageError; Rejected when one of them can never be written."""
        ...


class _Queue:
    """What waits for one tenant's chain, and when to try again."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.pause = Backoff(first_s=1.0, most_s=30.0)
        self.due_s = 0.0


class Audit:
    """Keeps entries until the database takes them; the oldest are lost, and counted, when full.

    Each tenant's wait by themselves: where somebody holds a tenant's chain, only its own do.
    """

    def __init__(self, book: Book, metrics: Metrics) -> None:
        self._book = book
        self._metrics = metrics
        self._queues: dict[str, _Queue] = {}
        self._number = 0
        self._filled = asyncio.Event()
        self._writing = asyncio.Lock()
        """One at a time writes: an entry that two have in hand would be there twice."""

    def note(self, tenant_id: str, actor: str, action: str, outcome: str, **detail: object) -> None:
        """Add an entry, long texts cut and control characters replaced. Returns at once."""
        tenant_id = kept(tenant_id)
        if self._number >= ENTRIES_MAX:
            fullest = max(self._queues.values(), key=lambda queue: len(queue.entries))
            fullest.entries.popleft()
            self._number -= 1
            self._metrics.audit_dropped.inc()
        text = msgspec.json.encode(kept(detail)).decode()
        queue = self._queues.setdefault(tenant_id, _Queue())
        queue.entries.append((tenant_id, kept(actor), action, outcome, text))
        self._number += 1
        self._filled.set()

    def waiting(self) -> tuple[Entry, ...]:
        """Those that are not written yet, of each tenant the oldest first."""
        return tuple(entry for queue in self._queues.values() for entry in queue.entries)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            self._filled.clear()
            wait_s = await self._write_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._filled.wait()

    async def flush(self) -> None:
        """Write what is left, as far as the database takes it."""
        for queue in list(self._queues.values()):
            try:
                await self._write(queue)
            except StorageError:
                self._metrics.audit_dropped.inc(len(queue.entries))

    async def _write_due(self) -> float | None:
        """Write what may be tried now; in how many seconds more may, None: nothing waits."""
        loop = asyncio.get_running_loop()
        for tenant_id, queue in list(self._queues.items()):
            if queue.due_s > loop.time():
                continue
            try:
                await self._write(queue)
            except StorageError:
                queue.due_s = loop.time() + queue.pause.next_s()
            else:
                del self._queues[tenant_id]
        due = [queue.due_s for queue in self._queues.values()]
        return max(0.0, min(due) - loop.time()) if due else None

    async def _write(self, queue: _Queue) -> None:
        async with self._writing:
            while queue.entries:
                batch = [queue.entries[at] for at in range(min(BATCH_MAX, len(queue.entries)))]
                try:
                    await self._book.audit(batch)
                except Rejected:
                    await self._write_singly(queue, batch)
                else:
                    self._forget(queue, batch)

    async def _write_singly(self, queue: _Queue, batch: Sequence[Entry]) -> None:
        """One of them cannot be written: it alone is lost, and counted."""
        for entry in batch:
            try:
                await self._book.audit([entry])
            except Rejected as error:
                self._metrics.audit_dropped.inc()
                tenant_id, _, action, _, _ = entry
                _log.error(
                    "the database takes an entry of the audit log never; it is lost",
                    tenant=tenant_id,
                    action=action,
                    sqlstate=error.state,
                )
            self._forget(queue, [entry])

    def _forget(self, queue: _Queue, batch: Sequence[Entry]) -> None:
        for entry in batch:
            if queue.entries and queue.entries[0] is entry:
                queue.entries.popleft()
                self._number -= 1
