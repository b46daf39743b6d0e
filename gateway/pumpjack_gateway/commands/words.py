"""What happened to a command, as a sentence. Pure."""

from __future__ import annotations

from pumpjack_gateway.commands.answers import CommandState, Detail

_SENTENCES: dict[CommandState, str] = {
    "requested": "asked for",
    "validated": "it may be written, and is within its limits",
    "approved": "no second person is needed",
    "sent": "its worker has taken it and sends it to the device",
    "accepted": "the device has accepted it",
    "verified": "read back as asked",
    "mismatch": "the device shows another value than was asked",
    "timeout": "how it ended was not found out in time; look at the device",
    "refused": "refused; nothing was written",
    "expired": "nobody took it in time; nothing was written",
    "rejected": "rejected; nothing was written",
}
_BY_PEOPLE: dict[CommandState, str] = {
    "requested": "asked for by {}",
    "approved": "approved by {}",
    "rejected": "rejected by {}; nothing was written",
}


def message_of(state: CommandState, actor: str, detail: Detail) -> str:
    """One step in words. detail is what the database keeps of it, a worker's own words first."""
    for name in ("message", "problem"):
        told = detail.get(name)
        if isinstance(told, str) and told:
            return told
    sentence = _SENTENCES[state]
    if actor and state in _BY_PEOPLE:
        sentence = _BY_PEOPLE[state].format(actor)
    comment = detail.get("comment")
    return f"{sentence}: {comment}" if comment else sentence


def standing(state: CommandState, message: str, *, approval: bool) -> str:
    """How a command stands, for a list: its last step, or what it waits for."""
    if state == "validated" and approval:
        return "waits for a second person's approval"
    return message
