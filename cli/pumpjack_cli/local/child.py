"""The first code that runs in a child process: ties its life and its log to its parent's.

python -m pumpjack_cli.local.child LOG PARENT_FD DATA_DIR MODULE [ARGUMENT…]

Runs MODULE as `python -m MODULE ARGUMENT…` would, with stdout and stderr in the file LOG. When
PARENT_FD (the reading end of a pipe whose other end only the parent holds) reports the end, the
parent is gone, however it went, kill -9 included: the child gets SIGTERM so that it drains, and
SIGKILL when it has not ended GRACE_S later. This needs no rights, and works beyond Linux.

Each child holds DATA_DIR/CHILDREN_LOCK, shared, for as long as it lives: whoever starts the next
run, or stops the stores of a killed one, waits for that.

The log is written by the child itself, so a parent that hangs never blocks it; it is renamed to
LOG.1 when it grows past LOG_BYTES, between two writes, so no line is lost.
"""

from __future__ import annotations

import fcntl
import os
import runpy
import select
import signal
import sys
import threading
import time
from pathlib import Path

CHILDREN_LOCK = "children.lock"
GRACE_S = 20.0
LOG_BYTES = 8 << 20
LOG_CHECK_S = 5.0


def open_log(path: Path) -> None:
    """Send stdout and stderr to the end of the file."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def rotate_if_large(path: Path, limit: int = LOG_BYTES) -> bool:
    """Keep one older log beside the current one."""
    if os.fstat(2).st_size < limit:
        return False
    path.replace(path.with_name(path.name + ".1"))
    open_log(path)
    return True


def parent_is_gone(parent_fd: int, wait_s: float) -> bool:
    """Whether the pipe has ended within wait_s; nothing is ever written to it."""
    readable, _, _ = select.select([parent_fd], [], [], wait_s)
    return bool(readable)


def watch(parent_fd: int, log: Path) -> None:
    """Look after the log until the parent is gone, then end this process."""
    while not parent_is_gone(parent_fd, LOG_CHECK_S):
        try:
            rotate_if_large(log)
        except OSError as error:
            print(f"{log}: cannot start a new log: {error}", file=sys.stderr, flush=True)
    print("the parent process is gone; stopping", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Become the module."""
    log, parent_fd, folder, module, *arguments = sys.argv[1:]
    open_log(Path(log))
    fcntl.flock(os.open(Path(folder) / CHILDREN_LOCK, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_SH)
    os.set_inheritable(int(parent_fd), False)
    threading.Thread(
        target=watch, args=(int(parent_fd), Path(log)), name="parent-watch", daemon=True
    ).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
