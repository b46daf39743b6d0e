"""The live feed: batches to Redis at once, beside the journal and never behind the database.

Lossy by nature, and it says so: a message that could not be sent stays in the chain of prev, so
that every receiver sees the gap.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from itertools import islice
from typing import Any

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Batch
from pumpjack_worker.pipeline.breaker import Breaker
from pumpjack_worker.pipeline.feed import Feed, FeedMessage, position_field
from pumpjack_worker.pipeline.metrics import Metrics

QUEUE_MESSAGES = 1_000
ALARMS_WAITING = 20_000
CALL_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 5.0
BURST_MESSAGES = 64
Fields = dict[str | bytes | bytearray | memoryview | int | float, Any]
_log = get_logger("worker.publisher")


class Publisher:
    """Sends one connection's messages and heartbeats."""

    def __init__(
        self,
        url: str,
        feed: Feed,
        *,
        tenant_id: str,
        connection_id: str,
        heartbeat: Callable[[], wire.Heartbeat],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._redis = redis.asyncio.from_url(
            url,
            socket_timeout=CALL_TIMEOUT_S,
            socket_connect_timeout=CALL_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # the breaker decides when to try again
        )
        self._feed = feed
        self._tenant_id = tenant_id
        self._connection_id = connection_id
        self._heartbeat = heartbeat
        self._metrics = metrics
        self._queue: deque[FeedMessage] = deque()
        self._alarms: deque[bytes] = deque(maxlen=ALARMS_WAITING)
        self._may_tell_alarms = True
        self._order = asyncio.Lock()
        """Held while sending: a heartbeat must not overtake the messages that it counts."""
        self._wanted = asyncio.Event()
        self._latest: dict[str, Fields] = {}
        self._gone: dict[str, set[str]] = {}
        """Tags that the latest hashes must lose, by well."""
        self.sent_seq: dict[str, int] = {}
        """Last seq that was sent, or given up, for each well."""
        self._silent = False
        self._calls: set[asyncio.Future[list[object]]] = set()
        """Under way, or being wound up."""
        self.breaker = Breaker(clock)

    def publish(self, seq: int, batch: Batch, *, stored: bool) -> None:
        """Send a batch as soon as Redis can take it; the oldest goes when too many wait."""
        if self._silent:
            return
        for message in self._feed.encode(seq, batch, stored=stored):
            if message.latest:
                self._latest.setdefault(message.well_id, {}).update(message.latest)
            self._queue.append(message)
        while len(self._queue) > QUEUE_MESSAGES:
            dropped = self._queue.popleft()
            self.sent_seq[dropped.well_id] = dropped.seq
            self._metrics.feed_dropped.inc()
        self._wanted.set()

    def tell_alarms(self, messages: Iterable[bytes]) -> None:
        """Send these on the channel of alarms; while Redis is away the newest of them wait."""
        self._alarms.extend(messages)
        self._wanted.set()

    def forget(self, wells: dict[str, set[str]]) -> None:
        """Keep only these wells and tags; what is read no more must not look current anywhere."""
        for well_id in list(self._gone):
            self._gone[well_id] -= wells.get(well_id, set())
        for well_id, fields in list(self._latest.items()):
            kept = wells.get(well_id, set())
            self._latest[well_id] = {k: v for k, v in fields.items() if k in kept}
            if gone := {str(name) for name in fields if name not in kept}:
                self._gone.setdefault(well_id, set()).update(gone)
            if not kept:
                del self._latest[well_id]

    def silence(self) -> None:
        """Say nothing new: another worker speaks for this connection.

        What waits is sent all the same: no heartbeat of ours would tell that it is missing.
        """
        self._silent = True

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_messages(), name="publisher")
            tasks.create_task(self._send_heartbeats(), name="heartbeat")

    async def close(self) -> None:
        """Send what waits and a last heartbeat, if Redis takes them, and disconnect.

        Takes little longer than CLOSE_TIMEOUT_S at most, whatever Redis does.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self.breaker.allows():
                    await self._send_alarms()
                    await self._send_waiting()
                    await self._beat()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._redis.aclose()
                await asyncio.gather(*self._calls, return_exceptions=True)

    async def _send_messages(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._send_alarms()
            await self._send_waiting()

    async def _send_alarms(self) -> None:
        """Apart from the readings: a user that may not publish alarms must not lose them too."""
        channel = wire.alarms_channel(self._tenant_id)
        while self._alarms:
            burst = list(islice(self._alarms, BURST_MESSAGES))
            pipe = self._redis.pipeline(transaction=False)
            for payload in burst:
                pipe.publish(channel, payload)
            answers = await self._answers(pipe)
            if answers is None:
                return
            refused = [each for each in answers if isinstance(each, Exception)]
            if refused and self._may_tell_alarms:
                _log.error(f"Redis does not let this worker publish on {channel}: {refused[0]}")
            self._may_tell_alarms = not refused
            for _ in range(min(len(burst), len(self._alarms))):
                self._alarms.popleft()

    async def _send_waiting(self) -> None:
        while self._queue:
            async with self._order:
                most = min(BURST_MESSAGES, len(self._queue))
                burst = [self._queue.popleft() for _ in range(most)]
                sent = False
                try:
                    sent = await self._send(burst)
                finally:  # also when cancelled: the last heartbeat must count what may be lost
                    if not sent:
                        self._metrics.feed_dropped.inc(len(burst))
                    for message in burst:
                        last = self.sent_seq.get(message.well_id, 0)
                        self.sent_seq[message.well_id] = max(last, message.seq)

    async def _send_heartbeats(self) -> None:
        while True:
            await self._beat()
            await asyncio.sleep(wire.HEARTBEAT_S)

    async def _beat(self) -> None:
        if self._silent:
            return
        async with self._order:
            beat = wire.encode(self._heartbeat())
            pipe = self._redis.pipeline(transaction=True)
            pipe.publish(wire.readings_channel(self._tenant_id), beat)
            pipe.hset(wire.heartbeat_key(self._tenant_id), self._connection_id, beat)
            # What waits may still name tags that are gone, and would write them again.
            gone = {} if self._queue else {well: sorted(tags) for well, tags in self._gone.items()}
            for well_id, names in gone.items():
                if names:
                    pipe.hdel(wire.latest_key(self._tenant_id, well_id), *names)
            if await self._execute(pipe):
                for well_id, names in gone.items():
                    self._gone[well_id].difference_update(names)

    async def _send(self, burst: list[FeedMessage]) -> bool:
        channel = wire.readings_channel(self._tenant_id)
        pipe = self._redis.pipeline(transaction=True)
        changed: dict[str, Fields] = {}
        for message in burst:
            pipe.publish(channel, message.payload)
            fields = changed.setdefault(message.well_id, {})
            fields.update(message.latest)
            fields[position_field(self._connection_id)] = (
                f'{{"epoch":"{self._feed.epoch}","seq":{message.seq}}}'
            )
        for well_id, fields in changed.items():
            pipe.hset(wire.latest_key(self._tenant_id, well_id), mapping=fields)
        return await self._execute(pipe)

    async def _execute(self, pipe: redis.asyncio.client.Pipeline) -> bool:
        """Whether Redis took it whole."""
        return await self._answers(pipe, raise_on_error=True) is not None

    async def _answers(
        self, pipe: redis.asyncio.client.Pipeline, *, raise_on_error: bool = False
    ) -> list[object] | None:
        """What Redis answered, None when it did not.

        After an outage the latest hashes are written again, whole, and what waits is sent.
        """
        if not self.breaker.allows():
            return None
        try:
            answers = await self._in_time(pipe.execute(raise_on_error=raise_on_error))
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            if self.breaker.failed():
                _log.warning(f"Redis does not take the live feed ({error}); storing goes on")
            self._metrics.redis_up.set(0)
            return None
        self._metrics.redis_up.set(1)
        if self.breaker.succeeded():
            _log.info("Redis takes the live feed again")
            self._wanted.set()
            await self._write_latest_again()
        return answers

    async def _in_time(self, call: Coroutine[Any, Any, list[object]]) -> list[object]:
        """The answers to a call. Raises TimeoutError.

        Not by asyncio.timeout(): that waits for what the client does to wind a call up, too (close,
        reset, connect anew), each step with a time-out of its own, and may be swallowed there.
        """
        task = asyncio.ensure_future(call)
        self._calls.add(task)
        task.add_done_callback(self._ended)
        try:
            done, _ = await asyncio.wait({task}, timeout=CALL_TIMEOUT_S)
        finally:
            task.cancel()
        if not done:
            raise TimeoutError(f"no answer within {CALL_TIMEOUT_S:g} s")
        return task.result()

    def _ended(self, task: asyncio.Future[list[object]]) -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it has been told, or gave up

    async def _write_latest_again(self) -> None:
        if self._silent:
            return
        pipe = self._redis.pipeline(transaction=False)
        for well_id, fields in self._latest.items():
            pipe.hset(wire.latest_key(self._tenant_id, well_id), mapping=fields)
        await self._execute(pipe)
