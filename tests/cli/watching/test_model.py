"""What the live table makes of the gateway's messages."""

from __future__ import annotations

import msgspec
import pytest

from pumpjack_cli.watching.model import Message, RowView, Table, seconds_of
from pumpjack_core.clock import iso_us
from pumpjack_core.wire import Position, Reading, Readings
from pumpjack_gateway.live.health import Status
from pumpjack_gateway.live.messages import (
    Conflated,
    Connected,
    GapNotice,
    Problem,
    Subscribed,
    Unsubscribed,
)

T0 = 1_700_000_000.0
WELL = "permian-a1"
PAD = "permian-ops/pad-a"


def at(s: float) -> str:
    return iso_us(int(s * 1e6))


def reading(name: str = "tubing_pressure", value: float | None = 250.5, **other: object) -> Reading:
    known = {"quality": "GOOD", "reason": None, "timestamp": at(T0), **other}
    return Reading(name, value, **known)  # type: ignore[arg-type]


def connected(skew_s: float = 0.0) -> Connected:
    return Connected("c1", "permian", "ann", "viewer", at(T0 + 3600), at(T0 + skew_s))


def snapshot(*latest: Reading, seq: int = 10, epoch: str = "e1") -> Subscribed:
    return Subscribed(WELL, "feed", False, {PAD: Position(epoch, seq)}, list(latest))


def readings(*values: Reading, seq: int = 11, stored: bool = True) -> Readings:
    return Readings(
        *("e1", seq, seq - 1, "permian", WELL, PAD, "modbus-tcp", at(T0), values), stored=stored
    )


def status(*, stale: bool = False, state: str = "connected", **other: object) -> Status:
    given = {"reason": None, "message": None, "last_heartbeat": at(T0), **other}
    return Status(WELL, PAD, "modbus-tcp", state, stale, **given)  # type: ignore[arg-type]


def gap(*, healed: bool) -> GapNotice:
    return GapNotice(well_id=WELL, connection_id=PAD, epoch="e1", first=3, last=5, healed=healed)


def table(*messages: Message, now_s: float = T0) -> Table:
    found = Table()
    for message in messages:
        found.apply(message, now_s)
    return found


def only_row(found: Table, now_s: float = T0) -> RowView:
    (row,) = found.rows(now_s)
    return row


def test_a_snapshot_is_shown_and_a_reading_replaces_its_tag() -> None:
    found = table(connected(), snapshot(reading(), reading("oil_rate", 80.0)))
    found.apply(readings(reading(value=251.0)), T0)
    assert [(row.tag_name, row.value) for row in found.rows(T0)] == [
        ("oil_rate", 80.0),
        ("tubing_pressure", 251.0),
    ]
    assert found.positions(WELL) == {PAD: Position("e1", 11)}


def test_a_snapshot_that_resumes_keeps_the_tags_that_it_does_not_name() -> None:
    both = snapshot(reading(), reading("oil_rate", 80.0))
    resumed = msgspec.structs.replace(snapshot(reading("oil_rate", 90.0)), resumed=True)
    found = table(connected(), both, resumed)
    assert {row.tag_name: row.value for row in found.rows(T0)} == {
        "tubing_pressure": 250.5,
        "oil_rate": 90.0,
    }


def test_age_is_measured_by_the_gateways_clock_not_by_ours() -> None:
    found = table(connected(skew_s=100.0), snapshot(reading(timestamp=at(T0 + 100))))
    assert only_row(found, T0 + 2).age_s == pytest.approx(2.0)


def test_a_reading_of_the_future_has_no_negative_age() -> None:
    assert only_row(table(connected(), snapshot(reading(timestamp=at(T0 + 9))))).age_s == 0.0


def test_units_come_from_rest_and_stand_beside_the_values() -> None:
    found = table(connected(), snapshot(reading()))
    found.name_units({(WELL, "tubing_pressure"): "psi"})
    assert only_row(found).unit == "psi"


MARKS: dict[str, tuple[list[Message], tuple[str, ...]]] = {
    "nothing is wrong": ([status()], ()),
    "the connection is stale": ([status(stale=True)], ("stale",)),
    "the device is away": ([status(state="disconnected")], ("not read",)),
    "the connection is suspended": ([status(state="suspended")], ("not read",)),
    "messages are missing": ([gap(healed=False)], ("catching up",)),
    "what was missing is stored now": ([gap(healed=False), gap(healed=True)], ()),
    "it was shown but not stored": ([readings(reading(), stored=False)], ("not stored",)),
    "we were too slow": (
        [
            Conflated(
                *("e1", 12, "permian", WELL, PAD, "modbus-tcp"),
                messages=3,
                dropped=2,
                readings=[reading()],
            )
        ],
        ("slow",),
    ),
}


@pytest.mark.parametrize(("then", "marks"), MARKS.values(), ids=MARKS)
def test_what_makes_a_value_doubtful_stands_beside_it(
    then: list[Message], marks: tuple[str, ...]
) -> None:
    assert only_row(table(connected(), snapshot(reading()), *then)).marks == marks


def test_every_value_is_marked_while_the_gateway_is_away() -> None:
    found = table(connected(), snapshot(reading()))
    found.went_offline()
    assert only_row(found).marks == ("offline",)
    found.apply(connected(), T0)
    assert only_row(found).marks == ()


def test_a_tag_that_comes_no_more_is_late_after_three_of_its_intervals() -> None:
    found = table(connected(), snapshot(reading()))
    found.apply(readings(reading(timestamp=at(T0 + 5))), T0 + 5)
    assert only_row(found, T0 + 15).marks == ()
    assert only_row(found, T0 + 21).marks == ("late",)


def test_what_was_missed_while_away_is_counted_as_a_gap() -> None:
    found = table(connected(), snapshot(reading(), seq=10))
    found.apply(snapshot(reading(), seq=10), T0)
    assert found.gaps_seen == 0
    found.apply(snapshot(reading(), seq=14), T0)
    assert found.gaps_seen == 1
    found.apply(snapshot(reading(), seq=14, epoch="e2"), T0)
    assert found.gaps_seen == 2


def test_a_snapshot_removes_tags_that_are_no_more() -> None:
    found = table(connected(), snapshot(reading(), reading("old", 1.0)), snapshot(reading()))
    assert [row.tag_name for row in found.rows(T0)] == ["tubing_pressure"]


def test_a_well_that_is_unsubscribed_goes() -> None:
    assert table(connected(), snapshot(reading()), Unsubscribed(WELL)).rows(T0) == []


def test_a_stale_connection_marks_only_its_own_tags() -> None:
    other = Readings(
        *("e9", 1, 0, "permian", WELL, "permian-ops/meter", "modbus-tcp", at(T0)),
        (reading("flow", 1.0),),
    )
    found = table(connected(), readings(reading()), other, status(stale=True))
    assert {row.tag_name: row.marks for row in found.rows(T0)} == {
        "tubing_pressure": ("stale",),
        "flow": (),
    }


def test_the_state_of_a_connection_is_told_in_words() -> None:
    found = table(
        connected(),
        snapshot(),
        status(
            state="disconnected",
            reason="Refused",
            message="10.0.0.7:502 refused the connection",
            journal_batches=40,
            journal_oldest_s=12.3,
            rejected_tags=2,
        ),
    )
    (connection,) = found.connections()
    assert connection.text == (
        "disconnected (Refused) - 10.0.0.7:502 refused the connection - 40 batches wait for the "
        "database, the oldest for 12 s - 2 tags rejected"
    )


def test_a_refusal_is_shown_until_the_next_sign_in() -> None:
    found = table(connected(), Problem("RATE_LIMITED", "slow down"))
    assert found.problem == "slow down"
    found.apply(connected(), T0)
    assert found.problem == ""


def test_times_are_read_as_utc() -> None:
    assert seconds_of("1970-01-01T00:00:01.500000Z") == 1.5
