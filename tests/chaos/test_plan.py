"""The same seed breaks the same things."""

from __future__ import annotations

from tests.chaos import plan
from tests.chaos.plan import KINDS
from tests.chaos.strike import STRIKES


def test_a_seed_can_be_repeated_and_another_one_is_another_run() -> None:
    first = plan.draw(7, 200, longest_pause_s=2.0)
    assert plan.draw(7, 200, longest_pause_s=2.0) == first
    assert plan.draw(8, 200, longest_pause_s=2.0) != first


def test_every_kind_of_fault_comes_at_least_once_where_there_is_room() -> None:
    faults = plan.draw(3, len(KINDS), longest_pause_s=2.0)
    assert {fault.kind for fault in faults} == set(KINDS)


def test_what_a_machine_cannot_do_is_not_drawn() -> None:
    kinds = ["kill-worker", "kill-redis"]
    faults = plan.draw(3, 50, longest_pause_s=2.0, kinds=kinds)
    assert {fault.kind for fault in faults} == set(kinds)


def test_every_kind_can_be_done() -> None:
    assert KINDS.keys() == STRIKES.keys()
