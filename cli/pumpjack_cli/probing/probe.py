"""One session of the real adapter with its device; nothing is stored, nobody else is disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from pathlib import Path

from msgspec.structs import replace

from pumpjack_cli.probing.guest import as_guest
from pumpjack_cli.probing.result import Failure, Observed, StepResult, TagResult
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection, WorkerConfig
from pumpjack_core.errors import DeviceError
from pumpjack_core.manifests.device import device, member
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.networks import endpoint
from pumpjack_core.quality import GOOD, level_text, reason_text
from pumpjack_core.tags import TagTable
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.contract import Adapter, Delivery, Surroundings
from pumpjack_worker.adapters.registry import adapter_class

READ = "read"
SETTLE_S = 1.0
"""Reading goes on for so long after each tag came, where one is not good: many servers begin with
'waiting for initial data'."""
CONNECT_STEPS = 5
CONNECT_SPARE_S = 10.0
CLOSE_LIMIT_S = 5.0


class Stopwatch:
    """Which step is under way, and how long each took; a step that comes again adds up."""

    def __init__(self) -> None:
        self.took_s: dict[str, float] = {}
        self.current = ""
        self._since = 0.0

    def begin(self, step: str) -> None:
        """The step before is over, this one begins."""
        self.end()
        self.current, self._since = step, time.monotonic()
        self.took_s.setdefault(step, 0.0)

    def end(self) -> None:
        """What is under way is over."""
        if self.current:
            self.took_s[self.current] += time.monotonic() - self._since
        self.current = ""


async def probe(
    config: WorkerConfig, *, secrets: Path | None, state: Path, read_s: float
) -> Observed:
    """Connect, read until each tag came or for read_s, and close."""
    watch = Stopwatch()
    connecting = True

    def on_step(step: str) -> None:
        if connecting:  # an adapter may open its session again later: that is no step of ours
            watch.begin(step)

    adapter = adapter_class(config.connection.spec.protocol)(
        as_guest(config.connection),
        config.tags,
        SystemClock(),
        Surroundings(secrets=secrets, state=state, on_step=on_step, passing=True),
    )
    seen = Seen(config.tags)
    failure: Failure | None = None
    try:
        await _connect(adapter, config.connection)
        watch.end()
        connecting = False
        if len(config.tags):
            watch.begin(READ)
            await _read(adapter, seen, read_s)
    except DeviceError as error:
        failure = Failure(error.reason, str(error), watch.current)
    finally:
        watch.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await adapter.close()
    failed = failure.step if failure is not None else None
    steps = (
        StepResult(step, round(took_s * 1000.0, 1), step != failed)
        for step, took_s in watch.took_s.items()
    )
    spec = config.connection.spec
    return Observed(
        config.connection.connection_id,
        spec.protocol,
        endpoint_of(spec),
        tuple(steps),
        seen.results(adapter),
        failure,
        (*adapter.problems, *seen.notes()),
    )


class Seen:
    """What came of each tag so far."""

    def __init__(self, tags: TagTable) -> None:
        self._tags = tags
        self._last: dict[int, tuple[float, int]] = {}
        self._kept_out: dict[int, tuple[str, str]] = {}
        self._errors: dict[str, int] = {}

    def take(self, delivery: Delivery) -> None:
        """Note a delivery."""
        batch = delivery.batch
        rows = (batch.tag_index.tolist(), batch.value.tolist(), batch.quality.tolist())
        for index, value, quality in zip(*rows, strict=True):
            self._last[index] = (value, quality)
            self._kept_out.pop(index, None)
        for item in delivery.quarantined:
            self._kept_out[item.tag_index] = (item.reason, item.raw)
        for reason, count in delivery.errors.items():
            self._errors[reason] = self._errors.get(reason, 0) + count

    def waits_for(self, adapter: Adapter) -> bool:
        """Whether a tag has neither come nor been rejected."""
        settled = self._last.keys() | self._kept_out.keys() | adapter.rejected.keys()
        return any(index not in settled for index in range(len(self._tags)))

    def all_good(self) -> bool:
        """Whether each tag's last reading is GOOD."""
        good = sum(quality == GOOD for _, quality in self._last.values())
        return good == len(self._tags) and not self._kept_out

    def notes(self) -> tuple[str, ...]:
        """What came and belongs to no tag."""
        told = [f"{count} times {reason}" for reason, count in sorted(self._errors.items())]
        if -1 in self._kept_out:
            reason, raw = self._kept_out[-1]
            told.append(f"what came was kept out ({reason}): {raw}")
        return tuple(told)

    def results(self, adapter: Adapter) -> tuple[TagResult, ...]:
        """Each tag with what became of it, in the order of the table."""
        return tuple(self._result(index, adapter) for index in range(len(self._tags)))

    def _result(self, index: int, adapter: Adapter) -> TagResult:
        tag = self._tags.tags[index]
        found = TagResult(tag.name, tag.well_id, tag.address, "missing", unit=tag.unit)
        value, quality = self._last.get(index, (math.nan, GOOD))
        if index in self._last:
            found = replace(
                found,
                state="good" if quality == GOOD else "not-good",
                value=value if math.isfinite(value) else None,
                quality=level_text(quality),
                reason=reason_text(quality) or "",
            )
        if index in adapter.rejected:
            return replace(found, state="rejected", reason=adapter.rejected[index])
        if index in self._kept_out:
            reason, raw = self._kept_out[index]
            return replace(found, state="quarantined", reason=f"{reason}: {raw}")
        return found


async def _connect(adapter: Adapter, connection: Connection) -> None:
    limit_s = CONNECT_STEPS * timeout_of(connection.spec) + CONNECT_SPARE_S
    try:
        async with asyncio.timeout(limit_s):
            await adapter.connect()
    except TimeoutError:
        message = f"no session stood after {limit_s:.0f} s"
        raise DeviceError(message, reason="Timeout") from None


async def _read(adapter: Adapter, seen: Seen, read_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(read_s):
            while seen.waits_for(adapter):
                await _take_one(adapter, seen)
            async with asyncio.timeout(SETTLE_S):
                while not seen.all_good():
                    await _take_one(adapter, seen)


async def _take_one(adapter: Adapter, seen: Seen) -> None:
    delivery = await adapter.read_batch()
    seen.take(delivery)
    await delivery.ack()  # ours alone, see as_guest()


def timeout_of(spec: ScadaConnectionSpec) -> float:
    """How long one answer of the device may take [s]."""
    return seconds(member(spec).timeout)


def endpoint_of(spec: ScadaConnectionSpec) -> str:
    """Where the device is, for a person."""
    if spec.opcua is not None:
        return spec.opcua.endpoint
    where = endpoint(*device(spec))
    return where if spec.modbus_tcp is None else f"{where} unit {spec.modbus_tcp.unit_id}"
