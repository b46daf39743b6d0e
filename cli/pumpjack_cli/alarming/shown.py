"""Alarms, their events and figures as lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pumpjack_cli.alarming.chosen import SHORT
from pumpjack_cli.output import plain

Row = Mapping[str, Any]


def alarm_lines(rows: Sequence[Row]) -> Iterator[str]:
    """One line an alarm, in columns; below it what to do, where it is declared."""
    columns = [
        (
            row["alarmId"][:SHORT],
            f"P{row['priority']}",
            row["state"].replace("_", " "),
            where(row),
            row["condition"],
            value_of(row),
            moment(row["since"]),
        )
        for row in rows
    ]
    for row, line in zip(rows, aligned(columns), strict=True):
        unsure = "" if row["confirmed"] else "  (not stored yet)"
        yield f"{line}{unsure}"
        for label, text in (("", row["message"]), ("do: ", row["response"])):
            if text:
                yield f"{'':{SHORT}}  {label}{plain(text)}"


def counts_line(counts: Row) -> str:
    """The sums, and whether they are a flood."""
    line = (
        f"{counts['toHandle']} to handle, {counts['unacknowledged']} of them unacknowledged; "
        f"{counts['raisedIn10Min']} new in 10 minutes"
    )
    return f"{line}; a flood since {moment(counts['flood']['since'])}" if counts["flood"] else line


def flood_lines(counts: Row, rows: Sequence[Row]) -> Iterator[str]:
    """The groups of a flood, each with what came first."""
    by_id = {row["alarmId"]: row for row in rows}
    for group in (counts["flood"] or {}).get("groups", ()):
        first = by_id.get(group["firstOut"])
        what = f"{where(first)} {first['condition']}" if first else group["firstOut"][:SHORT]
        place = group.get("wellId") or group["connectionId"]
        yield f"  {plain(place)}: {group['total']} alarms, the first was {what}"


def event_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One line an event."""
    columns = [
        (
            moment(row["at"]),
            str(row["eventNo"]),
            row["alarmId"][:SHORT],
            f"P{row['priority']}",
            where(row),
            row["condition"],
            row["kind"].replace("_", " "),
            plain(row["actor"]),
            plain(row["comment"]),
        )
        for row in rows
    ]
    yield from (line.rstrip() for line in aligned(columns))


def figure_lines(answer: Row) -> Iterator[str]:
    """Each figure with what it means."""
    figures, meanings = answer["figures"], answer["definitions"]
    yield f"from {moment(answer['start'])} to {moment(answer['end'])}"
    for name, value in figures.items():
        if isinstance(value, (int, float)):
            yield f"{name}: {value:g}"
            yield f"    {meanings.get(name, '')}"
    for name in ("mostFrequent", "chattering", "standing"):
        yield f"{name}: {meanings[name]}"
        yield from (f"    {_figure(row)}" for row in figures[name])
    shares = ", ".join(
        f"P{priority} {one['alarms']} ({one['share']:.0%})"
        for priority, one in figures["priorities"].items()
    )
    yield f"priorities: {shares}"
    yield f"    {meanings['priorities']}"


def answer_lines(rows: Iterable[Row]) -> Iterator[str]:
    """What became of an action."""
    for row in rows:
        became = row["state"].replace("_", " ") if row["done"] else f"not done: {row['problem']}"
        yield f"{row['alarmId'][:SHORT]}  {became}"


def where(row: Row) -> str:
    """Well and tag, or the connection."""
    return plain(f"{row['wellId']} {row['tagName']}" if row["tagName"] else row["connectionId"])


def value_of(row: Row) -> str:
    """The value at its last transition, and the limit."""
    if row["value"] is None:
        return ""
    limit = f" (limit {row['limit']:g})" if row["limit"] is not None else ""
    return f"{row['value']:g} {row['unit']}".rstrip() + limit


def moment(text: str | None) -> str:
    """A time without its fractions.

    >>> moment("2026-01-31T06:30:00.123456Z")
    '2026-01-31T06:30:00Z'
    """
    return "" if text is None else f"{text[:19]}Z"


def aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns of the same width.

    >>> list(aligned([("a", "bb", "c"), ("aaa", "b", "c")]))
    ['a    bb  c', 'aaa  b   c']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _figure(row: Row) -> str:
    alarm = row["alarm"]
    what = f"{where(alarm)} {alarm['condition']} (P{alarm['priority']})"
    if "activeSince" in row:
        return f"{what}: since {moment(row['activeSince'])}, {row['state'].replace('_', ' ')}"
    if "mostPerMinute" in row:
        return f"{what}: {row['raised']} times, up to {row['mostPerMinute']} a minute"
    return f"{what}: {row['raised']} times, {row['share']:.0%}"
