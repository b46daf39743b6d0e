"""What is said of a connection, and which of several troubles is named first."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from pumpjack_core.clock import iso_us
from pumpjack_operator.conditions import CHAINS, conditions
from pumpjack_operator.facts import Facts, Pod, Report

NOW_US = 1_800_000_000_000_000


def ago(seconds: float) -> str:
    return iso_us(NOW_US - int(seconds * 1e6))


REPORT = Report("connected", "h1", read_at=ago(1), stored_at=ago(1))
WELL = Facts("h1", NOW_US, mappings=1, mapped=14, pod=Pod("running"), report=REPORT, interval_s=1.0)


def said(facts: Facts) -> dict[str, str]:
    """Condition to its status and reason."""
    return {one.type: f"{one.status} {one.reason}" for one in conditions(facts)}


ALL_WELL = {
    "Ready": "True Running",
    "Connected": "True Connected",
    "DataFlowing": "True ReadingsStored",
    "MappingsAccepted": "True AllTagsRead",
    "Stalled": "False Progressing",
}

CASES = {
    "all is well": (WELL, {}),
    "a namespace without a tenant": (
        replace(WELL, refused="the platform must label it", report=None, pod=Pod()),
        {
            "Ready": "False Refused",
            "Connected": "False Refused",
            "DataFlowing": "False Refused",
            "Stalled": "True Refused",
        },
    ),
    "a quota that refuses the pod": (
        replace(WELL, not_applied="exceeded quota: pods=0", pod=Pod(), report=None),
        {
            "Ready": "False NotApplied",
            "Connected": "Unknown WorkerNotAnswering",
            "DataFlowing": "False WorkerNotRunning",
            "Stalled": "True NotApplied",
        },
    ),
    "a journal that stays what it is": (
        replace(WELL, journal_problem="its volume cannot grow"),
        {"Ready": "False JournalUnchanged", "Stalled": "True JournalUnchanged"},
    ),
    "screens that see nothing, because Redis lets nobody make users": (
        replace(WELL, logins_problem="Redis lets nobody make users"),
        {"Ready": "False LoginsIncomplete"},
    ),
    "a pod that waits for a node": (
        replace(WELL, pod=Pod("pending", "0/3 nodes are available"), report=None),
        {
            "Ready": "False WorkerNotRunning",
            "Connected": "Unknown WorkerNotAnswering",
            "DataFlowing": "False WorkerNotRunning",
        },
    ),
    "a worker that does not answer": (
        replace(WELL, report=None),
        {
            "Ready": "False WorkerNotAnswering",
            "Connected": "Unknown WorkerNotAnswering",
            "DataFlowing": "False WorkerNotAnswering",
        },
    ),
    "a change that has not reached the worker": (
        replace(WELL, wanted_hash="h2"),
        {"Ready": "False ConfigurationNotApplied"},
    ),
    "a device that is off for service fails no rollout": (
        replace(WELL, report=replace(REPORT, state="disconnected", reason="Refused", message="m")),
        {"Connected": "False Refused", "DataFlowing": "False Refused"},
    ),
    "a device that is being connected to": (
        replace(WELL, report=replace(REPORT, state="connecting")),
        {"Connected": "False Connecting", "DataFlowing": "False Connecting"},
    ),
    "a worker that was replaced": (
        replace(WELL, report=replace(REPORT, state="fenced")),
        {"Connected": "False Replaced", "DataFlowing": "False Replaced"},
    ),
    "suspended on purpose": (
        replace(WELL, suspended=True, report=replace(REPORT, state="suspended")),
        {
            "Ready": "True Suspended",
            "Connected": "False Suspended",
            "DataFlowing": "False Suspended",
        },
    ),
    "suspended, and its worker does not run": (
        replace(WELL, suspended=True, report=None, pod=Pod()),
        {
            "Ready": "False WorkerNotRunning",
            "Connected": "False Suspended",
            "DataFlowing": "False Suspended",
        },
    ),
    "a Secret that is not there": (
        replace(WELL, secret_missing="login"),
        {
            "Connected": "False SecretMissing",
            "DataFlowing": "False SecretMissing",
            "Stalled": "True SecretMissing",
        },
    ),
    "a device that is connected and mute": (
        replace(WELL, report=replace(REPORT, read_at=ago(11))),
        {"DataFlowing": "False NoReadings"},
    ),
    "a device that has said nothing yet": (
        replace(WELL, report=replace(REPORT, read_at=None)),
        {"DataFlowing": "False NoReadings"},
    ),
    "a slow device within its three intervals": (
        replace(WELL, interval_s=60.0, report=replace(REPORT, read_at=ago(170))),
        {},
    ),
    "a server that tells by exception, and nothing changed for a day": (
        replace(WELL, by_exception=True, report=replace(REPORT, read_at=ago(86_400))),
        {},
    ),
    "nothing in the database yet": (
        replace(WELL, report=replace(REPORT, stored_at=None)),
        {"DataFlowing": "False NotStored"},
    ),
    "a database that is away for more than a minute": (
        replace(WELL, report=replace(REPORT, journal_oldest_s=61.0)),
        {"DataFlowing": "False NotStored"},
    ),
    "a database that is away for less": (
        replace(WELL, report=replace(REPORT, journal_oldest_s=59.0)),
        {},
    ),
    "a disk that fails under an empty journal": (
        replace(WELL, report=replace(REPORT, journal_full=True)),
        {"DataFlowing": "False JournalFull"},
    ),
    "a device that is not acknowledged any more, since the journal is full": (
        replace(WELL, report=replace(REPORT, journal_full=True, read_at=ago(60))),
        {"DataFlowing": "False JournalFull"},
    ),
    "no mapping": (
        replace(WELL, mappings=0, mapped=0),
        {"MappingsAccepted": "False NoMapping", "DataFlowing": "False NoTags"},
    ),
    "some tags that cannot be read": (
        replace(WELL, rejected=2, first_rejected="oil_rate: claimed by another"),
        {"MappingsAccepted": "False TagsRejected"},
    ),
    "alarms that cannot be used": (
        replace(WELL, rejected=2, in_part=2, first_rejected="oil_rate: alarm hi: no such tag"),
        {"MappingsAccepted": "False PartsRejected"},
    ),
    "tags that cannot be read, and a write that cannot be used": (
        replace(WELL, rejected=2, in_part=1, first_rejected="oil_rate: write: no topic"),
        {"MappingsAccepted": "False TagsRejected"},
    ),
    "writes that the platform does not allow": (
        replace(WELL, writes_refused="the device is read, and commands are refused"),
        {"Stalled": "True WritesRefused"},
    ),
    "all tags rejected": (
        replace(WELL, mapped=0, rejected=2),
        {"MappingsAccepted": "False TagsRejected", "DataFlowing": "False NoTags"},
    ),
}


@pytest.mark.parametrize(("facts", "differs"), CASES.values(), ids=CASES)
def test_what_is_said(facts, differs):
    assert said(facts) == ALL_WELL | differs


def test_every_condition_is_said_with_a_reason_in_camel_case_and_a_sentence():
    for facts, _ in CASES.values():
        for one in conditions(facts):
            assert re.fullmatch(r"[A-Z][A-Za-z]+", one.reason)
            assert 10 < len(one.message) <= 1_024 or one.message == "m"


def test_a_long_reason_of_kubernetes_fits_into_the_status():
    facts = replace(WELL, not_applied="x" * 5_000)
    assert max(len(one.message) for one in conditions(facts)) == 1_024


def test_every_check_of_every_chain_is_the_first_to_speak_in_some_case():
    spoke = {one.reason for facts, _ in CASES.values() for one in conditions(facts)}
    unheard = [
        check.__name__
        for chain in CHAINS.values()
        for check in chain
        if check.__name__ not in ("<lambda>", "stalled", "_progressing")
        and not any(
            (found := check(facts)) is not None and found.reason in spoke
            for facts, _ in CASES.values()
        )
    ]
    assert unheard == []


def test_tags_that_are_not_read_are_told_apart_from_parts_that_are_not_used():
    def words(rejected: int, in_part: int) -> str:
        facts = replace(WELL, rejected=rejected, in_part=in_part, first_rejected="x: because")
        return next(one.message for one in conditions(facts) if one.type == "MappingsAccepted")

    more = "; the first: x: because (status.rejectedTags has more)"
    assert words(2, 0) == f"2 of 16 tags are not read{more}"
    parts = "alarms, writes, names or facts of wells that are declared cannot be used"
    assert words(3, 2) == f"1 of 15 tags are not read, and 2 {parts}{more}"
    assert words(2, 2) == f"every tag is read, but 2 {parts}{more}"
