"""What lifts a well: its instruments tell one story."""

from __future__ import annotations

import pytest

from pumpjack_core.tags import Tag
from pumpjack_worker.simulation.field import Field
from pumpjack_worker.simulation.lift import ESP, GAS_LIFT, ROD_PUMP, lift_of

PRESSURES = ("tubing_pressure", "casing_pressure")
WELLS = {
    ROD_PUMP: ("polished_rod_load_peak", "pump_fillage", "fluid_level", "pump_intake_pressure"),
    ESP: ("drive_frequency", "drive_load", "motor_temperature", "pump_discharge_pressure"),
    GAS_LIFT: ("injection_rate", "injection_pressure", "injection_valve_position", "lift_depth"),
}
SETTINGS = ("run_status", "drive_frequency_setpoint", "injection_rate_setpoint", "speed_setpoint")
UNITS = {"pump_fillage": "%", "drive_load": "%", "injection_valve_position": "%"}
UNITS |= {"drive_frequency": "Hz", "drive_frequency_setpoint": "Hz"}
SETTLED_S = 240


class Site:
    """A well that steps a second at a time, and stands or runs as it is told."""

    def __init__(self, lift: str) -> None:
        set_by = {ESP: SETTINGS[1], GAS_LIFT: SETTINGS[2], ROD_PUMP: SETTINGS[3]}[lift]
        self.names = (*PRESSURES, *WELLS[lift], "run_status", set_by)
        self.field = Field([self._tag(name) for name in self.names], seed=4)
        self.now_s = 0

    @staticmethod
    def _tag(name: str) -> Tag:
        data_type = "bool" if name == "run_status" else "float32"
        return Tag("w1", name, "", data_type, 1.0, unit=UNITS.get(name, ""))

    def command(self, name: str, value: float) -> None:
        assert self.field.command(self.names.index(name), value)

    def settle(self, *, running: bool = True) -> dict[str, float]:
        """The median of each tag once it has run, or stood, for long enough."""
        rows = []
        for second in range(2 * SETTLED_S):
            if bool(self.field.value[self.names.index("run_status")]) != running:
                self.command("run_status", float(running))
            self.field.step(float(self.now_s))
            self.now_s += 1
            if second >= SETTLED_S:
                rows.append(list(self.field.value))
        middle = len(rows) // 2
        columns = (sorted(column)[middle] for column in zip(*rows, strict=True))
        return dict(zip(self.names, columns, strict=True))


@pytest.mark.parametrize("lift", WELLS)
def test_what_lifts_a_well_is_known_by_its_tags(lift: str) -> None:
    assert lift_of((*PRESSURES, *WELLS[lift])) == lift


def test_a_rod_pump_that_stands_carries_less_and_fluid_rises_above_it() -> None:
    site = Site(ROD_PUMP)
    runs, stands = site.settle(), site.settle(running=False)
    assert 70 < runs["pump_fillage"] <= 100
    assert stands["pump_fillage"] == 0
    assert stands["polished_rod_load_peak"] < 0.75 * runs["polished_rod_load_peak"]
    assert stands["fluid_level"] < runs["fluid_level"] - 200  # a depth: nearer to the ground
    for shown in (runs, stands):
        assert shown["pump_intake_pressure"] > shown["casing_pressure"] + 100
    assert stands["pump_intake_pressure"] > runs["pump_intake_pressure"] + 100


def test_a_submersible_pump_gets_warmer_with_its_frequency_and_cools_when_it_stands() -> None:
    site = Site(ESP)
    usual = site.settle()
    site.command("drive_frequency_setpoint", 1.3 * usual["drive_frequency"])
    faster = site.settle()
    assert faster["drive_frequency"] == pytest.approx(1.3 * usual["drive_frequency"], rel=0.02)
    assert faster["motor_temperature"] > usual["motor_temperature"] + 15
    assert faster["drive_load"] > 1.2 * usual["drive_load"]
    stands = site.settle(running=False)
    assert stands["drive_load"] == 0
    assert stands["motor_temperature"] < 200
    assert faster["pump_discharge_pressure"] > faster["tubing_pressure"] + 2_000


def test_lift_gas_goes_where_it_is_set_and_its_pressure_stands_in_the_casing() -> None:
    site = Site(GAS_LIFT)
    usual = site.settle()
    assert 900 < usual["casing_pressure"] < usual["injection_pressure"]
    site.command("injection_rate_setpoint", 300.0)
    assert site.settle()["injection_rate"] == pytest.approx(300, rel=0.02)
    off = site.settle(running=False)
    assert (off["injection_rate"], off["injection_valve_position"]) == (0, 0)
    assert off["casing_pressure"] < usual["casing_pressure"] - 80
    assert off["lift_depth"] < usual["lift_depth"]


def test_oil_runs_into_one_tank_at_a_time_and_a_truck_comes_for_the_other() -> None:
    names = ("oil_tank_1_level", "oil_tank_2_level", "oil_rate")
    field = Field([Tag("w1", name, "", "float32", 1.0) for name in names], seed=2)
    well = field.wells["w1"]
    rose = dict.fromkeys(("oil_level", "second_oil_level"), 0)
    before = dict(well.quantity)
    for _ in range(30_000):
        well.step(1.0)
        both = [name for name in rose if well.quantity[name] > before[name]]
        assert len(both) <= 1
        for name in both:
            rose[name] += 1
        before = dict(well.quantity)
    assert min(rose.values()) > 1_000
