"""What `pumpjack demo --check` verifies: every reading's whole way, by tenant and by protocol."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from pumpjack_cli.check_control import ControlCheck
from pumpjack_cli.checked import ProtocolResult, Result, TenantResult, percentiles_ms
from pumpjack_cli.local.access import local_token
from pumpjack_cli.local.progress import Progress
from pumpjack_cli.local.system import LocalSystem
from pumpjack_cli.watching.client import Lost, Rest, follow
from pumpjack_cli.watching.model import seconds_of
from pumpjack_core.errors import PumpjackError
from pumpjack_core.wire import Readings
from pumpjack_gateway.live.messages import Problem, Subscribed

FIRST_READINGS_S = 40.0
LISTEN_S, MOST_LISTEN_S = 6.0, 30.0
"""How long to listen, and how much longer where a well has not been heard of: on a busy machine a
device may come late."""
LOOK_S = 0.25
REFUSAL_S = 5.0
TOKEN_S = 600.0
PROTOCOLS = ("modbus-tcp", "mqtt", "opcua")


@dataclass
class _Feed:
    """Live messages, and how long each of their readings took."""

    messages: int = 0
    latencies_s: list[float] = field(default_factory=list)


@dataclass
class _Heard(_Feed):
    """What one client got."""

    snapshots: set[str] = field(default_factory=set)
    wells: set[str] = field(default_factory=set)


@dataclass
class _Protocol(_Feed):
    """What came of one protocol, over all tenants."""

    stored: int = 0
    series: int = 0
    rest: int = 0


class Check:
    """One check of a running system."""

    def __init__(self, system: LocalSystem, progress: Progress) -> None:
        self._system = system
        self._progress = progress
        self._failures: list[str] = []
        self._protocols: dict[str, _Protocol] = defaultdict(_Protocol)

    async def run(self) -> Result:
        """Check each tenant. Failures are in the result, not raised."""
        tenants = self._system.plan.tenant_ids
        with self._progress.step("first readings of every tag stored"):
            await self._wait_for_readings(tenants)
        with self._progress.step(f"live feed, for {LISTEN_S:.0f} s or until each well came"):
            heard = await asyncio.gather(*(self._listen(tenant) for tenant in tenants))
        results = []
        with self._progress.step("database, REST and the border between tenants"):
            for tenant, got in zip(tenants, heard, strict=True):
                results.append(await self._tenant(tenant, got))
                await self._knock(tenant)
        control = ControlCheck(self._system, PROTOCOLS)
        with self._progress.step("a command over each protocol, and an alarm"):
            commands, alarms = await control.run()
        protocols = tuple(map(self._protocol, PROTOCOLS))
        failures = (*self._failures, *control.failures)
        return Result(not failures, tuple(results), protocols, failures, commands, alarms)

    def _wells(self, tenant: str) -> list[str]:
        configs = self._system.plan.configs.values()
        of_tenant = [config for config in configs if config.connection.tenant_id == tenant]
        return sorted({well for config in of_tenant for well in config.tags.wells})

    def _tags(self, tenant: str) -> int:
        configs = self._system.plan.configs.values()
        return sum(len(c.tags) for c in configs if c.connection.tenant_id == tenant)

    def _protocol_of(self, tenant: str, well: str) -> str:
        """The protocol that most of a well's tags are read by; in the demo it is the only one."""
        counts: dict[str, int] = defaultdict(int)
        for config in self._system.plan.configs.values():
            if config.connection.tenant_id == tenant:
                of_well = sum(tag.well_id == well for tag in config.tags.tags)
                counts[config.connection.spec.protocol] += of_well
        return max(counts, key=lambda protocol: counts[protocol])

    def _protocol(self, protocol: str) -> ProtocolResult:
        """What came of a protocol, which must have come everywhere."""
        configs = [
            config
            for config in self._system.plan.configs.values()
            if config.connection.spec.protocol == protocol
        ]
        found = self._protocols[protocol]
        if not configs:
            where = ", ".join(map(str, self._system.settings.manifests))
            self._failures.append(
                f"{protocol}: no connection of {where} speaks it; delete it for a fresh copy"
            )
        else:
            for count, place in (
                (found.stored, "in the database"),
                (found.rest, "from REST"),
                (found.messages, "over the WebSocket"),
            ):
                self._expect(count, f"{protocol}: no reading came {place}")
        return ProtocolResult(
            protocol=protocol,
            wells=len({(c.connection.tenant_id, well) for c in configs for well in c.tags.wells}),
            tags=sum(len(config.tags) for config in configs),
            stored_tags=found.series,
            stored=found.stored,
            rest_readings=found.rest,
            live_messages=found.messages,
            live_readings=len(found.latencies_s),
            latency_ms=percentiles_ms(found.latencies_s),
        )

    def _expect(self, condition: object, failure: str) -> None:
        if not condition:
            self._failures.append(failure)

    def _token(self, tenant: str) -> Callable[[], str]:
        token = local_token(
            self._system.data, tenant_id=tenant, role="viewer", lifetime_s=TOKEN_S, subject="check"
        )
        return lambda: token

    async def _wait_for_readings(self, tenants: Sequence[str]) -> None:
        limit = time.monotonic() + FIRST_READINGS_S
        missing = set(tenants)
        while missing and time.monotonic() < limit:
            for tenant in sorted(missing):
                counts = await self._system.database.count_readings(tenant)
                if sum(series for _, series in counts.values()) >= self._tags(tenant):
                    missing.discard(tenant)
            await asyncio.sleep(LOOK_S)

    async def _listen(self, tenant: str) -> _Heard:
        heard, wells = _Heard(), self._wells(tenant)
        messages = follow(self._system.websocket_url, self._token(tenant), lambda: wells)
        began_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(began_s + MOST_LISTEN_S) as limit:
                async for event, _ in messages:
                    now_s = time.time()
                    if isinstance(event, Lost):
                        self._failures.append(f"{tenant}: WebSocket: {event.reason}")
                    elif isinstance(event, Subscribed):
                        heard.snapshots.add(event.well_id)
                    elif isinstance(event, Readings):
                        self._hear(tenant, heard, event, now_s)
                    if heard.wells >= set(wells):
                        limit.reschedule(began_s + LISTEN_S)
        except TimeoutError:
            pass
        except PumpjackError as error:
            self._failures.append(f"{tenant}: WebSocket: {error}")
        finally:
            await messages.aclose()
        return heard

    def _hear(self, tenant: str, heard: _Heard, message: Readings, now_s: float) -> None:
        if message.tenant_id != tenant:
            self._failures.append(f"{tenant}: got readings of {message.tenant_id}")
        heard.wells.add(message.well_id)
        for feed in (heard, self._protocols[message.source_protocol]):
            feed.messages += 1
            feed.latencies_s += [now_s - seconds_of(one.timestamp) for one in message.readings]

    async def _tenant(self, tenant: str, heard: _Heard) -> TenantResult:
        wells, tags = self._wells(tenant), self._tags(tenant)
        counts = await self._system.database.count_readings(tenant)
        for protocol, (readings, tags_stored) in counts.items():
            self._protocols[protocol].stored += readings
            self._protocols[protocol].series += tags_stored
        stored, series = (sum(column) for column in zip((0, 0), *counts.values(), strict=True))
        self._expect(
            series >= tags, f"{tenant}: of {tags} tags only {series} have a reading in the database"
        )
        self._expect(
            heard.snapshots >= set(wells),
            f"{tenant}: no snapshot came of {_listed(set(wells) - heard.snapshots)}",
        )
        self._expect(
            heard.wells >= set(wells),
            f"{tenant}: no live reading came of {_listed(set(wells) - heard.wells)}",
        )
        return TenantResult(
            tenant_id=tenant,
            wells=len(wells),
            tags=tags,
            stored_tags=series,
            stored=stored,
            rest_readings=await self._ask_rest(tenant, wells),
            snapshots=len(heard.snapshots),
            live_messages=heard.messages,
            live_readings=len(heard.latencies_s),
            latency_ms=percentiles_ms(heard.latencies_s),
        )

    async def _ask_rest(self, tenant: str, wells: Sequence[str]) -> int:
        """Readings that REST gives of the tenant's wells, and refusals of everyone else's."""
        rest = Rest(self._system.rest_url, self._token(tenant))
        count = 0
        try:
            for well in wells:
                page = await rest.get(f"/api/scada/readings?wellId={quote(well)}&limit=5000")
                latest = await rest.get(f"/api/scada/latest?wellId={quote(well)}")
                count += len(page["readings"])
                self._protocols[self._protocol_of(tenant, well)].rest += len(page["readings"])
                self._expect(page["readings"], f"{tenant}: REST gives no reading of {well}")
                self._expect(latest["readings"], f"{tenant}: REST gives no latest of {well}")
            for other in self._system.plan.tenant_ids:
                for well in self._wells(other) if other != tenant else []:
                    code = await rest.status_of(f"/api/scada/readings?wellId={quote(well)}")
                    self._expect(
                        code in (403, 404),
                        f"{tenant}: REST answers {code} for {well}, a well of {other}",
                    )
        except PumpjackError as error:
            self._failures.append(f"{tenant}: REST: {error}")
        return count

    async def _knock(self, tenant: str) -> None:
        """The WebSocket refuses a well of another tenant as one that does not exist."""
        for other in self._system.plan.tenant_ids:
            if other == tenant:
                continue
            wells = self._wells(other)
            refused: set[str | None] = set()
            messages = follow(self._system.websocket_url, self._token(tenant), lambda w=wells: w)  # type: ignore[misc]
            try:
                async with asyncio.timeout(REFUSAL_S):
                    while refused < set(wells):
                        event, _ = await anext(messages)
                        if isinstance(event, Problem) and event.code == "FORBIDDEN_WELL":
                            refused.add(event.well_id)
                        self._expect(
                            not isinstance(event, Subscribed),
                            f"{tenant}: the WebSocket opens a well of {other}",
                        )
            except TimeoutError:
                self._failures.append(f"{tenant}: the WebSocket does not refuse wells of {other}")
            finally:
                await messages.aclose()


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
