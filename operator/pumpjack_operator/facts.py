"""What is known of one connection when its conditions are decided."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

CAMEL_CASE = "^[A-Za-z][A-Za-z0-9]*$"
PodState = Literal["absent", "pending", "running"]


class Pod(Struct, frozen=True):
    """The worker's pod. message: why it does not run, in Kubernetes' words."""

    state: PodState = "absent"
    message: str = ""


class Unreadable(Struct, frozen=True, rename="camel"):
    """A tag whose address is none of the protocol's. mapping: namespace/name.

    part: "write" where the tag is read, and only that cannot be used.
    """

    tag: Annotated[str, Meta(max_length=128)]
    mapping: Annotated[str, Meta(max_length=320)]
    reason: str
    part: Annotated[str, Meta(max_length=64)] = ""


class Report(Struct, frozen=True, rename="camel"):
    """What a worker says of itself (its /status), as far as the operator uses it.

    state        connecting, connected, disconnected, suspended, fenced or stopped
    read_at      when the device last said anything, ISO 8601; None: not yet
    stored_at    when readings were last committed, ISO 8601; None: not yet
    journal_full what it reads now is kept nowhere
    rejected     tags that it cannot read

    Bounded as the resources' status is: what does not fit there would stop every write of it.
    """

    state: str
    config_hash: Annotated[str, Meta(max_length=64)]
    reason: Annotated[str, Meta(max_length=128, pattern=CAMEL_CASE)] | None = None
    message: str | None = None
    read_at: str | None = None
    stored_at: str | None = None
    journal_oldest_s: float = 0.0
    journal_batches: int = 0
    journal_full: bool = False
    rejected: tuple[Unreadable, ...] = ()


class Facts(Struct, frozen=True):
    """One connection, now.

    suspended        spec.suspend
    refused          why no worker may run: no tenant, an address that is not allowed; a sentence
    not_applied      why a child could not be made: a quota, a webhook, too many tags; a sentence
    journal_problem  why its volume is not what spec.journal asks for, though it runs; a sentence
    logins_problem   what is wrong with its logins to the stores, though it has some; a sentence
    writes_refused   why its tags may not be written, though the tenant asks for it; a sentence
    secret_missing   name of the device's Secret, where there is none of the right type
    mappings         how many TagMappings select it
    mapped           how many tags are read
    rejected         how many tags are not, together with the parts of tags that cannot be used
    in_part          how many of those are parts: alarms, writes
    first_rejected   why the first of those cannot be
    wanted_hash      of the configuration that its worker should run
    report           what the worker said last, None when it does not answer
    by_exception     its protocol sends only what changes, and says so when nothing does
    interval_s       of the tag that is read most often
    now_us           the time
    """

    wanted_hash: str
    now_us: int
    suspended: bool = False
    refused: str | None = None
    not_applied: str | None = None
    journal_problem: str | None = None
    logins_problem: str | None = None
    writes_refused: str | None = None
    secret_missing: str | None = None
    mappings: int = 0
    mapped: int = 0
    rejected: int = 0
    in_part: int = 0
    first_rejected: str = ""
    pod: Pod = Pod()
    report: Report | None = None
    by_exception: bool = False
    interval_s: float = 1.0
