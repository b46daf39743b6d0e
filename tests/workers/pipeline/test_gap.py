"""When a gap is marked, and at which times."""

from __future__ import annotations

import numpy as np
import pytest

from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.gap import Gap, Span, marks
from tests.workers.pipeline.examples import tag

S = 1_000_000
TAGS = TagTable((tag("fast", interval_s=1.0), tag("slow", interval_s=60.0)))


def told(span: Span | None, tags: TagTable = TAGS) -> dict[str, list[int]]:
    """Tag to the times at which it is marked."""
    batch = None if span is None else marks(tags, span, 10**12)
    if batch is None:
        return {}
    assert set(batch.quality.tolist()) == {BAD_COMM_FAILURE}
    assert np.isnan(batch.value).all()
    found: dict[str, list[int]] = {}
    for at, us in zip(batch.tag_index.tolist(), batch.source_us.tolist(), strict=True):
        found.setdefault(tags.tags[at].name, []).append(us)
    return found


def test_a_first_start_of_all_that_is_answered_at_once_has_no_gap():
    gap = Gap(None)
    gap.tries(5 * S)
    assert gap.answered(brought_back=False) is None


def test_an_outage_is_marked_where_the_session_was_lost_and_where_the_next_was_begun():
    gap = Gap(None)
    gap.tries(0)
    gap.answered(brought_back=False)
    assert gap.begins(10 * S)
    for tried in (11, 13, 17):
        gap.tries(tried * S)
        assert not gap.begins(tried * S + 1), "it is marked once"
    gap.tries(25 * S)
    assert told(gap.answered(brought_back=False)) == {"fast": [25 * S], "slow": [25 * S]}
    assert gap.answered(brought_back=False) is None
    assert gap.begins(99 * S), "the next outage is news again"


def test_a_session_that_is_begun_and_says_nothing_is_no_end_of_the_outage():
    gap = Gap(None)
    gap.tries(0)
    gap.answered(brought_back=False)
    assert gap.begins(10 * S)
    gap.tries(20 * S)
    assert not gap.begins(21 * S)
    gap.tries(30 * S)
    assert gap.answered(brought_back=False) == Span(None, 30 * S)


def test_a_worker_that_starts_anew_marks_both_ends_of_the_time_without_one():
    gap = Gap(100 * S)
    gap.tries(400 * S)
    ends = [100 * S + 1, 400 * S]
    assert told(gap.answered(brought_back=False)) == {"fast": ends, "slow": ends}


def test_a_tag_that_missed_no_poll_by_the_new_start_is_not_marked():
    gap = Gap(100 * S)
    gap.tries(104 * S)
    assert told(gap.answered(brought_back=False)) == {"fast": [100 * S + 1, 104 * S]}


def test_a_new_start_within_two_intervals_marks_nothing():
    gap = Gap(100 * S)
    gap.tries(102 * S)
    assert told(gap.answered(brought_back=False)) == {}


def test_a_new_start_while_the_device_is_away_marks_from_the_last_process_to_the_answer():
    gap = Gap(100 * S)
    gap.tries(400 * S)
    assert gap.begins(401 * S), "screens are told at once"
    gap.tries(900 * S)
    assert told(gap.answered(brought_back=False))["slow"] == [100 * S + 1, 900 * S]


def test_what_is_not_polled_may_have_missed_something_however_short_it_was():
    gap = Gap(100 * S)
    gap.tries(101 * S)
    tags = TagTable((tag("quiet", interval_s=60.0, stale_s=300.0),))
    assert told(gap.answered(brought_back=False), tags) == {"quiet": [100 * S + 1, 101 * S]}


def test_what_the_protocol_brings_back_is_no_gap():
    gap = Gap(100 * S)
    gap.tries(400 * S)
    assert gap.answered(brought_back=True) is None
    assert gap.begins(500 * S)
    gap.tries(600 * S)
    assert gap.answered(brought_back=True) is None


@pytest.mark.parametrize("now", [50, 100])
def test_a_clock_that_was_set_back_makes_no_gap_that_ends_before_it_begins(now):
    gap = Gap(100 * S)
    gap.tries(now * S)
    assert gap.answered(brought_back=False) is None


def test_of_a_gap_that_began_before_what_the_store_keeps_only_the_end_is_marked():
    gap = Gap(100 * S)
    end = 100 * S + 91 * 86_400 * S
    gap.tries(end)
    assert told(gap.answered(brought_back=False)) == {"fast": [end], "slow": [end]}


def test_a_new_journal_s_worker_marks_the_time_since_another_s_last_reading():
    gap = Gap(None)
    gap.tries(400 * S)
    assert gap.answered(brought_back=False) is None, "nothing is known yet"
    ends = [100 * S + 1, 400 * S]
    assert told(gap.follows(100 * S)) == {"fast": ends, "slow": ends}
    assert gap.follows(100 * S) is None, "once"


def test_what_the_database_says_before_the_device_answers_is_marked_with_the_answer():
    gap = Gap(None)
    assert gap.follows(100 * S) is None
    gap.tries(400 * S)
    assert gap.follows(100 * S) is None
    assert told(gap.answered(brought_back=False))["fast"] == [100 * S + 1, 400 * S]


@pytest.mark.parametrize("read_until_us", [0, 400 * S, 900 * S])
def test_where_nobody_has_read_before_or_somebody_until_now_nothing_is_marked(read_until_us):
    gap = Gap(None)
    gap.tries(400 * S)
    gap.answered(brought_back=False)
    assert gap.follows(read_until_us) is None


def test_a_worker_whose_journal_knows_the_time_before_asks_nobody():
    gap = Gap(300 * S)
    gap.tries(400 * S)
    assert gap.follows(100 * S) is None
    assert told(gap.answered(brought_back=False))["fast"] == [300 * S + 1, 400 * S]
    assert gap.follows(100 * S) is None


def test_what_a_new_journal_s_session_brings_back_is_no_gap():
    gap = Gap(None)
    gap.tries(400 * S)
    gap.answered(brought_back=True)
    assert gap.follows(100 * S) is None
