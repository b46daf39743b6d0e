"""Who signed in and what they looked at, to the database's audit log. Never in anyone's way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
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


class Audit:
    """Keeps entries until the database takes them; the oldest are lost, and counted, when full."""

    def __init__(self, book: Book, metrics: Metrics) -> None:
        self._book = book
        self._metrics = metrics
        self._entries: deque[Entry] = deque()
        self._filled = asyncio.Event()

    def note(self, tenant_id: str, actor: str, action: str, outcome: str, **detail: object) -> None:
        """Add an entry, long texts cut and control characters replaced. Returns at once."""
        if len(self._entries) >= ENTRIES_MAX:
            self._entries.popleft()
            self._metrics.audit_dropped.inc()
        text = msgspec.json.encode(kept(detail)).decode()
        self._entries.append((kept(tenant_id), kept(actor), action, outcome, text))
        self._filled.set()

    def waiting(self) -> tuple[Entry, ...]:
        """Those that are not written yet, the oldest first."""
        return tuple(self._entries)

    async def run(self) -> None:
        """Write until cancelled."""
        backoff = Backoff(first_s=1.0, most_s=30.0)
        while True:
            await self._filled.wait()
            try:
                await self._write_some()
                backoff.reset()
            except StorageError:
                await asyncio.sleep(backoff.next_s())

    async def flush(self) -> None:
        """Write what is left, if the database takes it."""
        try:
            while self._entries:
                await self._write_some()
        except StorageError:
            self._metrics.audit_dropped.inc(len(self._entries))

    async def _write_some(self) -> None:
        batch = [self._entries[at] for at in range(min(BATCH_MAX, len(self._entries)))]
        try:
            await self._book.audit(batch)
        except Rejected:
            await self._write_singly(batch)
        else:
            self._forget(batch)
        if not self._entries:
            self._filled.clear()

    async def _write_singly(self, batch: Sequence[Entry]) -> None:
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
            self._forget([entry])

    def _forget(self, batch: Sequence[Entry]) -> None:
        for entry in batch:
            if self._entries and self._entries[0] is entry:
                self._entries.popleft()
