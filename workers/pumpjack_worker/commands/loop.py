"""The commands of one connection, beside its readings.

A command is a row. claim_command() puts 'sent' on record before the first byte goes to the device:
whoever ends after that writes never again, and the next worker only reads back. What became of
a command waits in memory while the database is away, and nothing else is claimed meanwhile. What
a database lost in a failover is told again, and never written again.
"""

from __future__ import annotations

import asyncio
import contextlib
from uuid import UUID

from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Batch
from pumpjack_core.storage.commands import Claim, NeverTaken, Orders
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.commands.carrying_out import CarryingOut
from pumpjack_worker.commands.in_hand import InHand
from pumpjack_worker.commands.judgement import refused
from pumpjack_worker.commands.readings import Readings
from pumpjack_worker.commands.standing import ConnectOrders, Stand, Told
from pumpjack_worker.commands.wake import Wake

AT_ONCE = 8
"""Commands under way, each on another tag: their writes take turns, their verification does not."""
LOOK_S = 5.0
"""How often the loop looks by itself, should nobody wake it."""
FENCE_LOOK_S = 0.1
_log = get_logger("worker.commands")


class Commands:
    """Carries out the commands of one connection."""

    def __init__(
        self,
        adapter: Adapter,
        stand: Stand,
        connect: ConnectOrders,
        *,
        redis_url: str,
        clock: Clock,
    ) -> None:
        connection = stand().config.connection
        self._connection_id = connection.connection_id
        self._enabled = connection.writes
        self._stand = stand
        self._connect = connect
        self._readings = Readings()
        self._carrying_out = CarryingOut(adapter, stand, self._readings, clock)
        self._news = asyncio.Event()
        self._wake = Wake(redis_url, connection.tenant_id, self._connection_id, self._news.set)
        self._clock = clock
        self._in_hand = InHand()
        self._lost_claims = 0  # claims of which we got no answer, and so wrote nothing
        self._claiming = False
        self._finishing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._problem = False

    def saw(self, batch: Batch) -> None:
        """Readings came from the device."""
        self._readings.saw(batch)

    async def run(self) -> None:
        """Claim and carry out until cancelled; without writes only what was left before."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._enabled:
                    tasks.create_task(self._wake.run(), name="wake")
                await self._talk_forever(tasks)
        finally:
            await self._wake.close()

    async def finish(self, limit_s: float) -> None:
        """Claim nothing more, and wait for what was written to be told.

        What is only read back is left to the next worker.
        """
        self._finishing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._idle.wait()

    async def _talk_forever(self, tasks: asyncio.TaskGroup) -> None:
        pause = Backoff(first_s=0.2, most_s=10.0)
        while True:
            try:
                session = await self._connect()
                try:
                    if await self._talk(session, tasks, pause):
                        return
                finally:
                    await session.close()
            except StorageError as error:
                if not self._problem:
                    _log.warning(f"no command can be claimed or told: {error}")
                self._problem = True
                await asyncio.sleep(pause.next_s())

    async def _talk(self, session: Orders, tasks: asyncio.TaskGroup, pause: Backoff) -> bool:
        """Claim and tell over one session. True: there is nothing to do any more."""
        fence = await self._fence()
        await self._look_back(session, tasks, fence)
        looked_s = self._clock.monotonic()
        if self._problem:
            _log.info("commands are claimed and told again")
        self._problem = False
        pause.reset()
        while True:
            self._news.clear()
            await self._tell_all(session)
            if self._clock.monotonic() >= looked_s + LOOK_S:
                await self._look_back(session, tasks, fence)
                looked_s = self._clock.monotonic()
            if await self._claim(session, tasks, fence):
                continue
            if not self._enabled and self._in_hand.is_empty:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()

    async def _claim(self, session: Orders, tasks: asyncio.TaskGroup, fence: int) -> bool:
        fenced = self._stand().state in ("fenced", "stopped")
        hand = self._in_hand
        if self._finishing or fenced or hand.writing >= AT_ONCE or hand.untold:
            return False
        self._claiming = True
        self._look_whether_idle()
        try:
            claim = await session.claim_command(self._connection_id, fence)
            if claim is not None:
                self._take(tasks, claim)
        except StorageError:
            self._lost_claims += 1
            raise
        finally:
            self._claiming = False
            self._look_whether_idle()
        return claim is not None

    def _take(self, tasks: asyncio.TaskGroup, claim: Claim) -> None:
        """Begin what was claimed, unless we are to end or had it before."""
        if self._finishing:
            self._tell(refused(claim, "the worker is stopping; send the command again"))
        elif not self._was_ours(claim):
            self._begin(tasks, claim, recover=False)

    async def _look_back(self, session: Orders, tasks: asyncio.TaskGroup, fence: int) -> None:
        """Find out what became of commands that were sent and are not in hand."""
        for claim in await session.unfinished_commands(self._connection_id, fence):
            if self._was_ours(claim):
                continue
            if claim.fence == fence and self._lost_claims:
                self._lost_claims -= 1
                self._tell(refused(claim, "the database broke off; nothing was written"))
            else:
                self._begin(tasks, claim, recover=True)

    def _was_ours(self, claim: Claim) -> bool:
        """Whether we had it before. What the database has forgotten of it is told again."""
        if self._in_hand.has(claim.command_id):
            return True
        told = self._in_hand.end_of(claim.command_id)
        if told is not None:
            self._tell(told)
        return told is not None

    async def _tell_all(self, session: Orders) -> None:
        untold = self._in_hand.untold
        while untold:
            told = untold[0]
            try:
                await session.tell_command(told.command_id, told.state, told.detail)
            except NeverTaken as error:  # it would keep all others from being claimed
                _log.error(
                    f"what became of a command is on record nowhere else: {error}",
                    connection=self._connection_id,
                    command=str(told.command_id),
                    state=told.state,
                    detail=told.detail,
                )
            untold.popleft()
            self._look_whether_idle()
            await self._wake.tell_gateways()

    def _begin(self, tasks: asyncio.TaskGroup, claim: Claim, *, recover: bool) -> None:
        what = self._carrying_out.recover if recover else self._carrying_out.carry_out
        self._in_hand.begin(claim.command_id, writes=not recover)
        task = tasks.create_task(what(claim, self._tell), name=f"command {claim.command_id}")
        task.add_done_callback(lambda _task: self._done(claim.command_id))

    def _tell(self, told: Told) -> None:
        _log.info(
            "command",
            connection=self._connection_id,
            command=str(told.command_id),
            state=told.state,
            message=told.detail.get("message"),
        )
        self._in_hand.tell(told)
        self._look_whether_idle()
        self._news.set()

    def _done(self, command_id: UUID) -> None:
        self._in_hand.done(command_id)
        self._look_whether_idle()
        self._news.set()

    def _look_whether_idle(self) -> None:
        if self._claiming or self._in_hand.writing or self._in_hand.untold:
            self._idle.clear()
        else:
            self._idle.set()

    async def _fence(self) -> int:
        """The fence that the writer took, or takes once the database is there."""
        while (fence := self._stand().fence) is None:  # noqa: ASYNC110 - it comes once
            await asyncio.sleep(FENCE_LOOK_S)
        return fence
