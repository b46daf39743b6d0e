"""An oil field behind a list of tags: what each instrument shows, step by step. No protocol.

Deterministic: the same tags, seed and step times give the same values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from pumpjack_core.tags import Tag
from pumpjack_worker.simulation.lift import lift_of
from pumpjack_worker.simulation.well import Well

_SET = r"set_?point|target|_sp$"
_TURNS = r"speed|spm|rpm|frequency"
QUANTITIES: tuple[tuple[str, str], ...] = (
    (rf"injection.*({_SET})", "injection_setpoint"),
    (rf"({_TURNS}).*({_SET})|({_SET}).*({_TURNS})", "speed_setpoint"),
    (r"run_?(status|state)", "running"),
    (r"status|state_word", "status"),
    (r"run_?hours|hour_?meter", "run_hours"),
    (r"trip|esd|shutdown|fault|alarm", "tripped"),
    (r"running|pump_?on|motor_?on", "running"),
    (rf"{_TURNS}|stroke", "pump_speed"),
    (r"current|amps?\b", "motor_current"),
    (r"volt", "voltage"),
    (r"vibration", "vibration"),
    (r"injection.*valve", "injection_valve"),
    (r"injection.*pressure", "injection_pressure"),
    (r"injection|lift_gas", "injection_rate"),
    (r"lift_depth", "lift_depth"),
    (r"rod_?load", "rod_load_peak"),
    (r"(drive|motor)_?load", "drive_load"),
    (r"fluid_?level", "fluid_level"),
    (r"fillage", "pump_fillage"),
    (r"intake.*pressure", "intake_pressure"),
    (r"discharge.*pressure", "discharge_pressure"),
    (r"motor.*temp", "motor_temperature"),
    (r"separator.*temp", "separator_temperature"),
    (r"separator.*pressure", "separator_pressure"),
    (r"water.*(level|tank)", "water_level"),
    (r"tank_?2|level_?2", "second_oil_level"),
    (r"level|tank", "oil_level"),
    (r"water.*(rate|flow)", "water_rate"),
    (r"gas.*(rate|flow)", "gas_rate"),
    (r"rate|flow$", "oil_rate"),
    (r"temp", "temperature"),
    (r"casing|annulus", "casing_pressure"),
    (r"(flow|sales).*pressure|line_?pressure", "line_pressure"),
    (r"pressure|psi", "tubing_pressure"),
    (r"choke", "choke"),
    (r"valve", "valve"),
)
"""Pattern of a tag's name to what it measures, the first that is found."""

UNITS: dict[str, tuple[float, float]] = {
    "kPa": (6.894757, 0.0),
    "bar": (0.06894757, 0.0),
    "MPa": (0.006894757, 0.0),
    "degC": (5 / 9, -160 / 9),
    "m3/d": (0.158987, 0.0),
    "m3/h": (0.158987 / 24, 0.0),
    "%": (100.0, 0.0),
    "°C": (5 / 9, -160 / 9),
    "rpm": (150.0, 0.0),
    "Hz": (5.5, 0.0),
}
"""Unit to factor and offset from the well's own unit (psi, degF, bbl/d, share of a tank …)."""

SET_BY = {"pump_speed": "speed_setpoint", "injection_rate": "injection_setpoint"}
DEFAULT_TANK_FT = 20.0
MEAN_SPIKE_S = 240.0
MEAN_DEATH_S = 300.0
DEAD_S = (10.0, 30.0)
COUNTER = re.compile(r"counter|sequence|heartbeat")

EXACT = ("status", "run_hours", "running", "tripped", "choke", "valve", "lift_depth")
STEADY = (*EXACT, "speed_setpoint", "injection_setpoint")
"""What no spike and no dead sensor falsifies; of these, what is not made to fit a tag's range."""
SHARES = ("pump_fillage", "drive_load", "injection_valve")
"""What is near the top of its range by nature, and is not made to fit it, either."""
LEVELS = ("oil_level", "second_oil_level", "water_level")

Source = Callable[[], float]
Command = Callable[[float], bool]


def _nobody(_value: float) -> bool:
    """What is measured cannot be set."""
    return False


@dataclass(slots=True)
class _Instrument:
    """One tag's instrument. analog ones spike and die; dead_until [s] is when it works again.

    command  takes a value in the tag's unit; whether anybody can set it
    """

    source: Source
    analog: bool
    command: Command = _nobody
    dead_until: float = -math.inf


class Field:
    """Wells and their instruments.

    value    by position of the tag, in its unit; of a dead instrument the last one
    dead     positions of the tags whose instrument gives nothing now
    steps    how many steps were taken
    """

    def __init__(self, tags: Sequence[Tag], *, seed: int = 1) -> None:
        self.tags = tuple(tags)
        names: dict[str, list[str]] = {}
        for tag in tags:
            names.setdefault(tag.well_id, []).append(tag.name)
        self.wells = {
            well_id: Well(Random(f"{seed}/{well_id}"), lift_of(here))  # noqa: S311 - no secret
            for well_id, here in names.items()
        }
        self.value = [0.0] * len(self.tags)
        self.dead: set[int] = set()
        self.steps = 0
        self._random = Random(f"{seed}/field")  # noqa: S311 - no secret
        self._now_s: float | None = None
        self._instruments = [self._instrument(tag) for tag in self.tags]
        self._analog = [at for at, one in enumerate(self._instruments) if one.analog]

    def step(self, now_s: float) -> None:
        """Move on to this time [s, any origin]; the first call only sets the origin."""
        elapsed_s = 0.0 if self._now_s is None else max(0.0, now_s - self._now_s)
        self._now_s = now_s
        self.steps += 1
        for well in self.wells.values():
            well.step(elapsed_s)
        self._let_one_die(now_s, elapsed_s)
        self.dead = {at for at in self._analog if self._instruments[at].dead_until > now_s}
        for at, instrument in enumerate(self._instruments):
            if at not in self.dead:
                self.value[at] = instrument.source()
        self._let_one_spike(elapsed_s)

    def kill(self, at: int, *, until_s: float) -> None:
        """Let a tag's instrument give nothing until then [s, as in step()]."""
        self._instruments[at].dead_until = until_s

    def command(self, at: int, value: float) -> bool:
        """Set a tag [its unit]. False: it is measured, and nobody can set it.

        What the field makes of it is in value at once; a speed follows its setpoint in time.
        """
        if not self._instruments[at].command(value):
            return False
        for other, instrument in enumerate(self._instruments):
            if other not in self.dead and not instrument.analog:
                self.value[other] = instrument.source()
        return True

    def _chance(self, elapsed_s: float, mean_s: float) -> bool:
        """Whether something happened that each well sees about once in mean_s seconds."""
        return self._random.random() < elapsed_s * len(self.wells) / mean_s

    def _let_one_die(self, now_s: float, elapsed_s: float) -> None:
        if self._analog and self._chance(elapsed_s, MEAN_DEATH_S):
            at = self._random.choice(self._analog)
            self.kill(at, until_s=now_s + self._random.uniform(*DEAD_S))

    def _let_one_spike(self, elapsed_s: float) -> None:
        if self._analog and self._chance(elapsed_s, MEAN_SPIKE_S):
            at = self._random.choice(self._analog)
            if at not in self.dead:
                top = self.tags[at].high
                reach = self.value[at] * self._random.uniform(1.5, 3)
                self.value[at] = reach if top is None else min(reach, top * 1.05)

    def _instrument(self, tag: Tag) -> _Instrument:
        if COUNTER.search(tag.name):
            return _Instrument(lambda: float(self.steps), analog=False)
        quantity = next((what for shape, what in QUANTITIES if re.search(shape, tag.name)), None)
        if tag.data_type == "bool":
            source = self._switch(tag, quantity)
            return _Instrument(source, analog=False, command=self._switched(tag, quantity))
        if quantity is None:
            return _Instrument(self._wave(tag), analog=True)
        factor, offset = self._factors(tag, quantity)
        known, well = self.wells[tag.well_id].quantity, self.wells[tag.well_id]
        return _Instrument(
            lambda: known[quantity] * factor + offset,
            analog=quantity not in STEADY,
            command=lambda value: well.command(quantity, (value - offset) / factor),
        )

    def _switch(self, tag: Tag, quantity: str | None) -> Source:
        known = self.wells[tag.well_id].quantity
        if quantity is not None and quantity in ("running", "tripped", "valve"):
            return lambda: known[quantity]
        if quantity in LEVELS:
            return lambda: float(known[quantity] > 0.85)
        return lambda: float(self._phase(tag, 120.0) % 1.0 < 0.5)

    def _switched(self, tag: Tag, quantity: str | None) -> Command:
        if quantity is None:
            return _nobody
        well = self.wells[tag.well_id]
        return lambda value: well.command(quantity, value)

    def _factors(self, tag: Tag, quantity: str) -> tuple[float, float]:
        """Factor and offset from what the well knows to the tag's unit."""
        known = self.wells[tag.well_id].quantity
        factor, offset = UNITS.get(tag.unit, (1.0, 0.0))
        if quantity in LEVELS and tag.unit != "%":
            factor = tag.high if tag.high is not None else DEFAULT_TANK_FT
        if tag.unit == "m3/d" and quantity == "gas_rate":
            factor = 28.3168  # of 1,000 cubic feet
        if tag.high is not None and offset == 0.0 and quantity not in (*EXACT, *SHARES):
            setpoint = SET_BY.get(quantity, quantity)
            usual = known[setpoint] * factor
            factor *= min(1.0, 0.7 * tag.high / usual) if usual > 0.7 * tag.high > 0 else 1.0
        return factor, offset

    def _wave(self, tag: Tag) -> Source:
        """For what no well knows: a sine and some noise within the tag's range."""
        low = tag.low if tag.low is not None else 0.0
        high = tag.high if tag.high is not None else low + 100.0
        middle, half = (low + high) / 2, (high - low) / 2
        return lambda: (
            middle
            + half * 0.6 * math.sin(2 * math.pi * self._phase(tag, 60.0))
            + half * 0.02 * self._random.gauss(0, 1)
        )

    def _phase(self, tag: Tag, period_s: float) -> float:
        """Turns since the origin, shifted so that tags do not move together."""
        shift = sum(tag.name.encode() + tag.well_id.encode()) % 97 / 97
        return (self._now_s or 0.0) / period_s + shift
