"""What the alarms of a connection cost its worker: CPU a reading, with none and with four a tag.

    pumpjack bench alarms -- [--tags 1000] [--seconds 1]

quiet: values move between their limits. chattering: every reading crosses a limit, so every one
changes an alarm. one in a thousand: as in a plant that has trouble. Single-threaded, CPU time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs

from pumpjack_core.readings import Batch
from pumpjack_core.tags import Alarm, Tag, TagTable
from pumpjack_worker.pipeline.alarms.evaluator import Evaluator
from pumpjack_worker.pipeline.validate import Validator

T0_US = 1_770_000_000_000_000
FOUR = (
    Alarm("hihi", limit=95.0, deadband=1.0),
    Alarm("hi", limit=90.0, deadband=1.0),
    Alarm("lo", limit=10.0, deadband=1.0),
    Alarm("lolo", limit=5.0, deadband=1.0),
)
SIZES = (1, 10, 50, 1_000, 10_000)


class Figure(Struct, frozen=True):
    """CPU of one reading [µs] and transitions a reading; ratio to the validation of the same."""

    name: str
    batch: int
    us_a_reading: float
    transitions_a_reading: float
    ratio_to_validation: float


def batches(tags: TagTable, size: int, crossing: float) -> list[Batch]:
    """A thousand readings at least, in batches; this part of them crosses hi, there and back."""
    chance = np.random.default_rng(1)
    n = len(tags)
    count = max(1, 5_000 // size)
    made = []
    over = np.zeros(n, np.bool_)
    for number in range(count):
        start = number * size
        index = ((start + np.arange(size)) % n).astype(np.int32)
        crosses = chance.random(size) < crossing
        value = chance.uniform(40.0, 60.0, size)
        for at, is_crossing in zip(index.tolist(), crosses.tolist(), strict=True):
            if is_crossing:
                over[at] = not over[at]
        value[over[index]] = 92.0
        us = np.full(size, T0_US, np.int64) + np.arange(size) // n
        made.append(Batch(tags, index, us, value, np.zeros(size, np.int16), T0_US))
    return made


def later(batch: Batch, us: int) -> Batch:
    """The same readings so much later."""
    return Batch(
        batch.tags,
        batch.tag_index,
        batch.source_us + us,
        batch.value,
        batch.quality,
        batch.received_us + us,
    )


def measure(name: str, tags: TagTable, size: int, crossing: float, seconds: float) -> Figure:
    """Evaluate for so long."""
    evaluator = Evaluator(tags)
    validator = Validator(tags, max_future_s=300.0, max_age_s=86_400.0 * 90)
    made = batches(tags, size, crossing)
    readings = transitions = rounds = 0
    spent = validating = 0.0
    while spent + validating < seconds:
        rounds += 1
        moved = [
            later(batch, 1_000_000 * (rounds * len(made) + at)) for at, batch in enumerate(made)
        ]
        began = time.process_time()
        for batch in moved:
            transitions += len(evaluator.evaluate(batch, 0.0))
        spent += time.process_time() - began
        began = time.process_time()
        for batch in moved:
            validator.judge(batch)
        validating += time.process_time() - began
        readings += sum(map(len, moved))
    return Figure(
        name,
        size,
        round(spent / readings * 1e6, 3),
        round(transitions / readings, 4),
        round(spent / validating, 2),
    )


def table(count: int, alarms: tuple[Alarm, ...]) -> TagTable:
    """Tags of one well."""
    return TagTable(
        tuple(
            Tag("well", f"tag{number}", "holding:1", "float32", 1.0, alarms=alarms)
            for number in range(count)
        )
    )


def show(figure: Figure, output: str) -> None:
    """One line a figure."""
    if output == "json":
        print(json.dumps(structs.asdict(figure)), flush=True)
        return
    print(
        f"{figure.name:<22}{figure.batch:>7,} a batch {figure.us_a_reading:>8.3f} µs a reading "
        f"{figure.transitions_a_reading:>7.4f} transitions a reading, "
        f"{figure.ratio_to_validation:>6.2f} of what its validation takes",
        flush=True,
    )


def main(argv: Sequence[str]) -> int:
    """Parse the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="alarms", description=__doc__.splitlines()[0])
    parser.add_argument("--tags", type=int, default=1_000, help="tags of the connection")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time of each figure [s]")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(argv)
    four, none = table(options.tags, FOUR), table(options.tags, ())
    for size in SIZES:
        for name, tags, crossing in (
            ("no alarms", none, 0.0),
            ("quiet", four, 0.0),
            ("one in a thousand", four, 0.001),
            ("chattering", four, 1.0),
        ):
            show(measure(name, tags, size, crossing, options.seconds), options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
