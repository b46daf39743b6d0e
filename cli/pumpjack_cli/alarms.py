"""Alarms over REST: what is wrong now, what was, and what people do about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import typer

from pumpjack_cli.gateway import (
    DEFAULT_DIR,
    AsOption,
    DataDirOption,
    RestOption,
    TenantOption,
    TokenOption,
    find,
)
from pumpjack_cli.output import Output, OutputOption

EXAMPLES = {
    "list": """
pumpjack alarms list --tenant permian
pumpjack alarms list --tenant permian --priority 1 --priority 2 --search pressure
""",
    "history": """
pumpjack alarms history --tenant permian --well permian-a1 --from 6h
""",
    "figures": """
pumpjack alarms figures --tenant permian --from 24h
""",
    "acknowledge": """
pumpjack alarms acknowledge --tenant permian 9b1c6f4e --comment "choke eased"
pumpjack alarms acknowledge --tenant permian --all --well permian-a1
""",
    "shelve": """
pumpjack alarms shelve --tenant permian 9b1c6f4e --for 1h --reason "sensor is being calibrated"
""",
    "unshelve": """
pumpjack alarms unshelve --tenant permian 9b1c6f4e
""",
    "reset": """
pumpjack alarms reset --tenant permian 9b1c6f4e --comment "seal replaced"
""",
    "out-of-service": """
pumpjack alarms out-of-service --tenant permian 9b1c6f4e --reason "workover until May"
""",
    "in-service": """
pumpjack alarms in-service --tenant permian 9b1c6f4e
""",
}
MOST = 10_000
PERIOD = "24h"
_IDS = typer.Argument(
    metavar="[ALARM]...", help="Ids as `alarms list` shows them, or their beginnings."
)
IdsArgument = Annotated[list[str] | None, _IDS]
WellOption = Annotated[
    str | None, typer.Option("--well", "-w", metavar="WELL", help="Only those of this well.")
]
PriorityOption = Annotated[
    list[int] | None,
    typer.Option(min=1, max=4, help="Only this priority; may be given several times."),
]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the others.")]
CommentOption = Annotated[str, typer.Option(metavar="TEXT", help="For the others to read.")]


def alarms_list(
    *,
    well: WellOption = None,
    priority: PriorityOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only this state; may be given several times. All but normal if not."),
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Found in well, tag or message.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 200,
    tenant: TenantOption = None,
    token: TokenOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """List the alarms that are not normal: what is to be acknowledged first, then by priority.

    In a flood the groups follow, each with the alarm that came first.
    """
    from pumpjack_cli.alarming.chosen import PAGE, every
    from pumpjack_cli.alarming.shown import alarm_lines, counts_line, flood_lines

    gateway = find(data_dir, tenant, token, rest)
    query = {"wellId": well, "priority": priority, "state": state, "q": search}
    found = every(gateway, "alarms", "alarms", query, most=rows, page=PAGE)
    counts = gateway.get("alarms/counts")["counts"]
    if output is Output.json:
        typer.echo(json.dumps({"alarms": found, "counts": counts}))
        return
    _print(alarm_lines(found) if found else ["no alarms"])
    _print(["", counts_line(counts), *flood_lines(counts, found)])


def alarms_history(
    *,
    well: WellOption = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="raised, returned, acknowledged …; may be given several times."),
    ] = None,
    begins: Annotated[
        str, typer.Option("--from", metavar="TIME", help="2026-11-22T06:00Z, or 6h for ago.")
    ] = PERIOD,
    rows: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 200,
    tenant: TenantOption = None,
    token: TokenOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """List what happened to alarms, the newest first."""
    from pumpjack_cli.alarming.chosen import PAGE, every
    from pumpjack_cli.alarming.shown import event_lines

    gateway = find(data_dir, tenant, token, rest)
    query = {"wellId": well, "kind": kind, "start": _moment(begins)}
    found = every(gateway, "events", "events", query, most=rows, page=PAGE)
    if output is Output.json:
        typer.echo(json.dumps({"events": found}))
        return
    _print(event_lines(found) if found else ["nothing happened"])


def alarms_figures(
    *,
    begins: Annotated[
        str, typer.Option("--from", metavar="TIME", help="2026-11-22T06:00Z, or 24h for ago.")
    ] = PERIOD,
    tenant: TenantOption = None,
    token: TokenOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Say how the alarms do, in the figures of EEMUA 191 and ISA-18.2, each with its meaning."""
    from pumpjack_cli.alarming.shown import figure_lines

    answer = find(data_dir, tenant, token, rest).get("alarms/figures", start=_moment(begins))
    if output is Output.json:
        typer.echo(json.dumps(answer))
        return
    _print(figure_lines(answer))


def alarms_acknowledge(
    *,
    alarms: IdsArgument = None,
    every_one: Annotated[
        bool, typer.Option("--all", help="All that wait, of --well and --priority if given.")
    ] = False,
    well: WellOption = None,
    priority: PriorityOption = None,
    comment: CommentOption = "",
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Say that you have seen them. Where somebody was first, it says who and when.

    Exit codes: 0 all were done, 1 some were not, 2 wrong usage.
    """
    from pumpjack_cli.alarming.acting import act

    if every_one == bool(alarms):
        raise typer.BadParameter("name the alarms, or give --all")
    gateway = find(data_dir, tenant, token, rest, role="operator", name=name)
    query = {"wellId": well, "priority": priority} if every_one else {}
    waiting = ["unacknowledged", "returned_unacknowledged", "latched_unacknowledged"]
    act(
        gateway,
        "acknowledge",
        alarms or [],
        output,
        said={"comment": comment},
        query=query | ({"state": waiting} if every_one else {}),
    )


def alarms_shelve(
    *,
    alarms: IdsArgument = None,
    reason: ReasonOption,
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 30m, 1h; 8h at most.")
    ] = "1h",
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Set alarms aside for a time. They come back by themselves.

    Exit codes: 0 all were done, 1 some were not, 2 wrong usage.
    """
    from pumpjack_cli.alarming.acting import act
    from pumpjack_core.units import seconds

    gateway = find(data_dir, tenant, token, rest, role="operator", name=name)
    minutes = max(1, round(seconds(lasts) / 60))
    act(gateway, "shelve", _some(alarms), output, said={"reason": reason, "minutes": minutes})


def alarms_unshelve(
    *,
    alarms: IdsArgument = None,
    comment: CommentOption = "",
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """End a shelving before its time.

    Exit codes: 0 all were done, 1 some were not, 2 wrong usage.
    """
    from pumpjack_cli.alarming.acting import act

    gateway = find(data_dir, tenant, token, rest, role="operator", name=name)
    act(gateway, "unshelve", _some(alarms), output, said={"comment": comment})


def alarms_reset(
    *,
    alarms: IdsArgument = None,
    comment: CommentOption = "",
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Reset latched alarms whose condition has returned.

    Exit codes: 0 all were done, 1 some were not, 2 wrong usage.
    """
    from pumpjack_cli.alarming.acting import act

    gateway = find(data_dir, tenant, token, rest, role="operator", name=name)
    act(gateway, "reset", _some(alarms), output, said={"comment": comment})


def alarms_out_of_service(
    *,
    alarms: IdsArgument = None,
    reason: ReasonOption,
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Take alarms out of service until somebody puts them back; it takes an engineer.

    Exit codes: 0 all were done, 1 some were not, 2 wrong usage.
    """
    from pumpjack_cli.alarming.acting import act

    gateway = find(data_dir, tenant, token, rest, role="engineer", name=name)
    act(gateway, "out-of-service", _some(alarms), output, said={"reason": reason})


def alarms_in_service(
    *,
    alarms: IdsArgument = None,
    comment: CommentOption = "",
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Put alarms into service again; it takes an engineer.

    Exit codes: 0 all were done, 1 some were not, 2 wrong usage.
    """
    from pumpjack_cli.alarming.acting import act

    gateway = find(data_dir, tenant, token, rest, role="engineer", name=name)
    act(gateway, "in-service", _some(alarms), output, said={"comment": comment})


def _some(alarms: list[str] | None) -> list[str]:
    if not alarms:
        raise typer.BadParameter("name the alarms; `pumpjack alarms list` shows their ids")
    return alarms


def _moment(text: str) -> str:
    from datetime import UTC, datetime

    from pumpjack_cli.moments import moment

    return moment(text, datetime.now(UTC)).isoformat()


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
