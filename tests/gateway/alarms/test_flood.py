"""Floods and figures, against plain definitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pumpjack_gateway.alarms.figures import Figures, Name, Raised, Standing, figures
from pumpjack_gateway.alarms.flood import WINDOW_US, Meter, Span, floods

S = 1_000_000
MIN = 60 * S
times = st.lists(st.integers(0, 7200), max_size=80).map(lambda found: sorted(t * S for t in found))


def in_window(raised: list[int], at: int) -> int:
    return sum(at - WINDOW_US < one <= at for one in raised)


def plainly(raised: list[int], now: int) -> list[Span]:
    """Second by second."""
    spans: list[Span] = []
    since = None
    for at in range(0, now + 1, S):
        number = in_window(raised, at)
        if since is not None and number < 5:
            spans.append(Span(since, at))
            since = None
        elif since is None and number > 10:
            since = at
    return spans + ([Span(since, None)] if since is not None else [])


@given(times)
def test_floods_are_those_of_a_look_at_every_second(raised: list[int]) -> None:
    now = 9000 * S
    assert floods(raised, now) == plainly(raised, now)


def test_ten_alarms_in_ten_minutes_are_no_flood_and_eleven_are() -> None:
    meter = Meter()
    for number in range(10):
        meter.add(number * MIN // 2)
    assert meter.since_us(5 * MIN) is None
    meter.add(5 * MIN)
    assert meter.since_us(5 * MIN) == 5 * MIN
    assert meter.new(5 * MIN) == 11


def test_a_flood_goes_on_until_fewer_than_five_are_left() -> None:
    raised = [number * 10 * S for number in range(11)]
    meter = Meter()
    for at in raised:
        meter.add(at)
    ends = raised[6] + WINDOW_US  # the seventh leaves, four are left
    assert meter.since_us(ends - 1) == raised[-1]
    assert meter.since_us(ends) is None
    assert meter.ended == [Span(raised[-1], ends)]


def test_one_that_comes_late_counts_as_of_now_and_breaks_nothing() -> None:
    meter = Meter()
    for at in (600 * S, 10 * S, 601 * S):
        meter.add(at)
    assert meter.new(601 * S) == 3


def name(alarm_id: str) -> Name:
    return Name(alarm_id, "ops/pad7", "a1", "flow", "hi", 2)


def compute(
    raised: list[Raised], *, hours: int = 1, standing: tuple[Standing, ...] = ()
) -> Figures:
    return figures(
        raised,
        {one.alarm_id: name(one.alarm_id) for one in raised},
        standing,
        start_us=0,
        end_us=hours * 60 * MIN,
        shift_us=8 * 60 * MIN,
        shifts_from_us=0,
    )


@given(times)
def test_average_peak_and_shares_are_what_their_definitions_say(raised: list[int]) -> None:
    found = compute([Raised(at, "a", 1) for at in raised], hours=3)
    assert found.alarms == len(raised)
    assert found.average_per_10_min == round(len(raised) / 18, 4)
    peak = max((in_window(raised, at) for at in raised), default=0)
    assert found.peak_per_10_min == peak
    slots = [sum(k * WINDOW_US <= at < (k + 1) * WINDOW_US for at in raised) for k in range(18)]
    above = round(sum(number > 10 for number in slots) / 18, 6)
    assert found.above_10_share == above
    seconds = sum(
        (span.end_us or 10_800 * S) - span.start_us for span in plainly(raised, 10_800 * S)
    )
    assert found.flood_share == round(seconds / (10_800 * S), 6)


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from("abcdefghijklm")), max_size=60))
def test_chattering_is_three_times_within_a_minute(raised: list[tuple[int, str]]) -> None:
    rows = [Raised(at * S, alarm_id, 3) for at, alarm_id in sorted(raised)]
    found = compute(rows)
    expected = {}
    for alarm_id in {one.alarm_id for one in rows}:
        mine = [one.at_us for one in rows if one.alarm_id == alarm_id]
        most = max(sum(at - MIN < other <= at for other in mine) for at in mine)
        if most >= 3:
            expected[alarm_id] = most
    shown = {one.alarm.alarm_id: one.most_per_minute for one in found.chattering}
    assert shown == expected
    frequent = [one.raised for one in found.most_frequent]
    assert frequent == sorted(frequent, reverse=True)
    assert len(frequent) <= 10


def test_a_flood_that_began_before_the_period_counts_within_it() -> None:
    rows = [Raised(-MIN + number * S, "a", 1) for number in range(12)]
    found = compute(rows)
    assert found.alarms == 0
    assert found.floods == 1
    ends = rows[7].at_us + WINDOW_US
    assert found.flood_share == round(ends / (60 * MIN), 6)


def test_standing_alarms_are_named_the_oldest_first() -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    old = Standing(name("b"), at - timedelta(days=3), "acknowledged")
    older = Standing(name("a"), at - timedelta(days=9), "shelved")
    assert compute([], standing=(old, older)).standing == [older, old]


def test_shifts_are_cut_at_the_ends_of_the_period_and_hold_every_alarm_once() -> None:
    rows = [Raised(number * 60 * MIN, "a", 1) for number in range(20)]
    found = compute(rows, hours=20)
    assert [shift.alarms for shift in found.shifts] == [8, 8, 4]
    lengths = [shift.end - shift.start for shift in found.shifts]
    assert lengths == [timedelta(hours=8), timedelta(hours=8), timedelta(hours=4)]
