"""The database: its level, how large it is, how far it is behind, what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

if TYPE_CHECKING:
    from datetime import datetime

    from pumpjack_core.storage.status import Status

EXAMPLES = {
    "status": """
pumpjack storage status --database-url postgresql://pumpjack_maintain:secret@db.example/wells
pumpjack storage status --tenants --output json
""",
}


def storage_status(
    *,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL",
            help="The database, as pumpjack_maintain, pumpjack_operator or a superuser.",
        ),
    ],
    tenants: Annotated[
        bool, typer.Option("--tenants", help="Also what each tenant has stored.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Say how the database is: level, sizes, rows, how far each connection is stored, what is next.

    Rows are the server's estimates. What a login may not see is left out and named: the size of the
    write-ahead log needs pg_monitor, connections and tenants need pumpjack_maintain,
    pumpjack_operator or a superuser. It shows names and counts, and no reading.

    Exit codes: 0 told, 1 the database cannot be asked, 2 wrong usage.
    """
    import asyncio

    import msgspec

    from pumpjack_core.storage.status import status

    found = asyncio.run(status(database_url, tenants=tenants))
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        typer.echo("\n".join(_lines(found)))


def _lines(found: Status) -> Iterator[str]:
    extension = f", TimescaleDB {found.timescaledb}" if found.timescaledb else ""
    yield f"level {found.level}, schema {found.version}, PostgreSQL {found.postgres}{extension}"
    if found.database_bytes is not None:
        yield f"database {size(found.database_bytes)}"
    if found.wal_bytes is not None:
        yield f"write-ahead log {size(found.wal_bytes)}"
    yield ""
    for part in found.parts:
        rows = "not counted yet" if part.rows is None else f"about {part.rows:,} rows"
        yield f"  {part.name:<14}{size(part.bytes):>10}  {rows}"
    if found.compression is not None:
        ratio, after = found.compression.ratio, size(found.compression.after)
        yield f"  compressed {ratio:.1f} times, from {size(found.compression.before)} to {after}"
    days = found.partitions
    if days.number:
        yield (
            f"  {days.number} days from {at(days.begins)} to {at(days.ends)}"
            + (f", {days.compressed} compressed" if days.compressed else "")
            + f"; the first goes at {at(days.next_dropped)}"
        )
    yield ""
    for job in found.jobs:
        failed = ", failed" if job.failed else ""
        coming = f", next {at(job.next)}" if job.next else ""
        yield f"{job.name}: last {at(job.last)}{coming}{failed}"
    yield ""
    for one in found.connections or ():
        behind = "nothing yet" if one.stored_at is None else f"{at(one.stored_at)}"
        late = f", roll-ups wait since {at(one.oldest_mark)}" if one.oldest_mark else ""
        kept = f", {one.quarantined:,} quarantined" if one.quarantined else ""
        yield (
            f"{one.tenant_id} {one.connection_id} ({one.protocol}): stored {behind}, "
            f"newest {at(one.newest)}{late}{kept}"
        )
    for tenant in found.tenants or ():
        yield (
            f"{tenant.tenant_id}: {tenant.wells:,} wells, {tenant.connections:,} connections, "
            f"{tenant.tags:,} tags, {tenant.readings:,} readings, "
            f"{tenant.quarantined:,} quarantined"
        )
    for what in found.hidden:
        yield f"not shown: {what}"


def at(time: datetime | None) -> str:
    """A moment, or never."""
    return "never" if time is None else f"{time:%FT%TZ}"


def size(number: float) -> str:
    """Bytes as a person reads them.

    >>> size(1_500_000)
    '1.5 MB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
