"""`pumpjack reconcile`: whether everything that a connection delivered is in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

if TYPE_CHECKING:
    from datetime import datetime

    from pumpjack_core.storage.reconcile import Reconciled

EXAMPLE = """
pumpjack reconcile --tenant permian --connection permian-ops/pad7 --from 24h -o json
pumpjack reconcile --tenant permian --connection permian-ops/pad7 --from 2026-11-01 --to 2026-11-08
"""


def reconcile(
    *,
    connection: Annotated[
        str, typer.Option(metavar="NAMESPACE/NAME", help="The connection to look at.")
    ],
    tenant: Annotated[str, typer.Option(help="The tenant that it is of.")],
    database_url: Annotated[
        str,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL",
            help="The database, as a superuser or as a login that may read the tenant.",
        ),
    ],
    begins: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="2026-11-22, 2026-11-22T06:00Z, 6h for ago."),
    ] = "24h",
    ends: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Likewise; now when not given.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Count what was received and what became of it, and name everything that is missing.

    Every reading that a worker received was stored, was there already (a duplicate), or is in the
    quarantine; shifted ones are stored a few microseconds later. The counts are of whole hours of
    the readings' time. They are compared with the rows that are really there. What is missing is
    named with its time and its reason: the journal was full or was lost, the device or the broker
    lost messages, the device was away, the database was put back to a backup. A time in which the
    connection was suspended is named too; nothing is missing by that.

    Exit codes: 0 nothing is missing, 1 something is or does not add up, 2 wrong usage.
    """
    import asyncio
    from datetime import UTC, datetime

    import msgspec

    from pumpjack_cli.moments import moment
    from pumpjack_core.storage.reconcile import reconcile as compare

    now = datetime.now(UTC)
    since, until = moment(begins, now), moment(ends, now) if ends else now
    if since >= until:
        raise typer.BadParameter(f"--from {since:%FT%TZ} is not before --to {until:%FT%TZ}")
    found = asyncio.run(
        compare(database_url, tenant_id=tenant, connection_id=connection, begins=since, ends=until)
    )
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        typer.echo("\n".join(_lines(found)))
    raise typer.Exit(0 if found.whole else 1)


def _lines(found: Reconciled) -> list[str]:
    from pumpjack_core.storage.holes import SUSPENDED

    counts = found.counts
    lines = [
        f"{found.connection_id} of {found.tenant_id}, {_at(found.begins)} to {_at(found.ends)}",
        f"  received    {counts.received:>14,}",
        f"  stored      {counts.stored:>14,}   {counts.shifted:,} of them shifted",
        f"  duplicate   {counts.duplicates:>14,}",
        f"  quarantined {counts.quarantined:>14,}",
        f"  there now   {found.rows:>14,}",
    ]
    if found.begins < found.comparable_from:
        lines.append(
            f"  rows before {_at(found.comparable_from)} are not compared: they were not counted "
            "yet, or are being dropped"
        )
    for hole in found.holes:
        known = f", {hole.readings:,} readings" if hole.readings is not None else ""
        lines.append(f"{hole.kind}: {_at(hole.begins)} to {_at(hole.ends)}{known}: {hole.why}")
    missing = sum(hole.kind != SUSPENDED for hole in found.holes)
    lines.append("nothing is missing" if found.whole else f"{missing} to look at")
    return lines


def _at(time: datetime | None) -> str:
    return f"{time:%FT%TZ}" if time is not None else "now"
