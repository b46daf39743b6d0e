"""What a worker says every two seconds to whoever listens to its live feed."""

from __future__ import annotations

from collections.abc import Mapping

from pumpjack_core import wire
from pumpjack_core.clock import iso_us
from pumpjack_worker.pipeline.status import Status


def heartbeat(
    status: Status, *, follows: int, sent_seq: Mapping[str, int], now_us: int
) -> wire.Heartbeat:
    """Put the heartbeat together.

    follows   no earlier process has used a number above this one
    sent_seq  of each well the number of its last message
    """
    return wire.Heartbeat(
        epoch=status.journal_id,
        tenant_id=status.tenant_id,
        connection_id=status.connection_id,
        source_protocol=status.protocol,
        at=iso_us(now_us),
        wells=dict(sent_seq),
        stored_seq=status.stored_seq,
        state=status.state,
        reason=status.reason,
        message=status.message,
        journal_batches=status.journal_batches,
        journal_bytes=status.journal_bytes,
        journal_oldest_s=status.journal_oldest_s,
        rejected_tags=len(status.rejected),
        config_hash=status.config_hash,
        follows=follows,
        read_at=status.read_at,
    )
