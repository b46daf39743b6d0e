"""What a mapping declares of alarms and writes, as its workers are told; what cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_core.manifests.resolve import RejectedTag, resolve, worker_configs
from pumpjack_core.tags import Alarm, Tag, Write
from tests.core.manifests.test_resolve import TENANTS, connection, mapping, only_tag, tag

HI = {"condition": "hi", "limit": 90.0}


def of(*tags: dict[str, Any], **more: Any) -> tuple[dict[str, Tag], list[RejectedTag]]:
    """Tags that are read by name, and what is not used, of one mapping of one connection."""
    (found,) = resolve([connection(**more)], [mapping(*tags)], TENANTS).connections
    return {one.name: one for one in found.tags.tags}, list(found.rejected)


def only_flaw(*tags: dict[str, Any], **more: Any) -> str:
    """The one thing that cannot be used, of tags that are all read."""
    read, (flaw,) = of(*tags, **more)
    assert list(read) == [one["name"] for one in tags]
    assert flaw.is_read
    assert flaw.reason.startswith(f"{flaw.part}: ")
    return flaw.reason


def mqtt(**more: Any) -> dict[str, Any]:
    return {"protocol": "mqtt", "modbusTcp": None, "mqtt": {"host": "broker"}, **more}


def test_an_alarm_says_all_that_the_mapping_says() -> None:
    read, flaws = of(
        tag(
            "casing",
            alarms=[
                {
                    "condition": "hihi",
                    "limit": 2400.0,
                    "priority": 1,
                    "deadband": 20.0,
                    "onDelay": "5s",
                    "offDelay": "1m",
                    "latch": True,
                    "message": "high",
                    "consequence": "it leaks",
                    "response": "open the valve",
                    "suppressedBy": {"tag": "running", "states": [0, 3]},
                },
                {"condition": "rate", "limit": 5.0, "per": "10m"},
                {"condition": "deviation", "limit": 7.0, "from": "tubing"},
                {"condition": "state", "states": [0]},
                {"condition": "stale"},
            ],
        ),
        tag("tubing"),
        tag("running"),
    )
    assert flaws == []
    assert read["casing"].alarms == (
        Alarm(
            "hihi",
            limit=2400.0,
            priority=1,
            deadband=20.0,
            on_delay_s=5.0,
            off_delay_s=60.0,
            latch=True,
            message="high",
            consequence="it leaks",
            response="open the valve",
            suppressed_by="running",
            suppressed_states=(0, 3),
        ),
        Alarm("rate", limit=5.0, per_s=600.0),
        Alarm("deviation", limit=7.0, from_tag="tubing"),
        Alarm("state", states=(0,)),
        Alarm("stale"),
    )


def test_what_an_alarm_does_not_say_has_its_default() -> None:
    (alarm,) = only_tag(alarms=[{"condition": "rate", "limit": 2.0}]).alarms
    assert (alarm.per_s, alarm.priority, alarm.deadband, alarm.latch) == (60.0, 3, 0.0, False)
    assert (alarm.on_delay_s, alarm.off_delay_s) == (0.0, 0.0)


def test_a_tag_keeps_its_words() -> None:
    found = only_tag(description="the pump", stateNames={"0": "STOPPED", "1": "RUNNING"})
    assert found.description == "the pump"
    assert found.state_names == {"0": "STOPPED", "1": "RUNNING"}


def test_a_word_for_what_is_no_whole_number_costs_that_word_alone() -> None:
    read, (flaw,) = of(tag(stateNames={"0": "OFF", "on": "ON", "-1": "FAULT"}))
    assert read["oil_rate"].state_names == {"0": "OFF", "-1": "FAULT"}
    assert flaw.reason == 'stateNames: "on" is no whole number; write for example "0": STOPPED'
    assert flaw.is_read


def test_connections_of_one_mapping_share_its_alarms() -> None:
    made = [connection(name=name, labels={"pad": "7"}) for name in ("a", "b")]
    asks = mapping(tag(alarms=[HI]), labels={"pad": "7"}, well="{{ name }}")
    first, second = resolve(made, [asks], TENANTS).connections
    assert first.tags.tags[0].alarms[0] is second.tags.tags[0].alarms[0]


def test_a_deviation_from_a_tag_that_is_not_there_is_not_used_and_the_rest_is() -> None:
    deviation = {"condition": "deviation", "limit": 7.0, "from": "tubin"}
    read, (flaw,) = of(tag("casing", alarms=[deviation, HI]), tag("tubing"))
    assert [alarm.condition for alarm in read["casing"].alarms] == ["hi"]
    assert (flaw.tag, flaw.part, flaw.is_read) == ("casing", "alarm deviation", True)
    assert flaw.reason == (
        "alarm deviation: from names tubin, which is no tag of this mapping; did you mean tubing?"
    )


def test_an_alarm_whose_suppressing_tag_is_not_there_is_raised_all_the_same() -> None:
    suppressed = HI | {"suppressedBy": {"tag": "motor", "states": [0]}}
    read, (flaw,) = of(tag("casing", alarms=[suppressed]))
    assert read["casing"].alarms == (Alarm("hi", limit=90.0),)
    assert flaw.reason == (
        "alarm hi: suppressedBy names motor, which is no tag of this mapping; "
        "until then the alarm is never suppressed"
    )


@pytest.mark.parametrize(
    ("alarm", "key"),
    [
        ({"condition": "deviation", "limit": 1.0, "from": "casing"}, "from"),
        (HI | {"suppressedBy": {"tag": "casing", "states": [0]}}, "suppressedBy"),
    ],
)
def test_an_alarm_names_another_tag_than_its_own(alarm: dict[str, Any], key: str) -> None:
    assert f"{key} names the tag itself" in only_flaw(tag("casing", alarms=[alarm]))


def test_an_alarm_is_not_compared_with_a_tag_that_another_connection_reads() -> None:
    older = connection(name="old", created_us=1)
    younger = connection(name="young", created_us=2)
    deviation = {"condition": "deviation", "limit": 7.0, "from": "tubing"}
    suppressed = HI | {"suppressedBy": {"tag": "tubing", "states": [0]}}
    asks = [
        mapping(tag("tubing"), name="a", ref="old"),
        mapping(
            tag("casing", alarms=[deviation, suppressed]), tag("tubing"), name="b", ref="young"
        ),
    ]
    resolution = resolve([older, younger], asks, TENANTS)
    young = resolution.connections[1]
    (casing,) = young.tags.tags
    assert casing.alarms == (Alarm("hi", limit=90.0),)
    claimed, *flaws = young.rejected
    assert not claimed.is_read
    assert [flaw.reason for flaw in flaws] == [
        "alarm deviation: tubing, which from names, is not read from this connection; see why, "
        "and mend that tag",
        "alarm hi: tubing, which suppressedBy names, is not read from this connection; until then "
        "it is never suppressed",
    ]
    assert resolution.mappings[1].accepted == 1


def test_a_write_says_all_that_the_mapping_says() -> None:
    found = only_tag(
        write={
            "min": 0.0,
            "max": 60.0,
            "approval": "required",
            "address": "holding:40101",
            "tolerance": 0.5,
            "verifyWithin": "500ms",
        }
    )
    assert found.write == Write(0.0, 60.0, (), "required", "holding:40101", 0.5, 0.5)


def test_what_a_write_does_not_say_has_its_default() -> None:
    assert only_tag(write={"states": [0, 1]}).write == Write(
        None, None, (0, 1), "none", "", None, 5.0
    )
    assert only_tag().write is None


def test_the_address_of_a_write_names_labels_as_that_of_a_reading_does() -> None:
    asks = tag(write={"states": [0], "address": "unit/{{ labels.unit }}/set"})
    read, _ = of(asks, **mqtt(), labels={"unit": "3"})
    assert read["oil_rate"].write == Write(states=(0,), address="unit/3/set")
    assert "has no label unit" in only_flaw(asks)


def test_over_mqtt_a_write_needs_a_topic() -> None:
    said = only_flaw(tag(write={"states": [0]}), **mqtt())
    assert said == (
        "write: over MQTT a value is written to a topic of its own; give write.address, "
        "the topic that the device listens to"
    )


ROOM = {
    "a state of a bool": ({"dataType": "bool", "write": {"states": [0, 1]}}, None),
    "no state of a bool": (
        {"dataType": "bool", "write": {"states": [0, 2]}},
        "2 would be 2 in the device, and bool holds 0 to 1",
    ),
    "all that an int16 holds": (
        {"dataType": "int16", "write": {"min": -32768.0, "max": 32767.0}},
        None,
    ),
    "more than an int16 holds": (
        {"dataType": "int16", "write": {"min": 0.0, "max": 32768.0}},
        "32768 would be 32768 in the device",
    ),
    "less than a scaled uint16 holds": (
        {"dataType": "uint16", "scale": 0.1, "write": {"min": 0.0, "max": 60.0}},
        None,
    ),
    "below what a uint16 holds, by its offset": (
        {"dataType": "uint16", "offset": 4.0, "write": {"min": 0.0, "max": 60.0}},
        "0 would be -4 in the device, and uint16 holds 0 to 65535",
    ),
    "more than two ranges leave": (
        {
            "dataType": "int16",
            "rawRange": {"min": 0.0, "max": 32767.0},
            "engineeringRange": {"min": 0.0, "max": 20.0},
            "write": {"min": 0.0, "max": 21.0},
        },
        "21 would be 34405.3 in the device",
    ),
    "a scale too small for a number": (
        {
            "dataType": "int16",
            "rawRange": {"min": 0.0, "max": 1e300},
            "engineeringRange": {"min": 0.0, "max": 1e-300},
            "write": {"min": 0.0, "max": 1.0},
        },
        "would be inf in the device",
    ),
    "anything in a float": ({"write": {"min": -1e30, "max": 1e30}}, None),
}


@pytest.mark.parametrize(("more", "why"), ROOM.values(), ids=list(ROOM))
def test_what_may_be_written_fits_into_the_device(more: dict[str, Any], why: str | None) -> None:
    read, flaws = of(tag(**more))
    assert (read["oil_rate"].write is None) == (why is not None)
    assert [flaw.part for flaw in flaws] == ["write"] * len(flaws)
    assert [why in flaw.reason for flaw in flaws if why] == [True] * (why is not None)


def test_only_a_connection_that_may_be_written_tells_its_worker_so() -> None:
    made = [connection(name=name, writes={"enabled": True}) for name in ("a", "b")]
    configs = worker_configs(resolve(made, [], TENANTS), {}, {"ops/a"})
    assert [configs[f"ops/{name}"].connection.writes for name in ("a", "b")] == [True, False]
