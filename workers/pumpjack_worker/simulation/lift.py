"""What lifts a well's fluid, and what the instruments round it show.

A rod pump, an electrical submersible pump or lift gas. The numbers hang together as a well's do:
a pump that stands draws no load, its motor cools, and fluid rises above it; lift gas that is shut
off leaves the casing, and the well lifts from a higher valve.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

ROD_PUMP, ESP, GAS_LIFT = "rod-pump", "esp", "gas-lift"
MCF_PER_STROKE = 60.0
"""Lift gas a day [mcf] for each stroke a minute that a pump in its place would make."""
PSI_PER_FT = 0.38
"""Of the mixture above the pump."""
COLUMN_PSI = 2_450.0
"""Weight of the fluid in the tubing, from the pump up."""
PUMP_FT = 6_120.0
"""Where a pump hangs, below the ground."""
GAS_VALVES_FT = (5_280.0, 6_480.0)
"""Depths of the two deepest gas lift valves."""
STATOR_S = 90.0
"""How slowly a motor's temperature follows its load."""


def lift_of(names: Iterable[str]) -> str:
    """What lifts a well with tags of these names."""
    text = " ".join(names)
    if "injection" in text:
        return GAS_LIFT
    return ESP if "frequency" in text or "discharge" in text else ROD_PUMP


class Lift:
    """One well's lift. step() gives what its instruments show.

    Load lbf, depths (of the fluid's surface, of the lowest open valve) ft, pressures psi,
    temperature degF, gas mcf/d, fillage, drive load and valve as shares.
    """

    def __init__(self, kind: str, random: Random) -> None:
        self._random = random
        deep = kind == ESP  # which is set where there is more fluid above it
        self._fluid = random.uniform(1_100, 1_600) if deep else random.uniform(450, 1_000)
        self._fillage = random.uniform(0.8, 0.92)
        self._load = random.uniform(15_000, 19_000)
        self._hottest = random.uniform(255, 280)
        self._motor = 190.0

    def step(
        self,
        seconds: float,
        *,
        running: bool,
        speed: float,
        pace: float,
        flow: float,
        shut_in: float,
    ) -> dict[str, float]:
        """Move on by so many seconds.

        speed    in strokes a minute, or what would be that
        pace     of its speed to the usual one
        flow     share of the full rate
        shut_in  how far pressures have built up since it stands, 0 to 1
        """
        gauss = self._random.gauss
        work = pace if running else 0.0
        fluid = self._fluid * (1.1 - 0.1 * min(pace, 2.0)) + 350 * shut_in + gauss(0, 2)
        fillage = min(max(self._fillage - 0.2 * (pace - 1) + gauss(0, 0.012), 0.2), 1.0)
        target = 165 + (self._hottest - 165) * work
        self._motor += (target - self._motor) * min(1.0, seconds / STATOR_S)
        return {
            "fluid_level": PUMP_FT - fluid,
            "pump_fillage": fillage * running,
            "rod_load_peak": self._load
            * ((0.88 + 0.12 * fillage + 0.08 * (pace - 1)) if running else 0.6)
            * gauss(1, 0.004),
            "drive_load": max(0.0, 0.74 * work * gauss(1, 0.015)),
            "motor_temperature": self._motor + gauss(0, 0.3),
            "fluid_psi": fluid * PSI_PER_FT,
            "discharge_lift": COLUMN_PSI + 160 * flow + gauss(0, 4),
            "injection_rate": max(0.0, speed * MCF_PER_STROKE * running * gauss(1, 0.01)),
            "injection_valve": 0.42 * min(work, 2.2),
            "lift_depth": GAS_VALVES_FT[flow > 0.35],
        }
