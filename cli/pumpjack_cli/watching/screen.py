"""The live table as text for a terminal. Quality is a shape and a word, never colour alone."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from pumpjack_cli.watching.model import ConnectionView, RowView, Table

SHAPES = {"GOOD": "●", "UNCERTAIN": "▲", "BAD": "✖"}
STYLES = {"GOOD": "", "UNCERTAIN": "yellow", "BAD": "bold red"}


def render(table: Table, now_s: float, *, lost: str = "", height: int | None = None) -> Group:
    """The whole screen. lost: why there is no connection now. height: lines that fit."""
    rows = table.rows(now_s)
    parts: list[RenderableType] = [_headline(table, lost)]
    parts += [_connection_line(connection) for connection in table.connections()]
    room = None if height is None else max(1, height - len(parts) - 6)
    shown = rows if room is None else rows[:room]
    parts.append(rows_table(shown))
    if len(shown) < len(rows):
        parts.append(Text(f"… {len(rows) - len(shown)} more tags; choose with --well", style="dim"))
    return Group(*parts)


def rows_table(rows: Sequence[RowView]) -> RichTable:
    """The tags; a well's name stands once."""
    found = RichTable(box=None, pad_edge=False, header_style="bold")
    for title, justify in (
        ("WELL", "left"),
        ("TAG", "left"),
        ("VALUE", "right"),
        ("UNIT", "left"),
        ("QUALITY", "left"),
        ("AGE", "right"),
        ("", "left"),
    ):
        found.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    last = None
    for row in rows:
        reason = f" {row.reason}" if row.reason else ""
        style = (
            "dim"
            if {"offline", "stale", "not read", "late"} & set(row.marks)
            else STYLES.get(row.quality, "")
        )
        found.add_row(
            row.well_id if row.well_id != last else "",
            row.tag_name,
            number(row.value),
            row.unit,
            f"{SHAPES.get(row.quality, '?')} {row.quality}{reason}",
            age(row.age_s),
            ", ".join(mark.upper() for mark in row.marks),
            style=style,
        )
        last = row.well_id
    return found


def number(value: float | None) -> str:
    """A value at four significant digits or as a whole number; a dash where there is none."""
    if value is None:
        return "-"
    if abs(value) < 1e9 and value == int(value):
        return f"{int(value)}"
    if 1000 <= abs(value) < 1e9:
        return f"{value:.1f}"
    return f"{value:.4g}"


def age(seconds: float) -> str:
    """How old a reading is."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86_400:.0f} d"


def _headline(table: Table, lost: str) -> Text:
    if table.online:
        text = Text(f"● live  {table.signed_in}", style="bold green")
    else:
        text = Text(f"✖ not connected  {lost or 'connecting …'}", style="bold red")
    if table.gaps_seen:
        text.append(f"   gaps: {table.gaps_seen}", style="yellow")
    if table.problem:
        text.append(f"   {table.problem}", style="yellow")
    return text


def _connection_line(connection: ConnectionView) -> Text:
    good = connection.state == "connected" and not connection.stale
    mark = "✖ STALE " if connection.stale else ("● " if good else "▲ ")
    return Text(f"{mark}{connection.connection_id}  {connection.text}", style="" if good else "red")
