"""What a worker says of itself: to the operator and `pumpjack up` over HTTP, in the heartbeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pumpjack_core.clock import iso_us
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import DeviceError
from pumpjack_core.wire import DeviceState
from pumpjack_worker.pipeline.breaker import State
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.writer import Writer


class RejectedTag(Struct, frozen=True, rename="camel"):
    """A tag that cannot be read, by the words of the resources' status."""

    tag: str
    well_id: str
    mapping: str
    reason: str


class Status(Struct, frozen=True, rename="camel"):
    """One worker, now. Times are ISO 8601, UTC; null where there is none yet.

    reason, message   of the device when it is not connected
    read_at           when it last said anything
    stored_at         when readings were last committed
    journal_full      what is read now is kept nowhere
    problems          what else a person should know, one sentence each
    """

    tenant_id: str
    connection_id: str
    protocol: str
    state: DeviceState
    reason: str | None
    message: str | None
    config_hash: str
    tags: int
    rejected: tuple[RejectedTag, ...]
    readings: int
    readings_per_second: float
    read_at: str | None
    stored_seq: int
    stored_at: str | None
    journal_id: str
    journal_batches: int
    journal_readings: int
    journal_bytes: int
    journal_oldest_s: float
    journal_full: bool
    redis: State
    problems: tuple[str, ...]


def describe(
    config: WorkerConfig,
    *,
    state: DeviceState,
    trouble: DeviceError | None,
    journal: Journal,
    writer: Writer,
    rejected: Mapping[int, str],
    readings: int,
    read_us: int | None,
    readings_per_second: float,
    clock_offset_s: float | None,
    device_problems: Sequence[str],
    redis: State,
    now_us: int,
) -> Status:
    """Put the status together."""
    waiting = journal.waiting
    oldest_us = waiting.oldest_us
    return Status(
        tenant_id=config.connection.tenant_id,
        connection_id=config.connection.connection_id,
        protocol=config.connection.spec.protocol,
        state=state,
        reason=trouble.reason if trouble else None,
        message=str(trouble) if trouble else None,
        config_hash=config.hash,
        tags=len(config.tags),
        rejected=tuple(
            RejectedTag(tag.name, tag.well_id, tag.mapping, reason)
            for tag, reason in ((config.tags.tags[at], why) for at, why in rejected.items())
        ),
        readings=readings,
        readings_per_second=round(readings_per_second, 1),
        read_at=iso_us(read_us) if read_us else None,
        stored_seq=writer.stored_seq,
        stored_at=iso_us(writer.stored_us) if writer.stored_us else None,
        journal_id=str(journal.journal_id),
        journal_batches=waiting.batches,
        journal_readings=waiting.readings,
        journal_bytes=waiting.bytes,
        journal_oldest_s=(
            0.0 if oldest_us is None else round(max(0.0, (now_us - oldest_us) / 1e6), 3)
        ),
        journal_full=journal.full is not None,
        redis=redis,
        problems=(*_problems(journal, writer, redis, clock_offset_s), *device_problems),
    )


def _problems(
    journal: Journal, writer: Writer, redis: State, clock_offset_s: float | None
) -> list[str]:
    found: list[str] = []
    found += writer.problems
    if journal.full is not None:
        found.append(f"readings are not stored: {journal.full}")
    if redis != "closed":
        found.append("Redis does not take the live feed")
    if clock_offset_s is not None:
        found.append(
            f"the device's clock is {clock_offset_s:,.0f} s ahead; its readings are stored at "
            "their time of receipt until it is set"
        )
    return found
