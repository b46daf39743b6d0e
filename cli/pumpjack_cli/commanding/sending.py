"""One command from the request to its end. A lost answer is asked for again, with the same key."""

from __future__ import annotations

import shlex
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pumpjack_cli.gateway import Gateway, Refused
from pumpjack_cli.output import plain
from pumpjack_core.errors import AuthError, PumpjackError

TRIES = 4
PAUSE_S = 0.5
LOOK_S = 0.2
UNAVAILABLE, OUTCOME_UNKNOWN = 503, "OUTCOME_UNKNOWN"
Row = Mapping[str, Any]


def value_of(text: str, tags: Sequence[Row], tag_name: str) -> float:
    """The number that a word stands for (OPEN). Raises PumpjackError with the words there are."""
    words: Mapping[str, str] = next(
        (tag["stateNames"] for tag in tags if tag["tagName"] == tag_name), {}
    )
    for number, word in words.items():
        if word.lower() == text.lower():
            return float(number)
    known = ", ".join(words.values()) or "no words for its values"
    raise PumpjackError(f"{text!r} is no number, and {tag_name} has {known}")


def ask(
    gateway: Gateway, body: Mapping[str, object], tell: Callable[[str], None] = lambda _: None
) -> Row:
    """Ask for a command. Raises Refused and the like when it was refused.

    Where it may have been made all the same, the error says so, with its key; tell() does when
    somebody stops the asking.
    """
    may_be_made = False
    for left in reversed(range(TRIES)):
        try:
            answer: Row = gateway.post("control", body)
            return answer
        except AuthError as error:
            raise _with_key(error, body) if may_be_made else error from None
        except PumpjackError as error:
            refused = isinstance(error, Refused) and error.status != UNAVAILABLE
            may_be_made = may_be_made or _is_unclear(error)
            if refused or not left:
                raise _with_key(error, body) if may_be_made else error from None
        except KeyboardInterrupt:
            tell(_again(body))
            raise
        time.sleep(PAUSE_S)
    raise AssertionError("unreachable")


def _is_unclear(error: PumpjackError) -> bool:
    """Whether the request may have reached the database, for all that this answer says."""
    if isinstance(error, Refused):
        return error.code == OUTCOME_UNKNOWN
    reason = getattr(error.__cause__, "reason", None)
    return not isinstance(reason, ConnectionRefusedError | socket.gaierror)


def _with_key(error: PumpjackError, body: Mapping[str, object]) -> PumpjackError:
    return PumpjackError(f"{error}; {_again(body)}")


def _again(body: Mapping[str, object]) -> str:
    return (
        "it may have been made: ask the same again with "
        f"--key {shlex.quote(str(body['idempotencyKey']))}, which never writes twice"
    )


def follow(gateway: Gateway, answer: Row, tell: Callable[[Row], None]) -> Row:
    """Look until the command has ended, telling each step once. Returns the command."""
    told = 0
    while True:
        for step in answer["steps"]:
            if step["changeNo"] > told:
                told = step["changeNo"]
                tell(step)
        if not answer["command"]["running"]:
            command: Row = answer["command"]
            return command
        time.sleep(LOOK_S)
        try:
            answer = gateway.get(f"control/{answer['command']['commandId']}")
        except AuthError:
            raise
        except Refused as refused:
            if refused.status != UNAVAILABLE:
                raise


def step_line(step: Row) -> str:
    """One step for a person."""
    return f"{step['at'][11:23]}  {step['state']:<9}  {plain(step['message'])}"
