"""The database's side of watching connections: leases, comm_failure, the end of shelvings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pumpjack_gateway.alarms.lines import Known
from pumpjack_gateway.store import Store


class WatchStore:
    """On the pool of the gateway's store. Everything raises StorageError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def connections(self) -> dict[str, list[Known]]:
        """Every tenant's connections that ever had a worker."""
        async with self._store.connection() as connection:
            rows = await connection.fetch("SELECT * FROM pumpjack.watched_connections()")
        found: dict[str, list[Known]] = {}
        for row in rows:
            known = Known(row["connection_id"], row["retired"], row["drained"])
            found.setdefault(row["tenant_id"], []).append(known)
        return found

    async def take(self, tenants: Sequence[str], holder: UUID, seconds: float) -> set[str]:
        """Take or keep the leases; those that are held now. 0 seconds give them back."""
        async with self._store.connection() as connection:
            rows = await connection.fetch(
                "SELECT t.id, pumpjack.take_lease(t.id, $2, $3) AS held "
                "FROM unnest($1::text[]) AS t (id)",
                list(tenants),
                holder,
                seconds,
            )
        return {row["id"] for row in rows if row["held"]}

    async def failed(self, tenant_id: str) -> set[str]:
        """The connections whose comm_failure is active."""
        async with self._store.reader(tenant_id) as connection:
            rows = await connection.fetch(
                "SELECT a.connection_id FROM pumpjack.scada_alarms AS a "
                "WHERE a.condition = 'comm_failure' AND a.active"
            )
        return {row["connection_id"] for row in rows}

    async def tell(
        self, tenant_id: str, connection_id: str, *, failed: bool, at: datetime, why: str
    ) -> bool:
        """Raise or clear a comm_failure; whether that was news."""
        async with self._store.connection() as connection:
            row = await connection.fetchrow(
                "SELECT changed FROM pumpjack.raise_comm_failure($1, $2, $3, $4, $5)",
                tenant_id,
                connection_id,
                failed,
                at,
                why,
            )
        return row is not None and bool(row["changed"])

    async def ended(self) -> set[str]:
        """The tenants of which a shelving is over."""
        async with self._store.connection() as connection:
            rows = await connection.fetch("SELECT t FROM pumpjack.ended_shelvings() AS e (t)")
        return {row["t"] for row in rows}

    async def end_shelvings(self, tenant_id: str) -> bool:
        """End those whose time has come; whether there were any."""
        async with self._store.connection() as connection:
            sql = "SELECT pumpjack.end_shelvings($1)"
            return bool(await connection.fetchval(sql, tenant_id))
