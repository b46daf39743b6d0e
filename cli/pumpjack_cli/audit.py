"""The audit log: who did what, when, why and from where; and whether somebody changed it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption, plain

if TYPE_CHECKING:
    from pumpjack_core.storage.audit import Entry, Kept, Verdict

EXAMPLES = {
    "list": """
pumpjack audit list --tenant permian --rows 20
pumpjack audit list --tenant permian --action command. --output json
""",
    "verify": """
pumpjack audit verify
pumpjack audit verify --tenant permian --head 4711:9c1d…@2026-01-31T06:30:01Z
""",
}
LIMIT_S = 30.0
ROWS_MAX = 100_000
UrlOption = Annotated[
    str,
    typer.Option(
        envvar="PUMPJACK_DATABASE_URL",
        help="The database, as pumpjack_operator or a superuser.",
    ),
]


def audit_list(
    *,
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Whose audit log.")],
    database_url: UrlOption,
    action: Annotated[
        str, typer.Option(metavar="TEXT", help="Only actions that begin so: command., alarms.")
    ] = "",
    before: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Only entries before this number.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="At most so many.")] = 50,
    output: OutputOption = Output.text,
) -> None:
    """List the entries of a tenant's audit log, the newest first.

    Exit codes: 0 listed, 1 the database cannot be asked, 2 wrong usage.
    """
    import asyncio

    import msgspec

    from pumpjack_core.storage import audit
    from pumpjack_core.storage.connect import connect

    async def read() -> list[Entry]:
        async with connect(database_url, timeout_s=LIMIT_S) as connection:
            return await audit.entries(connection, tenant, limit=rows, before=before, action=action)

    found = asyncio.run(read())
    if output is Output.json:
        typer.echo(msgspec.json.encode({"entries": found}).decode())
        return
    if not found:
        typer.echo("no entries")
    for entry in found:
        detail = json.dumps(entry.detail, ensure_ascii=False)
        typer.echo(
            f"{entry.audit_no}  {entry.at:%FT%TZ}  {plain(entry.actor)}  {entry.action}  "
            f"{entry.outcome}  {plain(detail)}"
        )


def audit_verify(
    *,
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="Whose audit log; all when not given.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER:HASH@TIME",
            help="An end of the chain that was kept elsewhere, as the gateway's log has it "
            "(`audit head`); needs --tenant.",
        ),
    ] = None,
    audit_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="For how long entries have to be kept; as the database's settings say when not "
            "given.",
            show_default=False,
        ),
    ] = None,
    database_url: UrlOption,
    output: OutputOption = Output.text,
) -> None:
    """Read the whole chain, and say which entries were changed, removed or cut off.

    Each entry carries the hash of the one before, so a change shows where it was made. Whoever can
    write the database could make a whole new chain; only a head that was kept elsewhere shows that.

    Exit codes: 0 nothing was done to it, 1 something was, or the database cannot be asked, 2 wrong
    usage.
    """
    import asyncio

    from pumpjack_core.errors import SetupError

    kept = _head(head, tenant)
    found = asyncio.run(_verify(database_url, tenant, kept, audit_days))
    if output is Output.json:
        typer.echo(json.dumps({"tenants": [_as_json(one) for one in found]}))
    else:
        for one in found:
            _tell(one)
    if not found:
        raise SetupError(
            f"the tenant {tenant!r} has no audit log" if tenant else "there is no audit log yet"
        )
    if any(one.problems for one in found):
        raise typer.Exit(1)


def _head(text: str | None, tenant: str | None) -> Kept | None:
    from pumpjack_core.storage.audit import Kept

    if text is None:
        return None
    if tenant is None:
        raise typer.BadParameter("--head is of one tenant; say which with --tenant")
    try:
        return Kept.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


async def _verify(
    url: str, tenant: str | None, kept: Kept | None, audit_days: int | None
) -> list[Verdict]:
    from pumpjack_core.storage import audit
    from pumpjack_core.storage.connect import connect

    async with connect(url, timeout_s=LIMIT_S) as connection:
        known = await audit.tenants(connection)
        wanted = known if tenant is None else [name for name in known if name == tenant]
        return [
            await audit.verify(connection, name, kept, audit_days=audit_days) for name in wanted
        ]


def _tell(one: Verdict) -> None:
    since = f", cut at {one.anchor.audit_no}" if one.anchor is not None else ""
    verdict = "whole" if not one.problems else "NOT WHOLE"
    typer.echo(f"{plain(one.tenant_id)}: {one.rows:,} entries{since}, head {one.head}: {verdict}")
    for sentence in (*one.problems, *one.notes):
        typer.echo(f"  {plain(sentence)}")


def _as_json(one: Verdict) -> dict[str, object]:
    return {
        "tenantId": one.tenant_id,
        "entries": one.rows,
        "cut": str(one.anchor) if one.anchor is not None else None,
        "head": str(one.head),
        "whole": not one.problems,
        "problems": list(one.problems),
        "notes": list(one.notes),
    }
