"""What a client that keeps positions notices, by small examples."""

from __future__ import annotations

from typing import Any

from tests.chaos.screen import Feed


def readings(*values: float) -> list[dict[str, Any]]:
    return [{"tagName": "casing", "value": value} for value in values]


def test_a_message_that_continues_the_feed_is_no_gap() -> None:
    feed = Feed()
    feed.follows("a", 5, 0)
    feed.follows("a", 9, 5)
    assert feed.unsaid == []


def test_a_message_that_does_not_continue_it_needs_an_announcement() -> None:
    feed = Feed()
    feed.follows("a", 5, 0)
    feed.follows("a", 9, 7)
    assert len(feed.unsaid) == 1
    feed.gap("a", 12, healed=False)
    feed.follows("a", 15, 12)
    assert len(feed.unsaid) == 1


def test_another_epoch_needs_an_announcement_up_to_its_first_message() -> None:
    feed = Feed()
    feed.follows("a", 5, 0)
    feed.follows("b", 9, 7)
    assert len(feed.unsaid) == 1


def test_a_gap_is_open_until_it_is_healed() -> None:
    feed = Feed()
    feed.gap("a", 7, healed=False)
    assert feed.open == ("a", 7)
    feed.gap("a", 6, healed=True)
    assert feed.open == ("a", 7)
    feed.gap("a", 7, healed=True)
    assert feed.open is None


def test_a_value_that_never_came_is_explained_by_a_loss_between_its_neighbours_only() -> None:
    feed = Feed()
    feed.show(readings(1, 2))
    feed.show(readings(4))
    feed.lost()
    feed.show(readings(6))
    assert feed.unexplained("casing", [1, 2, 3, 4, 5, 6]) == {3}


def test_a_value_of_one_of_two_workers_is_explained_by_a_loss_between_its_own_neighbours() -> None:
    feed = Feed()
    for epoch, value in (("a", 1), ("b", 2), ("b", 4), ("a", 5)):
        if epoch == "a" and value == 5:  # 3 was lost with Redis; the next one of its worker says so
            feed.gap("a", 9, healed=False)
        feed.follows(epoch, value + 5, 0)
        feed.show(readings(value))
    assert feed.unexplained("casing", [1, 2, 3, 4, 5]) == {3}, "no loss between 2 and 4"
    assert feed.unexplained("casing", [1, 2, 3, 4, 5], together=[[2, 3, 4, 5]]) == set()


def test_a_value_that_neither_of_two_workers_told_as_lost_is_not_explained() -> None:
    feed = Feed()
    feed.lost()
    for epoch, value in (("a", 1), ("b", 2), ("b", 4), ("a", 5)):
        feed.follows(epoch, value + 5, 0)
        feed.show(readings(value))
    assert feed.unexplained("casing", [1, 2, 3, 4, 5], together=[[2, 3, 4, 5]]) == {3}


def test_what_is_told_of_a_third_worker_later_excuses_neither_of_two() -> None:
    feed = Feed()
    for epoch, value in (("a", 1), ("b", 2), ("b", 4), ("a", 5)):
        feed.follows(epoch, value + 5, 0)
        feed.show(readings(value))
    feed.lost()
    feed.follows("c", 6, 0)
    feed.show(readings(6))
    assert feed.unexplained("casing", range(1, 7), together=[[1, 2, 3, 4, 5]]) == {3}
