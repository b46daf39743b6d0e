"""Where simulated devices put the values of tags: the paths of addresses turned round."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from pumpjack_core.errors import AddressError
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.mqtt.address import parse_address
from pumpjack_worker.adapters.mqtt.paths import compile_path

Steps = tuple[str | int, ...]
"""Names and positions from the outermost value of a JSON document on."""
MOST_ROWS = 1_000
"""A path with a larger position is not simulated: the rows before it are sent as well."""


class Placed(Struct, frozen=True):
    """A tag and where its value goes.

    value      within the JSON payload; None: the payload is the number
    time       where the time of the value goes, None: the payload has none
    time_form  how it is written (spec.mqtt.timeFormat)
    """

    tag: Tag
    topic: str
    value: Steps | None
    time: Steps | None = None
    time_form: str = "auto"


def place(tag: Tag, *, time_path: str | None = None, time_form: str = "auto") -> Placed:
    """Turn a tag's address round.

    time_path  where times stand unless the address says so (spec.mqtt.timePath)

    Raises AddressError for an address that is wrong, or that names no one place to write to.
    """
    address = parse_address(tag.address, tag.data_type)
    if address.path is None:
        return Placed(tag, address.topic, None)
    time = address.time or time_path
    return Placed(
        tag,
        address.topic,
        _steps(address.path),
        None if time is None else _steps(time),
        time_form,
    )


def put(document: Any, steps: Steps, value: Any) -> Any:
    """The document with a value at this place; None is a document without anything in it.

    Raises ValueError where something else stands there.

    >>> put({"a": 1}, ("rows", 0, "b"), 2)
    {'a': 1, 'rows': [{'b': 2}]}
    """
    if not steps:
        if document is not None:
            raise ValueError("something else stands there")
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        named = {} if document is None else document
        if not isinstance(named, dict):
            raise ValueError("an object and something else at one place")  # noqa: TRY004
        named[step] = put(named.get(step), rest, value)
        return named
    rows = [] if document is None else document
    if not isinstance(rows, list):
        raise ValueError("a list and something else at one place")  # noqa: TRY004
    at = max(step, 0)  # the last one, -1, of a list of one
    rows += [None] * (at + 1 - len(rows))
    rows[at] = put(rows[at], rest, value)
    return rows


def _steps(path: str) -> Steps:
    """All of several rows become the first one."""
    steps = compile_path(path.replace("[*]", "[0]").replace(".*", "[0]")).steps
    if steps is None or any(isinstance(one, int) and not -1 <= one < MOST_ROWS for one in steps):
        raise AddressError(f"{path} names no one place that a value could be written to")
    return steps
