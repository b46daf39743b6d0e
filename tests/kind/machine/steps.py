"""What is done is told with its seconds; what cannot be done is told with the way out."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


class Impossible(Exception):
    """The cluster cannot be made here; a sentence that says why, and what to do."""


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Print what is done as it begins, and its seconds when it is done."""
    print(f"{what} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def run(
    *command: str | Path,
    limit_s: float,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """The output of a program. Raises Impossible with the end of what it complained about."""
    words: Sequence[str] = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except FileNotFoundError:
        raise Impossible(f"{words[0]} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise Impossible(f"`{' '.join(words)}` did not end within {limit_s:.0f} s.") from None
    if done.returncode != 0:
        told = (done.stderr or done.stdout)[-3_000:].strip()
        raise Impossible(f"`{' '.join(words)}` failed{os.linesep}{told}")
    return done.stdout
