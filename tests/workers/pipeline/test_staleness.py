"""Tags that stopped without a word."""

from __future__ import annotations

from pumpjack_core.quality import BAD_COMM_FAILURE, level_text, reason_text
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.staleness import Staleness
from tests.workers.pipeline.examples import T0_US, batch, tag

TAGS = TagTable((tag("fast", interval_s=1.0), tag("slow", interval_s=60.0)))
SECOND = 1_000_000


def names(found) -> list[str]:
    return [] if found is None else [TAGS.tags[at].name for at in found.tag_index.tolist()]


def test_a_tag_is_marked_after_three_intervals_and_not_before_ten_seconds():
    watch = Staleness(TAGS, T0_US)
    assert names(watch.newly_stale(T0_US + 10 * SECOND)) == []
    assert names(watch.newly_stale(T0_US + 11 * SECOND)) == ["fast"]
    assert names(watch.newly_stale(T0_US + 181 * SECOND)) == ["slow"]


def test_the_mark_is_bad_stale_without_a_value():
    found = Staleness(TAGS, T0_US).newly_stale(T0_US + 11 * SECOND)
    code = int(found.quality[0])
    assert (level_text(code), reason_text(code)) == ("BAD", "stale")
    assert str(found.value[0]) == "nan"


def test_a_tag_is_marked_once_until_it_reads_again():
    watch = Staleness(TAGS, T0_US)
    watch.newly_stale(T0_US + 11 * SECOND)
    assert names(watch.newly_stale(T0_US + 20 * SECOND)) == []
    watch.saw(batch(TAGS, [1.0], received_us=T0_US + 21 * SECOND))
    assert names(watch.newly_stale(T0_US + 40 * SECOND)) == ["fast"]


def test_a_tag_that_was_told_bad_is_not_marked_again():
    watch = Staleness(TAGS, T0_US)
    watch.saw(batch(TAGS, [1.0], quality=BAD_COMM_FAILURE))
    assert names(watch.newly_stale(T0_US + 60 * SECOND)) == []


def test_when_the_device_is_away_every_tag_is_marked_at_once():
    watch = Staleness(TAGS, T0_US)
    found = watch.all_tags(BAD_COMM_FAILURE, T0_US + 5)
    assert names(found) == ["fast", "slow"]
    assert found.source_us.tolist() == [T0_US + 5] * 2
    assert names(watch.newly_stale(T0_US + 999 * SECOND)) == []


def test_an_edit_of_the_tags_keeps_what_was_seen():
    before = Staleness(TAGS, T0_US)
    before.saw(batch(TAGS, [1.0], received_us=T0_US + 8 * SECOND))
    after = Staleness(TAGS, T0_US + 8 * SECOND, before)
    assert names(after.newly_stale(T0_US + 17 * SECOND)) == []
    assert names(after.newly_stale(T0_US + 19 * SECOND)) == ["fast"]
