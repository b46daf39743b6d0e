"""The messages of simulated devices, as values: what one topic carries, and how it is written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.mqtt.simulated_places import Placed, Steps, put

DECIMALS = 4
_WHOLE_UNIT_US = 1_000


class Publication(Struct, frozen=True):
    """One topic of a device.

    members     positions of its tags and where their values go; one of them when value is None
    times       where the time goes, and how it is written
    interval_s  how often it is published
    """

    topic: str
    members: tuple[tuple[int, Steps | None], ...]
    times: tuple[tuple[Steps, str], ...]
    interval_s: float


def publications(placed: Sequence[Placed]) -> tuple[list[Publication], dict[int, str]]:
    """The topics that carry these tags; and why some are carried by none, by their position."""
    topics: dict[str, list[int]] = {}
    for at, one in enumerate(placed):
        topics.setdefault(one.topic, []).append(at)
    found: list[Publication] = []
    left_out: dict[int, str] = {}
    for topic, positions in topics.items():
        publication, without = _publication(topic, positions, placed)
        found.append(publication)
        left_out |= without
    return found, left_out


def payload(
    publication: Publication, raw: Mapping[int, float | int | bool | None], us: int
) -> bytes:
    """What is published.

    raw  position of the tag to its raw value, None of a dead instrument
    us   the time that the message tells, see told_us()
    """
    if publication.members[0][1] is None:
        value = raw[publication.members[0][0]]
        return b"NaN" if value is None else json.dumps(_plain(value)).encode()
    document: Any = None
    for at, steps in publication.members:
        assert steps is not None
        document = _put_value(document, steps, raw[at])
    for steps, form in publication.times:
        document = put(document, steps, _written(us, form))
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def told_us(now_us: int) -> int:
    """The time that a message written now tells [µs since the epoch]: whole milliseconds."""
    return now_us - now_us % _WHOLE_UNIT_US


def raw_value(tag: Tag, value: float) -> float | int | bool:
    """A value in the tag's unit as the device writes it; integers are cut at their limits."""
    raw = (value - tag.offset) / tag.scale
    if tag.data_type == "bool":
        return bool(raw)
    if tag.data_type.startswith("float"):
        return round(raw, DECIMALS)
    bits = int(tag.data_type.removeprefix("u").removeprefix("int"))
    low = 0 if tag.data_type[0] == "u" else -(1 << (bits - 1))
    return min(max(round(raw), low), low + (1 << bits) - 1)


def read_value(tag: Tag, raw: float | int | bool | None) -> float:
    """What a reader makes of a raw value, in the tag's unit."""
    return math.nan if raw is None else raw * tag.scale + tag.offset


def _publication(
    topic: str, positions: Iterable[int], placed: Sequence[Placed]
) -> tuple[Publication, dict[int, str]]:
    members: list[tuple[int, Steps | None]] = []
    times: dict[Steps, str] = {}
    left_out: dict[int, str] = {}
    document: Any = None
    whole = placed[next(iter(positions))].value is None
    interval_s = math.inf
    for at in positions:
        one = placed[at]
        try:
            if whole != (one.value is None):
                raise ValueError("a plain number and JSON on one topic")
            if one.value is not None:
                document = _put_value(document, one.value, 0)
                if one.time is not None and one.time not in times:
                    document = put(document, one.time, 0)
                    times[one.time] = one.time_form
        except ValueError as error:
            left_out[at] = f"{one.tag.name} of {one.tag.well_id} is not simulated: {error}"
            continue
        members.append((at, one.value))
        interval_s = min(interval_s, one.tag.interval_s)
    return Publication(topic, tuple(members), tuple(times.items()), interval_s), left_out


def _put_value(document: Any, steps: Steps, value: Any) -> Any:
    """As put(), but two tags may have one place; the first one's value stays."""
    try:
        return put(document, steps, value)
    except ValueError:
        if steps and _stands(document, steps):
            return document
        raise


def _stands(document: Any, steps: Steps) -> bool:
    for step in steps:
        try:
            document = document[max(step, 0) if isinstance(step, int) else step]
        except (LookupError, TypeError):
            return False
    return not isinstance(document, dict | list)


def _plain(value: float | int | bool) -> float | int:
    return int(value) if isinstance(value, bool) else value


def _written(us: int, form: str) -> str | int | float:
    match form:
        case "unix":
            return round(us / 1e6, 3)
        case "unixMillis":
            return us // 1_000
        case "unixMicros":
            return us
        case "unixNanos":
            return us * 1_000
    text = datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
