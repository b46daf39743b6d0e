"""What is said of a command: a table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from pumpjack_core.config import worker_config
from pumpjack_core.errors import NotConnected
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.storage.commands import Claim
from pumpjack_core.tags import Tag, TagTable, Write
from pumpjack_worker.commands.judgement import Answer, Seen, overtaken, refusal, verdict
from pumpjack_worker.commands.standing import Standing

SPEED = Tag("a1", "speed", "holding:@0", "float32", 1.0, unit="Hz", write=Write(low=0.0, high=60.0))
CLAIM = Claim(UUID(int=1), "a1", "speed", 45.0, 1)


def standing(state: Any = "connected", *, writes: bool = True, trouble: Any = None) -> Standing:
    config = worker_config(
        tenant_id="permian",
        connection_id="ops/plc",
        spec=ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="10.0.0.9")),
        allowed_networks=("10.0.0.0/8",),
        tags=TagTable((SPEED,)),
        writes=writes,
    )
    return Standing(config, state, trouble, 1)


AWAY = NotConnected("10.0.0.9:502 refused the connection", reason="Refused")
REFUSALS = {
    "writes are off": (standing(writes=False), SPEED, True, "writes are off"),
    "the tag is gone": (standing(), None, True, "not read by this connection any more"),
    "the protocol cannot": (standing(), SPEED, False, "modbus-tcp cannot be written to"),
    "the device is away": (
        standing("disconnected", trouble=AWAY),
        SPEED,
        True,
        "not connected: 10.0.0.9:502 refused the connection",
    ),
    "a session is being opened": (standing("connecting"), SPEED, True, "being opened"),
    "it is suspended": (standing("suspended"), SPEED, True, "suspended"),
    "another worker reads it": (standing("fenced"), SPEED, True, "another worker"),
    "the worker ends": (standing("stopped"), SPEED, True, "stopping"),
}


@pytest.mark.parametrize(("how", "tag", "can", "why"), REFUSALS.values(), ids=REFUSALS)
def test_a_command_that_must_not_be_written_is_refused_with_its_reason(
    how: Standing, tag: Tag | None, can: bool, why: str
) -> None:
    assert why in str(refusal(how, tag, CLAIM, can_write=can))


def test_a_command_may_be_written_to_a_device_that_is_connected() -> None:
    assert refusal(standing(), SPEED, CLAIM, can_write=True) is None


VERDICTS: dict[str, tuple[Answer, Seen, str, str]] = {
    "yes, and it shows it": ("answered", Seen(45.0), "verified", "the device shows 45 Hz"),
    "yes, and it shows something else": ("answered", Seen(30.0), "mismatch", "30 Hz instead of 45"),
    "yes, and it cannot be read": (
        "answered",
        Seen(None, "no session"),
        "timeout",
        "could not be read back (no session)",
    ),
    "no answer, and it shows it": ("unanswered", Seen(45.0), "verified", "did not answer"),
    "no answer, and it shows something else": (
        "unanswered",
        Seen(30.0),
        "timeout",
        "30 Hz instead of 45",
    ),
    "no answer, and it cannot be read": ("unanswered", Seen(), "timeout", "look at the device"),
    "an earlier worker's, done": ("recovered", Seen(45.0), "verified", "the worker that sent it"),
    "an earlier worker's, not done": ("recovered", Seen(30.0), "timeout", "30 Hz instead of 45"),
    "an earlier worker's, unknown": ("recovered", Seen(), "timeout", "look at the device"),
}


@pytest.mark.parametrize(("how", "seen", "state", "says"), VERDICTS.values(), ids=VERDICTS)
def test_what_is_told_of_a_command_is_what_was_seen(
    how: Answer, seen: Seen, state: str, says: str
) -> None:
    told = verdict(CLAIM, SPEED, 45.0, seen, how, trouble="it did not answer")
    assert told.state == state
    assert says in told.detail["message"]
    assert told.detail["read"] == seen.read
    assert ("rounded" in told.detail, told.detail.get(how, how == "answered")) == (False, True)


def test_a_mismatch_is_only_told_where_the_device_is_known_to_have_said_yes() -> None:
    said_yes = replace(CLAIM, accepted=True)
    assert verdict(said_yes, SPEED, 45.0, Seen(30.0), "recovered").state == "mismatch"
    assert verdict(CLAIM, SPEED, 45.0, Seen(30.0), "recovered").state == "timeout"


OVERTAKEN = {
    "it has expired": (standing(), SPEED, 100.0, "expired before it was its turn"),
    "another worker reads the device": (standing("fenced"), SPEED, 99.0, "another worker"),
    "the worker ended": (standing("stopped"), SPEED, 99.0, "stopping"),
    "writes were switched off": (standing(writes=False), SPEED, 99.0, "declared otherwise"),
    "its tag is declared otherwise": (
        standing(),
        replace(SPEED, scale=0.1),
        99.0,
        "declared otherwise",
    ),
}


@pytest.mark.parametrize(("how", "tag", "now_s", "why"), OVERTAKEN.values(), ids=OVERTAKEN)
def test_a_write_whose_turn_comes_too_late_does_not_go_out(
    how: Standing, tag: Tag, now_s: float, why: str
) -> None:
    assert why in str(overtaken(how, tag, replace(CLAIM, until_s=100.0), now_s=now_s))


def test_a_write_whose_turn_comes_in_time_goes_out() -> None:
    assert overtaken(standing(), SPEED, replace(CLAIM, until_s=100.0), now_s=99.9) is None


def test_rounding_is_told() -> None:
    assert verdict(CLAIM, SPEED, 44.9, Seen(44.9), "answered").detail["rounded"] is True
