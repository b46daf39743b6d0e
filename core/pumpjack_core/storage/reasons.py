"""Why readings are kept out of their series, what to do about it, and how they come back. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

_VALUE = re.compile(r"value[= ](?P<value>[^, ]*),? quality[= ](?P<quality>\d+)")
_AT = re.compile(r"(?P<value>.+) at (?P<time>.+)", re.DOTALL)


class Reason(Struct, frozen=True):
    """One reason: what it means, what to do, and whether its readings can be replayed."""

    means: str
    do: str
    replay: str | None = None


REASONS: Mapping[str, Reason] = {
    "too_old": Reason(
        "its time is older than readings are kept: raw_days of pumpjack.settings, less two days",
        "a device that sends old data: raise raw_days. A wrong clock or zone: correct the device, "
        "or spec.clock of the connection",
        "as it is once raw_days is larger, or with --shift where the time was wrong",
    ),
    "in_future": Reason(
        "its time was more than a day ahead of the database's clock",
        "correct the device's clock, its zone, or spec.clock of the connection",
        "with --shift, by as much as the clock was wrong",
    ),
    "timestamp_conflict": Reason(
        "its instant, and the millisecond after it, hold other values of the tag already",
        "give two devices two tags; have the device send finer times",
        "with --shift, where the time was wrong",
    ),
    "text_value": Reason(
        "text came where a number belongs; text is never taken for a number",
        "correct the tag's address, or have the device send a number",
        "with --text, where the text is a number; --scale and --offset as the tag has them",
    ),
    "bad_time": Reason(
        "the time of the value could not be read",
        "correct spec.mqtt.timePath and the format of the time",
        "with --time-format, where value and time were kept apart (the raw form is VALUE at TIME)",
    ),
    "unexpected_type": Reason(
        "the node gives something that is no single number",
        "point the tag to a node that is a number",
    ),
    "no_number": Reason(
        "an object or a list came where a number belongs", "correct the path in the tag's address"
    ),
    "several_values": Reason(
        "the tag's path finds several values and there are not as many times",
        "make the path find one, or map the times beside them with spec.mqtt.timePath",
    ),
    "missing_value": Reason(
        "the tag's path finds nothing in the message; told once until it is there again",
        "correct the path in the tag's address, if the message should have it",
    ),
    "empty_payload": Reason(
        "the message was empty", "look at what publishes it; an empty message clears a topic"
    ),
    "unparsable": Reason(
        "the message is no JSON, or not what the protocol says", "look at its raw form and sender"
    ),
    "not_stored": Reason(
        "a note, no reading: the journal had no room for what was read in this time",
        "make the journal larger (spec.journal.size); `pumpjack reconcile` lists these times",
    ),
    "gap": Reason(
        "a note, no reading: the device or the broker lost messages before they arrived",
        "read its raw form; `pumpjack reconcile` lists these times",
    ),
    "damaged_batch": Reason(
        "a note, no reading: a batch in the journal did not read any more",
        "check the disk of the journal; the batch's bytes are kept beside it",
    ),
}


class Item(Struct, frozen=True):
    """One row of the quarantine; us is its time [µs since the epoch, UTC]."""

    quarantine_id: int
    us: int
    well_id: str | None
    tag_name: str | None
    tag_id: int | None
    current_tag_id: int | None
    reason: str
    raw: str


class Correction(Struct, frozen=True):
    """What was wrong, as a person says it.

    shift_s         is added to the time [s]
    text            take text that is a number for one
    scale, offset   applied to numbers from text and from VALUE at TIME, as the tag has them
    time_format     strptime format of the time in VALUE at TIME; UTC where it names no zone
    current         store under the series that the tag has now, not the one it had then
    """

    shift_s: float = 0.0
    text: bool = False
    scale: float = 1.0
    offset: float = 0.0
    time_format: str | None = None
    current: bool = False


class Reading(Struct, frozen=True):
    """A reading made of an item: time [µs since the epoch, UTC], series, quality and value."""

    quarantine_id: int
    us: int
    tag_id: int
    quality: int
    value: float


def reading_of(item: Item, correction: Correction) -> Reading | str:
    """The reading that an item was, or why it cannot be made of it."""
    known = REASONS.get(item.reason)
    if known is None or known.replay is None:
        return known.means if known is not None else f"nothing is known of {item.reason}"
    tag_id = item.current_tag_id if correction.current else item.tag_id
    if tag_id is None:
        return "no tag could be named when it came"
    found = _value_and_time(item, correction)
    if isinstance(found, str):
        return found
    us, quality, value = found
    us += round(correction.shift_s * 1e6)
    return Reading(item.quarantine_id, us, tag_id, quality, value)


def _value_and_time(item: Item, correction: Correction) -> tuple[int, int, float] | str:
    if item.reason == "text_value":
        if not correction.text:
            return "it is text; --text takes text that is a number for one"
        value = _number(item.raw, correction)
        return "its text is no number" if value is None else (item.us, 0, value)
    if item.reason == "bad_time":
        return _timed(item, correction)
    match = _VALUE.fullmatch(item.raw)
    if match is None:
        return "its raw form tells no value"
    text = match["value"]
    try:
        value = float(text) if text and text != "None" else math.nan
    except ValueError:
        return "its raw form tells no value"
    return item.us, int(match["quality"]), value


def _timed(item: Item, correction: Correction) -> tuple[int, int, float] | str:
    match = _AT.fullmatch(item.raw)
    if match is None:
        return "it is a whole message, whose value only its mapping can find"
    if correction.time_format is None:
        return "its time could not be read; say how with --time-format"
    value = _number(match["value"], correction)
    if value is None:
        return "what stands before its time is no number"
    written = match["time"].strip().strip('"')
    try:
        time = datetime.strptime(written, correction.time_format)
    except ValueError:
        return f"its time {written!r} is not of the form {correction.time_format}"
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return round(time.timestamp() * 1e6), 0, value


def _number(raw: str, correction: Correction) -> float | None:
    try:
        found = json.loads(raw)
    except ValueError:
        found = raw
    if isinstance(found, (dict, list)) or found is None:
        return None
    try:
        value = float(found)
    except ValueError:
        return None
    return value * correction.scale + correction.offset if math.isfinite(value) else None
