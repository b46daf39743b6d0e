"""Up to when everything is stored, and which holes are drawn; pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pumpjack_core.storage.holes import Span
from pumpjack_core.wire import Heartbeat
from pumpjack_gateway.history import Range
from pumpjack_gateway.points.columns import lay_out
from pumpjack_gateway.points.stored import Progress, holes_of, stored_until, unknown_quality

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
S = timedelta(seconds=1)
H = timedelta(hours=1)
AT = NOW - 1.5 * S
COLUMNS = lay_out(Range(NOW - H, NOW), 60, "raw")


def beat(
    name: str = "a",
    *,
    seq: int = 70,
    batches: int = 0,
    oldest_s: float = 0.0,
    at: datetime = AT,
    wells: tuple[str, ...] = ("w",),
    follows: int = 0,
) -> Heartbeat:
    return Heartbeat(
        epoch=f"journal-{name}",
        tenant_id="permian",
        connection_id=name,
        source_protocol="modbus-tcp",
        at=at.isoformat(),
        wells=dict.fromkeys(wells, seq),
        stored_seq=0,
        state="connected",
        reason=None,
        message=None,
        journal_batches=batches,
        journal_bytes=0,
        journal_oldest_s=oldest_s,
        rejected_tags=0,
        config_hash="",
        follows=follows,
    )


def until(*beats: Heartbeat, cursors: dict[str, int], drained: str = "") -> datetime | None:
    names = [one.connection_id for one in beats] + list(drained)
    heard = {one.connection_id: one for one in beats}
    return stored_until("w", names, heard, Progress(cursors, frozenset(drained)), NOW)


def test_all_that_was_published_is_stored_up_to_the_heartbeat() -> None:
    assert until(beat(seq=70), cursors={"journal-a": 70}) == AT
    assert until(beat(seq=70, batches=2), cursors={"journal-a": 71}) == AT


def test_with_a_journal_that_waits_it_is_what_came_before_its_oldest() -> None:
    waiting = beat(seq=70, batches=3, oldest_s=40.0)
    assert until(waiting, cursors={"journal-a": 67}) == AT - 41 * S


def test_on_the_way_into_the_journal_nobody_can_say() -> None:
    assert until(beat(seq=70), cursors={"journal-a": 69}) is None


def test_a_well_without_a_message_since_the_start_counts_what_an_earlier_process_sent() -> None:
    quiet = beat(wells=("another",), follows=40)
    assert until(quiet, cursors={"journal-a": 40}) == AT
    assert until(quiet, cursors={"journal-a": 39}) is None


def test_the_slowest_of_several_connections_counts() -> None:
    slow = beat("b", seq=9, batches=1, oldest_s=5.0)
    assert until(beat(), slow, cursors={"journal-a": 70, "journal-b": 8}) == AT - 6 * S


def test_a_connection_of_which_nothing_is_heard_makes_it_unknown() -> None:
    progress = Progress({"journal-a": 70}, frozenset())
    assert stored_until("w", ["a", "b"], {"a": beat()}, progress, NOW) is None
    assert stored_until("w", [], {}, progress, NOW) is None


def test_one_that_ended_with_nothing_left_holds_nothing_back() -> None:
    assert until(beat(), cursors={"journal-a": 70}, drained="b") == AT
    assert until(cursors={}, drained="b") == NOW


def test_a_worker_that_died_says_nothing_of_what_came_after_its_last_heartbeat() -> None:
    old = beat(at=NOW - H)
    assert until(old, cursors={"journal-a": 70}) == NOW - H


def test_a_heartbeat_of_a_clock_ahead_is_not_later_than_now() -> None:
    assert until(beat(at=NOW + H), cursors={"journal-a": 70}) == NOW


def span(kind: str, begins: float, ends: float | None) -> Span:
    """Seconds before NOW."""
    return Span(kind, NOW - begins * S, None if ends is None else NOW - ends * S, "why")


def test_holes_are_those_that_touch_the_range() -> None:
    spans = {"a": [span("gap", 7200, 7100), span("not_stored", 3700, 3500), span("gap", 90, 30)]}
    found = holes_of(spans, COLUMNS, NOW, NOW)
    assert [(one.connection_id, one.reason) for one in found] == [("a", "not_stored"), ("a", "gap")]
    assert (found[1].begins, found[1].ends) == (NOW - 90 * S, NOW - 30 * S)


def test_holes_of_a_kind_closer_than_a_column_are_drawn_as_one() -> None:
    many = [span("gap", 3000 - n * 10, 2999 - n * 10) for n in range(100)]
    found = holes_of({"a": [*many, span("gap", 100, None), span("gap", 95, 94)]}, COLUMNS, NOW, NOW)
    assert [(one.begins, one.ends) for one in found] == [
        (NOW - 3000 * S, NOW - 2009 * S),
        (NOW - 100 * S, None),
    ]


def test_far_behind_is_told_as_catching_up_and_the_usual_way_is_not() -> None:
    assert holes_of({}, COLUMNS, NOW - 5 * S, NOW) == []
    (found,) = holes_of({}, COLUMNS, NOW - 300 * S, NOW)
    assert (found.reason, found.begins, found.ends) == ("catching_up", NOW - 300 * S, NOW)
    (whole,) = holes_of({}, COLUMNS, NOW - 5 * H, NOW)
    assert whole.begins == COLUMNS.start
    earlier = lay_out(Range(NOW - 3 * H, NOW - 2 * H), 60, "raw")
    assert holes_of({}, earlier, NOW - 300 * S, NOW) == []


def test_before_doubt_was_kept_its_quality_is_named_unknown() -> None:
    found = unknown_quality(COLUMNS, NOW - 600 * S)
    assert (found.begins, found.ends) == (COLUMNS.start, NOW - 600 * S)
    assert unknown_quality(COLUMNS, NOW + H).ends == COLUMNS.end
