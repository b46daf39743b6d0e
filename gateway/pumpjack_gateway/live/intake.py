"""What a message of the feed does to its tenant, to the wells and to those who listen.

Only the head of a message is decoded; every client is given the same bytes. Nothing here awaits or
asks Redis for anything.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.log import get_logger
from pumpjack_gateway.live.audience import Tenant
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.metrics import Metrics

MESSAGE_MAX_BYTES = 1 << 20
_log = get_logger("gateway.intake")


class Intake:
    """Takes in the messages of all tenants, in the order of the stream."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics

    def take(self, tenant: Tenant, payload: bytes) -> None:
        """Take in one message of the tenant's channel; one that is not as it must be is refused."""
        if len(payload) > MESSAGE_MAX_BYTES:
            self._refuse(tenant, "oversize")
            return
        try:
            if not payload.isascii():
                payload.decode()
            head = wire.decode_envelope(payload)
            if head.tenant_id != tenant.tenant_id:
                self._refuse(tenant, "tenant")
            elif head.type == "readings":
                self._readings(tenant, head, payload)
            elif head.type == "heartbeat":
                self._heartbeat(tenant, payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._refuse(tenant, "malformed")

    def remember(self, tenant: Tenant, kept: dict[bytes, bytes]) -> None:
        """Take in the hash of the tenant's last heartbeats, as Redis kept it."""
        for text in kept.values():
            try:
                beat = wire.decode_message(text)
            except msgspec.MsgspecError:
                continue
            if isinstance(beat, wire.Heartbeat) and beat.tenant_id == tenant.tenant_id:
                tenant.health.remember(beat, self._clock.monotonic(), self._clock.now_us())
        for tap in tenant.taps:
            tap.health_changed(None)

    def _readings(self, tenant: Tenant, head: wire.Envelope, payload: bytes) -> None:
        well = tenant.wells.get(head.well_id)
        is_heard = well is not None and well.started
        if not is_heard and not tenant.taps:
            return
        message = Message(head, payload)
        for tap in tenant.taps:
            tap.readings(message)
        if well is None or not is_heard:
            return
        step = well.positions.message(head.connection_id, head.epoch, head.seq, head.prev)
        if step.gap is not None:
            well.announce(head.connection_id, step.gap)
        if not step.forward:
            self._metrics.duplicates.labels(tenant.tenant_id).inc()
            return
        well.feed(message)
        tenant.messages.inc()
        tenant.latency.observe(self._age_s(head.received_at))

    def _heartbeat(self, tenant: Tenant, payload: bytes) -> None:
        beat = wire.decode_message(payload)
        assert isinstance(beat, wire.Heartbeat)
        changed = tenant.health.hear(beat, self._clock.monotonic())
        for tap in tenant.taps:
            tap.heartbeat(beat)
        name = beat.connection_id
        concerned = [tenant.wells[well] for well in beat.wells if well in tenant.wells]
        concerned += [well for well in tenant.gapped if well.well_id not in beat.wells]
        for well in concerned:
            if not well.started:
                continue
            last = beat.wells.get(well.well_id, 0)
            pulse = well.positions.heartbeat(name, beat.epoch, last, beat.stored_seq)
            if pulse.gap is not None:
                well.announce(name, pulse.gap)
            if pulse.healed is not None:
                well.announce(name, pulse.healed, healed=True)
        if changed:
            tenant.tell_status(name)

    def _refuse(self, tenant: Tenant, reason: str) -> None:
        self._metrics.refused.labels(reason).inc()
        _log.warning("a message on a channel was refused", tenant=tenant.tenant_id, reason=reason)

    def _age_s(self, received_at: str) -> float:
        try:
            then_s = datetime.fromisoformat(received_at).timestamp()
        except ValueError:
            return 0.0
        return max(0.0, self._clock.now_us() / 1e6 - then_s)
