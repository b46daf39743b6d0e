"""Which connections have fallen silent: comm_failure. Pure; times are monotonic seconds.

A connection fails when three heartbeats are missed, when its device is away for 10 s, or when its
worker ended in order and nobody took its place for a minute. One that is suspended does not fail
as long as its worker is heard, or was a minute ago; one that was deleted does not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from pumpjack_core.wire import STALE_AFTER_S, DeviceState, Heartbeat

DEVICE_AWAY_S = 10.0
STOPPED_S = 60.0
SUSPENDED_S = 60.0
"""A worker that leaves its device alone is in no hurry, but is to be there."""


class Known(Struct, frozen=True):
    """A connection as the database knows it.

    retired   it was deleted
    drained   its workers ended with nothing left to store
    """

    connection_id: str
    retired: bool
    drained: bool


class Verdict(Struct, frozen=True):
    """Whether a connection has failed, and why, as a sentence."""

    failed: bool
    why: str = ""


WELL = Verdict(failed=False)
NEVER_HEARD = Verdict(failed=True, why="no worker of this connection is heard")
SILENT = Verdict(failed=True, why="nothing is heard of its worker for three heartbeats")
STOPPED = Verdict(
    failed=True, why="its worker was stopped a minute ago, and none has taken its place"
)
SUSPENDED = Verdict(
    failed=True, why="it is suspended, and nothing was heard of its worker for a minute"
)


@dataclass(slots=True)
class _Line:
    """What was heard of a connection.

    at        the time in its last heartbeat; another one is another heartbeat
    heard_s   when that came, or was first seen
    fresh     it came while we listened; one that was there before may be old
    since_s   since when it is in a state of this kind: connected or not, stopped
    """

    at: str
    heard_s: float
    fresh: bool
    state: DeviceState
    since_s: float
    why: str


class Lines:
    """The connections of one tenant, as one replica hears them."""

    def __init__(self, now_s: float) -> None:
        self._lines: dict[str, _Line] = {}
        self._listening_s = now_s

    def hear(self, beat: Heartbeat, now_s: float) -> None:
        """The last heartbeat of a connection; the same one again is no news."""
        line = self._lines.get(beat.connection_id)
        if line is None:
            # nobody knows how old it is: clocks differ
            self._lines[beat.connection_id] = _Line(
                beat.at, now_s, fresh=False, state=beat.state, since_s=now_s, why=_why(beat)
            )
        elif line.at != beat.at:
            if _kind(line.state) != _kind(beat.state):
                line.since_s = now_s
            line.at, line.heard_s, line.fresh = beat.at, now_s, True
            line.state, line.why = beat.state, _why(beat)

    def listen_again(self, now_s: float, grace_s: float) -> None:
        """Nothing could be heard for a while: silence and absence count from now.

        grace_s: so long a connection may need to be heard again.
        """
        self._listening_s = now_s + grace_s - STALE_AFTER_S
        for line in self._lines.values():
            line.since_s = max(line.since_s, now_s)
            line.fresh = False

    def verdict(self, known: Known, now_s: float) -> Verdict | None:
        """None: it cannot be told yet, or stays as it was."""
        line = self._lines.get(known.connection_id)
        if known.retired:
            return WELL
        if line is None:
            never = not known.drained and now_s - self._listening_s >= STALE_AFTER_S
            return NEVER_HEARD if never else None
        silent_s = now_s - max(line.heard_s, self._listening_s)
        return _of_heard(line, silent_s, now_s - line.since_s)


def _of_heard(line: _Line, silent_s: float, since_s: float) -> Verdict | None:
    """The verdict on one that was heard, but silent for so long, and in its state for so long."""
    if line.state == "stopped":
        return STOPPED if since_s >= STOPPED_S else None
    suspended = line.state == "suspended"
    if silent_s >= (SUSPENDED_S if suspended else STALE_AFTER_S):
        return SUSPENDED if suspended else SILENT
    if suspended or line.state == "connected":
        return WELL if line.fresh else None
    away = line.state != "fenced" and since_s >= DEVICE_AWAY_S
    return Verdict(failed=True, why=line.why) if away else None


def _kind(state: DeviceState) -> str:
    """States that count as one: a device that is away is tried again and again."""
    return "away" if state in ("connecting", "disconnected") else state


def _why(beat: Heartbeat) -> str:
    detail = f": {beat.message}" if beat.message else ""
    return f"its device is away for 10 s or longer{detail}"
