"""The pure parts of the screens have tests of their own, in their own language."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[2] / "gateway" / "dashboard" / "build.py"


@pytest.mark.timeout(900)
def test_the_unit_tests_of_the_screens_pass() -> None:
    done = subprocess.run(
        [sys.executable, str(BUILD), "--units"],
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
