"""What the operator tells Prometheus about itself."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from pumpjack_operator.api import Api

RESULTS = ("unchanged", "changed", "refused", "failed")
SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0)


class Metrics:
    """All metrics, in a registry of their own. Counters are there from the start, at zero."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.queue_depth = Gauge(
            "pumpjack_operator_queue_depth", "Objects that wait for a look.", registry=self.registry
        )
        self.failing = Gauge(
            "pumpjack_operator_failing", "Objects whose last look failed.", registry=self.registry
        )
        self.leader = Gauge(
            "pumpjack_operator_leader", "1 on the replica that acts.", registry=self.registry
        )
        self.connections = Gauge(
            "pumpjack_operator_connections", "ScadaConnections known.", registry=self.registry
        )
        self.workers_answering = Gauge(
            "pumpjack_operator_workers_answering",
            "Workers that said how they are when they were asked last.",
            registry=self.registry,
        )
        self.reconciled = Counter(
            "pumpjack_operator_reconciles_total",
            "Looks at an object, by how they ended.",
            ["result"],
            registry=self.registry,
        )
        self.reconcile_seconds = Histogram(
            "pumpjack_operator_reconcile_seconds",
            "Time of one look.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.resolve_seconds = Histogram(
            "pumpjack_operator_resolve_seconds",
            "Time to resolve the tags of one tenant.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.drift_repairs = Counter(
            "pumpjack_operator_drift_repairs_total",
            "Children that others had changed and that were put back.",
            ["kind"],
            registry=self.registry,
        )
        self.journals_kept = Counter(
            "pumpjack_operator_journals_kept_total",
            "Volumes of deleted connections that were kept, since their journal was not empty.",
            registry=self.registry,
        )
        self.status_writes = Counter(
            "pumpjack_operator_status_writes_total",
            "Status written, by kind.",
            ["kind"],
            registry=self.registry,
        )
        for result in RESULTS:
            self.reconciled.labels(result)


class ApiMetrics(Collector):
    """What is asked of the API server, read where it is counted."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """As prometheus_client asks for it."""
        calls = CounterMetricFamily(
            "pumpjack_operator_api_calls",
            "Calls of the API server, by verb and resource as RBAC names them.",
            labels=("verb", "resource"),
        )
        for (verb, resource), count in self._api.calls.items():
            calls.add_metric((verb, resource), count)
        yield calls
        failed = CounterMetricFamily(
            "pumpjack_operator_api_errors",
            "Calls that did not go well; code is the HTTP status, 0 without an answer.",
            labels=("verb", "resource", "code"),
        )
        for (verb, resource, code), count in self._api.failed.items():
            failed.add_metric((verb, resource, str(code)), count)
        yield failed
        yield GaugeMetricFamily(
            "pumpjack_operator_watches_failing",
            "Watches that do not know the present state of what they watch.",
            value=len(self._api.troubled),
        )
