"""What one look at one connection found, as values that go to the screen and into JSON."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["good", "not-good", "rejected", "quarantined", "missing"]
"""good: a plain GOOD reading; not-good: a reading with another quality; rejected: the address is
wrong or refused; quarantined: what came is no reading; missing: nothing came in time."""

Trouble = Literal[
    "dns",
    "not-allowed",
    "refused",
    "unreachable",
    "no-answer",
    "tls",
    "login",
    "subscription",
    "connection",
    "unit",
    "address",
    "payload",
    "silent",
    "device",
]
"""What kind of thing is wrong, for scripts."""


class StepResult(Struct, frozen=True, rename="camel"):
    """One step and how long it took [ms]; the one that failed is the last of connect()."""

    step: str
    ms: float
    ok: bool


class TagResult(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What became of one tag.

    value    None where there is none
    quality  GOOD, UNCERTAIN or BAD, "" where nothing came
    reason   of the quality, of the quarantine, or why it is rejected
    """

    tag: str
    well_id: str
    address: str
    state: State
    value: float | None = None
    unit: str = ""
    quality: str = ""
    reason: str = ""


class Failure(Struct, frozen=True):
    """An error of the device: its reason as one word, its sentence, and the step it came in."""

    reason: str
    message: str
    step: str


class Observed(Struct, frozen=True):
    """What was seen of one connection.

    failure   how connecting or reading ended, None when it was we who ended it
    left_out  tags that manifests or adapter leave out before the device is asked: sentences
    notes     what a person should know though readings come
    """

    connection_id: str
    protocol: str
    endpoint: str
    steps: tuple[StepResult, ...]
    tags: tuple[TagResult, ...]
    failure: Failure | None = None
    notes: tuple[str, ...] = ()


class Judged(Struct, frozen=True):
    """The one line: whether all is well, what kind of thing is wrong, and the sentence."""

    ok: bool
    trouble: Trouble | None
    sentence: str


class Result(Struct, frozen=True, rename="camel"):
    """One connection for a script."""

    connection_id: str
    protocol: str
    endpoint: str
    ok: bool
    trouble: Trouble | None
    reason: str | None
    message: str
    steps: tuple[StepResult, ...]
    tags: tuple[TagResult, ...]
    notes: tuple[str, ...]


def result_of(observed: Observed, judged: Judged) -> Result:
    """Put both together."""
    failure = observed.failure
    return Result(
        observed.connection_id,
        observed.protocol,
        observed.endpoint,
        judged.ok,
        judged.trouble,
        failure.reason if failure is not None else None,
        judged.sentence,
        observed.steps,
        observed.tags,
        observed.notes,
    )
