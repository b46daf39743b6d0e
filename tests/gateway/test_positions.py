"""The rule of gaps, case by case and for feeds that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.wire import Position
from pumpjack_gateway.live.positions import DROP, FORWARD, Gap, Positions, Pulse, Step

A, B = "epoch-a", "epoch-b"


def at(seq: int, epoch: str = A) -> Positions:
    """One connection whose position is known from a snapshot."""
    positions = Positions()
    positions.snapshot({"c": Position(epoch, seq)})
    return positions


MESSAGES: dict[str, tuple[Callable[[], Positions], tuple[str, int, int], Step]] = {
    "the next one is forwarded": (lambda: at(7), (A, 8, 7), FORWARD),
    "one after numbers of other wells is forwarded": (lambda: at(7), (A, 30, 7), FORWARD),
    "a prev below the position is no gap": (lambda: at(7), (A, 8, 5), FORWARD),
    "the same one again is dropped": (lambda: at(7), (A, 7, 6), DROP),
    "an older one is dropped": (lambda: at(7), (A, 5, 4), DROP),
    "a prev above the position is a gap": (lambda: at(7), (A, 9, 8), Step(True, Gap(A, 7, 8))),
    "another epoch is a gap from its beginning": (
        lambda: at(7),
        (B, 1, 0),
        Step(True, Gap(B, 0, 0)),
    ),
    "another epoch, well into it": (lambda: at(7), (B, 9, 8), Step(True, Gap(B, 0, 8))),
    "a smaller seq in another epoch is not old": (
        lambda: at(7),
        (B, 3, 0),
        Step(True, Gap(B, 0, 0)),
    ),
    "a new connection from its beginning": (Positions, (A, 1, 0), FORWARD),
    "a new connection in its midst": (Positions, (A, 9, 8), Step(True, Gap(A, 0, 8))),
}


@pytest.mark.parametrize(("before", "message", "step"), MESSAGES.values(), ids=MESSAGES)
def test_of_a_message(
    before: Callable[[], Positions], message: tuple[str, int, int], step: Step
) -> None:
    epoch, seq, prev = message
    assert before().message("c", epoch, seq, prev) == step


BEATS: dict[str, tuple[Callable[[], Positions], tuple[str, int, int], Pulse]] = {
    "nothing new is nothing": (lambda: at(7), (A, 7, 7), Pulse()),
    "a last above the position is a gap": (lambda: at(7), (A, 9, 7), Pulse(gap=Gap(A, 7, 9))),
    "a last below it is nothing": (lambda: at(7), (A, 5, 5), Pulse()),
    "another epoch that published is a gap": (lambda: at(7), (B, 2, 0), Pulse(gap=Gap(B, 0, 2))),
    "another epoch that did not publish yet is nothing": (lambda: at(7), (B, 0, 0), Pulse()),
    "an unknown connection that published is a gap": (
        Positions,
        (A, 3, 0),
        Pulse(gap=Gap(A, 0, 3)),
    ),
    "an unknown connection that did not is nothing": (Positions, (A, 0, 0), Pulse()),
}


@pytest.mark.parametrize(("before", "beat", "pulse"), BEATS.values(), ids=BEATS)
def test_of_a_heartbeat(
    before: Callable[[], Positions], beat: tuple[str, int, int], pulse: Pulse
) -> None:
    epoch, last, stored = beat
    assert before().heartbeat("c", epoch, last, stored) == pulse


def test_a_gap_heals_when_the_store_has_passed_it_and_only_once() -> None:
    positions = at(7)
    positions.message("c", A, 10, 9)
    assert positions.heartbeat("c", A, 10, 8) == Pulse()
    assert positions.heartbeat("c", A, 10, 9) == Pulse(healed=Gap(A, 7, 9))
    assert positions.heartbeat("c", A, 10, 10) == Pulse()
    assert not positions.has_gap


def test_two_gaps_are_announced_as_one() -> None:
    positions = at(7)
    positions.message("c", A, 10, 9)
    assert positions.message("c", A, 20, 19) == Step(True, Gap(A, 7, 19))
    assert positions.heartbeat("c", A, 20, 10) == Pulse()
    assert positions.heartbeat("c", A, 20, 19).healed == Gap(A, 7, 19)


def test_a_message_that_is_only_late_is_forwarded_after_its_heartbeat() -> None:
    positions = at(7)
    assert positions.heartbeat("c", A, 8, 0).gap == Gap(A, 7, 8)
    assert positions.message("c", A, 8, 7) == FORWARD
    assert positions.message("c", A, 9, 8) == FORWARD


def test_a_loss_that_the_heartbeat_told_is_not_told_again_by_the_next_message() -> None:
    positions = at(7)
    positions.heartbeat("c", A, 9, 0)
    assert positions.message("c", A, 12, 9) == FORWARD
    assert positions.heartbeat("c", A, 12, 0) == Pulse()


def test_a_heartbeat_of_another_epoch_does_not_heal() -> None:
    positions = at(7)
    positions.message("c", A, 10, 9)
    assert positions.heartbeat("c", B, 0, 99) == Pulse()
    assert positions.has_gap


def test_connections_of_a_well_do_not_disturb_one_another() -> None:
    positions = at(7)
    assert positions.message("d", B, 1, 0) == FORWARD
    assert positions.message("c", A, 8, 7) == FORWARD
    assert positions.current() == {"c": Position(A, 8), "d": Position(B, 1)}


SNAPSHOTS: dict[str, tuple[dict[str, Position], list[Gap], list[Gap], bool]] = {
    "the same": ({"c": Position(A, 7)}, [], [], False),
    "ahead: lost for those who listened": (
        {"c": Position(A, 9)},
        [Gap(A, 7, 9)],
        [Gap(A, 7, 9)],
        False,
    ),
    "behind: missing to who comes": ({"c": Position(A, 5)}, [], [Gap(A, 5, 7)], True),
    "without the connection": ({}, [], [Gap(A, 0, 7)], True),
    "of another epoch": ({"c": Position(B, 2)}, [Gap(B, 0, 2)], [Gap(B, 0, 2)], False),
}


@pytest.mark.parametrize(("read", "before", "arrived", "behind"), SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_of_a_snapshot(
    read: dict[str, Position], before: list[Gap], arrived: list[Gap], behind: bool
) -> None:
    merge = at(7).snapshot(read)
    assert [gap for _, gap in merge.before] == before
    assert [gap for _, gap in merge.arrived] == arrived
    assert merge.behind is behind


@given(
    lost=st.sets(st.integers(1, 30)),
    beats=st.sets(st.integers(1, 30)),
    again=st.sets(st.integers(1, 30)),
    numbers=st.lists(st.integers(1, 5), min_size=30, max_size=30),
)
def test_every_loss_is_announced_and_nothing_is_shown_twice(
    lost: set[int], beats: set[int], again: set[int], numbers: list[int]
) -> None:
    """Whatever is lost and repeated: shown and announced together are all that was published."""
    positions = at(0)
    seq, prev = 0, 0
    shown: list[int] = []
    announced: set[int] = set()
    published: list[int] = []

    def note(gap: Gap | None) -> None:
        if gap is not None:
            announced.update(range(gap.first + 1, gap.last + 1))

    for index, step in enumerate(numbers, start=1):
        seq += step
        published.append(seq)
        for copy in range(2 if index in again else 1):
            if index in lost and copy == 0:
                continue
            verdict = positions.message("c", A, seq, prev)
            note(verdict.gap)
            if verdict.forward:
                shown.append(seq)
        prev = seq
        if index in beats:
            note(positions.heartbeat("c", A, seq, 0).gap)
    note(positions.heartbeat("c", A, seq, 0).gap)

    assert shown == sorted(set(shown))
    assert set(published) <= set(shown) | announced
    if not lost - again:
        assert shown == published
    healed = positions.heartbeat("c", A, seq, seq).healed
    assert (healed is None) == (not announced)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["message", "heartbeat", "snapshot"]),
            st.sampled_from([A, B]),
            st.integers(0, 9),
            st.integers(0, 9),
        ),
        max_size=30,
    )
)
def test_no_feed_however_odd_breaks_the_rule(steps: list[tuple[str, str, int, int]]) -> None:
    """Within an epoch the position never goes back, and a gap ends at or below what was seen."""
    positions = Positions()
    for kind, epoch, one, two in steps:
        before = positions.current().get("c")
        if kind == "message":
            positions.message("c", epoch, one, two)
        elif kind == "heartbeat":
            positions.heartbeat("c", epoch, one, two)
        else:
            positions.snapshot({"c": Position(epoch, one)})
        after = positions.current().get("c")
        if before is not None and after is not None and before.epoch == after.epoch:
            assert after.seq >= before.seq
