"""What the journal costs: bytes and microseconds a reading, commits and fsyncs a second.

    pumpjack bench journal_cost -- [--seconds 3] [--folder /var/lib/pumpjack]

Appends and removes as a worker does, flat out and at a worker's pace, in a folder of the disk that
is to be measured. fsyncs are counted by strace where there is one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct, structs

from pumpjack_core.readings import Batch
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.bench import fleet

WAITING = 200
"""Batches that wait; what is older is removed, as when the database has it."""


class Load(Struct, frozen=True):
    """readings in a batch, batches in a commit, and commits a second (0: flat out)."""

    name: str
    readings: int
    batches: int
    commits_per_s: float = 0.0


LOADS = (
    Load("50 readings a batch, 1 a commit", 50, 1),
    Load("50 readings a batch, 20 a commit", 50, 20),
    Load("1,000 readings a batch, 1 a commit", 1_000, 1),
    Load("10,000 readings a batch, 1 a commit", 10_000, 1),
    Load("50 readings a batch, once a second", 50, 1, 1.0),
)


class Figure(Struct, frozen=True):
    """What came out of one load. disk_bytes: written to the device, by /proc/self/io."""

    name: str
    readings_per_s: int
    commits_per_s: float
    p99_commit_ms: float
    cpu_us_a_reading: float
    payload_bytes_a_reading: float
    disk_bytes_a_reading: float


def measure(load: Load, folder: Path, seconds: float) -> Figure:
    """Append for so long."""
    config = fleet.config(0, fleet.Load(1, 50, 1, 1, 1.0, 0.0, anomaly=False))
    n = load.readings
    index = np.arange(n, dtype=np.int32) % len(config.tags)
    value = np.round(100 + np.random.default_rng(1).standard_normal(n), 3)
    quality = np.zeros(n, np.int16)
    times: list[float] = []
    payload_bytes = readings = 0
    with Spool(folder, config.connection.connection_id, size_bytes=1 << 40) as spool:
        seq = spool.next_seq
        written, cpu, began = _written(), time.process_time(), time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            rows = []
            for _ in range(load.batches):
                us = time.time_ns() // 1_000
                batch = Batch(
                    config.tags, index, us + np.arange(n, dtype=np.int64), value, quality, us
                )
                payload = codec.encode(batch, seq=seq)
                payload_bytes += len(payload)
                rows.append(Row(seq, us, n, config.tags, payload))
                seq += 1
            at = time.perf_counter()
            spool.append(rows)
            times.append(time.perf_counter() - at)
            readings += n * load.batches
            if spool.waiting.batches > 2 * WAITING:
                spool.remove(seq - WAITING)
            if load.commits_per_s:
                time.sleep(max(0.0, now + 1 / load.commits_per_s - time.monotonic()))
        elapsed = time.monotonic() - began
        cpu = time.process_time() - cpu
        written = _written() - written
    return Figure(
        load.name,
        round(readings / elapsed),
        round(len(times) / elapsed, 1),
        round(float(np.percentile(times, 99)) * 1e3, 2),
        round(cpu / readings * 1e6, 2),
        round(payload_bytes / readings, 2),
        round(written / readings, 2),
    )


def fsyncs_a_commit(folder: Path) -> float | None:
    """Of a hundred commits of one batch, with their removal; None without strace."""
    if shutil.which("strace") is None:
        return None
    call = (
        "from pathlib import Path; from tests.bench.journal_cost import commits;"
        f" commits(Path({str(folder)!r}), int({{count}}))"
    )

    def counted(count: int) -> int:
        trace = folder.with_name(f"trace-{count}")
        subprocess.run(
            ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync", sys.executable, "-c",
             call.format(count=count)],
            check=True,
        )  # fmt: skip
        return trace.read_text().count("sync(")

    return (counted(110) - counted(10)) / 100


def commits(folder: Path, count: int) -> None:
    """So many commits of one batch; each tenth removes what is before it."""
    config = fleet.config(0, fleet.Load(1, 50, 1, 1, 1.0, 0.0, anomaly=False))
    us = time.time_ns() // 1_000
    index = np.arange(50, dtype=np.int32)
    times = np.full(50, us, np.int64)
    batch = Batch(config.tags, index, times, np.ones(50), np.zeros(50, np.int16), us)
    with Spool(folder / str(count), config.connection.connection_id, size_bytes=1 << 40) as spool:
        for seq in range(spool.next_seq, spool.next_seq + count):
            payload = codec.encode(batch, seq=seq)
            spool.append([Row(seq, us, 50, config.tags, payload)])
            if seq % 10 == 0:
                spool.remove(seq - 1)


def _written() -> int:
    """Bytes that this process has had written to a device."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="journal_cost", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each load runs")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pj-journal-", dir=options.folder) as name:
        for number, load in enumerate(LOADS):
            figure = measure(load, Path(name) / str(number), options.seconds)
            if options.output == "json":
                print(json.dumps(structs.asdict(figure)), flush=True)
                continue
            print(
                f"{figure.name:<38}{figure.readings_per_s:>9,} readings/s"
                f"{figure.commits_per_s:>9,.1f} commits/s, p99 {figure.p99_commit_ms:,.1f} ms;"
                f" a reading: {figure.cpu_us_a_reading:.2f} µs CPU,"
                f" {figure.payload_bytes_a_reading:.1f} B, {figure.disk_bytes_a_reading:.0f} B"
                " written to disk",
                flush=True,
            )
        found = fsyncs_a_commit(Path(name))
        if found is not None:
            text = json.dumps({"name": "fsyncs a commit", "fsyncs": found})
            print(text if options.output == "json" else f"{found:.2f} fsyncs a commit")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
