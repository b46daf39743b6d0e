"""Which alarms a command is about: by their ids, by the beginnings of them, or all that wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pumpjack_cli.gateway import Gateway
from pumpjack_core.errors import PumpjackError

PAGE = 1000
SHORT = 8
"""Digits of an id that are shown; as many as are needed to tell them apart are enough to give."""
Row = Mapping[str, Any]


def every(
    gateway: Gateway, path: str, rows: str, query: Mapping[str, object], *, most: int, page: int
) -> list[Row]:
    """Pages of a list, of this many rows, until there are enough, or no more."""
    found: list[Row] = []
    cursor: str | None = None
    while len(found) < most:
        answer = gateway.get(path, limit=min(page, most - len(found)), cursor=cursor, **query)
        found += answer[rows]
        cursor = answer["nextCursor"]
        if cursor is None:
            break
    return found


def chosen(listed: Sequence[Row], given: Iterable[str]) -> list[Row]:
    """The alarms that these ids or beginnings of ids mean. Raises PumpjackError."""
    found = []
    for text in given:
        fitting = [row for row in listed if row["alarmId"].startswith(text.lower())]
        if len(fitting) != 1:
            why = f"{len(fitting)} alarms' ids begin so" if fitting else "no alarm's id begins so"
            raise PumpjackError(
                f"{text!r}: {why}, of those that are not normal; `pumpjack alarms list` shows them"
            )
        found.append(fitting[0])
    return list({row["alarmId"]: row for row in found}.values())


def named(rows: Iterable[Row]) -> list[dict[str, object]]:
    """As an action wants them: each as it was seen."""
    return [{"alarmId": row["alarmId"], "version": row["version"]} for row in rows]
