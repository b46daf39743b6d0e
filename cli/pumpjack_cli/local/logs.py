"""What children write to their logs, read again: warnings for the terminal, last lines of a crash.

Children log JSON lines (pumpjack_core.log); anything else is kept as it is.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pumpjack_core.log import redact

SHOWN_LEVELS = frozenset({"warning", "error", "critical"})
HIDDEN_KEYS = frozenset({"event", "level", "timestamp", "part", "exception"})
READ_BYTES = 256 << 10
LAST_LINES = 12
REPEAT_S = 30.0
MAX_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log. level is empty for a line that is no JSON."""

    level: str
    text: str
    key: str = ""
    """What makes two lines the same event, without the numbers that change."""


def parse(raw: str) -> Line:
    """Read a line; never fails."""
    try:
        event = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return Line("", redact(raw))
    if not isinstance(event, dict) or "event" not in event:
        return Line("", redact(raw))
    extra = ", ".join(f"{key}={event[key]}" for key in event if key not in HIDDEN_KEYS)
    text = f"{event['event']} ({extra})" if extra else str(event["event"])
    if "exception" in event:
        text += "\n" + str(event["exception"])
    return Line(str(event.get("level", "")), redact(text), str(event["event"]))


class Tail:
    """Follows one log file over its renames; holds its last lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._rest = b""
        self.last: deque[str] = deque(maxlen=LAST_LINES)

    def skip_to_end(self) -> None:
        """Leave out what earlier runs wrote."""
        if self._open():
            assert self._fd is not None
            os.lseek(self._fd, 0, os.SEEK_END)

    def read(self) -> list[Line]:
        """The lines that came since the last call, at most READ_BYTES of them."""
        if self._fd is None and not self._open():
            return []
        assert self._fd is not None
        chunk = os.read(self._fd, READ_BYTES)
        if not chunk and self._renamed():
            self.close()
            return self.read() if self._open() else []
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > READ_BYTES:
            whole, self._rest = [*whole, self._rest], b""
        lines = [parse(raw.decode(errors="replace")) for raw in whole if raw.strip()]
        self.last.extend(line.text for line in lines)
        return lines

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> bool:
        try:
            self._fd = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        return True

    def _renamed(self) -> bool:
        assert self._fd is not None
        try:
            return os.fstat(self._fd).st_ino != self._path.stat().st_ino
        except FileNotFoundError:
            return False


class Repeats:
    """Lets an event of a child through once in REPEAT_S and counts what it held back."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def admit(self, child: str, key: str, now_s: float) -> int | None:
        """None: hold this one back. Else how many were held back since the last one shown."""
        shown_at, held = self._seen.pop((child, key), (float("-inf"), 0))
        if now_s - shown_at < REPEAT_S:
            self._seen[child, key] = (shown_at, held + 1)
            return None
        self._seen[child, key] = (now_s, 0)
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        return held
