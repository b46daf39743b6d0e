"""Commands and what may be written, as lines for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pumpjack_cli.alarming.shown import aligned, moment
from pumpjack_cli.output import plain

Row = Mapping[str, Any]


def command_lines(rows: Sequence[Row]) -> Iterator[str]:
    """One line a command."""
    yield from aligned(
        [
            (
                moment(row["requestedAt"]),
                row["commandId"],
                row["state"],
                plain(f"{row['wellId']} {row['tagName']}"),
                f"{row['value']:g} {row['unit']}".rstrip(),
                plain(row["requestedBy"]),
                plain(row["message"]),
            )
            for row in rows
        ]
    )


def whole(answer: Row) -> Iterator[str]:
    """One command with everything that is known of it but its steps."""
    row = answer["command"]
    yield f"command    {row['commandId']}"
    yield f"tag        {plain(row['wellId'])} {plain(row['tagName'])} ({row['connectionId']})"
    yield f"asked for  {row['value']:g} {row['unit']}".rstrip()
    yield f"by         {plain(row['requestedBy'])} ({row['requestedRole']}): {plain(row['reason'])}"
    if row["decidedBy"]:
        yield f"decided    {plain(row['decidedBy'])} {plain(row['comment'])}".rstrip()
    if row["readBack"] is not None:
        yield f"read back  {row['readBack']:g} {row['unit']}".rstrip()
    yield f"state      {row['state']}: {plain(row['message'])}"


def tag_lines(rows: Sequence[Row]) -> Iterator[str]:
    """One line a tag: its name, what it may be given, and what stands in the way."""
    yield from aligned(
        [
            (
                plain(row["tagName"]),
                limits(row),
                "needs a second person" if row["approval"] == "required" else "",
                plain(row["off"] or _running(row) or "can be written"),
            )
            for row in rows
        ]
    )


def limits(tag: Row) -> str:
    """What a tag may be given.

    >>> limits({"states": [0, 1], "stateNames": {"1": "OPEN"}, "low": None, "high": None,
    ...         "unit": ""})
    '0, 1 (OPEN)'
    """
    if tag["states"]:
        words = tag["stateNames"]
        named = (f"{s} ({words[str(s)]})" if str(s) in words else str(s) for s in tag["states"])
        return plain(", ".join(named))
    return f"{tag['low']:g} to {tag['high']:g} {tag['unit']}".rstrip()


def _running(tag: Row) -> str:
    running = tag["running"]
    return f"{running['requestedBy']} writes {running['value']:g} to it" if running else ""
