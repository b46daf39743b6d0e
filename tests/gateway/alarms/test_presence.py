"""Whose words are still to be believed, from the heartbeats of a connection."""

from __future__ import annotations

from itertools import count

from pumpjack_core.wire import DeviceState, Heartbeat
from pumpjack_gateway.alarms.presence import CONNECTIONS_MAX, Roll

PAD = "ops/pad7"
_numbers = count()


def beat(
    epoch: str, follows: int = 0, *, state: DeviceState = "connected", at: str | None = None
) -> Heartbeat:
    return Heartbeat(
        epoch=epoch,
        tenant_id="permian",
        connection_id=PAD,
        source_protocol="modbus-tcp",
        at=at or str(next(_numbers)),
        wells={},
        stored_seq=0,
        state=state,
        reason=None,
        message=None,
        journal_batches=0,
        journal_bytes=0,
        journal_oldest_s=0.0,
        rejected_tags=0,
        config_hash="",
        follows=follows,
    )


def stands(roll: Roll, last: Heartbeat, epoch: str, seq: int, *, kept: bool = True) -> bool:
    presence = roll.beat(last)
    return presence is None or presence.stands_for(epoch, seq, kept=kept)


def test_another_journal_replaces_the_one_that_was_heard_before() -> None:
    roll = Roll()
    roll.hear(PAD, "e1")
    assert stands(roll, beat("e1"), "e1", 5)
    assert not stands(roll, beat("e2"), "e1", 5)
    assert stands(roll, beat("e2"), "e2", 1)


def test_the_last_heartbeat_of_a_dead_worker_voids_nothing_of_the_next_one() -> None:
    roll = Roll()
    roll.hear(PAD, "e2")  # it has spoken, and its first heartbeat is still to come
    dead = beat("e1", at="then")
    assert stands(roll, dead, "e2", 1)
    assert stands(roll, dead, "e2", 1), "however often it is read"


def test_a_worker_that_still_beat_when_its_successor_spoke_voids_nothing_of_it() -> None:
    roll = Roll()
    roll.hear(PAD, "e1")
    roll.beat(beat("e1"))
    roll.hear(PAD, "e2")
    assert stands(roll, beat("e1"), "e2", 1)


def test_a_replaced_worker_that_still_beats_is_not_the_one_that_counts() -> None:
    roll = Roll()
    roll.hear(PAD, "e2")
    roll.beat(beat("e2"))
    assert stands(roll, beat("e1", state="fenced"), "e2", 1)


def test_the_same_journal_opened_again_voids_what_was_not_kept_in_it() -> None:
    roll = Roll()
    roll.hear(PAD, "e1")
    assert not stands(roll, beat("e1", 7), "e1", 7, kept=False)
    assert stands(roll, beat("e1", 7), "e1", 7)
    assert stands(roll, beat("e1", 7), "e1", 8, kept=False)


def test_what_is_remembered_is_bounded() -> None:
    roll = Roll()
    roll.hear(PAD, "e1")
    for number in range(CONNECTIONS_MAX):
        roll.hear(f"ops/{number}", "e")
    assert roll.beat(beat("e1")) is None, "the one that was silent longest is forgotten"
