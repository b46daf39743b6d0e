"""The audit log is written behind everyone's back, and what it loses is counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.migrate import migrate
from pumpjack_gateway import audit as audit_module
from pumpjack_gateway.audit import Audit, Entry
from pumpjack_gateway.metrics import Metrics
from tests.gateway.conftest import NO_REDIS, running


class Book:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.is_down = False

    async def audit(self, entries: Sequence[Entry]) -> None:
        await asyncio.sleep(0)
        if self.is_down:
            raise StorageError("down")
        self.entries += entries


def lost(metrics: Metrics) -> str:
    lines = metrics.text().decode().splitlines()
    return next(line for line in lines if line.startswith("scada_audit_dropped_total"))


async def test_entries_are_written_in_order_and_once() -> None:
    book, metrics = Book(), Metrics()
    audit = Audit(book, metrics)
    running = asyncio.create_task(audit.run())
    for number in range(500):
        audit.note("permian", "ann", "subscribe", "ok", number=number)
        if number % 100 == 0:
            await asyncio.sleep(0)
    while len(book.entries) < 500:
        await asyncio.sleep(0)
    running.cancel()
    assert [entry[4] for entry in book.entries] == [f'{{"number":{n}}}' for n in range(500)]
    assert book.entries[0][:4] == ("permian", "ann", "subscribe", "ok")


async def test_what_is_written_at_the_end_beside_the_writer_is_there_once() -> None:
    book = Book()
    audit = Audit(book, Metrics())
    running = asyncio.create_task(audit.run())
    for number in range(50):
        audit.note(f"tenant-{number % 7}", "ann", "subscribe", "ok", number=number)
        if number % 10 == 0:
            await asyncio.sleep(0)
    await audit.flush()
    running.cancel()
    assert len(book.entries) == 50
    assert len(set(book.entries)) == 50


async def test_what_could_not_be_written_is_written_at_the_end() -> None:
    book, metrics = Book(), Metrics()
    book.is_down = True
    audit = Audit(book, metrics)
    running = asyncio.create_task(audit.run())
    audit.note("permian", "ann", "sign-in", "ok")
    await asyncio.sleep(0.01)
    running.cancel()
    book.is_down = False
    await audit.flush()
    assert len(book.entries) == 1


async def test_when_there_are_too_many_the_oldest_are_lost_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit_module, "ENTRIES_MAX", 2)
    book, metrics = Book(), Metrics()
    audit = Audit(book, metrics)
    for name in ("a", "b", "c"):
        audit.note("permian", name, "sign-in", "ok")
    await audit.flush()
    assert [entry[1] for entry in book.entries] == ["b", "c"]
    assert lost(metrics).endswith(" 1.0")


async def test_a_database_that_is_down_at_the_end_does_not_hold_it_up() -> None:
    book, metrics = Book(), Metrics()
    book.is_down = True
    audit = Audit(book, metrics)
    audit.note("permian", "ann", "sign-in", "ok")
    await audit.flush()
    assert lost(metrics).endswith(" 1.0")


async def test_what_others_wrote_is_cut_and_cleaned() -> None:
    book = Book()
    audit = Audit(book, Metrics())
    nested: dict[str, object] = {"at": "an end"}
    for _ in range(10_000):
        nested = {"in": nested}
    audit.note(
        *("permian", "an\0n\x1b", "command.request", "refused"),
        problem="unknown field `\0" + "x" * 200_000 + "`",
        half="\ud83d",
        **{"k" * 5_000 + "\0": list(range(10_000))},
        lines="one\ntwo",
        deep=nested,
    )
    await audit.flush()
    [(_, actor, _, _, text)] = book.entries
    assert actor == "an\ufffdn\ufffd"
    assert len(text) < 10_000
    detail = json.loads(text)
    assert detail["problem"].startswith("unknown field `\ufffdxxx")
    assert (len(detail["problem"]), detail["problem"][-1]) == (1_024, "…")
    assert (detail["half"], detail["lines"]) == ("\ufffd", "one\ntwo")


@pytest.mark.servers
async def test_an_entry_that_can_never_be_written_holds_up_no_other(
    postgres: EmbeddedPostgres, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty_database)
    admin = await asyncpg.connect(empty_database)
    name = await admin.fetchval("SELECT current_database()")
    monkeypatch.setattr(audit_module, "kept", lambda value: value)  # as if something got past it
    async with running(NO_REDIS, postgres.url(name, "pumpjack_gateway")) as gateway:
        for tenant, why in (("bakken", "x"), ("permian", "\0"), ("permian", "y")):
            gateway.audit.note(tenant, "ann", "subscribe", "ok", why=why)
        async with asyncio.timeout(60):
            while gateway.audit.waiting():
                await asyncio.sleep(0.01)
        lines = gateway.metrics.text().decode().splitlines()
    assert "scada_audit_dropped_total 1.0" in lines
    rows = await admin.fetch("SELECT tenant_id, detail->>'why' AS why FROM pumpjack.audit_logs")
    await admin.close()
    assert sorted(tuple(row) for row in rows) == [("bakken", "x"), ("permian", "y")]


async def test_a_tenant_that_cannot_be_written_pushes_out_none_of_the_others_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit_module, "ENTRIES_MAX", 5)
    book, metrics = Book(), Metrics()
    audit = Audit(book, metrics)
    audit.note("bakken", "bob", "sign-in", "ok")
    for number in range(9):
        audit.note("permian", f"ann-{number}", "sign-in", "ok")
    await audit.flush()
    assert [entry[1] for entry in book.entries] == ["bob", *(f"ann-{n}" for n in range(5, 9))]
    assert lost(metrics).endswith(" 5.0")


@pytest.mark.servers
async def test_who_holds_one_tenants_chain_holds_up_no_others_entries(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    await migrate(empty_database)
    admin = await asyncpg.connect(empty_database)
    name = await admin.fetchval("SELECT current_database()")
    written = "SELECT count(*) FROM pumpjack.audit_logs WHERE tenant_id = $1"
    other = await asyncpg.connect(empty_database)
    async with running(NO_REDIS, postgres.url(name, "pumpjack_gateway")) as gateway:
        holding = admin.transaction()
        await holding.start()
        await admin.execute("SELECT pumpjack.audit('permian', 'worker', 'x', 'done')")
        gateway.audit.note("permian", "ann", "sign-in", "ok")
        gateway.audit.note("bakken", "bob", "sign-in", "ok")
        async with asyncio.timeout(60):
            while not await other.fetchval(written, "bakken"):
                await asyncio.sleep(0.05)
        assert [entry[0] for entry in gateway.audit.waiting()] == ["permian"]
        await holding.rollback()
        async with asyncio.timeout(60):
            while not await other.fetchval(written, "permian"):
                await asyncio.sleep(0.05)
    await admin.close()
    await other.close()
