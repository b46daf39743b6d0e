"""What the gateway measures of alarms. Those of all alarms of a tenant come from one replica."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge

from pumpjack_gateway.alarms.store import Tally


class AlarmMetrics:
    """On the registry of the gateway's other metrics."""

    def __init__(self, registry: CollectorRegistry, refused: Counter) -> None:
        self.refused = refused
        self._labels: dict[str, set[tuple[str, str, str]]] = {}
        self.told = Counter(
            "scada_alarm_messages_total",
            "Changes of alarms that clients were told of; confirmed: the database has them",
            ["tenant_id", "confirmed"],
            registry=registry,
        )
        self.actions = Counter(
            "scada_alarm_actions_total",
            "What people did to alarms, each alarm counted",
            ["tenant_id", "action", "outcome"],
            registry=registry,
        )
        self.alarms = Gauge(
            "scada_alarms",
            "Alarms that are not normal; from the replica that has the tenant's lease",
            ["tenant_id", "state", "priority"],
            registry=registry,
        )
        self.raised_lately = Gauge(
            "scada_alarms_raised_recently",
            "Alarms raised in the last 10 minutes; more than 10 are a flood (ISA-18.2)",
            ["tenant_id"],
            registry=registry,
        )
        self.comm_failures = Gauge(
            "scada_comm_failures",
            "Connections of which nothing is heard, or whose device is away",
            ["tenant_id"],
            registry=registry,
        )
        self.leases = Gauge(
            "scada_alarm_leases",
            "Tenants whose heartbeats this replica watches",
            registry=registry,
        )
        self.watching = Gauge(
            "scada_alarm_watching",
            "0 while this replica cannot reach Redis or the database: it notices no connection's "
            "silence then",
            registry=registry,
        )
        self.not_shown = Counter(
            "scada_alarm_words_refused_total",
            "Conditions that were not shown before they were stored: too many were unconfirmed",
            ["tenant_id"],
            registry=registry,
        )
        self.unserved = Counter(
            "scada_alarm_watch_failures_total",
            "Attempts to watch a tenant's connections, or to end its shelvings, that failed",
            ["tenant_id"],
            registry=registry,
        )
        self.webhook_sent = Counter(
            "scada_webhook_events_total",
            "Events that a webhook took",
            ["tenant_id", "webhook"],
            registry=registry,
        )
        self.webhook_failed = Counter(
            "scada_webhook_failures_total",
            "Attempts that a webhook did not take",
            ["tenant_id", "webhook", "reason"],
            registry=registry,
        )
        self.webhook_waiting = Gauge(
            "scada_webhook_waiting_seconds",
            "Age of the oldest event that a webhook has not taken; 0: there is none",
            ["tenant_id", "webhook"],
            registry=registry,
        )

    def set_alarms(self, tenant_id: str, tallies: Iterable[Tally]) -> None:
        """All alarms of a tenant, by state and priority."""
        self._clear_alarms(tenant_id)
        for tally in tallies:
            labels = (tenant_id, tally.state, str(tally.priority))
            self._labels.setdefault(tenant_id, set()).add(labels)
            self.alarms.labels(*labels).set(tally.number)

    def forget(self, tenant_id: str) -> None:
        """Another replica tells of this tenant from now on."""
        for labels in self._labels.pop(tenant_id, ()):
            self.alarms.remove(*labels)
        for gauge in (self.raised_lately, self.comm_failures):
            with suppress(KeyError):
                gauge.remove(tenant_id)

    def forget_webhook(self, tenant_id: str, name: str) -> None:
        """Another replica sends to it from now on, and tells what waits."""
        with suppress(KeyError):
            self.webhook_waiting.remove(tenant_id, name)

    def _clear_alarms(self, tenant_id: str) -> None:
        for labels in self._labels.get(tenant_id, ()):
            self.alarms.labels(*labels).set(0)
