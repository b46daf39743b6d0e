"""The one line at the end: what is wrong with a connection, or that all is well. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from pumpjack_cli.probing.result import Failure, Judged, Observed, State, TagResult, Trouble
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import AddressError
from pumpjack_core.protocols import PROTOCOLS
from pumpjack_worker.adapters.registry import declared

LABELS: dict[Trouble, str] = {
    "dns": "DNS",
    "not-allowed": "not allowed",
    "refused": "refused",
    "unreachable": "unreachable",
    "no-answer": "no answer",
    "tls": "TLS",
    "login": "login",
    "subscription": "subscription",
    "connection": "connection",
    "unit": "wrong unit id",
    "address": "wrong address",
    "payload": "payload",
    "silent": "silent",
    "device": "device",
}
OPCUA_SECURITY = "security"
"""OPC UA secures messages in its own way, which nobody calls TLS."""
BY_REASON: dict[str, Trouble] = {
    "NameNotFound": "dns",
    "HostNotAllowed": "not-allowed",
    "Refused": "refused",
    "Unreachable": "unreachable",
    "Timeout": "no-answer",
    "Untrusted": "tls",
    "Expired": "tls",
    "WrongName": "tls",
    "TlsFailed": "tls",
    "NoEndpoint": "tls",
    "LoginRefused": "login",
    "Credentials": "login",
}
NOT_SPOKEN: dict[str, Trouble] = {"Closed": "connection", "Timeout": "no-answer"}
BY_STEP: dict[str, Trouble] = {
    "resolve": "dns",
    "secure": "tls",
    "login": "login",
    "subscribe": "subscription",
}
"""For reasons that a protocol has to itself."""
NOT_READ: tuple[tuple[State, Trouble, str], ...] = (
    ("rejected", "address", "rejected"),
    ("quarantined", "payload", "came as what cannot be stored"),
    ("missing", "silent", "did not come in time"),
)
COMM_FAILURE = "comm_failure"


def judge(observed: Observed, config: WorkerConfig) -> Judged:
    """What is wrong, the first thing that explains the rest."""
    failure, tags = observed.failure, observed.tags
    unreached = [tag for tag in tags if tag.reason == COMM_FAILURE and tag.state == "not-good"]
    if unreached and observed.protocol == "modbus-tcp" and not _is_broken(failure):
        return _wrong("unit", _silent_units(unreached, config, observed.endpoint))
    if failure is not None:
        return _of_failure(failure, observed)
    for state, trouble, what in NOT_READ:
        found = [tag for tag in tags if tag.state == state]
        if found:
            return _wrong(trouble, _first_of(found, len(tags), what))
    if unreached:
        what = "not reached by the server that should know it"
        return _wrong("device", _first_of(unreached, len(tags), what))
    return Judged(True, None, _all_well(tags))


def _of_failure(failure: Failure, observed: Observed) -> Judged:
    trouble = trouble_of(failure)
    is_first = failure.step == declared(observed.protocol).first_step
    nothing_came = all(tag.state != "good" for tag in observed.tags)
    if is_first and nothing_came and failure.reason in NOT_SPOKEN:
        spoken = PROTOCOLS[observed.protocol].title
        message = f"{failure.message}; check that this port speaks {spoken}"
        return _wrong(NOT_SPOKEN[failure.reason], message)
    if trouble == "tls" and observed.protocol == "opcua":
        return Judged(False, trouble, f"{OPCUA_SECURITY}: {failure.message}")
    return _wrong(trouble, failure.message)


def _all_well(tags: Sequence[TagResult]) -> str:
    if not tags:
        return "connected; no TagMapping names it, so nothing was read"
    marked = [tag for tag in tags if tag.state == "not-good"]
    if not marked:
        return f"all is well: {_tags(len(tags))} read"
    one = marked[0]
    quality = f"{one.quality} {one.reason}".rstrip()
    return (
        f"{_tags(len(tags))} read, {len(marked)} of them marked by the device itself; "
        f"the first: {one.tag} is {quality}"
    )


def trouble_of(failure: Failure) -> Trouble:
    """What kind of thing a failure is."""
    fallback: Trouble = BY_STEP.get(failure.step, "connection")
    if failure.reason == "Timeout" and failure.step in ("resolve", "secure"):
        return fallback
    return BY_REASON.get(failure.reason, fallback)


def _is_broken(failure: Failure | None) -> bool:
    """Whether the session ended by more than silence."""
    return failure is not None and failure.reason != "Timeout"


def _wrong(trouble: Trouble, sentence: str) -> Judged:
    return Judged(False, trouble, f"{LABELS[trouble]}: {sentence}")


def _first_of(found: Sequence[TagResult], count: int, what: str) -> str:
    one = found[0]
    why = f": {one.reason}" if one.reason and one.reason != COMM_FAILURE else ""
    return f"{len(found)} of {_tags(count)} {what}; the first: {one.tag} at {one.address}{why}"


def _silent_units(unreached: Sequence[TagResult], config: WorkerConfig, endpoint: str) -> str:
    from pumpjack_worker.adapters.modbus_tcp.address import parse_address

    spec = config.connection.spec.modbus_tcp
    default = spec.unit_id if spec is not None else 1
    data_types = {(tag.well_id, tag.name): tag.data_type for tag in config.tags.tags}
    units: set[int] = set()
    for tag in unreached:
        with contextlib.suppress(AddressError):
            data_type = data_types[tag.well_id, tag.tag]
            units.add(parse_address(tag.address, data_type, default).unit)
    listed = ", ".join(str(unit) for unit in sorted(units))
    which = f"unit {listed} does" if len(units) == 1 else f"units {listed} do"
    return (
        f"{endpoint.partition(' ')[0]} accepts the connection, but {which} not answer; check "
        "unitId (or ;unit= of the address), that the device behind it is on, and that this port "
        "speaks Modbus TCP"
    )


def _tags(count: int) -> str:
    return f"{count} tag" if count == 1 else f"{count} tags"
