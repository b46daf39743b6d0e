"""What is said of a command, before it is written and after it was read back. Pure."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from pumpjack_core.storage.commands import Claim
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.setting import is_held
from pumpjack_worker.commands.standing import Standing, State, Told

_STATES = {
    "suspended": "the connection is suspended; take spec.suspend away first",
    "fenced": "another worker reads this device now; send the command again",
    "stopped": "the worker is stopping; send the command again",
    "connecting": "the device is not connected: a session is being opened",
    "disconnected": "the device is not connected",
}

Answer = Literal["answered", "unanswered", "recovered"]
"""Whether the device said yes to the write; recovered: another worker sent it, nobody knows."""
_RECOVERED = "the worker that sent it ended before it could tell; "


class Seen(Struct, frozen=True):
    """What was read back.

    read     the last value [the tag's unit], None where none could be read
    trouble  why none could be, a sentence
    """

    read: float | None = None
    trouble: str = ""


def refusal(standing: Standing, tag: Tag | None, claim: Claim, *, can_write: bool) -> str | None:
    """Why a command must not be written, a sentence; None: it may."""
    protocol = standing.config.connection.spec.protocol
    if not standing.config.connection.writes:
        return "writes are off: spec.writes.enabled of the connection, writeNetworks of the tenant"
    if tag is None:
        return f"{claim.tag_name} of {claim.well_id} is not read by this connection any more"
    if not can_write:
        return f"devices of protocol {protocol} cannot be written to"
    if standing.state == "connected":
        return None
    why = f": {standing.trouble}" if standing.trouble is not None else ""
    return _STATES[standing.state] + why


def overtaken(standing: Standing, tag: Tag, claim: Claim, *, now_s: float) -> str | None:
    """Why a command must not be written though it was begun, a sentence; None: it may.

    now_s  since_boot_s(), right before the write
    """
    if now_s >= claim.until_s:
        return "it has expired before it was its turn; nothing was written"
    if standing.state in ("fenced", "stopped"):
        return _STATES[standing.state]
    if not standing.config.connection.writes or standing.tag(claim) != tag:
        return f"{tag.name} of {tag.well_id} is declared otherwise since; send the command again"
    return None


def refused(claim: Claim, why: str) -> Told:
    """Nothing was written."""
    return Told(claim.command_id, "refused", {"message": why})


def accepted(claim: Claim, written: float) -> Told:
    """The device said yes."""
    detail = {"message": "the device has accepted it", **_written(claim, written)}
    return Told(claim.command_id, "accepted", detail)


def verdict(
    claim: Claim, tag: Tag, written: float, seen: Seen, how: Answer, *, trouble: str = ""
) -> Told:
    """How a command ended that was written, or may have been.

    trouble  what came instead of the device's yes, a sentence, where it is unanswered
    """
    before = {"answered": "", "unanswered": f"{trouble}; ", "recovered": _RECOVERED}[how]
    said_yes = how == "answered" or (how == "recovered" and claim.accepted)
    state, message = _ending(tag, written, seen, said_yes=said_yes)
    message = before + message
    detail: dict[str, Any] = {"message": message, **_written(claim, written), "read": seen.read}
    if how != "answered":
        detail[how] = True
    return Told(claim.command_id, state, detail)


def _ending(tag: Tag, written: float, seen: Seen, *, said_yes: bool) -> tuple[State, str]:
    if seen.read is None:
        why = f" ({seen.trouble})" if seen.trouble else ""
        return "timeout", f"its value could not be read back{why}; look at the device"
    shows = f"the device shows {_in_unit(tag, seen.read)}"
    if is_held(tag, written, seen.read):
        return "verified", shows
    state: State = "mismatch" if said_yes else "timeout"
    return state, f"{shows} instead of {_in_unit(tag, written)}"


def _in_unit(tag: Tag, value: float) -> str:
    return f"{value:g} {tag.unit}".rstrip()


def _written(claim: Claim, written: float) -> dict[str, Any]:
    rounded = abs(written - claim.value) > 1e-6 * max(1.0, abs(claim.value))
    return {"written": written, "rounded": True} if rounded else {"written": written}
