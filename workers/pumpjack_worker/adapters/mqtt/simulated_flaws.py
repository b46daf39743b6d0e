"""Messages as no device should send them, for trying out what becomes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random

_NUMBER = re.compile(rb"(?<=:)-?[0-9]+(?:\.[0-9]+)?(?=[,}\]])")

Message = tuple[str, bytes]


def flawed(topic: str, payload: bytes, random: Random) -> Message:
    """One flawed message made from a good one, of a kind drawn by chance."""
    return random.choice(KINDS)(topic, payload)


def truncated(topic: str, payload: bytes) -> Message:
    """JSON that ends in its middle; a plain number becomes a bracket that never closes."""
    return topic, payload[: len(payload) // 2] if payload.startswith((b"{", b"[")) else b"["


def quoted(topic: str, payload: bytes) -> Message:
    """A number in quotes."""
    if not payload.startswith((b"{", b"[")):
        return topic, json.dumps(payload.decode()).encode()
    return topic, _NUMBER.sub(lambda found: b'"' + found.group() + b'"', payload, count=1)


def not_a_number(topic: str, payload: bytes) -> Message:
    """NaN where a number belongs, as Python writes it."""
    if not payload.startswith((b"{", b"[")):
        return topic, b"NaN"
    return topic, _NUMBER.sub(b"NaN", payload, count=1)


def word(topic: str, _payload: bytes) -> Message:
    """A word where a number belongs."""
    return topic, b"ERROR"


def nowhere(topic: str, payload: bytes) -> Message:
    """A good message on a topic that no tag names; who subscribes to topics alone never sees it."""
    return f"{topic}/unmapped", payload


KINDS: tuple[Callable[[str, bytes], Message], ...] = (
    truncated,
    quoted,
    not_a_number,
    word,
    nowhere,
)
