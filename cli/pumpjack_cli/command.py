"""Commands to devices over REST: ask for one and see it verified, decide on one, list them."""

from __future__ import annotations

import json
import sys
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.gateway import (
    DEFAULT_DIR,
    AsOption,
    DataDirOption,
    Gateway,
    RestOption,
    TenantOption,
    TokenOption,
    find,
)
from pumpjack_cli.output import Output, OutputOption
from pumpjack_core.errors import PumpjackError

if TYPE_CHECKING:
    from pumpjack_cli.commanding.sending import Row

EXAMPLES = {
    "send": """
pumpjack command send permian-a1 pump_speed 7.5 --tenant permian --reason "fluid level is down"
pumpjack command send permian-a1 wing_valve SHUT --tenant permian --reason "line is being pigged"
""",
    "list": """
pumpjack command list --tenant permian --well permian-a1
pumpjack command list --tenant permian --state validated
""",
    "show": """
pumpjack command show 5f1c6f4e-7a57-4d4c-9a58-0b7a3b2f8d11 --tenant permian
""",
    "decide": """
pumpjack command decide 5f1c6f4e-7a57-4d4c-9a58-0b7a3b2f8d11 --approve --as bob --tenant permian
pumpjack command decide 5f1c6f4e-7a57-4d4c-9a58-0b7a3b2f8d11 --reject --comment "not now" --as bob
""",
    "tags": """
pumpjack command tags permian-a1 --tenant permian
""",
}
IdArgument = Annotated[str, typer.Argument(metavar="COMMAND", help="Its id.")]
WellArgument = Annotated[str, typer.Argument(metavar="WELL", help="The well.")]
ROWS_MAX = 10_000
PAGE = 500
NOT_DONE = 3


def command_send(
    *,
    well: WellArgument,
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag that is written.")],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="In the tag's unit, or a word for it: OPEN.")
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit log.")],
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="Sent within this time or not at all: 1s to 60s.")
    ] = "10s",
    key: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Idempotency key: the same one never writes twice. A new one when not given.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Show each step until it has ended.")
    ] = True,
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Write a value to a device, and show each step until it was read back.

    Ctrl-C stops the looking, not the command. Where it may have been made although no answer came,
    the key to ask again with is shown.

    Exit codes: 0 read back as asked, 1 refused before it was sent, 2 wrong usage, 3 it ended
    otherwise, and the last line says how.
    """
    from pumpjack_cli.commanding.sending import ask, follow, step_line
    from pumpjack_core.units import seconds

    gateway = find(data_dir, tenant, token, rest, role="operator", name=name)
    number = _number(gateway, well, tag, value)
    answer = ask(
        gateway,
        {
            "wellId": well,
            "tagName": tag,
            "value": number,
            "reason": reason,
            "idempotencyKey": key or str(uuid.uuid4()),
            "expiresS": seconds(expires),
        },
        lambda sentence: typer.echo(sentence, err=True),
    )
    if not wait:
        _show(answer, output)
        return
    command_id = answer["command"]["commandId"]

    def tell(step: Row) -> None:
        if output is Output.text:
            typer.echo(step_line(step))
            if step["state"] == "validated" and answer["command"]["approval"] == "required":
                typer.echo(
                    f"waits for another person: pumpjack command decide {command_id} --approve"
                )
            sys.stdout.flush()

    ended = follow(gateway, answer, tell)
    if output is Output.json:
        typer.echo(json.dumps(gateway.get(f"control/{command_id}")))
    if ended["state"] != "verified":
        raise typer.Exit(NOT_DONE)


def command_list(
    *,
    well: Annotated[
        str | None, typer.Option("--well", "-w", metavar="WELL", help="Only those of this well.")
    ] = None,
    tag: Annotated[
        str | None, typer.Option(metavar="TAG", help="Only those to tags of this name.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only this state: sent, verified …; may be given several times."),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=ROWS_MAX, help="At most so many.")] = 50,
    tenant: TenantOption = None,
    token: TokenOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """List commands, the newest first: what was asked for, by whom, and what became of it."""
    from pumpjack_cli.alarming.chosen import every
    from pumpjack_cli.commanding.shown import command_lines

    gateway = find(data_dir, tenant, token, rest)
    query = {"wellId": well, "tagName": tag, "state": state}
    found = every(gateway, "control", "commands", query, most=rows, page=PAGE)
    if output is Output.json:
        typer.echo(json.dumps({"commands": found}))
        return
    for line in command_lines(found) if found else ["no commands"]:
        typer.echo(line)


def command_show(
    *,
    command: IdArgument,
    tenant: TenantOption = None,
    token: TokenOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Show a command with each of its steps."""
    gateway = find(data_dir, tenant, token, rest)
    _show(gateway.get(f"control/{_id(command)}"), output)


def command_decide(
    *,
    command: IdArgument,
    approve: Annotated[
        bool | None,
        typer.Option("--approve/--reject", help="Let it be sent, or not.", show_default=False),
    ] = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="For the audit log.")] = "",
    tenant: TenantOption = None,
    token: TokenOption = None,
    name: AsOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """Approve or reject a command of somebody else's, where a second person is needed."""
    if approve is None:
        raise typer.BadParameter("say --approve or --reject")
    gateway = find(data_dir, tenant, token, rest, role="operator", name=name)
    body = {"approve": approve, "comment": comment}
    _show(gateway.post(f"control/{_id(command)}/decision", body), output)


def command_tags(
    *,
    well: WellArgument,
    tenant: TenantOption = None,
    token: TokenOption = None,
    rest: RestOption = None,
    data_dir: DataDirOption = DEFAULT_DIR,
    output: OutputOption = Output.text,
) -> None:
    """List what may be written at a well, within which limits, and what stands in the way now."""
    from pumpjack_cli.commanding.shown import tag_lines

    answer = find(data_dir, tenant, token, rest).get("control/tags", wellId=well)
    if output is Output.json:
        typer.echo(json.dumps(answer))
        return
    for line in tag_lines(answer["tags"]) if answer["tags"] else ["nothing may be written"]:
        typer.echo(line)


def _number(gateway: Gateway, well: str, tag: str, text: str) -> float:
    """The value; the gateway is asked for a tag's words only where it is none."""
    from pumpjack_cli.commanding.sending import value_of

    try:
        return float(text)
    except ValueError:
        return value_of(text, gateway.get("control/tags", wellId=well)["tags"], tag)


def _show(answer: Row, output: Output) -> None:
    from pumpjack_cli.commanding.sending import step_line
    from pumpjack_cli.commanding.shown import whole

    if output is Output.json:
        typer.echo(json.dumps(answer))
        return
    for line in (*whole(answer), "", *map(step_line, answer["steps"])):
        typer.echo(line)


def _id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise PumpjackError(
            f"{text!r} is no command's id; `pumpjack command list` shows them"
        ) from error
