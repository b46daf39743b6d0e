"""Everything breaks for half a minute, and no promise is broken. `make test-chaos` takes longer.

Each run prints its seed; `make test-chaos SEED=… FAULTS=25` breaks the same things again.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pytest

from tests.chaos.flawed_worker import command
from tests.mosquitto import program

LIMIT_S = 900
STOP_LIMIT_S = 60
pytestmark = [
    pytest.mark.servers,
    pytest.mark.peers,
    pytest.mark.timeout(LIMIT_S + 2 * STOP_LIMIT_S),
]

ALWAYS = 4711
FAULTS, LONGEST_PAUSE_S = 25, 1.2


def run(seed: int, *arguments: str) -> tuple[int, str]:
    """Exit code and all that it said."""
    program("mosquitto")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.run", "--seed", str(seed), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=LIMIT_S)
    except BaseException:
        process.send_signal(signal.SIGINT)  # it ends what it started
        said, _ = process.communicate(timeout=STOP_LIMIT_S)
        print(said)
        raise
    return process.returncode, said


@pytest.mark.parametrize("seed", [ALWAYS, random.randrange(10**6)])
def test_whatever_breaks_what_was_acknowledged_is_stored_once_in_order_and_every_gap_is_told(
    seed: int,
) -> None:
    code, said = run(seed, "--faults", str(FAULTS), "--pause", str(LONGEST_PAUSE_S))
    assert code == 0, said


@pytest.mark.parametrize(
    ("flaw", "kinds", "found"),
    [
        ("acknowledge-first", ["kill-worker"], "acknowledged to the device and not stored"),
        ("write-without-cursor", ["lose-answer-of-database"], "stored more than once"),
        ("hide-losses", ["stall-redis"], "stored, not shown, and no gap was told"),
    ],
)
def test_a_worker_with_a_fault_in_its_code_is_found_out(
    flaw: str, kinds: list[str], found: str
) -> None:
    arguments = ["--faults", "20", "--pause", "1.5", "--discard", "--kinds", *kinds]
    code, said = run(ALWAYS, *arguments, "--worker", *command(flaw))
    assert code == 1, said
    assert found in said
