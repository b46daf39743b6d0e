"""Everything breaks for half a minute, and no promise is broken.

Always with one seed; `make test-chaos` takes another each time, prints it, and takes longer.
"""

from __future__ import annotations

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

SEED = 4711
FAULTS, LONGEST_PAUSE_S = 25, 1.2


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and all that it said."""
    program("mosquitto")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.run", "--seed", str(SEED), *arguments],
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


def test_whatever_breaks_what_was_acknowledged_is_stored_once_in_order_and_every_gap_is_told() -> (
    None
):
    code, said = run("--faults", str(FAULTS), "--pause", str(LONGEST_PAUSE_S))
    assert code == 0, said


@pytest.mark.parametrize(
    ("flaw", "kinds", "faults", "found"),
    [
        ("acknowledge-first", ["kill-worker"], 20, "acknowledged to the device and not stored"),
        ("write-without-cursor", ["lose-answer-of-database"], 20, "stored more than once"),
        ("hide-losses", ["stall-redis"], 20, "stored, not shown, and no gap was told"),
        ("forget-at-start", ["kill-worker"], 12, "was not as the level says"),
        ("write-before-sent", ["kill-worker"], 12, "written before it was on record as sent"),
    ],
)
def test_a_worker_with_a_fault_in_its_code_is_found_out(
    flaw: str, kinds: list[str], faults: int, found: str
) -> None:
    arguments = ["--faults", str(faults), "--pause", "1.5", "--discard", "--kinds", *kinds]
    code, said = run(*arguments, "--worker", *command(flaw))
    assert code == 1, said
    assert found in said
