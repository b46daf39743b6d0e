"""What the journal could not take, on record."""

from __future__ import annotations

import msgspec

from pumpjack_core.clock import iso_us
from pumpjack_worker.pipeline.hole import Hole
from tests.workers.pipeline.examples import T0_US


def test_two_holes_side_by_side_are_one_from_the_first_reading_with_all_that_was_lost():
    first, second = Hole(T0_US), Hole(T0_US + 5)
    first.add(10)
    first.add(1)
    second.add(100)
    second.join(first)
    note = second.note(T0_US + 9)
    assert note.reason == "not_stored"
    assert msgspec.json.decode(note.raw) == {
        "from": iso_us(T0_US),
        "to": iso_us(T0_US + 9),
        "batches": 3,
        "readings": 111,
    }
