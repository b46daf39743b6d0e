"""Stops the embedded stores when the process that started them is gone without doing so.

python -m pumpjack_cli.local.tether PARENT_FD DATA_DIR PID:SIGNAL…

The stores are no children of ours (PostgreSQL runs as a daemon), so they cannot watch the parent
themselves. First the children drain into them; they hold CHILDREN_LOCK (see child.py). A new
parent that was quicker holds the data folder's lock and takes the stores over.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import time
from pathlib import Path

import psutil

from pumpjack_cli.local.child import CHILDREN_LOCK

LOOK_S = 0.25
SUCCESSOR_S = 3.0
CHILDREN_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0


def main() -> None:
    """Wait for the parent's end, then stop what it left."""
    parent_fd, folder, *targets = sys.argv[1:]
    stores = [(int(pid), int(number)) for pid, _, number in (t.partition(":") for t in targets)]
    born = {pid: _born(pid) for pid, _ in stores}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    select.select([int(parent_fd)], [], [])
    children = os.open(Path(folder) / CHILDREN_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    parent = os.open(Path(folder) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _alone(children, parent):
        return
    for pid, number in stores:
        if born[pid] is not None and _born(pid) == born[pid]:
            os.kill(pid, number)
    limit = time.monotonic() + STOP_LIMIT_S
    while time.monotonic() < limit and any(born[p] and _born(p) == born[p] for p, _ in stores):
        time.sleep(LOOK_S)


def _alone(children: int, parent: int) -> bool:
    """Whether all children have ended, and nobody has taken the parent's place."""
    limit = time.monotonic() + CHILDREN_LIMIT_S
    taken_since: float | None = None
    while (now := time.monotonic()) < limit:
        if _take(parent, fcntl.LOCK_SH):
            taken_since = None
            if _take(children, fcntl.LOCK_EX):
                fcntl.flock(parent, fcntl.LOCK_UN)
                return True
            fcntl.flock(parent, fcntl.LOCK_UN)
        else:
            # A killed process loses its pipe a moment before its locks.
            taken_since = taken_since or now
            if now - taken_since > SUCCESSOR_S:
                return False
        time.sleep(LOOK_S)
    return False


def _take(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _born(pid: int) -> float | None:
    """When a process started, so that its number is not taken for another's."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


if __name__ == "__main__":
    main()
