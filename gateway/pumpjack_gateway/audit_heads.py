"""The ends of the tenants' audit chains, written to the log each minute.

Whoever can change the audit log in the database can make a new chain that fits; what this log said
meanwhile lies elsewhere, and `pumpjack audit verify --head` holds it against the chain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger

EVERY_S = 60.0
_log = get_logger("gateway.audit")

Head = tuple[str, int, str, datetime | None]
"""Tenant, number of its last entry, hash of that entry as hexadecimal digits, when it was made."""


class Chains(Protocol):
    """Where the chains are kept (store.Store)."""

    async def audit_heads(self) -> Sequence[Head]:
        """Raises StorageError."""
        ...


class HeadsLog:
    """Logs each head once, when it is another than before."""

    def __init__(self, chains: Chains, every_s: float = EVERY_S) -> None:
        self._chains = chains
        self._every_s = every_s
        self._logged: dict[str, Head] = {}

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self.write()
            await asyncio.sleep(self._every_s)

    async def write(self) -> None:
        """Log what is new. While the database is away there is nothing new."""
        try:
            heads = await self._chains.audit_heads()
        except StorageError:
            return
        for head in heads:
            tenant_id, number, digest, at = head
            if self._logged.get(tenant_id) != head:
                # With its time: retention may cut it off no sooner than audit_days after it.
                when = f"@{at:%FT%TZ}" if at is not None else ""
                _log.info("audit head", tenant=tenant_id, head=f"{number}:{digest}{when}")
        self._logged = {head[0]: head for head in heads}
