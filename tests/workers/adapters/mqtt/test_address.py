"""Addresses of MQTT, as manifests write them."""

from __future__ import annotations

import pytest

from pumpjack_core.errors import AddressError
from pumpjack_worker.adapters.mqtt.address import MqttAddress, parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pads/7/casing", MqttAddress("pads/7/casing")),
        ("/pads//7/", MqttAddress("/pads//7/")),
        ("$SYS/broker/uptime", MqttAddress("$SYS/broker/uptime")),
        ("bohrloch/süd/druck", MqttAddress("bohrloch/süd/druck")),
        ("pads/7 north/casing", MqttAddress("pads/7 north/casing")),
        ("t;path=$.casing.value", MqttAddress("t", "$.casing.value")),
        ("t;path=$.v;time=$.at", MqttAddress("t", "$.v", "$.at")),
        ("t;time=$.at;path=$.v", MqttAddress("t", "$.v", "$.at")),
        ("t;path=$['a;b'];time=$.at", MqttAddress("t", "$['a;b']", "$.at")),
        ("t;path=$[?@.id=='w1'].v", MqttAddress("t", "$[?@.id=='w1'].v")),
        ("t;path=$.rows[*].p;time=$.rows[*].t", MqttAddress("t", "$.rows[*].p", "$.rows[*].t")),
    ],
)
def test_it_is_read(text: str, expected: MqttAddress) -> None:
    assert parse_address(text, "float64") == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no topic"),
        (";path=$.v", "has no topic"),
        ("pads/+/casing", "a wildcard would mix"),
        ("pads/#", "a wildcard would mix"),
        ("$share/group/pads/7", "sharedGroup"),
        ("t;pth=$.v", "may follow ;path= and ;time="),
        ("t;path=$.v;path=$.w", "path= twice"),
        ("t;path=v", "is no JSONPath"),
        ("t;path=", "is no JSONPath"),
        ("t;path=$.a | $.b", "is no JSONPath"),
        ("t;path=$..[", "is no JSONPath"),
        ("t;path=$.v;time=at", "time= is wrong"),
        ("t;time=$.at", "a time but no path"),
        (" t", "spaces at its ends"),
        ("t\n", "control characters"),
        ("t\x00", "control characters"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(text: str, says: str) -> None:
    with pytest.raises(AddressError) as error:
        parse_address(text, "float64")
    assert says in str(error.value)


def test_text_is_not_stored_yet() -> None:
    with pytest.raises(AddressError, match="text is not stored yet"):
        parse_address("pads/7/state", "text")
