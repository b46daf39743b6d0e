"""Runs `pumpjack` as a user does: another process, its output and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

RUN = (sys.executable, "-c", "from pumpjack_cli.main import main; main()")


@dataclass(frozen=True)
class Done:
    code: int
    stdout: str
    stderr: str


def run(*arguments: str, environment: Mapping[str, str] | None = None, limit_s: float = 60) -> Done:
    """Run it to its end."""
    plain = {"NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}
    done = subprocess.run(
        [*RUN, *arguments],
        capture_output=True,
        text=True,
        timeout=limit_s,
        env={**os.environ, **plain, **(environment or {})},
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
