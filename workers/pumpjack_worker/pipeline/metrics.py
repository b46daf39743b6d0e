"""The worker's metrics, by the names of the design's section 7."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pumpjack_core.alarms import PRIORITIES

LATENCY_BUCKETS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0,
)  # fmt: skip


class Metrics:
    """All metrics of one worker, with its tenant, protocol and connection bound to them."""

    def __init__(self, *, tenant_id: str, protocol: str, connection_id: str) -> None:
        self.registry = registry = CollectorRegistry()
        self._tenant_id = tenant_id
        ingested = Counter(
            "scada_readings_ingested",
            "Readings taken from the device, by quality",
            ["tenant_id", "protocol", "quality"],
            registry=registry,
        )
        self._by_quality = [
            ingested.labels(tenant_id, protocol, name) for name in ("GOOD", "UNCERTAIN", "BAD")
        ]
        self._errors = Counter(
            "scada_validation_errors",
            "Readings that validation marked or kept out",
            ["tenant_id", "error_type"],
            registry=registry,
        )
        self.latency = Histogram(
            "scada_end_to_end_latency_seconds",
            "From the receipt of a reading to its commit in the database",
            ["tenant_id"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        ).labels(tenant_id)
        self.rate = Gauge(
            "scada_readings_per_second",
            "Readings a second, over the last second",
            ["tenant_id"],
            registry=registry,
        ).labels(tenant_id)
        self.active = Gauge(
            "scada_active_connections",
            "1 while the device is connected",
            ["tenant_id", "protocol"],
            registry=registry,
        ).labels(tenant_id, protocol)
        self._transitions = Counter(
            "scada_alarm_transitions",
            "Times that a condition became active or inactive",
            ["tenant_id", "condition", "priority"],
            registry=registry,
        )
        self._active_alarms = Gauge(
            "scada_alarms_active",
            "Alarms whose condition is active, by priority",
            ["tenant_id", "connection_id", "priority"],
            registry=registry,
        )
        self._connection_id = connection_id
        labels = ["tenant_id", "connection_id"]

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry).labels(tenant_id, connection_id)

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, labels, registry=registry).labels(tenant_id, connection_id)

        self.journal_batches = gauge("scada_journal_batches", "Batches that are not stored yet")
        self.journal_bytes = gauge("scada_journal_bytes", "Bytes that are not stored yet")
        self.journal_oldest = gauge(
            "scada_journal_oldest_seconds", "Age of the oldest batch that is not stored yet"
        )
        self.journal_full = gauge("scada_journal_full", "1 while the journal takes nothing")
        self.not_stored = counter("scada_readings_not_stored", "Readings that the journal refused")
        self.stored = counter("scada_readings_stored", "Readings committed to the database")
        self.duplicates = counter("scada_readings_duplicate", "Readings that were there already")
        self.quarantined = counter("scada_readings_quarantined", "Readings kept out, with reason")
        self.shifted = counter("scada_readings_shifted", "Readings moved by microseconds")
        self.feed_dropped = counter("scada_feed_dropped_messages", "Messages Redis did not take")
        self.redis_up = gauge("scada_redis_up", "1 while Redis takes the live feed")
        self.database_up = gauge("scada_database_up", "1 while the database takes batches")
        self.reconnects = counter("scada_device_reconnects", "Sessions begun with the device")
        self.suspended = gauge("scada_suspended", "1 while the device is left alone on purpose")
        self.rejected_tags = gauge("scada_rejected_tags", "Tags that cannot be read")

    def ingested(self, counts: list[int]) -> None:
        """Count readings by level: good, uncertain, bad."""
        for child, count in zip(self._by_quality, counts, strict=True):
            if count:
                child.inc(count)

    def errors(self, counts: Mapping[str, int]) -> None:
        """Count what was found wrong, by reason."""
        for name, count in counts.items():
            self._errors.labels(self._tenant_id, name).inc(count)

    def transition(self, condition: str, priority: int) -> None:
        """Count one."""
        self._transitions.labels(self._tenant_id, condition, str(priority)).inc()

    def active_alarms(self, by_priority: Mapping[int, int]) -> None:
        """Tell how many conditions are active."""
        for priority in PRIORITIES:
            labels = (self._tenant_id, self._connection_id, str(priority))
            self._active_alarms.labels(*labels).set(by_priority.get(priority, 0))
