"""What every adapter must do, as test cases that each protocol runs against its own devices.

A protocol brings a Rig: a device whose faults can be set, behind a FaultProxy where it speaks TCP.
It subclasses ReadingContract (also for devices that others wrote), FaultContract, and, where the
device sends again what was not acknowledged, AcknowledgementContract; it has a fixture `rig`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.errors import HostNotAllowed, NotConnected, Unanswered, WriteRefused
from pumpjack_core.quality import BAD_COMM_FAILURE, BAD_DEVICE, GOOD
from pumpjack_core.readings import Batch
from pumpjack_core.tags import Tag, TagTable, Write
from pumpjack_worker.adapters.contract import NOWHERE, Adapter, Delivery, Surroundings
from tests.faults import FaultProxy

LOOPBACK = ("127.0.0.0/8",)
STIR_S = 0.1
PATIENCE_S = 60.0
"""How long a test waits for what must happen; only a hanging adapter needs it."""


ARRIVED_S = 2.0
"""In so long an acknowledgement that was sent has reached a device, which cannot be asked."""
CLOSE_LIMIT_S = 20.0


class Rig(ABC):
    """A device of one protocol.

    adapter   the class to test
    tags      a tag of each data type, all readable
    expected  their values
    refused   a tag whose address is right, but which the device refuses
    wrong     a tag whose address is not right
    proxy     what stands before the device
    quick     settings with which a silent device is told within some seconds
    patient   settings with which nothing is told for a minute
    writable  tags that can be written, with a value that they do not have
    polled    whether the adapter asks, so that readings come by themselves; else stir() makes some
    too_slow_s, slow_bytes_per_s   a delay that is too long for quick, and a line that is not
    """

    adapter: type[Adapter]
    tags: Sequence[Tag]
    expected: Sequence[float]
    refused: Tag | None
    wrong: Tag
    proxy: FaultProxy
    quick: Mapping[str, Any]
    patient: Mapping[str, Any]
    writable: Sequence[tuple[Tag, float]] = ()
    polled: bool = True
    too_slow_s: float = 4.0
    slow_bytes_per_s: float = 2_000.0

    async def stir(self) -> None:  # noqa: B027 - nothing to do where the adapter asks
        """Have the device give another reading of each tag, with its expected value at the end."""

    @abstractmethod
    def connection(
        self, *, host: str | None = None, networks: tuple[str, ...] = LOOPBACK, **settings: Any
    ) -> Connection:
        """A connection to the proxy; settings are of the protocol's member of the spec."""

    def make(self, *tags: Tag, connection: Connection | None = None) -> Adapter:
        """An adapter for these tags, all of them when none is named."""
        table = TagTable(tuple(tags or self.tags))
        return self.adapter(
            connection or self.connection(), table, SystemClock(), self.surroundings
        )

    @property
    def surroundings(self) -> Surroundings:
        """Secrets and state of the adapters that make() makes."""
        return NOWHERE

    @contextlib.asynccontextmanager
    async def stirring(self) -> AsyncIterator[None]:
        """Have readings come all the while, as from a device that lives."""
        if self.polled:
            yield
            return

        async def stir_forever() -> None:
            while True:
                await self.stir()
                await asyncio.sleep(STIR_S)

        task = asyncio.create_task(stir_forever())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _stirring(rig: Rig | None) -> contextlib.AbstractAsyncContextManager[None]:
    return contextlib.nullcontext() if rig is None else rig.stirring()


async def read(adapter: Adapter) -> Batch:
    """One batch, acknowledged."""
    async with asyncio.timeout(PATIENCE_S):
        delivery = await adapter.read_batch()
    await delivery.ack()
    return delivery.batch


async def read_all(
    adapter: Adapter, count: int, rig: Rig | None = None
) -> dict[str, tuple[float, int]]:
    """Read until each of so many tags came: name to its last value and quality."""
    seen: dict[str, tuple[float, int]] = {}
    async with _stirring(rig):
        while len(seen) < count:
            batch = await read(adapter)
            rows = zip(batch.tag_index, batch.value, batch.quality, strict=True)
            for index, value, quality in rows:
                seen[batch.tags.tags[index].name] = (float(value), int(quality))
    return seen


async def read_until_lost(
    adapter: Adapter, rig: Rig | None = None
) -> tuple[list[Batch], NotConnected]:
    """Read until the session is lost: what came before, and how it was told."""
    batches: list[Batch] = []
    async with _stirring(rig):
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
        seen = await read_all(adapter, len(rig.tags), rig)
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
        async with rig.stirring():
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
        if rig.refused is None:
            pytest.skip("no-refusal: this protocol has no answer to an address that is not there")
        adapter = rig.make(*rig.tags, rig.refused)
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags) + 1, rig)
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
        seen = await read_all(adapter, len(rig.tags), rig)
        assert {quality for _, quality in seen.values()} == {GOOD}
        await adapter.close()


async def until_read_back(adapter: Adapter, tag: Tag, value: float) -> None:
    """Wait until the device, asked again and again, has this value."""
    async with asyncio.timeout(PATIENCE_S):
        while (await adapter.read_back(tag)) != pytest.approx(value):
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def reading(adapter: Adapter) -> AsyncIterator[list[Batch]]:
    """Read all the while, as the pipeline does; what was read."""
    batches: list[Batch] = []

    async def read_forever() -> None:
        while True:
            batches.append(await read(adapter))

    task = asyncio.create_task(read_forever())
    try:
        yield batches
    finally:
        task.cancel()
        done = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError), done[0]


class WritingContract:
    """Writing to a device that can be asked for what it has then."""

    async def test_what_was_written_is_read_back(self, rig: Rig) -> None:
        adapter = rig.make(*(tag for tag, _ in rig.writable))
        assert adapter.writes
        await adapter.connect()
        for tag, value in rig.writable:
            assert await adapter.read_back(tag) != pytest.approx(value)
            await adapter.write(tag, value)
            await until_read_back(adapter, tag, value)
        await adapter.close()

    async def test_reading_goes_on_beside_writing_and_no_answer_is_taken_for_another(
        self, rig: Rig
    ) -> None:
        adapter = rig.make(*rig.tags)
        possible = {tag.name: [value] for tag, value in zip(rig.tags, rig.expected, strict=True)}
        await adapter.connect()
        async with reading(adapter) as batches:
            for round_ in range(4):
                before = len(batches)
                for tag, other in rig.writable:
                    value = other if round_ % 2 == 0 else possible[tag.name][0]
                    possible[tag.name][1:] = [other]
                    await adapter.write(tag, value)
                    await until_read_back(adapter, tag, value)
                # a server that tells changes may see none, where a value is soon as it was
                async with asyncio.timeout(PATIENCE_S):
                    while len(batches) < (before + 1 if rig.polled else 1):
                        await asyncio.sleep(0.01)
        await adapter.close()
        for batch in batches:
            assert set(batch.quality.tolist()) == {GOOD}
            for index, value in zip(batch.tag_index.tolist(), batch.value.tolist(), strict=True):
                name = batch.tags.tags[index].name
                assert any(value == pytest.approx(one) for one in possible[name]), name

    async def test_what_does_not_fit_or_is_read_only_is_refused_and_not_sent(
        self, rig: Rig
    ) -> None:
        tag, value = rig.writable[0]
        limits = Write(low=value - 0.25, high=value + 0.25)
        adapter = rig.make(tag)
        await adapter.connect()
        before = await adapter.read_back(tag)
        with pytest.raises(WriteRefused, match="outside the limits"):
            await adapter.write(replace(tag, write=limits), value + 1.0)
        with pytest.raises(WriteRefused, match="read only"):
            await adapter.write(replace(tag, write=None), value)
        with pytest.raises(WriteRefused, match="no value"):
            await adapter.write(tag, float("nan"))
        assert await adapter.read_back(tag) == before
        await adapter.close()

    async def test_a_write_that_may_not_go_any_more_is_not_sent(self, rig: Rig) -> None:
        def too_late() -> None:
            raise WriteRefused("it has expired")

        tag, value = rig.writable[0]
        adapter = rig.make(tag)
        await adapter.connect()
        before = await adapter.read_back(tag)
        with pytest.raises(WriteRefused, match="expired"):
            await adapter.write(tag, value, too_late)
        assert await adapter.read_back(tag) == before != pytest.approx(value)
        await adapter.close()

    async def test_nothing_is_sent_to_a_device_that_is_away(self, rig: Rig) -> None:
        tag, value = rig.writable[0]
        adapter = rig.make(tag, connection=rig.connection(**rig.quick))
        await adapter.connect()
        before = await adapter.read_back(tag)
        await rig.proxy.refuse()
        with pytest.raises(NotConnected):
            while True:
                await read(adapter)
        with pytest.raises(NotConnected):
            await adapter.write(tag, value)
        await rig.proxy.accept()
        await reconnect(adapter)
        assert await adapter.read_back(tag) == before
        await adapter.close()

    async def test_a_device_that_says_nothing_is_not_believed_to_have_done_it(
        self, rig: Rig
    ) -> None:
        """NotConnected: who asks the device before a write has not sent it."""
        tag, value = rig.writable[0]
        adapter = rig.make(replace(tag, interval_s=3600.0), connection=rig.connection(**rig.quick))
        await adapter.connect()
        await read_all(adapter, 1, rig)
        rig.proxy.stall()
        with pytest.raises((Unanswered, NotConnected)):
            await adapter.write(tag, value)
        rig.proxy.hang_up()
        rig.proxy.resume()
        await adapter.close()


class FaultContract:
    """What goes wrong in the field, and how it is told."""

    async def _lose(self, rig: Rig, adapter: Adapter, reason: str) -> None:
        """The session is lost: what was due is BAD/comm_failure, then NotConnected says why.

        All tags of a rig have one interval, so all are due together. Where the adapter does not
        ask, nothing is due.
        """
        batches, error = await read_until_lost(adapter, rig)
        assert error.reason == reason
        assert str(rig.proxy.port) in str(error)
        if not rig.polled:
            return
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
        adapter = rig.make(connection=rig.connection(**{**rig.quick, **settings}))
        await adapter.connect()
        await read_all(adapter, len(rig.tags), rig)
        return adapter

    async def test_a_half_open_session_is_found_by_its_silence(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        rig.proxy.stall()
        await self._lose(rig, adapter, "Timeout")
        await adapter.close()

    async def test_a_device_that_is_switched_off_is_told(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        await rig.proxy.refuse()
        # who asks finds out by connecting again; who is told sees the connection end
        await self._lose(rig, adapter, "Refused" if rig.polled else "Closed")
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
        rig.proxy.delay_s = rig.too_slow_s
        await self._lose(rig, adapter, "Timeout")
        await adapter.close()

    async def test_a_slow_line_only_takes_longer(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(timeout="2s"))
        rig.proxy.bytes_per_s = rig.slow_bytes_per_s
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags), rig)
        assert {quality for _, quality in seen.values()} == {GOOD}
        await adapter.close()

    async def test_after_a_loss_it_reads_again_and_nothing_comes_twice(self, rig: Rig) -> None:
        adapter = await self._connected(rig)
        batches = []
        for _ in range(2):
            rig.proxy.stall()
            lost, _error = await read_until_lost(adapter, rig)
            rig.proxy.hang_up()
            rig.proxy.resume()
            await reconnect(adapter)
            batches += lost
            async with rig.stirring():
                batches += [await read(adapter), await read(adapter)]
        async with asyncio.timeout(PATIENCE_S):
            seen = await read_all(adapter, len(rig.tags), rig)
            while {quality for _, quality in seen.values()} != {GOOD}:
                assert not rig.polled, "what waited for us elsewhere may come first, marked"
                seen = await read_all(adapter, len(rig.tags), rig)
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
        await read_all(adapter, len(slow), rig)
        await self._close_ends(adapter, adapter.read_batch())

    async def test_close_ends_a_wait_for_an_answer(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(**rig.patient))
        await adapter.connect()
        await read_all(adapter, len(rig.tags), rig)
        rig.proxy.stall()
        await self._close_ends(adapter, adapter.read_batch())

    async def test_close_ends_a_connect(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        async def never(*_: object, **__: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        adapter = rig.make(connection=rig.connection(host="plc.example", **rig.patient))
        await self._close_ends(adapter, adapter.connect())

    async def test_close_ends_a_connect_to_a_device_that_says_nothing(self, rig: Rig) -> None:
        rig.proxy.stall()
        adapter = rig.make(connection=rig.connection(**rig.patient))
        task = asyncio.ensure_future(adapter.connect())
        await asyncio.wait({task}, timeout=1.0)
        if task.done():
            await task  # a protocol without a greeting is connected
            await adapter.close()
            return
        await self._close_ends(adapter, task)

    async def _close_ends(self, adapter: Adapter, blocked: Any) -> None:
        task = asyncio.ensure_future(blocked)
        await asyncio.sleep(0.1)
        assert not task.done()
        await adapter.close()
        await asyncio.wait({task}, timeout=CLOSE_LIMIT_S)
        assert task.done(), "still blocked"
        assert isinstance(error := task.exception(), NotConnected)
        assert error.reason == "Closed"
        await adapter.close()  # again: no harm

    async def test_being_cancelled_loses_no_reading(self, rig: Rig) -> None:
        adapter = rig.make(connection=rig.connection(timeout="5s"))
        await adapter.connect()
        rig.proxy.delay_s = 0.05
        seen: set[int] = set()
        await rig.stir()
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
        seen = await read_all(adapter, len(rig.tags) - 2, rig)
        assert set(seen) == {tag.name for tag in rig.tags[2:]}
        assert rig.proxy.connections == 1
        adapter.apply_tags(TagTable(tuple(rig.tags)))
        assert len(await read_all(adapter, len(rig.tags), rig)) == len(rig.tags)
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

        async def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
            address = next(answers) if host == "plc.example" else host
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

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


class AcknowledgementContract:
    """Devices that keep what is not acknowledged, and send it again."""

    async def _values(self, adapter: Adapter) -> tuple[dict[str, float], Delivery]:
        async with asyncio.timeout(PATIENCE_S):
            delivery = await adapter.read_batch()
        batch = delivery.batch
        names = [batch.tags.tags[index].name for index in batch.tag_index.tolist()]
        return dict(zip(names, batch.value.tolist(), strict=True)), delivery

    async def test_what_was_not_acknowledged_comes_again_after_a_reconnect(self, rig: Rig) -> None:
        adapter = rig.make()
        await adapter.connect()
        await read_all(adapter, len(rig.tags), rig)
        await rig.stir()
        first, _never_acknowledged = await self._values(adapter)
        rig.proxy.hang_up()
        with pytest.raises(NotConnected):
            while True:
                more, _ = await self._values(adapter)
                first |= more
        await reconnect(adapter)
        again: dict[str, float] = {}
        while not first.keys() <= again.keys():
            again |= (await self._values(adapter))[0]
        assert {name: again[name] for name in first} == first
        await adapter.close()

    async def test_what_the_journal_had_no_room_for_comes_again_when_it_has(self, rig: Rig) -> None:
        adapter = rig.make()
        await adapter.connect()
        await read_all(adapter, len(rig.tags), rig)
        await rig.stir()
        refused, _never_acknowledged = await self._values(adapter)
        adapter.redeliver()
        again: dict[str, float] = {}
        while not refused.keys() <= again.keys():
            try:
                values, delivery = await self._values(adapter)
            except NotConnected:
                await reconnect(adapter)
                continue
            await delivery.ack()
            again |= values
        assert {name: again[name] for name in refused} == refused
        await adapter.close()

    async def test_what_was_acknowledged_does_not_come_again(self, rig: Rig) -> None:
        adapter = rig.make()
        await adapter.connect()
        await read_all(adapter, len(rig.tags), rig)
        await rig.stir()
        seen: list[tuple[int, int]] = []
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(1.0):
                    delivery = await adapter.read_batch()
                await delivery.ack()
                seen += _instants(delivery.batch)
        await asyncio.sleep(ARRIVED_S)
        rig.proxy.hang_up()
        _lost, _error = await read_until_lost(adapter, rig)
        await reconnect(adapter)
        async with rig.stirring():
            for _ in range(3):
                seen += _instants(await read(adapter))
        assert len(seen) == len(set(seen))
        await adapter.close()


def _instants(batch: Batch) -> list[tuple[int, int]]:
    """Tag and time of each reading."""
    return list(zip(batch.tag_index.tolist(), batch.source_us.tolist(), strict=True))
