"""Moments on the command line: 2026-11-22, 2026-11-22T06:00Z, or 6h for six hours ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from pumpjack_core.errors import ManifestError


def moment(text: str, now: datetime) -> datetime:
    """Read a moment; one without a zone is UTC. Raises typer.BadParameter.

    >>> moment("2026-11-22", datetime.now(UTC)).isoformat()
    '2026-11-22T00:00:00+00:00'
    >>> moment("6h", datetime(2026, 11, 22, 8, tzinfo=UTC)).isoformat()
    '2026-11-22T02:00:00+00:00'
    """
    from pumpjack_core.units import seconds

    try:
        return now - timedelta(seconds=seconds(text))
    except ManifestError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-11-22, 2026-11-22T06:00Z, or 6h for six hours ago"
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
