"""Each kind of fault, done to a site."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

import asyncpg

from pumpjack_core.errors import StorageError
from pumpjack_core.storage.maintain import maintain
from tests.chaos.plan import Fault
from tests.chaos.site import NAME, Site
from tests.faults import FaultProxy

HOUR_S = 3_600
MOST_CUT_BYTES = 60
CUT_LIMIT_S = 20.0
SLOW_S = 0.3
SECOND_LIMIT_S = 15.0
DDL_LIMIT_S = 30.0
COLUMN = "chaos_note"
Strike = Callable[[Site, Fault], Awaitable[None]]


async def strike(site: Site, fault: Fault) -> None:
    """Do it, and return when it is over; faults of one target take turns."""
    line = site.lines.get(fault.target)
    async with line.busy if line is not None else site.busy[fault.target]:
        await STRIKES[fault.kind](site, fault)


# A worker, and its network


async def _kill_worker(site: Site, fault: Fault) -> None:
    site.lines[fault.target].worker.signal(signal.SIGKILL)


async def _restart_worker(site: Site, fault: Fault) -> None:
    site.lines[fault.target].worker.signal(signal.SIGTERM)


async def _freeze_worker(site: Site, fault: Fault) -> None:
    await site.lines[fault.target].worker.frozen(fault.length_s)


async def _second_worker(site: Site, fault: Fault) -> None:
    await site.lines[fault.target].replace(fault.length_s, SECOND_LIMIT_S)


async def _full_disk(site: Site, fault: Fault) -> None:
    await site.lines[fault.target].full_disk(fault.length_s)


async def _clock_jump(site: Site, fault: Fault) -> None:
    by_s = HOUR_S if fault.amount < 0.5 else -HOUR_S
    await site.lines[fault.target].wrong_clock(by_s, fault.length_s)


async def _cut_device(site: Site, fault: Fault) -> None:
    site.lines[fault.target].device.hang_up()


async def _halve_answer_of_device(site: Site, fault: Fault) -> None:
    device = site.lines[fault.target].device
    device.cut_answer(int(fault.amount * MOST_CUT_BYTES))
    with contextlib.suppress(TimeoutError):  # it is over when there was an answer to cut
        async with asyncio.timeout(CUT_LIMIT_S):
            while device._cut_after is not None:
                await asyncio.sleep(0.05)


async def _stall_device(site: Site, fault: Fault) -> None:
    await _stalled(site.lines[fault.target].device, fault.length_s)


async def _delay_device(site: Site, fault: Fault) -> None:
    device = site.lines[fault.target].device
    device.delay_s = SLOW_S * fault.amount
    try:
        await asyncio.sleep(fault.length_s)
    finally:
        device.delay_s = 0.0


async def _lose_answer_of_database(site: Site, fault: Fault) -> None:
    site.lines[fault.target].database.cut_answer(int(fault.amount * MOST_CUT_BYTES))


async def _cut_database(site: Site, fault: Fault) -> None:
    site.lines[fault.target].database.hang_up()


async def _stall_database(site: Site, fault: Fault) -> None:
    await _stalled(site.lines[fault.target].database, fault.length_s)


async def _cut_redis(site: Site, fault: Fault) -> None:
    site.lines[fault.target].redis.hang_up()


async def _stall_redis(site: Site, fault: Fault) -> None:
    await _stalled(site.lines[fault.target].redis, fault.length_s)


async def _stalled(proxy: FaultProxy, length_s: float) -> None:
    """Nothing gets through for so long, and nobody is told."""
    proxy.stall()
    try:
        await asyncio.sleep(length_s)
    finally:
        proxy.resume()


# Servers


async def _kill_database(site: Site, fault: Fault) -> None:
    await site.database.killed(whole=fault.amount < 0.5)


async def _freeze_database(site: Site, fault: Fault) -> None:
    await site.database.frozen(fault.length_s)


async def _add_column(site: Site, fault: Fault) -> None:
    """Somebody alters the table of readings while they come in."""
    await _change(site, f"ALTER TABLE pumpjack.reading ADD COLUMN {COLUMN} text DEFAULT 'x'")
    await _change(site, f"ALTER TABLE pumpjack.reading DROP COLUMN IF EXISTS {COLUMN}")


async def _vacuum_full(site: Site, fault: Fault) -> None:
    await _change(site, "VACUUM FULL pumpjack.reading")


async def _lock_table(site: Site, fault: Fault) -> None:
    await _change(
        site,
        f"BEGIN; LOCK TABLE pumpjack.reading IN ACCESS EXCLUSIVE MODE;"
        f" SELECT pg_sleep({fault.length_s:.2f}); COMMIT",
    )


async def _change(site: Site, sql: str) -> None:
    """Do this in the database; another fault may stop that."""
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        async with asyncio.timeout(DDL_LIMIT_S):
            admin = await asyncpg.connect(site.database.url(NAME))
            try:
                await admin.execute(sql)
            finally:
                admin.terminate()


async def _maintain(site: Site, fault: Fault) -> None:
    with contextlib.suppress(StorageError):
        await maintain(site.database.url(NAME), once=True)


async def _kill_redis(site: Site, fault: Fault) -> None:
    site.redis.signal(signal.SIGKILL)


async def _freeze_redis(site: Site, fault: Fault) -> None:
    await site.redis.frozen(fault.length_s)


async def _kill_broker(site: Site, fault: Fault) -> None:
    await site.mqtt.kill_broker(fault.length_s)


async def _freeze_broker(site: Site, fault: Fault) -> None:
    await site.mqtt.freeze_broker(fault.length_s)


async def _forget_sessions(site: Site, fault: Fault) -> None:
    await site.opcua.server.forget_sessions()


async def _kill_gateway(site: Site, fault: Fault) -> None:
    site.gateway.signal(signal.SIGKILL)


async def _freeze_gateway(site: Site, fault: Fault) -> None:
    await site.gateway.frozen(fault.length_s)


async def _cut_screen(site: Site, fault: Fault) -> None:
    site.live.hang_up()


async def _stall_screen(site: Site, fault: Fault) -> None:
    await _stalled(site.live, fault.length_s)


STRIKES: dict[str, Strike] = {
    "kill-worker": _kill_worker,
    "restart-worker": _restart_worker,
    "freeze-worker": _freeze_worker,
    "second-worker": _second_worker,
    "full-disk": _full_disk,
    "clock-jump": _clock_jump,
    "cut-device": _cut_device,
    "halve-answer-of-device": _halve_answer_of_device,
    "stall-device": _stall_device,
    "delay-device": _delay_device,
    "lose-answer-of-database": _lose_answer_of_database,
    "cut-database": _cut_database,
    "stall-database": _stall_database,
    "cut-redis": _cut_redis,
    "stall-redis": _stall_redis,
    "kill-database": _kill_database,
    "freeze-database": _freeze_database,
    "add-column": _add_column,
    "vacuum-full": _vacuum_full,
    "lock-table": _lock_table,
    "maintain": _maintain,
    "kill-redis": _kill_redis,
    "freeze-redis": _freeze_redis,
    "kill-broker": _kill_broker,
    "freeze-broker": _freeze_broker,
    "forget-sessions": _forget_sessions,
    "kill-gateway": _kill_gateway,
    "freeze-gateway": _freeze_gateway,
    "cut-screen": _cut_screen,
    "stall-screen": _stall_screen,
}
