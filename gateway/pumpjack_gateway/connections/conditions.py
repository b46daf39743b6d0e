"""The five conditions of a ScadaConnection as far as worker and gateway know them. Pure.

The words are those of the operator's status; what only the operator can know (Secrets, pods, a
refused resource) is not here: a worker that it lets not run is one of which nothing is heard.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from pumpjack_gateway.connections.answers import ConditionNow
from pumpjack_gateway.connections.reports import Report
from pumpjack_gateway.live.health import Status

INTERVALS = 3
LEAST_S = 10.0
MOST_WAITING_S = 60.0
_SUSPENDED = ("Suspended", "the device is not read, as spec.suspend asks")


class Given(Struct, frozen=True):
    """What conditions are decided from. since: of the state; read_at: last word of the device."""

    report: Report
    status: Status
    since: datetime | None
    read_at: datetime | None
    now: datetime

    @property
    def suspended(self) -> bool:
        """Whether it is left alone on purpose."""
        return self.status.state == "suspended" and not self.status.stale


_Found = tuple[Literal["True", "False", "Unknown"], str, str]


def conditions(given: Given) -> list[ConditionNow]:
    """All five, in the order of the status."""
    found = {
        "Ready": _ready(given),
        "Connected": _connected(given),
        "DataFlowing": _data_flowing(given),
        "MappingsAccepted": _mappings_accepted(given),
        "Stalled": _stalled(given),
    }
    of_state = {"Connected", "DataFlowing"}
    return [
        ConditionNow(kind, *verdict, given.since if kind in of_state else None)
        for kind, verdict in found.items()
    ]


def _ready(given: Given) -> _Found:
    status = given.status
    if status.stale:
        known: Literal["False", "Unknown"] = "Unknown" if status.reason == "FeedLost" else "False"
        return (known, status.reason or "WorkerNotAnswering", status.message or "")
    if given.suspended:
        return ("True", *_SUSPENDED)
    return ("True", "Running", "the worker runs")


def _away(given: Given) -> _Found | None:
    """Why there is no session with the device."""
    status = given.status
    if status.state == "connected":
        return None
    if status.state == "disconnected":
        why = status.message or "the device is away"
        return ("False", status.reason or "Disconnected", why)
    if status.state == "fenced":
        return ("False", "Replaced", "another worker reads this device; this one only drains")
    if status.state == "stopped":
        return ("False", "Stopped", "the worker was stopped")
    return ("False", "Connecting", "the worker is connecting to the device")


def _connected(given: Given) -> _Found:
    if given.status.stale:
        return ("Unknown", "WorkerNotAnswering", "the worker does not say how the device is")
    if given.suspended:
        return ("False", *_SUSPENDED)
    return _away(given) or ("True", "Connected", "the worker has a session with the device")


def _data_flowing(given: Given) -> _Found:
    """The first thing that keeps readings from the database, in the order of a person's look."""
    for check in (_reads_nothing, _away, _not_kept, _gives_nothing, _not_stored):
        found = check(given)
        if found is not None:
            return found
    return ("True", "ReadingsStored", "readings reach the database")


def _reads_nothing(given: Given) -> _Found | None:
    report, status = given.report, given.status
    if given.suspended:
        return ("False", *_SUSPENDED)
    if report.told_at is not None and not report.mapped:
        sentence = "no TagMapping gives this connection a tag that it can read"
        return ("False", "NoTags", sentence)
    if status.stale:
        known: Literal["False", "Unknown"] = "Unknown" if status.reason == "FeedLost" else "False"
        return (known, "WorkerNotAnswering", "the worker does not say what it reads")
    return None


def _not_kept(given: Given) -> _Found | None:
    if not given.report.journal_full:
        return None
    sentence = "readings are shown and not stored, since the journal takes no more"
    return ("False", "JournalFull", f"{sentence}. What is in it is safe")


def _gives_nothing(given: Given) -> _Found | None:
    if given.report.by_exception or not _is_silent(given):
        return None
    last = "none came yet"
    if given.read_at is not None:
        last = f"the last came at {given.read_at:%Y-%m-%dT%H:%M:%S}Z"
    sentence = f"the device is connected and gives no readings; {last}"
    return ("False", "NoReadings", sentence)


def _not_stored(given: Given) -> _Found | None:
    if given.status.journal_oldest_s <= MOST_WAITING_S:
        return None
    sentence = f"readings wait for the database, longer than {MOST_WAITING_S:.0f} s"
    return ("False", "NotStored", f"{sentence}; they are safe in the journal")


def _is_silent(given: Given) -> bool:
    if given.read_at is None:
        return True
    limit_s = max(LEAST_S, INTERVALS * given.report.interval_s)
    return given.now - given.read_at > timedelta(seconds=limit_s)


def _mappings_accepted(given: Given) -> _Found:
    report = given.report
    if report.told_at is None:
        return ("Unknown", "NotTold", "no worker has told yet which tags it reads")
    if not report.mapped and not report.rejected:
        sentence = "no TagMapping of this namespace names or selects this connection"
        return ("False", "NoMapping", sentence)
    if not report.rejected:
        return ("True", "AllTagsRead", "every mapped tag is read")
    reason, what = _lost(report.mapped, report.rejected, report.in_part)
    first = report.rejected_tags[0] if report.rejected_tags else None
    told = f"; the first: {first.tag}: {first.reason}" if first is not None else ""
    return ("False", reason, f"{what}{told}")


def _lost(read: int, rejected: int, in_part: int) -> tuple[str, str]:
    """Reason and words, as the operator has them."""
    whole = rejected - in_part
    parts = f"{in_part} alarms, writes, names or facts of wells that are declared cannot be used"
    if not whole:
        return "PartsRejected", f"every tag is read, but {parts}"
    tags = f"{whole} of {read + whole} tags are not read"
    return "TagsRejected", f"{tags}, and {parts}" if in_part else tags


def _stalled(given: Given) -> _Found:
    if given.report.journal_full and not given.status.stale:
        sentence = "the journal has its size, or its disk is full or fails; the worker's log says"
        return ("True", "JournalFull", f"{sentence} which")
    return ("False", "Progressing", "nothing stands in the way, as far as the gateway knows")
