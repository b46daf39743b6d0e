"""Readings that were kept out of their series: which, why, and back with them once it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption, plain

if TYPE_CHECKING:
    from pumpjack_core.storage.quarantine import Replayed, Which

EXAMPLES = {
    "list": """
pumpjack quarantine list --tenant permian
pumpjack quarantine list --tenant permian --connection permian-ops/pad7 --reason in_future --rows 20
""",
    "explain": """
pumpjack quarantine explain in_future
pumpjack quarantine explain
""",
    "replay": """
pumpjack quarantine replay --tenant permian --connection ops/pad7 --reason in_future --shift=-26h
pumpjack quarantine replay --tenant permian --connection ops/pad7 --reason text_value --text
""",
}
TenantOption = Annotated[str, typer.Option(help="The tenant whose readings they are.")]
UrlOption = Annotated[
    str,
    typer.Option(
        envvar="PUMPJACK_DATABASE_URL",
        help="The database, as a superuser or as a login that may read the tenant.",
    ),
]
ReasonOption = Annotated[
    str | None, typer.Option(metavar="REASON", help="Only this reason; see explain.")
]
FromOption = Annotated[
    str, typer.Option("--from", metavar="TIME", help="2026-11-22, 2026-11-22T06:00Z, 6h for ago.")
]
ToOption = Annotated[
    str, typer.Option("--to", metavar="TIME", help="Likewise; of the readings' own time.")
]
LONG_AGO, FAR_AHEAD = "1970-01-01", "2199-01-01"


def quarantine_list(
    *,
    tenant: TenantOption,
    database_url: UrlOption,
    connection: Annotated[
        str | None, typer.Option(metavar="NAMESPACE/NAME", help="Only this connection.")
    ] = None,
    reason: ReasonOption = None,
    begins: FromOption = LONG_AGO,
    ends: ToOption = FAR_AHEAD,
    rows: Annotated[
        int, typer.Option(min=0, help="Show so many rows, not only how many there are.")
    ] = 0,
    output: OutputOption = Output.text,
) -> None:
    """List what is kept out, by connection and reason, and with --rows the rows themselves.

    Exit codes: 0 listed, 1 the database cannot be asked, 2 wrong usage.
    """
    import asyncio

    import msgspec

    from pumpjack_core.clock import iso_us
    from pumpjack_core.storage import quarantine as storage

    which = _which(tenant, connection, reason, begins, ends)
    found = asyncio.run(storage.totals(database_url, which))
    shown = asyncio.run(storage.items(database_url, which, limit=rows)) if rows else []
    if output is Output.json:
        whole = {"totals": found, "rows": shown}
        typer.echo(msgspec.json.format(msgspec.json.encode(whole)).decode())
        return
    if not found:
        typer.echo("nothing is in the quarantine")
    for one in found:
        typer.echo(
            f"{one.connection_id} {one.reason}: {one.total:,} in all, {one.kept:,} kept, "
            f"from {one.first_time:%FT%TZ} to {one.last_time:%FT%TZ}"
        )
    for item in shown:
        name = f"{item.well_id} {item.tag_name}" if item.tag_name else "no tag"
        typer.echo(
            f"{item.quarantine_id} {iso_us(item.us)} {name} {item.reason}: {plain(item.raw)}"
        )


def quarantine_explain(
    *,
    reason: Annotated[
        str | None,
        typer.Argument(
            metavar="[REASON]", help="The reason; all when none is given.", show_default=False
        ),
    ] = None,
) -> None:
    """Say what a reason means, what to do, and whether its readings can be replayed.

    Exit codes: 0 said, 1 there is no such reason, 2 wrong usage.
    """
    from pumpjack_core.errors import SetupError
    from pumpjack_core.manifests.problems import did_you_mean
    from pumpjack_core.storage.reasons import REASONS

    if reason is not None and reason not in REASONS:
        raise SetupError(
            f"{reason!r} is no reason{did_you_mean(reason, list(REASONS))}; there are "
            f"{', '.join(sorted(REASONS))}"
        )
    for name in [reason] if reason is not None else REASONS:
        known = REASONS[name]
        typer.echo(f"{name}: {known.means}")
        typer.echo(f"  what to do: {known.do}")
        typer.echo(f"  replay: {known.replay or 'not possible'}")


def quarantine_replay(
    *,
    tenant: TenantOption,
    connection: Annotated[
        str, typer.Option(metavar="NAMESPACE/NAME", help="The connection whose readings they are.")
    ],
    reason: Annotated[str, typer.Option(metavar="REASON", help="The reason that was mended.")],
    database_url: Annotated[
        str,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL",
            help="The database, as a superuser, or a login with the tenant's reader and "
            "pumpjack_operator.",
        ),
    ],
    begins: FromOption = LONG_AGO,
    ends: ToOption = FAR_AHEAD,
    shift: Annotated[
        str, typer.Option(metavar="DURATION", help="Added to their times: 6h, -30m.")
    ] = "0s",
    text: Annotated[
        bool, typer.Option("--text", help="Take text that is a number for one.")
    ] = False,
    scale: Annotated[float, typer.Option(help="Of numbers from text, as the tag has it.")] = 1.0,
    offset: Annotated[float, typer.Option(help="Likewise.")] = 0.0,
    time_format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="Of times that were not read: '%d/%m/%Y %H:%M'."),
    ] = None,
    current: Annotated[
        bool,
        typer.Option(
            "--current", help="Into the series that the tag has now: unit or type changed."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would.")] = (
        False
    ),
    output: OutputOption = Output.text,
) -> None:
    """Store readings that were kept out for a reason that is mended.

    They leave the quarantine in the transaction that stores them, each once, also when two do it at
    once or it is begun again. What the database would keep out now goes back, with the reason that
    it has now. Each transaction is in the audit log. What cannot be replayed stays, and why is
    told.

    Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 3 some stay or went back.
    """
    import asyncio
    import getpass

    import msgspec

    from pumpjack_core.storage import quarantine as storage
    from pumpjack_core.storage.reasons import Correction

    done = asyncio.run(
        storage.replay(
            database_url,
            _which(tenant, connection, reason, begins, ends),
            Correction(
                shift_s=_signed_seconds(shift),
                text=text,
                scale=scale,
                offset=offset,
                time_format=time_format,
                current=current,
            ),
            actor=f"pumpjack quarantine replay ({getpass.getuser()})",
            dry_run=dry_run,
        )
    )
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(done)).decode())
    else:
        _tell(done, dry_run=dry_run)
    raise typer.Exit(3 if done.left or done.quarantined else 0)


def _tell(done: Replayed, *, dry_run: bool) -> None:
    if dry_run:
        typer.echo(f"{done.stored:,} readings would be replayed")
    else:
        typer.echo(
            f"{done.removed:,} left the quarantine: {done.stored:,} stored "
            f"({done.shifted:,} shifted), {done.duplicates:,} were there, "
            f"{done.quarantined:,} went back"
        )
    for why, number in sorted(done.left.items()):
        typer.echo(f"{number:,} stay: {why}")


def _which(
    tenant: str, connection: str | None, reason: str | None, begins: str, ends: str
) -> Which:
    from datetime import UTC, datetime

    from pumpjack_cli.moments import moment
    from pumpjack_core.storage.quarantine import Which

    now = datetime.now(UTC)
    return Which(tenant, connection, reason, moment(begins, now), moment(ends, now))


def _signed_seconds(text: str) -> float:
    from pumpjack_core.units import seconds

    return -seconds(text[1:]) if text.startswith("-") else seconds(text)
