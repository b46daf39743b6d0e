"""What goes wrong, and when: drawn from a seed before anything starts, so that it can be repeated.

Pure. A fault is a kind, a target and a length; faults of one target come one after another, those
of different targets overlap.
"""

from __future__ import annotations

import random
from collections.abc import Collection

from msgspec import Struct

PROTOCOLS = ("mqtt", "modbus", "opcua")
SHORTEST_PAUSE_S = 0.1


class Fault(Struct, frozen=True):
    """One thing that goes wrong.

    pause_s   after the beginning of the fault before it
    kind      one of KINDS
    target    protocol of the worker concerned, or the server's name
    length_s  how long it lasts, where it lasts
    amount    0 to 1: how far into an answer a cut goes, which way a clock jumps …
    """

    number: int
    pause_s: float
    kind: str
    target: str
    length_s: float
    amount: float

    def __str__(self) -> str:
        return f"#{self.number} {self.kind} {self.target} {self.length_s:.2f} s, {self.amount:.2f}"


class Kind(Struct, frozen=True):
    """How often a kind comes, compared with others; at whom; how long it lasts [s]."""

    weight: float
    targets: tuple[str, ...]
    length_s: tuple[float, float] = (0.0, 0.0)


KINDS: dict[str, Kind] = {
    "kill-worker": Kind(6, PROTOCOLS),
    "restart-worker": Kind(2, PROTOCOLS),
    "freeze-worker": Kind(2, PROTOCOLS, (0.5, 5.0)),
    "second-worker": Kind(1.5, PROTOCOLS, (0.5, 3.0)),
    "cut-device": Kind(3, PROTOCOLS),
    "halve-answer-of-device": Kind(2, PROTOCOLS),
    "stall-device": Kind(2, PROTOCOLS, (0.5, 6.0)),
    "delay-device": Kind(1, PROTOCOLS, (1.0, 4.0)),
    "lose-answer-of-database": Kind(6, PROTOCOLS),
    "cut-database": Kind(2, PROTOCOLS),
    "stall-database": Kind(1.5, PROTOCOLS, (0.5, 5.0)),
    "cut-redis": Kind(2, PROTOCOLS),
    "stall-redis": Kind(1.5, PROTOCOLS, (0.5, 4.0)),
    "full-disk": Kind(2, PROTOCOLS, (1.0, 5.0)),
    "clock-jump": Kind(2, PROTOCOLS, (1.0, 6.0)),
    "kill-database": Kind(3, ("database",)),
    "freeze-database": Kind(1.5, ("database",), (0.5, 4.0)),
    "add-column": Kind(1, ("database",)),
    "vacuum-full": Kind(1, ("database",)),
    "lock-table": Kind(1, ("database",), (0.5, 4.0)),
    "maintain": Kind(2, ("database",)),
    "kill-redis": Kind(3, ("redis",)),
    "freeze-redis": Kind(1.5, ("redis",), (0.5, 4.0)),
    "kill-broker": Kind(2, ("broker",), (0.0, 2.0)),
    "freeze-broker": Kind(1, ("broker",), (0.5, 4.0)),
    "forget-sessions": Kind(1, ("opcua-server",)),
    "kill-gateway": Kind(3, ("gateway",)),
    "freeze-gateway": Kind(1, ("gateway",), (0.5, 4.0)),
    "cut-screen": Kind(2, ("screen",)),
    "stall-screen": Kind(1, ("screen",), (0.5, 4.0)),
}
"""All that can go wrong. A kind that a machine cannot do is left out of the draw."""


def draw(
    seed: int, number: int, *, longest_pause_s: float, kinds: Collection[str] = tuple(KINDS)
) -> list[Fault]:
    """The faults of a seed. The same arguments give the same faults.

    Every kind comes once before chance decides alone, as far as the number reaches.
    """
    chance = random.Random(seed)
    drawn = {name: kind for name, kind in KINDS.items() if name in kinds}
    once = list(drawn)
    chance.shuffle(once)
    more = max(0, number - len(once))
    names = once[:number] + chance.choices(
        list(drawn), [kind.weight for kind in drawn.values()], k=more
    )
    chance.shuffle(names)
    return [_fault(chance, at, name, drawn[name], longest_pause_s) for at, name in enumerate(names)]


def _fault(
    chance: random.Random, number: int, name: str, kind: Kind, longest_pause_s: float
) -> Fault:
    return Fault(
        number,
        chance.uniform(SHORTEST_PAUSE_S, longest_pause_s),
        name,
        chance.choice(kind.targets),
        chance.uniform(*kind.length_s),
        chance.random(),
    )
