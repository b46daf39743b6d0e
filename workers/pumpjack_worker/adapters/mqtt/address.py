"""Where a tag is found at an MQTT broker, as manifests write it.

    TOPIC[;path=JSONPATH][;time=JSONPATH]

    pads/7/casing                                       the whole payload is the number
    pads/7/telemetry;path=$.casing.value                a number in a JSON payload
    pads/7/telemetry;path=$.casing.value;time=$.at      with the time that stands beside it
    pads/7/history;path=$.rows[*].p;time=$.rows[*].t    several readings a message

The topic is one topic: wildcards (+ and #) would mix the readings of several devices in one tag.
JSONPath is that of RFC 9535.
"""

from __future__ import annotations

import re

from msgspec import Struct

from pumpjack_core.errors import AddressError
from pumpjack_worker.adapters.mqtt.paths import compile_path

MOST_TOPIC_BYTES = 65_535
_RESERVED = ("$share/", "$queue/", "$oshare/")
_OPTION = re.compile(r";(path|time)=")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EXAMPLE = "write for example pads/7/casing or pads/7/telemetry;path=$.casing;time=$.at"


class MqttAddress(Struct, frozen=True):
    """A topic, and where value and time stand in its payload; path None: it is all of it."""

    topic: str
    path: str | None = None
    time: str | None = None


def parse_address(text: str, data_type: str) -> MqttAddress:
    """Read an address.

    Raises AddressError, whose sentence says what is wrong and what would be right.

    >>> parse_address("pads/7/telemetry;path=$.casing", "float64").path
    '$.casing'
    """
    topic, *rest = _OPTION.split(text)
    _check_topic(text, topic)
    options: dict[str, str] = {}
    for name, value in zip(rest[::2], rest[1::2], strict=True):
        if name in options:
            raise AddressError(f"{text!r} has {name}= twice; leave one out")
        options[name] = value
        try:
            compile_path(value)
        except AddressError as error:
            raise AddressError(f"{text!r}: {name}= is wrong: {error}") from None
    path, time = options.get("path"), options.get("time")
    if time is not None and path is None:
        raise AddressError(
            f"{text!r} has a time but no path: a payload with a time is JSON, and path= says "
            "where in it the value is"
        )
    if data_type == "text":
        raise AddressError(f"{text!r}: text is not stored yet; leave the tag out")
    return MqttAddress(topic, path, time)


def _check_topic(text: str, topic: str) -> None:
    if not topic:
        raise AddressError(f"{text!r} has no topic; {_EXAMPLE}")
    if ";" in topic:
        raise AddressError(f"{text!r}: behind the topic may follow ;path= and ;time=; {_EXAMPLE}")
    if "+" in topic or "#" in topic:
        raise AddressError(
            f"{text!r}: a tag is one measurement, and a wildcard would mix those of several "
            "topics; write the topic in full, one tag for each"
        )
    if topic.startswith(_RESERVED):
        raise AddressError(
            f"{text!r}: shared subscriptions are set once, with sharedGroup of the connection; "
            "write the topic alone"
        )
    if _CONTROL.search(topic) or topic != topic.strip():
        raise AddressError(
            f"{text!r}: the topic has spaces at its ends or control characters; {_EXAMPLE}"
        )
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        raise AddressError(f"{text!r}: the topic is no Unicode text; {_EXAMPLE}") from None
    if size > MOST_TOPIC_BYTES:
        raise AddressError(
            f"{text[:40]!r}… has a topic of {size} bytes; MQTT knows at most {MOST_TOPIC_BYTES}"
        )
