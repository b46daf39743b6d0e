"""What the journal could not take: on record, marked, and not forgotten by a kill."""

from __future__ import annotations

import msgspec
import pytest

from pumpjack_core.clock import iso_us
from pumpjack_core.quality import Level, Reason, level_of, reason_of
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.hole import Hole, Loss
from pumpjack_worker.pipeline.hole_file import NAME, SECTOR_BYTES, HoleFile
from tests.workers.pipeline.examples import T0_US, batch, table, tag

TAGS = table("pressure", "flow", "level")
LOSS = Loss(T0_US, T0_US + 9, 3, 111)


def marked(hole: Hole, tags: TagTable = TAGS) -> list[tuple[str, int]]:
    """Tag and time of each mark."""
    found = hole.marks(tags, T0_US + 1_000)
    assert {level_of(code) for code in found.quality.tolist()} <= {Level.BAD}
    assert {reason_of(code) for code in found.quality.tolist()} <= {Reason.NOT_STORED}
    assert all(value != value for value in found.value.tolist())
    names = [tags.tags[at].name for at in found.tag_index.tolist()]
    return list(zip(names, found.source_us.tolist(), strict=True))


def test_two_holes_side_by_side_are_one_from_the_first_reading_with_all_that_was_lost():
    first = Hole.of(batch(TAGS, [1.0] * 10, index=[0] * 10, received_us=T0_US))
    first.add(batch(TAGS, [1.0], received_us=T0_US + 4))
    second = Hole.of(batch(TAGS, [1.0] * 100, index=[0] * 100, received_us=T0_US + 9))
    second.join(first)
    note = second.note()
    assert (note.reason, note.us) == ("not_stored", T0_US)
    assert msgspec.json.decode(note.raw) == {
        "from": iso_us(T0_US),
        "to": iso_us(T0_US + 9),
        "batches": 3,
        "readings": 111,
    }


def test_a_tag_is_marked_where_its_first_and_its_last_reading_was_lost():
    hole = Hole.of(batch(TAGS, [1.0, 2.0, 3.0], index=[1, 0, 1], us=[70, 50, 60]))
    hole.add(batch(TAGS, [4.0], index=[1], us=[90]))
    assert marked(hole) == [("pressure", 50), ("flow", 60), ("flow", 90)]


def test_of_holes_that_are_joined_the_outermost_ends_are_marked():
    hole, other = (Hole.of(batch(TAGS, [1.0], index=[0], us=[us])) for us in (20, 10))
    other.add(batch(TAGS, [1.0], index=[2], us=[15]))
    hole.join(other)
    assert marked(hole) == [("pressure", 10), ("pressure", 20), ("level", 15)]


def test_a_tag_that_is_read_no_more_is_not_marked_and_one_that_moved_is():
    hole = Hole.of(batch(TAGS, [1.0, 2.0], index=[0, 1], us=[10, 20]))
    later = TagTable((tag("new"), TAGS.tags[1]))
    assert marked(hole, later) == [("flow", 20)]


def test_a_batch_without_readings_that_was_lost_is_counted_and_marks_nothing():
    hole = Hole.of(batch(TAGS, [], received_us=T0_US))
    assert hole.loss == Loss(T0_US, T0_US, 1, 0)
    assert marked(hole) == []


def test_what_is_not_on_record_is_known_to_the_next_process_until_it_is(tmp_path):
    assert HoleFile(tmp_path).read() is None
    assert HoleFile(tmp_path).write(LOSS)
    assert HoleFile(tmp_path).read() == LOSS
    assert HoleFile(tmp_path).write(None)
    assert HoleFile(tmp_path).read() is None
    assert (tmp_path / NAME).stat().st_size == SECTOR_BYTES


@pytest.mark.parametrize("at", [0, 3, 9, 20, 60])
def test_a_file_that_does_not_read_tells_nothing(tmp_path, at):
    HoleFile(tmp_path).write(LOSS)
    content = bytearray((tmp_path / NAME).read_bytes())
    content[at] ^= 0x40
    (tmp_path / NAME).write_bytes(content)
    assert HoleFile(tmp_path).read() is None


def test_a_file_that_was_cut_short_has_its_room_again(tmp_path):
    (tmp_path / NAME).write_bytes(b"0")
    assert HoleFile(tmp_path).read() is None
    assert (tmp_path / NAME).stat().st_size == SECTOR_BYTES


def test_where_no_file_can_be_made_nothing_is_kept_and_nothing_ends(tmp_path):
    file = HoleFile(tmp_path / "not-there")
    assert file.read() is None
    assert not file.write(LOSS)
