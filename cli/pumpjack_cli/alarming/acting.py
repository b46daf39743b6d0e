"""One action on some alarms, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import typer

from pumpjack_cli.alarming.chosen import PAGE, chosen, every, named
from pumpjack_cli.alarming.shown import answer_lines
from pumpjack_cli.gateway import Gateway
from pumpjack_cli.output import Output

MOST = 10_000


def act(
    gateway: Gateway,
    action: str,
    given: Sequence[str],
    output: Output,
    *,
    said: Mapping[str, object],
    query: Mapping[str, object] | None = None,
) -> None:
    """Do it to those given, or where none is to all that the query finds.

    said: what goes with it. Ends with exit code 1 when some were not done.
    """
    listed = every(gateway, "alarms", "alarms", query or {}, most=MOST, page=PAGE)
    wanted = chosen(listed, given) if given else listed
    answers: list[dict[str, object]] = []
    done = 0
    for at in range(0, len(wanted), PAGE):
        body = {"alarms": named(wanted[at : at + PAGE])} | dict(said)
        answer = gateway.post(f"alarms/{action}", body)
        answers += answer["alarms"]
        done += answer["done"]
    if output is Output.json:
        typer.echo(json.dumps({"done": done, "alarms": answers}))
    else:
        for line in answer_lines(answers) if wanted else ["nothing waits"]:
            typer.echo(line)
    if done < len(wanted):
        raise typer.Exit(1)
