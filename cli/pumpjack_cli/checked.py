"""What `pumpjack demo --check` found, as values and as tables for a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from rich.table import Table

PERCENTILES = (50, 95, 99)


class TenantResult(Struct, frozen=True, rename="camel"):
    """What was found of one tenant.

    tags             declared; stored_tags have at least one reading in the database
    stored           readings in the database, counted with the tenant's own role
    rest_readings    readings that REST gave
    live_readings    readings that came over the WebSocket, in live_messages
    latency_ms       from the reading's time at the device's answer to this client: p50, p95, p99
    """

    tenant_id: str
    wells: int
    tags: int
    stored_tags: int
    stored: int
    rest_readings: int
    snapshots: int
    live_messages: int
    live_readings: int
    latency_ms: tuple[float, ...]


class ProtocolResult(Struct, frozen=True, rename="camel"):
    """The same of one protocol, over all tenants."""

    protocol: str
    wells: int
    tags: int
    stored_tags: int
    stored: int
    rest_readings: int
    live_messages: int
    live_readings: int
    latency_ms: tuple[float, ...]


class CommandResult(Struct, frozen=True, rename="camel"):
    """A value that was written. states: as the WebSocket told them; took_ms: until the last."""

    protocol: str
    tenant_id: str
    well_id: str
    tag_name: str
    value: float
    states: tuple[str, ...]
    took_ms: float


class AlarmResult(Struct, frozen=True, rename="camel"):
    """An alarm that was raised, told and acknowledged."""

    tenant_id: str
    well_id: str
    tag_name: str
    condition: str
    priority: int


class Result(Struct, frozen=True):
    """The whole check; failures is empty when all is well."""

    ok: bool
    tenants: tuple[TenantResult, ...]
    protocols: tuple[ProtocolResult, ...]
    failures: tuple[str, ...]
    commands: tuple[CommandResult, ...] = ()
    alarms: tuple[AlarmResult, ...] = ()


def percentiles_ms(latencies_s: Sequence[float]) -> tuple[float, ...]:
    """p50, p95 and p99 in milliseconds; none when there is nothing to measure."""
    if not latencies_s:
        return ()
    return tuple(round(float(ms), 1) for ms in np.percentile(latencies_s, PERCENTILES) * 1000.0)


def tables_of(result: Result) -> tuple[Table, Table]:
    """By tenant and by protocol, for a person."""
    return (
        _table("tenant", [(one.tenant_id, one) for one in result.tenants]),
        _table("protocol", [(one.protocol, one) for one in result.protocols]),
    )


def lines_of(result: Result) -> list[str]:
    """Commands and alarms, for a person."""
    return [
        *(
            f"{one.protocol}: {one.well_id} {one.tag_name} = {one.value:g} was {one.states[-1]} "
            f"in {one.took_ms:.0f} ms"
            for one in result.commands
        ),
        *(
            f"alarm P{one.priority} of {one.well_id}: {one.tag_name} {one.condition}, acknowledged"
            for one in result.alarms
        ),
    ]


def _table(title: str, rows: Sequence[tuple[str, TenantResult | ProtocolResult]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (title, "wells", "tags", "stored", "REST", "live", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="left" if name == title else "right")
    for name, one in rows:
        table.add_row(
            name,
            str(one.wells),
            f"{one.stored_tags}/{one.tags}",
            str(one.stored),
            str(one.rest_readings),
            f"{one.live_readings} in {one.live_messages}",
            *([f"{ms:.1f}" for ms in one.latency_ms] or ["-"] * len(PERCENTILES)),
        )
    return table
