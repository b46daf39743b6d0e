"""What the gateway measures. Names are those of the design, section 7; labels are tenants only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One registry, so that two gateways in one process (tests) do not mix."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.clients = Gauge(
            "scada_websocket_clients",
            "WebSocket clients that are signed in",
            ["tenant_id"],
            registry=registry,
        )
        self.latency = Histogram(
            "scada_end_to_end_latency_seconds",
            "From the receipt of a batch in the worker until it was written to all clients",
            ["tenant_id"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.messages = Counter(
            "scada_feed_messages_total",
            "Messages of the live feed that were forwarded, each to all clients of its well",
            ["tenant_id"],
            registry=registry,
        )
        self.gaps = Counter(
            "scada_feed_gaps_total",
            "Gaps in the live feed that clients were told of",
            ["tenant_id"],
            registry=registry,
        )
        self.duplicates = Counter(
            "scada_feed_duplicates_total",
            "Messages of the live feed that had been seen before",
            ["tenant_id"],
            registry=registry,
        )
        self.refused = Counter(
            "scada_feed_refused_total",
            "Messages on a channel that were not forwarded: malformed, oversize, or of another "
            "tenant than the channel's",
            ["reason"],
            registry=registry,
        )
        self.slow = Gauge(
            "scada_websocket_slow_clients",
            "WebSocket clients that do not keep up now",
            registry=registry,
        )
        self.conflated = Counter(
            "scada_websocket_conflated_messages_total",
            "Messages that a slow client got only the latest readings of",
            registry=registry,
        )
        self.closed = Counter(
            "scada_websocket_closed_total",
            "WebSockets that ended, by close code",
            ["code"],
            registry=registry,
        )
        self.sign_ins_refused = Counter(
            "scada_sign_ins_refused_total",
            "Tokens that were refused",
            ["code"],
            registry=registry,
        )
        self.rate_limited = Counter(
            "scada_rate_limited_total",
            "Requests and messages beyond their rate",
            ["where"],
            registry=registry,
        )
        self.command_requests = Counter(
            "scada_command_requests_total",
            "Commands that were asked for or decided on; outcome: made, again (the same key), "
            "approved, rejected, or the code of the refusal",
            ["tenant_id", "outcome"],
            registry=registry,
        )
        self.requests = Histogram(
            "scada_rest_request_seconds",
            "REST requests",
            ["route", "status"],
            buckets=(0.005, 0.025, 0.1, 0.25, 1.0, 5.0),
            registry=registry,
        )
        self.redis_up = Gauge(
            "scada_redis_up", "Whether the live feed is connected", registry=registry
        )
        self.database_up = Gauge(
            "scada_database_up", "Whether the last query reached the database", registry=registry
        )
        self.pool_size = Gauge(
            "scada_database_connections", "Connections to the database", registry=registry
        )
        self.pool_used = Gauge(
            "scada_database_connections_used", "Those at work now", registry=registry
        )
        self.audit_dropped = Counter(
            "scada_audit_dropped_total",
            "Entries of the audit log that were lost because the database took none",
            registry=registry,
        )

    def text(self) -> bytes:
        """All of them, in the text format of Prometheus."""
        page: bytes = generate_latest(self.registry)
        return page
