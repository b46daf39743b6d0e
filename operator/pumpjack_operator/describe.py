"""The status of both resources, from what is known. Pure.

A condition's lastTransitionTime moves only with its status (Kubernetes API conventions).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from pumpjack_core.clock import US_PER_S, iso_us, us_of
from pumpjack_core.manifests import types
from pumpjack_core.manifests.resolve import RejectedTag, ResolvedMapping
from pumpjack_operator.conditions import Condition, conditions, lost
from pumpjack_operator.facts import Facts

MOST_REJECTED = 50
MOST_REASON = 512
MOST_MESSAGE = 1_024
LAST_READING_EVERY_S = 900
"""lastReadingTime by itself is worth no more than a write a quarter of an hour."""
_MINUTE_US = 60 * US_PER_S


class ConnectionKnown(Struct, frozen=True):
    """What a connection's status says beside its conditions.

    rejected  every tag that is not read or not used whole; of those, the first are shown
    """

    generation: int
    facts: Facts
    endpoint: str
    worker: str | None
    rejected: Sequence[RejectedTag] = ()


def connection_status(
    known: ConnectionKnown, before: types.ScadaConnectionStatus | None
) -> types.ScadaConnectionStatus:
    """The status of a connection; equal to the one before when nothing worth a write changed."""
    facts = known.facts
    report = facts.report
    before = before or types.ScadaConnectionStatus()
    found = types.ScadaConnectionStatus(
        observed_generation=known.generation,
        endpoint=known.endpoint or None,
        worker_ref=types.WorkerRef(known.worker) if known.worker else None,
        mapped_tags=facts.mapped,
        rejected_tags_total=facts.rejected,
        rejected_tags=tuple(
            types.ConnectionRejectedTag(one.tag, _name(one.mapping), one.reason[:MOST_REASON])
            for one in known.rejected[:MOST_REJECTED]
        ),
        applied_config_hash=(
            report.config_hash if report is not None else before.applied_config_hash
        ),
        last_reading_time=before.last_reading_time,
        conditions=_conditions(
            conditions(facts), before.conditions, known.generation, facts.now_us
        ),
    )
    stored_us = us_of(report.stored_at) if report is not None and report.stored_at else None
    if stored_us is None or not _worth_a_write(found, before, stored_us):
        return found
    last = iso_us(stored_us - stored_us % _MINUTE_US)[:19] + "Z"
    return msgspec.structs.replace(found, last_reading_time=last)


def mapping_status(
    generation: int,
    resolved: ResolvedMapping | None,
    problem: str | None,
    *,
    rejected_by_workers: Sequence[RejectedTag],
    before: types.TagMappingStatus | None,
    now_us: int,
) -> types.TagMappingStatus:
    """The status of a mapping.

    problem: why it cannot be read, None when it was resolved.
    """
    rejected = (*(resolved.rejected if resolved is not None else ()), *rejected_by_workers)
    read = resolved.accepted if resolved is not None else 0
    not_read = sum(not one.is_read for one in rejected_by_workers)
    accepted = max(0, read - not_read)  # those may be of the tags before a change
    verdict = _mapping_verdict(resolved, problem, accepted, rejected)
    return types.TagMappingStatus(
        observed_generation=generation,
        matched_connections=len(resolved.connections) if resolved is not None else 0,
        accepted_tags=accepted,
        rejected_tags_total=len(rejected),
        rejected_tags=tuple(
            types.MappingRejectedTag(one.tag, _name(one.connection), one.reason[:MOST_REASON])
            for one in rejected[:MOST_REJECTED]
        ),
        conditions=_conditions((verdict,), before.conditions if before else (), generation, now_us),
    )


def _mapping_verdict(
    resolved: ResolvedMapping | None,
    problem: str | None,
    accepted: int,
    rejected: Sequence[RejectedTag],
) -> Condition:
    status: Literal["True", "False"] = "False"
    if resolved is None:
        reason, message = "Refused", problem or "the mapping cannot be read"
    elif resolved.problem is not None:
        reason, message = "NoConnection", resolved.problem
    elif rejected:
        in_part = sum(one.is_read for one in rejected)
        reason, what = lost(accepted, len(rejected), in_part)
        message = (
            f"{what}; the first: {rejected[0].tag} from {rejected[0].connection}: "
            f"{rejected[0].reason} (status.rejectedTags has more)"
        )
    else:
        status, reason, message = "True", "AllTagsRead", "every tag is read"
    return Condition("MappingsAccepted", status, reason, message[:MOST_MESSAGE])


def _conditions(
    found: Iterable[Condition],
    before: Iterable[types.Condition],
    generation: int,
    now_us: int,
) -> tuple[types.Condition, ...]:
    known = {condition.type: condition for condition in before}
    now = iso_us(now_us)[:19] + "Z"
    made = []
    for one in found:
        last = known.get(one.type)
        since = last.last_transition_time if last and last.status == one.status else now
        made.append(
            types.Condition(one.type, one.status, one.reason, one.message, since, generation)
        )
    return tuple(made)


def _worth_a_write(
    found: types.ScadaConnectionStatus,
    before: types.ScadaConnectionStatus,
    stored_us: int,
) -> bool:
    """Whether the status is written anyway, or the time in it has become too old."""
    if before.last_reading_time is None or found != before:
        return True
    return abs(stored_us - us_of(before.last_reading_time)) > LAST_READING_EVERY_S * US_PER_S


def _name(id_: str) -> str:
    """The name of namespace/name: the namespace is that of the object itself."""
    return id_.rpartition("/")[2]
