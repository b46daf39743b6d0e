"""The five conditions of a connection (design, section 4), decided from facts. No I/O.

Each condition is a chain of checks in the order in which a person would look: the first that finds
something says why the condition does not hold, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from pumpjack_core.clock import US_PER_S, us_of
from pumpjack_operator.facts import Facts

INTERVALS = 3
LEAST_S = 10.0
MOST_WAITING_S = 60.0
"""Readings that wait longer for the database do not count as flowing."""
Status = Literal["True", "False", "Unknown"]
_MOST_MESSAGE = 1_024


class Verdict(NamedTuple):
    """What one check found."""

    status: Status
    reason: str
    message: str


class Condition(NamedTuple):
    """One condition, without the times that depend on what it was before."""

    type: str
    status: Status
    reason: str
    message: str


Check = Callable[[Facts], Verdict | None]


def conditions(facts: Facts) -> tuple[Condition, ...]:
    """All five, in the order in which kubectl shows them."""
    return tuple(_first(name, chain, facts) for name, chain in CHAINS.items())


def _first(name: str, chain: tuple[Check, ...], facts: Facts) -> Condition:
    for check in chain:
        found = check(facts)
        if found is not None:
            return Condition(name, found.status, found.reason, found.message[:_MOST_MESSAGE])
    raise AssertionError(f"the chain of {name} has no end")


def refused(facts: Facts) -> Verdict | None:
    """No worker may run."""
    return None if facts.refused is None else Verdict("False", "Refused", facts.refused)


def not_applied(facts: Facts) -> Verdict | None:
    """The API server takes one of the children not."""
    if facts.not_applied is None:
        return None
    return Verdict("False", "NotApplied", facts.not_applied)


def no_pod(facts: Facts) -> Verdict | None:
    """The worker's pod does not run."""
    if facts.pod.state == "running":
        return None
    why = facts.pod.message or "Kubernetes has not started it yet"
    return Verdict("False", "WorkerNotRunning", f"the worker's pod does not run: {why}")


def no_answer(facts: Facts) -> Verdict | None:
    """The worker runs and does not say what it does."""
    if facts.report is not None:
        return None
    return Verdict(
        "False",
        "WorkerNotAnswering",
        "the worker runs and does not answer on its status port; see its log, and whether a "
        "NetworkPolicy lets the operator reach it",
    )


def old_configuration(facts: Facts) -> Verdict | None:
    """The worker runs something else than it should."""
    if facts.report is not None and facts.report.config_hash == facts.wanted_hash:
        return None
    return Verdict(
        "False",
        "ConfigurationNotApplied",
        "the worker does not run the current configuration yet; a change of tags takes until the "
        "kubelet has renewed its files, a minute or so",
    )


def logins_incomplete(facts: Facts) -> Verdict | None:
    """The worker runs, and its logins to the stores are not what they should be."""
    if facts.logins_problem is None:
        return None
    return Verdict("False", "LoginsIncomplete", facts.logins_problem)


def journal_unchanged(facts: Facts) -> Verdict | None:
    """The worker runs, with another volume than is asked for."""
    if facts.journal_problem is None:
        return None
    return Verdict("False", "JournalUnchanged", facts.journal_problem)


def suspended_is_ready(facts: Facts) -> Verdict | None:
    """Suspended on purpose is as it should be."""
    if not facts.suspended:
        return None
    return Verdict("True", "Suspended", "the device is not read, as spec.suspend asks")


def suspended_reads_nothing(facts: Facts) -> Verdict | None:
    """Suspended on purpose, so nothing is read."""
    if not facts.suspended:
        return None
    return Verdict("False", "Suspended", "the device is not read, as spec.suspend asks")


def secret_missing(facts: Facts) -> Verdict | None:
    """The device asks for a login that is not there."""
    if facts.secret_missing is None:
        return None
    return Verdict(
        "False",
        "SecretMissing",
        f"there is no Secret {facts.secret_missing} of type pumpjack.dev/device-credentials in "
        "this namespace; create it, and the worker uses it by itself",
    )


def unknown_device(facts: Facts) -> Verdict | None:
    """Nobody tells how the device is."""
    if facts.report is not None:
        return None
    return Verdict("Unknown", "WorkerNotAnswering", "the worker does not say how the device is")


def device_away(facts: Facts) -> Verdict | None:
    """There is no session with the device."""
    report = facts.report
    if report is None or report.state == "connected":
        return None
    if report.state == "disconnected":
        why = report.message or "the device is away"
        return Verdict("False", report.reason or "Disconnected", why)
    if report.state == "fenced":
        return Verdict(
            "False", "Replaced", "another worker reads this device; this one only drains"
        )
    return Verdict("False", "Connecting", "the worker is connecting to the device")


def no_tags(facts: Facts) -> Verdict | None:
    """Nothing is to be read."""
    if facts.mapped:
        return None
    return Verdict("False", "NoTags", "no TagMapping gives this connection a tag that it can read")


def nothing_read(facts: Facts) -> Verdict | None:
    """The device says nothing, though its session stands."""
    if facts.by_exception:
        return None  # its keep-alive is what keeps it connected
    limit_s = max(LEAST_S, INTERVALS * facts.interval_s)
    read_at = facts.report.read_at if facts.report else None
    age_s = _age_s(facts, read_at)
    if age_s is not None and age_s <= limit_s:
        return None
    # a time and no age: an age would be another message, and so a write, at each look
    since = "none came yet" if read_at is None else f"the last came at {read_at[:19]}Z"
    return Verdict("False", "NoReadings", f"the device is connected and gives no readings; {since}")


def not_kept(facts: Facts) -> Verdict | None:
    """What is read is shown and kept nowhere: the journal takes no more."""
    if facts.report is None or not facts.report.journal_full:
        return None
    return Verdict(
        "False",
        "JournalFull",
        "readings are shown and not stored, since the journal takes no more: it has its size, or "
        "its disk is full or fails; the worker's log says which. What is in it is safe",
    )


def nothing_stored(facts: Facts) -> Verdict | None:
    """What is read does not reach the database."""
    report = facts.report
    if report is None or report.stored_at is None:
        return Verdict("False", "NotStored", "no reading has reached the database yet")
    if report.journal_oldest_s > MOST_WAITING_S:
        return Verdict(
            "False",
            "NotStored",
            f"readings wait for the database, longer than {MOST_WAITING_S:.0f} s; they are safe "
            "in the journal",
        )
    return None


def no_mapping(facts: Facts) -> Verdict | None:
    """No TagMapping selects the connection."""
    if facts.mappings:
        return None
    return Verdict(
        "False", "NoMapping", "no TagMapping of this namespace names or selects this connection"
    )


def tags_rejected(facts: Facts) -> Verdict | None:
    """Some tags cannot be read, or not be used whole."""
    if not facts.rejected:
        return None
    reason, what = lost(facts.mapped, facts.rejected, facts.in_part)
    return Verdict(
        "False",
        reason,
        f"{what}; the first: {facts.first_rejected} (status.rejectedTags has more)",
    )


def lost(read: int, rejected: int, in_part: int) -> tuple[str, str]:
    """Reason and words for what cannot be used. rejected: tags and, in_part of them, parts."""
    whole = rejected - in_part
    parts = f"{in_part} alarms, writes, names or facts of wells that are declared cannot be used"
    if whole:
        tags = f"{whole} of {read + whole} tags are not read"
        found = "TagsRejected", f"{tags}, and {parts}" if in_part else tags
    else:
        found = "PartsRejected", f"every tag is read, but {parts}"
    return found


def writes_refused(facts: Facts) -> Verdict | None:
    """The device is read, and commands that the tenant has switched on are not allowed."""
    if facts.writes_refused is None:
        return None
    return Verdict("False", "WritesRefused", facts.writes_refused)


def stalled(facts: Facts) -> Verdict | None:
    """Nothing gets better until a person does something."""
    for check in (refused, not_applied, secret_missing, journal_unchanged, writes_refused):
        found = check(facts)
        if found is not None:
            return found._replace(status="True")
    return None


def _holds(reason: str, message: str) -> Check:
    return lambda _facts: Verdict("True", reason, message)


def _progressing(_facts: Facts) -> Verdict:
    return Verdict("False", "Progressing", "nothing stands in the way")


CHAINS: dict[str, tuple[Check, ...]] = {
    "Ready": (
        refused,
        not_applied,
        no_pod,
        no_answer,
        old_configuration,
        journal_unchanged,
        logins_incomplete,
        suspended_is_ready,
        _holds("Running", "the worker runs the current configuration"),
    ),
    "Connected": (
        suspended_reads_nothing,
        refused,
        secret_missing,
        unknown_device,
        device_away,
        _holds("Connected", "the worker has a session with the device"),
    ),
    "DataFlowing": (
        suspended_reads_nothing,
        refused,
        no_tags,
        secret_missing,
        no_pod,
        no_answer,
        device_away,
        not_kept,
        nothing_read,
        nothing_stored,
        _holds("ReadingsStored", "readings reach the database"),
    ),
    "MappingsAccepted": (
        no_mapping,
        tags_rejected,
        _holds("AllTagsRead", "every mapped tag is read"),
    ),
    "Stalled": (stalled, _progressing),
}
"""Order is meaning: users read the first that fails."""


def _age_s(facts: Facts, at: str | None) -> float | None:
    return None if at is None else (facts.now_us - us_of(at)) / US_PER_S
