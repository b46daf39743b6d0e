"""What every adapter must do, as test cases that each protocol runs against its own devices.

A protocol brings a Rig: a device whose faults can be set, behind a FaultProxy where it speaks TCP.
It subclasses ReadingContract (also for devices that others wrote) and FaultContract, and has a
fixture `rig`.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.errors import HostNotAllowed, NotConnected
from pumpjack_core.quality import BAD_COMM_FAILURE, BAD_DEVICE, GOOD
from pumpjack_core.readings import Batch
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import Adapter
from tests.faults import FaultProxy

LOOPBACK = ("127.0.0.0/8",)
PATIENCE_S = 20.0
"""How long a test waits for what must happen; only a hanging adapter needs it."""


class Rig(ABC):
    """A device of one protocol.

    adapter   the class to test
    tags      a tag of each data type, all readable
    expected  their values
    refused   a tag whose address is right, but which the device refuses
    wrong     a tag whose address is not right
    proxy     what stands before the device
    """

    adapter: type[Adapter]
    tags: Sequence[Tag]
    expected: Sequence[float]
    refused: Tag
    wrong: Tag
    proxy: FaultProxy

    @abstractmethod
    def connection(
        self, *, host: str | None = None, networks: tuple[str, ...] = LOOPBACK, **settings: Any
    ) -> Connection:
        """A connection to the proxy; settings are of the protocol's member of the spec."""

    def make(self, *tags: Tag, connection: Connection | None = None) -> Adapter:
        """An adapter for these tags, all of them when none is named."""
        table = TagTable(tuple(tags or self.tags))
        return self.adapter(connection or self.connection(), table, SystemClock())


async def read(adapter: Adapter) -> Batch:
    """One batch, acknowledged."""
    async with asyncio.timeout(PATIENCE_S):
        delivery = await adapter.read_batch()
    await delivery.ack()
    return delivery.batch


async def read_all(adapter: Adapter, count: int) -> dict[str, tuple[float, int]]:
    """Read until each of so many tags came: name to its last value and quality."""
    seen: dict[str, tuple[float, int]] = {}
    while len(seen) < count:
        batch = await read(adapter)
        rows = zip(batch.tag_index, batch.value, batch.quality, strict=True)
        for index, value, quality in rows:
            seen[batch.tags.tags[index].name] = (float(value), int(quality))
    return seen


async def read_until_lost(adapter: Adapter) -> tuple[list[Batch], NotConnected]:
    """Read until the session is lost: what came before, and how it was told."""
    batches: list[Batch] = []
    while True:
        try:
            batches.append(await read(adapter))
        except NotConnected as error:
            return batches, error


async def reconnect(adapter: Adapter) -> None:
    """Connect again as the pipeline does."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await adapter.connect()
            except NotConnected:
                await asyncio.sleep(0.05)


class ReadingContract:
    """Reading a device that works."""

    async def test_every_data_type_is_read(self, rig: Rig) -> None:
        adapter = rig.make()
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags))
        await adapter.close()
        assert seen == {
            tag.name: (pytest.approx(value), GOOD)
            for tag, value in zip(rig.tags, rig.expected, strict=True)
        }
        assert adapter.rejected == {}

    async def test_readings_are_columns_with_the_time_of_receipt(self, rig: Rig) -> None:
        adapter = rig.make()
        await adapter.connect()
        before = SystemClock().now_us()
        batch = await read(adapter)
        after = SystemClock().now_us()
        await adapter.close()
        columns = (batch.tag_index, batch.source_us, batch.value, batch.quality)
        assert [column.dtype for column in columns] == [
            np.int32,
            np.int64,
            np.float64,
            np.int16,
        ]
        if not adapter.has_source_time:
            assert (before <= batch.source_us).all()
            assert (batch.source_us <= after).all()
        assert before <= batch.received_us <= after

    async def test_a_refused_address_costs_only_its_own_tag(self, rig: Rig) -> None:
        adapter = rig.make(*rig.tags, rig.refused)
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags) + 1)
        value, quality = seen.pop(rig.refused.name)
        assert np.isnan(value)
        assert quality == BAD_DEVICE
        assert {quality for _, quality in seen.values()} == {GOOD}
        assert list(adapter.rejected) == [len(rig.tags)]
        assert rig.refused.address in adapter.rejected[len(rig.tags)]
        await adapter.close()

    async def test_a_wrong_address_is_rejected_alone_with_its_reason(self, rig: Rig) -> None:
        adapter = rig.make(rig.wrong, *rig.tags)
        assert list(adapter.rejected) == [0]
        assert rig.wrong.address in adapter.rejected[0]
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags))
        assert {quality for _, quality in seen.values()} == {GOOD}
        await adapter.close()


class FaultContract:
    """What goes wrong in the field, and how it is told."""

    async def _lose(self, rig: Rig, adapter: Adapter, reason: str) -> None:
        """The session is lost: what was due is BAD/comm_failure, then NotConnected says why.

        All tags of a rig have one interval, so all are due together.
        """
        batches, error = await read_until_lost(adapter)
        assert error.reason == reason
        assert str(rig.proxy.port) in str(error)
        last = {
            index: (value, quality)
            for batch in batches
            for index, value, quality in zip(
                batch.tag_index.tolist(), batch.value, batch.quality, strict=True
            )
        }
        assert len(last) == len(rig.tags)
        assert all(np.isnan(value) for value, _ in last.values())
        assert {quality for _, quality in last.values()} == {BAD_COMM_FAILURE}

    async def _connected(self, rig: Rig, **settings: Any) -> Adapter:
        adapter = rig.make(connection=rig.connection(timeout="150ms", retries=1, **settings))
        await adapter.connect()
        await read_all(adapter, len(rig.tags))
        return adapter

    async def test_a_half_open_session_is_found_by_its_silence(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        rig.proxy.stall()
        await self._lose(rig, adapter, "Timeout")
        await adapter.close()

    async def test_a_device_that_is_switched_off_is_told(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        await rig.proxy.refuse()
        await self._lose(rig, adapter, "Refused")
        with pytest.raises(NotConnected) as error:
            await adapter.connect()
        assert error.value.reason == "Refused"
        await adapter.close()

    async def test_an_answer_that_ends_in_its_middle_is_no_reading(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        rig.proxy.cut_answer(after=11)
        await self._lose(rig, adapter, "Closed")
        await adapter.close()

    async def test_garbage_is_no_reading(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        rig.proxy.garble(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await self._lose(rig, adapter, "Garbled")
        await adapter.close()

    async def test_a_device_that_is_too_slow_is_told_by_its_time_out(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        rig.proxy.delay_s = 0.6
        await self._lose(rig, adapter, "Timeout")
        await adapter.close()

    async def test_a_slow_line_only_takes_longer(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(timeout="2s", retries=0))
        rig.proxy.bytes_per_s = 2_000.0
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags))
        assert {quality for _, quality in seen.values()} == {GOOD}
        await adapter.close()

    async def test_after_a_loss_it_reads_again_and_nothing_comes_twice(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        batches = []
        for _ in range(2):
            rig.proxy.stall()
            lost, _error = await read_until_lost(adapter)
            rig.proxy.hang_up()
            rig.proxy.resume()
            await reconnect(adapter)
            batches += [*lost, await read(adapter), await read(adapter)]
        seen = await read_all(adapter, len(rig.tags))
        assert {quality for _, quality in seen.values()} == {GOOD}
        readings = [
            (index, us)
            for batch in batches
            for index, us in zip(batch.tag_index.tolist(), batch.source_us.tolist(), strict=True)
        ]
        assert len(readings) == len(set(readings))
        await adapter.close()

    async def test_close_ends_a_wait_for_the_next_poll(self, rig: Rig) -> None:
        slow = [Tag(t.well_id, t.name, t.address, t.data_type, 3600.0) for t in rig.tags]
        adapter = rig.make(*slow)
        await adapter.connect()
        await read_all(adapter, len(slow))
        await self._close_ends(adapter, adapter.read_batch())

    async def test_close_ends_a_wait_for_an_answer(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(timeout="60s"))
        await adapter.connect()
        rig.proxy.stall()
        await self._close_ends(adapter, adapter.read_batch())

    async def test_close_ends_a_connect(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never(*_: object, **__: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        adapter = rig.make(connection=rig.connection(host="plc.example", timeout="60s"))
        await self._close_ends(adapter, adapter.connect())

    async def _close_ends(self, adapter: Adapter, blocked: Any) -> None:
        task = asyncio.ensure_future(blocked)
        await asyncio.sleep(0.1)
        assert not task.done()
        await adapter.close()
        await asyncio.wait({task}, timeout=PATIENCE_S)
        assert task.done(), "still blocked"
        assert isinstance(error := task.exception(), NotConnected)
        assert error.reason == "Closed"
        await adapter.close()  # again: no harm

    async def test_being_cancelled_loses_no_reading(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(timeout="5s"))
        await adapter.connect()
        rig.proxy.delay_s = 0.05
        seen: set[int] = set()
        async with asyncio.timeout(PATIENCE_S):
            while len(seen) < len(rig.tags):
                try:
                    async with asyncio.timeout(0.12):
                        seen |= set((await adapter.read_batch()).batch.tag_index.tolist())
                except TimeoutError:
                    continue
        await adapter.close()

    async def test_tags_change_while_it_reads(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        adapter.apply_tags(TagTable((*rig.tags[2:], rig.wrong)))
        assert list(adapter.rejected) == [len(rig.tags) - 2]
        seen = await read_all(adapter, len(rig.tags) - 2)
        assert set(seen) == {tag.name for tag in rig.tags[2:]}
        assert rig.proxy.connections == 1
        adapter.apply_tags(TagTable(tuple(rig.tags)))
        assert len(await read_all(adapter, len(rig.tags))) == len(rig.tags)
        await adapter.close()

    async def test_a_host_that_the_platform_does_not_list_is_not_connected_to(
        self, rig: Rig
    ) -> None:
        adapter = rig.make(connection=rig.connection(networks=("10.0.0.0/8",)))
        with pytest.raises(HostNotAllowed, match=r"allowed: 10\.0\.0\.0/8"):
            await adapter.connect()
        assert rig.proxy.connections == 0

    async def test_a_name_that_changes_its_address_is_caught_at_the_next_connect(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = iter(["127.0.0.1", "169.254.169.254"])

        async def getaddrinfo(_host: str, port: int, **_: object) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

        adapter = rig.make(connection=rig.connection(host="plc.example"))
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
            await adapter.connect()
            with pytest.raises(HostNotAllowed, match=r"169\.254\.169\.254"):
                await adapter.connect()
        await adapter.close()

    async def test_a_name_without_an_address_is_told(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(host="no-such-name.invalid"))
        with pytest.raises(NotConnected) as error:
            await adapter.connect()
        assert error.value.reason == "NameNotFound"
        await adapter.close()
