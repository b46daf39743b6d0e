"""Tags that stopped without a word."""

from __future__ import annotations

import pytest

from pumpjack_core.quality import BAD_COMM_FAILURE, level_text, reason_text
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.staleness import Staleness
from tests.workers.pipeline.examples import StillClock, batch, tag

TAGS = TagTable((tag("fast", interval_s=1.0), tag("slow", interval_s=60.0)))


class Wall(StillClock):
    """A clock whose wall time can be set without time passing."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by = 0

    def now_us(self) -> int:
        return self.us + self.set_by


@pytest.fixture
def clock():
    return Wall()


def names(found) -> list[str]:
    return [] if found is None else [TAGS.tags[at].name for at in found.tag_index.tolist()]


def test_a_tag_is_marked_after_three_intervals_and_not_before_ten_seconds(clock):
    watch = Staleness(TAGS, clock)
    clock.advance(10)
    assert names(watch.newly_stale()) == []
    clock.advance(1)
    assert names(watch.newly_stale()) == ["fast"]
    clock.advance(170)
    assert names(watch.newly_stale()) == ["slow"]


def test_the_mark_is_bad_stale_without_a_value_at_the_time_of_the_finding(clock):
    watch = Staleness(TAGS, clock)
    clock.advance(11)
    found = watch.newly_stale()
    code = int(found.quality[0])
    assert (level_text(code), reason_text(code)) == ("BAD", "stale")
    assert str(found.value[0]) == "nan"
    assert found.source_us.tolist() == [clock.now_us()]


def test_a_tag_is_marked_once_until_it_reads_again(clock):
    watch = Staleness(TAGS, clock)
    clock.advance(11)
    watch.newly_stale()
    clock.advance(9)
    assert names(watch.newly_stale()) == []
    clock.advance(1)
    watch.saw(batch(TAGS, [1.0]))
    clock.advance(19)
    assert names(watch.newly_stale()) == ["fast"]


def test_a_tag_that_was_told_bad_is_not_marked_again(clock):
    watch = Staleness(TAGS, clock)
    watch.saw(batch(TAGS, [1.0], quality=BAD_COMM_FAILURE))
    clock.advance(60)
    assert names(watch.newly_stale()) == []


def test_when_the_device_is_away_every_tag_is_marked_at_once(clock):
    watch = Staleness(TAGS, clock)
    found = watch.all_tags(BAD_COMM_FAILURE)
    assert names(found) == ["fast", "slow"]
    assert found.source_us.tolist() == [clock.now_us()] * 2
    clock.advance(999)
    assert names(watch.newly_stale()) == []


def test_an_edit_of_the_tags_keeps_what_was_seen(clock):
    before = Staleness(TAGS, clock)
    clock.advance(8)
    before.saw(batch(TAGS, [1.0]))
    after = Staleness(TAGS, clock, before)
    clock.advance(9)
    assert names(after.newly_stale()) == []
    clock.advance(2)
    assert names(after.newly_stale()) == ["fast"]


def test_a_clock_that_is_set_back_hides_no_tag_that_stopped(clock):
    watch = Staleness(TAGS, clock)
    watch.saw(batch(TAGS, [1.0], received_us=clock.now_us()))
    clock.set_by = -3_600_000_000
    clock.advance(11)
    assert names(watch.newly_stale()) == ["fast"]


def test_a_clock_that_is_set_forward_makes_no_tag_stale(clock):
    watch = Staleness(TAGS, clock)
    clock.set_by = 3_600_000_000
    clock.advance(1)
    assert names(watch.newly_stale()) == []


def test_a_tag_with_a_limit_of_its_own_is_marked_after_that(clock):
    watch = Staleness(TagTable((tag("slow", interval_s=1.0, stale_s=300.0),)), clock)
    clock.advance(300)
    assert watch.newly_stale() is None
    clock.advance(1)
    assert watch.newly_stale() is not None


def test_a_tag_whose_protocol_tells_that_the_device_is_away_is_never_stale_by_itself(clock):
    watch = Staleness(TagTable((tag("quiet", interval_s=1.0, stale_s=0.0),)), clock)
    clock.advance(86_400)
    assert watch.newly_stale() is None
