"""PostgreSQL 17 with TimescaleDB 2.23, community edition, compiled to WebAssembly.

There are no background workers in it: run_job by hand. COPY does not work. All connections share
one backend, in turns, as behind a pooler in transaction mode (server.js).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from tests.peers.node import installed, node

FOLDER = Path(__file__).parent
START_LIMIT_S = 90.0


@contextlib.contextmanager
def timescaledb() -> Iterator[str]:
    """Start one; gives its URL, as superuser. Skips when the packages cannot be had."""
    place = installed(FOLDER)
    with tempfile.TemporaryDirectory(prefix="pj-ts-", ignore_cleanup_errors=True) as folder:
        with subprocess.Popen(
            [node(), "server.js", f"{folder}/data"],
            cwd=place,
            stdin=subprocess.PIPE,  # it ends when this does
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                port = _port(process)
                yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
            finally:
                process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None and process.stderr is not None
    lines: Queue[str] = Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    try:
        line = lines.get(timeout=START_LIMIT_S)
    except Empty:
        line = ""
    if not line:
        process.kill()
        pytest.fail(f"TimescaleDB in WebAssembly did not start: {process.stderr.read()[-2000:]}")
    return int(json.loads(line)["port"])
