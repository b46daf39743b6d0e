"""One oil well and its tanks, as far as its instruments can tell.

Not a reservoir model: a few first-order lags and random walks, chosen so that what hangs together
in the field hangs together here. A pump, or lift gas, lifts the fluid; when it stops, rates and
tubing pressure fall and pressure builds up in the casing; tanks fill with what is produced and are
hauled off. A person may stop and start it, change its speed, and throttle it with the choke or
shut its valve: less flows then, and the pressure before the choke rises.
"""

from __future__ import annotations

import math
from random import Random

from pumpjack_worker.simulation.lift import GAS_LIFT, MCF_PER_STROKE, ROD_PUMP, Lift

PUMPING, TRIPPED, STOPPED = "pumping", "tripped", "stopped"
MOST_SPEED = 20.0
"""What the drive turns at most [strokes/min]: it clamps what it is told."""
SHUT_IN_PSI = 220.0
"""How far tubing pressure rises before a closed choke or valve."""

TANK_BARRELS = 400.0
TANK_HASTE = 60.0
"""Tanks fill this much faster than real ones, so that a demonstration sees one hauled off."""
HAULED_PER_S = 0.012
"""Share of a tank that a truck takes each second."""
MEAN_RUN_S, SHORTEST_RUN_S = 180.0, 60.0
MEAN_STOP_S, SHORTEST_STOP_S = 15.0, 15.0
LONGEST_STEP_S = 5.0


class Well:
    """A well. step() moves it on; quantity holds what its instruments would show.

    Pressures psi, temperatures degF, oil and water bbl/d, gas mcf/d, current A, speed strokes/min,
    levels as a share of the tank, run_hours h, conditions 0 or 1, choke as a share of fully open;
    the rest as in Lift.
    """

    def __init__(self, random: Random, lift: str = ROD_PUMP) -> None:
        self._random = random
        uniform = random.uniform
        self._oil = uniform(40, 220)
        self._water_cut = uniform(0.3, 0.75)
        self._gas_oil = uniform(0.6, 1.6)
        self._usual_speed = self._set_speed = self._speed = uniform(6, 11)
        self._choke, self._valve = 1.0, 1.0
        self._current = uniform(28, 60)
        self._line = uniform(60, 110)
        self._casing = uniform(140, 320)
        self._drift = dict.fromkeys(("line", "casing", "rate", "temperature"), 0.0)
        self._flow = 1.0  # share of the full rate, follows the pump with a lag
        self._shut_in = 0.0  # how far pressures have built up since it stands, 0 to 1
        self._state_left_s = self._run_length_s()
        self._hauling = dict.fromkeys(("oil_level", "second_oil_level", "water_level"), False)
        self._filled = "oil_level"  # the one of the two that oil runs into
        self.state = PUMPING
        self.quantity = {
            "oil_level": uniform(0.2, 0.8),
            "water_level": uniform(0.2, 0.8),
            "run_hours": float(random.randrange(1_000, 40_000)) + uniform(0, 1),
            "second_oil_level": uniform(0.2, 0.6),
        }
        self._lift = Lift(lift, random)
        self._shut_in_psi = 90.0
        if lift == GAS_LIFT:  # its casing holds the gas, which goes on into the tubing
            self._casing, self._shut_in_psi = uniform(980, 1_060), -130.0
        self.step(0.0)

    def command(self, name: str, value: float) -> bool:
        """Do what a person asks of the quantity of this name. False: nobody can set that."""
        match name:
            case "speed_setpoint" | "pump_speed":
                self._set_speed = min(max(value, 0.0), MOST_SPEED)
            case "injection_setpoint":
                return self.command("speed_setpoint", value / MCF_PER_STROKE)
            case "running":
                self.state = PUMPING if value else STOPPED
                self._state_left_s = self._run_length_s()
            case "choke":
                self._choke = min(max(value, 0.0), 1.0)
            case "valve":
                self._valve = float(value != 0.0)
            case _:
                return False
        self._settings()
        return True

    def step(self, elapsed_s: float) -> None:
        """Move on by so many seconds."""
        seconds = min(elapsed_s, LONGEST_STEP_S)
        self._run_or_trip(seconds)
        running = self.state == PUMPING
        self._speed += (self._set_speed - self._speed) * _share(seconds, 1.5)
        pace = running * self._speed / self._usual_speed
        self._flow += (pace * self._opening - self._flow) * _share(seconds, 8.0)
        self._shut_in += ((0.0 if running else 1.0) - self._shut_in) * _share(seconds, 40.0)
        for name in self._drift:
            self._drift[name] = self._walk(self._drift[name], seconds)
        self._instruments(running)
        self._lifted(seconds, running, pace)
        self._settings()
        self._tanks(seconds)
        self.quantity["run_hours"] += running * seconds / 3600
        self.quantity["status"] = float(self.status_word())

    def status_word(self) -> int:
        """Status bits: running, tripped, a tank is high, emergency shutdown, a tank is hauled."""
        levels = [self.quantity[name] for name in self._hauling]
        tripped = self.state == TRIPPED
        return (
            (self.state == PUMPING)
            | tripped << 1
            | (max(levels) > 0.85) << 2
            | tripped << 3
            | any(self._hauling.values()) << 4
        )

    @property
    def _opening(self) -> float:
        """Share of the flow that choke and valve let through."""
        return self._valve * math.sqrt(self._choke)

    def _settings(self) -> None:
        self.quantity |= {
            "speed_setpoint": self._set_speed,
            "injection_setpoint": self._set_speed * MCF_PER_STROKE,
            "choke": self._choke,
            "valve": self._valve,
            "running": float(self.state == PUMPING),
        }

    def _instruments(self, running: bool) -> None:
        gauss, drift, flow = self._random.gauss, self._drift, self._flow
        oil = self._oil * flow * (1 + 0.04 * drift["rate"])
        pace = self._speed / self._usual_speed
        held_back = SHUT_IN_PSI * running * min(pace, 1.0) * (1 - self._opening)
        stroke = running * gauss(1, 0.03)
        self.quantity |= {
            "oil_rate": max(0.0, oil * gauss(1, 0.01)),
            "water_rate": max(0.0, oil * self._water_cut / (1 - self._water_cut) * gauss(1, 0.012)),
            "gas_rate": max(0.0, oil * self._gas_oil * gauss(1, 0.02)),
            "line_pressure": self._line * (0.7 + 0.3 * flow) + 4 * drift["line"] + gauss(0, 0.3),
            "tubing_pressure": (
                self._line + 70 * flow + 4 * drift["line"] + gauss(0, 0.8) + held_back
            ),
            "casing_pressure": (
                self._casing
                + self._shut_in_psi * self._shut_in
                + 6 * drift["casing"]
                + gauss(0, 0.4)
            ),
            "temperature": 72 + 38 * flow + 3 * drift["temperature"] + gauss(0, 0.15),
            "vibration": 0.02 + 0.1 * abs(stroke),
            "voltage": 480 + gauss(0, 1.2) - 6 * running,
            "motor_current": max(0.0, self._current * stroke * (0.4 + 0.6 * pace)),
            "pump_speed": max(0.0, self._speed * running * gauss(1, 0.004)),
            "tripped": float(self.state == TRIPPED),
        }

    def _lifted(self, seconds: float, running: bool, pace: float) -> None:
        """What depends on the lift, and the separator behind it."""
        known, gauss = self.quantity, self._random.gauss
        known |= self._lift.step(
            seconds,
            running=running,
            speed=self._speed,
            pace=pace,
            flow=self._flow,
            shut_in=self._shut_in,
        )
        known |= {
            "intake_pressure": known["casing_pressure"] + known["fluid_psi"],
            "discharge_pressure": known["tubing_pressure"] + known["discharge_lift"],
            "injection_pressure": known["casing_pressure"] + 15 + 12 * pace + gauss(0, 0.5),
            "separator_pressure": 0.75 * self._line + 3 * self._drift["line"] + gauss(0, 0.2),
            "separator_temperature": known["temperature"] + 6 + gauss(0, 0.1),
        }

    def _run_or_trip(self, seconds: float) -> None:
        if self.state == STOPPED:
            return
        self._state_left_s -= seconds
        if self._state_left_s > 0:
            return
        if self.state == PUMPING:
            self.state = TRIPPED
            self._state_left_s = SHORTEST_STOP_S + self._random.expovariate(1 / MEAN_STOP_S)
        else:
            self.state = PUMPING
            self._state_left_s = self._run_length_s()

    def _run_length_s(self) -> float:
        return SHORTEST_RUN_S + self._random.expovariate(1 / MEAN_RUN_S)

    def _tanks(self, seconds: float) -> None:
        """Oil runs into one of two tanks, and into the other once a truck comes for that one."""
        if self._hauling[self._filled]:
            self._filled = "second_oil_level" if self._filled == "oil_level" else "oil_level"
        for name in ("oil_level", "second_oil_level"):
            self._tank(name, self.quantity["oil_rate"] * (name == self._filled), seconds)
        self._tank("water_level", self.quantity["water_rate"], seconds)

    def _tank(self, name: str, rate: float, seconds: float) -> None:
        level = self.quantity[name]
        level += rate / 86_400 / TANK_BARRELS * TANK_HASTE * seconds
        if self._hauling[name]:
            level -= HAULED_PER_S * seconds
        if level >= 0.92:
            self._hauling[name] = True
        elif level <= 0.12:
            self._hauling[name] = False
        self.quantity[name] = min(max(level, 0.0), 1.0)

    def _walk(self, value: float, seconds: float) -> float:
        """A random walk that is drawn back to 0: slow drift of about one in size."""
        pull = _share(seconds, 300.0)
        return value * (1 - pull) + self._random.gauss(0, 1) * math.sqrt(2 * pull)


def _share(seconds: float, constant_s: float) -> float:
    """How far a first-order lag goes in a step."""
    return min(1.0, seconds / constant_s)
