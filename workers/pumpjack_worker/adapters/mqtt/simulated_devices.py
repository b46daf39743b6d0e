"""Devices that publish what the instruments of a simulated oil field show."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from random import Random

from pumpjack_core.errors import WriteRefused
from pumpjack_worker.adapters.mqtt.paths import Path, compile_path
from pumpjack_worker.adapters.mqtt.simulated_flaws import flawed
from pumpjack_worker.adapters.mqtt.simulated_payloads import (
    Publication,
    payload,
    publications,
    raw_value,
    read_value,
    told_us,
)
from pumpjack_worker.adapters.mqtt.simulated_places import Placed
from pumpjack_worker.adapters.mqtt.writing import place_of
from pumpjack_worker.simulation.field import Field
from pumpjack_worker.simulation.ledger import Ledger, Served

FLAWED_SHARE = 0.05
"""Of the messages that are followed by a flawed one, where flaws are asked for."""


class SimulatedDevices:
    """The devices behind one broker. step() gives what they publish.

    placed    their tags; positions below are positions in here
    topics    what they publish on
    left_out  position to the reason, of the tags that no message carries
    field     where the values come from
    commands  topics on which they take commands
    deaf      whether they take none
    ledger    what every published value is written to
    """

    def __init__(self, placed: Sequence[Placed], *, seed: int = 1, flaws: bool = False) -> None:
        self.placed = tuple(placed)
        self.field = Field([one.tag for one in self.placed], seed=seed)
        self.topics, self.left_out = publications(self.placed)
        self.ledger: Ledger | None = None
        self._due_us = dict.fromkeys(range(len(self.topics)), 0)
        self._random = Random(f"{seed}/flaws")  # noqa: S311 - no secret
        self._flaws = flaws
        self.deaf = False
        self._commands = _commands(self.placed)

    @property
    def commands(self) -> tuple[str, ...]:
        """Topics of commands."""
        return tuple(self._commands)

    def command(self, topic: str, payload: bytes) -> None:
        """Do what a message says, if it is a command, and tell what came of it at the next step."""
        for at, path in () if self.deaf else self._commands.get(topic, ()):
            try:
                found = json.loads(payload)
            except ValueError:
                continue
            raw = found if path is None else path.one(found)
            if not isinstance(raw, bool | int | float):
                continue
            if self.field.command(at, read_value(self.placed[at].tag, raw)):
                for number, topic_ in enumerate(self.topics):
                    if any(member == at for member, _ in topic_.members):
                        self._due_us[number] = 0

    def step(self, now_us: int) -> list[tuple[str, bytes]]:
        """Move the field on to this time [µs since the epoch]: topics and payloads to publish."""
        self.field.step(now_us / 1e6)
        messages: list[tuple[str, bytes]] = []
        for at, topic in enumerate(self.topics):
            if self._due_us[at] > now_us:
                continue
            interval_us = round(topic.interval_s * 1e6)
            late_us = now_us - self._due_us[at]
            self._due_us[at] = now_us + interval_us - (late_us if late_us < interval_us else 0)
            if not topic.members:
                continue
            message = (topic.topic, self._publish(topic, now_us))
            messages.append(message)
            if self._flaws and self._random.random() < FLAWED_SHARE:
                messages.append(flawed(*message, self._random))
        return messages

    def _publish(self, topic: Publication, now_us: int) -> bytes:
        raw: dict[int, float | int | bool | None] = {}
        for at, steps in topic.members:
            if steps is None and raw:  # several tags of one plain number
                raw[at] = next(iter(raw.values()))
            elif at in self.field.dead:
                raw[at] = None
            else:
                raw[at] = raw_value(self.placed[at].tag, self.field.value[at])
        us = told_us(now_us)
        if self.ledger is not None:
            for at, value in raw.items():
                tag = self.placed[at].tag
                self.ledger.write(Served(now_us, us, tag.well_id, tag.name, read_value(tag, value)))
        return payload(topic, raw, us)


def _commands(placed: Sequence[Placed]) -> dict[str, list[tuple[int, Path | None]]]:
    """Topic to the tags that are set by it, and where in its payload their values are."""
    found: dict[str, list[tuple[int, Path | None]]] = {}
    for at, one in enumerate(placed):
        if one.tag.write is None:
            continue
        with contextlib.suppress(WriteRefused):
            address = place_of(one.tag)
            path = None if address.path is None else compile_path(address.path)
            found.setdefault(address.topic, []).append((at, path))
    return found
