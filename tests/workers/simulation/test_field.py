"""Wells that behave as an operator would expect them to."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest

from pumpjack_core.tags import Tag
from pumpjack_worker.simulation.field import Field
from pumpjack_worker.simulation.well import PUMPING, TRIPPED, Well

TAGS = [
    Tag("w1", "tubing_pressure", "", "float32", 1.0, unit="psi", low=0, high=3000),
    Tag("w1", "casing_pressure", "", "float32", 1.0, unit="kPa"),
    Tag("w1", "oil_rate", "", "float32", 1.0, unit="bbl/d", low=0, high=2000),
    Tag("w1", "oil_tank_level", "", "int16", 1.0, unit="ft", low=0, high=20),
    Tag("w1", "pump_running", "", "bool", 1.0),
    Tag("w1", "esd_tripped", "", "bool", 1.0),
    Tag("w1", "run_hours", "", "uint32", 1.0, unit="h"),
    Tag("w1", "status_word", "", "uint16", 1.0),
    Tag("w1", "poll_counter", "", "uint32", 1.0),
    Tag("w1", "separator_ph", "", "float32", 1.0, low=4, high=9),
    Tag("w2", "tubing_pressure", "", "float32", 1.0, unit="psi", low=0, high=3000),
]
NAMES = {tag.name: at for at, tag in reversed(list(enumerate(TAGS)))}


def run(seed: int, seconds: int) -> list[dict[str, float]]:
    """One row a second, w1 only, dead sensors as NaN."""
    field, rows = Field(TAGS, seed=seed), []
    for second in range(seconds):
        field.step(1_000_000.0 + second)
        row = {name: field.value[at] for name, at in NAMES.items()}
        rows.append(row | {name: math.nan for name, at in NAMES.items() if at in field.dead})
    return rows


@pytest.fixture(scope="module")
def an_hour() -> list[dict[str, float]]:
    return run(seed=7, seconds=3600)


def test_the_same_seed_gives_the_same_field_and_another_seed_another() -> None:
    assert run(1, 50) == run(1, 50)
    assert run(1, 50) != run(2, 50)


def test_the_pump_trips_and_starts_again(an_hour: list[dict[str, float]]) -> None:
    running = [row["pump_running"] for row in an_hour]
    starts = sum(before < after for before, after in pairwise(running))
    assert starts >= 3
    assert 0.7 < sum(running) / len(running) < 0.98
    assert all(row["esd_tripped"] == 1 - row["pump_running"] for row in an_hour)


def test_the_status_word_tells_what_the_bits_tell(an_hour: list[dict[str, float]]) -> None:
    for row in an_hour:
        status = int(row["status_word"])
        assert status & 1 == row["pump_running"]
        assert status >> 3 & 1 == row["esd_tripped"]


def test_oil_comes_only_while_the_pump_runs(an_hour: list[dict[str, float]]) -> None:
    stopped = [
        late["oil_rate"]
        for early, late in zip(an_hour, an_hour[14:], strict=False)
        if early["esd_tripped"] and late["esd_tripped"] and not math.isnan(late["oil_rate"])
    ]
    usual = sorted(row["oil_rate"] for row in an_hour if not math.isnan(row["oil_rate"]))
    assert stopped
    assert max(stopped) < 0.5 * usual[len(usual) // 2]


def test_tanks_fill_and_are_hauled_off() -> None:
    well = Well(Random(3))
    levels = []
    for _ in range(20_000):
        well.step(1.0)
        levels.append(well.quantity["oil_level"])
    assert max(levels) < 1.0
    hauled = sum(after < before for before, after in pairwise(levels))
    filled = sum(after > before for before, after in pairwise(levels))
    assert 0 < hauled < filled


def test_run_hours_count_only_running(an_hour: list[dict[str, float]]) -> None:
    grown = an_hour[-1]["run_hours"] - an_hour[0]["run_hours"]
    assert grown == pytest.approx(sum(row["pump_running"] for row in an_hour) / 3600, rel=0.02)


def test_a_sensor_dies_for_a_while_and_now_and_then_one_spikes() -> None:
    field = Field(TAGS, seed=5)
    dead, spikes, last = 0, 0, None
    for second in range(7200):
        field.step(float(second))
        dead += bool(field.dead)
        value = field.value[0]
        spikes += last is not None and value > 1.4 * last
        last = value
    assert 0 < dead < 7200 / 4
    assert spikes >= 1


def test_what_no_well_knows_moves_within_its_range(an_hour: list[dict[str, float]]) -> None:
    values = [row["separator_ph"] for row in an_hour if not math.isnan(row["separator_ph"])]
    assert len(set(values)) > 1000
    assert all(4 <= value <= 9.5 for value in values)


def test_a_counter_counts_the_steps(an_hour: list[dict[str, float]]) -> None:
    assert [row["poll_counter"] for row in an_hour[:3]] == [1, 2, 3]


def test_units_are_those_of_the_tag() -> None:
    tags = [
        Tag("w1", "casing_pressure", "", "float32", 1.0, unit=unit)
        for unit in ("psi", "kPa", "bar")
    ] + [Tag("w1", "temperature", "", "float32", 1.0, unit=unit) for unit in ("degF", "degC")]
    field = Field(tags, seed=1)
    field.step(0.0)
    psi, kilopascal, bar, fahrenheit, celsius = field.value
    assert kilopascal == pytest.approx(psi * 6.894757)
    assert bar == pytest.approx(kilopascal / 100)
    assert celsius == pytest.approx((fahrenheit - 32) / 1.8)


def test_a_well_is_pumping_or_tripped() -> None:
    well = Well(Random(1))
    seen = set()
    for _ in range(2000):
        well.step(1.0)
        seen.add(well.state)
    assert seen == {PUMPING, TRIPPED}


COMMANDED = [
    Tag("w1", "speed_setpoint", "", "float32", 1.0, unit="spm", low=0.0, high=20.0),
    Tag("w1", "pump_speed", "", "float32", 1.0, unit="spm", low=0.0, high=20.0),
    Tag("w1", "choke_position", "", "float32", 1.0, unit="%", low=0.0, high=100.0),
    Tag("w1", "wing_valve_open", "", "bool", 1.0),
    Tag("w1", "pump_running", "", "bool", 1.0),
    Tag("w1", "oil_rate", "", "float32", 1.0, unit="bbl/d"),
    Tag("w1", "tubing_pressure", "", "float32", 1.0, unit="psi"),
    Tag("w1", "motor_current", "", "float32", 1.0, unit="A"),
]
SETPOINT, SPEED, CHOKE, VALVE, RUNNING, OIL, PRESSURE, CURRENT = range(len(COMMANDED))
SETTLED_S = 60


class Site:
    """A field that steps a second at a time, its pump started again whenever it trips."""

    def __init__(self) -> None:
        self.field = Field(COMMANDED, seed=3)
        self.now_s = 0
        self.settle()

    def settle(self, *, keep_running: bool = True) -> list[float]:
        """The mean of each tag over some seconds, once what was commanded has settled."""
        rows = []
        for second in range(2 * SETTLED_S):
            self.field.step(float(self.now_s))
            self.now_s += 1
            if keep_running and not self.field.value[RUNNING]:
                self.field.command(RUNNING, 1.0)
            if second >= SETTLED_S:
                rows.append(list(self.field.value))
        return [sum(column) / len(column) for column in zip(*rows, strict=True)]


def test_a_faster_pump_lifts_more_and_draws_more_current() -> None:
    site = Site()
    assert site.field.command(SETPOINT, 5.0)
    assert site.field.value[SETPOINT] == 5.0, "at once, and exactly"
    slow = site.settle()
    assert site.field.command(SETPOINT, 10.0)
    fast = site.settle()
    assert slow[SPEED] == pytest.approx(5.0, rel=0.1)
    assert fast[SPEED] == pytest.approx(10.0, rel=0.1)
    assert fast[OIL] > 1.6 * slow[OIL]
    assert fast[CURRENT] > 1.2 * slow[CURRENT]


def test_a_choke_holds_flow_back_and_pressure_rises_before_it() -> None:
    site = Site()
    before = site.settle()
    assert site.field.command(CHOKE, 25.0)
    throttled = site.settle()
    assert throttled[CHOKE] == 25.0
    assert throttled[OIL] < 0.7 * before[OIL]
    assert throttled[PRESSURE] > before[PRESSURE] + 30
    assert site.field.command(VALVE, 0.0)
    shut = site.settle()
    assert shut[OIL] < 0.05 * before[OIL]
    assert shut[PRESSURE] > throttled[PRESSURE]


def test_a_stopped_pump_stays_stopped_until_somebody_starts_it() -> None:
    site = Site()
    assert site.field.command(RUNNING, 0.0)
    stopped = site.settle(keep_running=False)
    assert (stopped[RUNNING], stopped[SPEED]) == (0.0, 0.0)
    assert site.field.command(RUNNING, 1.0)
    assert site.field.value[RUNNING] == 1.0


def test_a_drive_clamps_and_what_is_measured_cannot_be_set() -> None:
    site = Site()
    assert site.field.command(SETPOINT, 500.0)
    assert site.field.value[SETPOINT] == 20.0
    assert site.field.command(CHOKE, -5.0)
    assert site.field.value[CHOKE] == 0.0
    assert not site.field.command(OIL, 100.0)
