"""Break everything for a while, and see whether the promises of docs/guarantees.md were kept.

    python -m tests.chaos.run --seed 7 --faults 200

The same seed breaks the same things in the same order. When a promise was not kept it says which,
and leaves the list of faults with their times, all logs and the journals in one folder.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from msgspec import Struct

from pumpjack_core.clock import iso_us
from pumpjack_core.errors import leaves
from tests.chaos import plan, verdict
from tests.chaos.findings import Span
from tests.chaos.ledger import now_us
from tests.chaos.line import FAKETIME, WORKER
from tests.chaos.plan import Fault
from tests.chaos.site import NotRecovered, Site
from tests.chaos.strike import strike

FAULTS = 200
AT_ONCE = 3
LONGEST_PAUSE_S = 2.4
CALM_AFTER = 40
"""After so many faults everything has to recover by itself before the next one."""
STRIKE_LIMIT_S = 150.0
PRIVATE = "PUMPJACK_CHAOS_MOUNTS"
"""Set in the process that has a mount namespace of its own."""
_TROUBLES = (
    "kill-worker", "restart-worker", "freeze-worker", "second-worker", "cut-device",
    "halve-answer-of-device", "stall-device", "delay-device", "full-disk",
)  # fmt: skip


class Struck(Struct, frozen=True):
    """A fault that was done: from and to [µs since the epoch], and what went wrong with it."""

    fault: Fault
    from_us: int
    to_us: int
    problem: str = ""

    def __str__(self) -> str:
        took = (self.to_us - self.from_us) / 1e6
        return f"{iso_us(self.from_us)} +{took:7.2f} s  {self.fault}  {self.problem}".rstrip()


class Chaos:
    """One run."""

    def __init__(self, site: Site, faults: Sequence[Fault]) -> None:
        self._site = site
        self._faults = faults
        self._room = asyncio.Semaphore(AT_ONCE)
        self.struck: list[Struck] = []

    async def run(self) -> list[str]:
        """Do every fault, wait until all is calm, and judge. Returns what is wrong."""
        failed: list[str] = []
        try:
            await self._break_everything()
        except* NotRecovered as group:
            failed += [str(error) for error in leaves(group)]
        except* (OSError, RuntimeError) as group:
            failed += [f"the run itself failed: {error!r}" for error in leaves(group)]
        if failed:
            return failed
        return [*self._unstruck(), *await verdict.judge(self._site, self._troubles())]

    async def _break_everything(self) -> None:
        site = self._site
        await site.begin()
        async with asyncio.TaskGroup() as tasks:
            for number, fault in enumerate(self._faults, 1):
                await asyncio.sleep(fault.pause_s)
                await self._room.acquire()
                tasks.create_task(self._strike(fault), name=str(fault))
                if number % CALM_AFTER == 0:
                    await self._all_over()
                    await site.recovered()
        await site.settle()

    async def _strike(self, fault: Fault) -> None:
        from_us, problem = now_us(), ""
        try:
            async with asyncio.timeout(STRIKE_LIMIT_S):
                await strike(self._site, fault)
        except Exception as error:  # it must not end the run, and is told in the end
            problem = repr(error)
        finally:
            self._room.release()
        self.struck.append(Struck(fault, from_us, now_us(), problem))
        with (self._site.folder / "faults.txt").open("a") as file:
            file.write(f"{self.struck[-1]}\n")

    async def _all_over(self) -> None:
        for _ in range(AT_ONCE):
            await self._room.acquire()
        for _ in range(AT_ONCE):
            self._room.release()

    def _unstruck(self) -> list[str]:
        return [f"could not be done: {one}" for one in self.struck if one.problem]

    def _troubles(self) -> dict[str, list[Span]]:
        """When each worker, its device's network or its disk was in trouble."""
        found: dict[str, list[Span]] = {name: [] for name in self._site.lines}
        for one in self.struck:
            if one.fault.kind in _TROUBLES:
                found[one.fault.target].append((one.from_us, one.to_us))
        for name, line in self._site.lines.items():
            ends = [end for program in line.programs for end in program.exits]
            found[name] += [(end.from_us, end.at_us) for end in ends]
            found[name] += line.fenced
        return found


async def chaos(
    folder: Path,
    seed: int,
    number: int,
    *,
    pause_s: float,
    kinds: Collection[str],
    worker: Sequence[str],
) -> tuple[list[str], str]:
    """Run once. Returns what is wrong, and a report."""
    faults = plan.draw(seed, number, longest_pause_s=pause_s, kinds=kinds)
    version = random.Random(f"{seed}/version").choice(("5", "3.1.1"))
    began = time.monotonic()
    async with Site(folder, worker, mqtt_version=version, seed=str(seed)) as site:
        if os.environ.get(PRIVATE):
            for line in site.lines.values():
                line.have_small_disk()
        run = Chaos(site, faults)
        found = await run.run()
        if found:
            for name, line in site.lines.items():
                line.keep_journals(folder / "journals" / name)
        summary = await site.summary()
    took_s = time.monotonic() - began
    return found, f"{len(run.struck)} faults in {took_s:.0f} s, MQTT {version}; {summary}"


def impossible() -> list[str]:
    """Kinds of faults that this machine cannot do."""
    kinds = [] if os.environ.get(PRIVATE) else ["full-disk"]
    return kinds if FAKETIME.exists() else [*kinds, "clock-jump"]


def main() -> None:
    """Run as a program; exit 0 when every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--faults", type=int, default=FAULTS)
    parser.add_argument("--pause", type=float, default=LONGEST_PAUSE_S, help="longest pause [s]")
    parser.add_argument("--kinds", nargs="+", choices=plan.KINDS, help="default: all of them")
    parser.add_argument(
        "--worker", nargs=argparse.REMAINDER, default=list(WORKER), help="program of the workers"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    parser.add_argument("--discard", action="store_true", help="remove the folder in any case")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}, {options.faults} faults", flush=True)
    without = impossible()
    if without:
        print(f"left out, for this machine cannot do it: {', '.join(without)}", flush=True)
    kinds = [kind for kind in options.kinds or plan.KINDS if kind not in without]
    folder = Path(tempfile.mkdtemp(prefix="pj-chaos-"))
    folder.chmod(0o755)  # the database runs as an account of its own
    for name in ("asyncua", "asyncio"):  # they tell of every fault that we make
        logging.getLogger(name).setLevel(logging.CRITICAL)
    found, report = asyncio.run(
        chaos(
            folder,
            seed,
            options.faults,
            pause_s=options.pause,
            kinds=kinds,
            worker=options.worker,
        )
    )
    print(report)
    for sentence in found:
        print(f"NOT KEPT: {sentence}")
    if options.keep or (found and not options.discard):
        print(f"seed {seed}; faults, logs and journals are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if found else 0)


def with_private_mounts() -> None:
    """Go on in a mount namespace of our own, where we may have one: disks can be filled there."""
    if os.environ.get(PRIVATE) or os.geteuid() != 0 or shutil.which("unshare") is None:
        return
    command = ["unshare", "--mount", "--propagation", "private"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
        arguments = [sys.executable, "-m", "tests.chaos.run", *sys.argv[1:]]
        os.execvpe(command[0], [*command, *arguments], os.environ | {PRIVATE: "1"})


if __name__ == "__main__":
    with_private_mounts()
    main()
