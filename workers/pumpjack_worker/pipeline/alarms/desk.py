"""The alarms of one running worker: decided, told at once, counted, kept until they are safe."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from pumpjack_core.alarms import Transition
from pumpjack_core.clock import Clock
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Batch, no_readings
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.alarms.evaluator import Evaluator
from pumpjack_worker.pipeline.alarms.messages import Messages, declared
from pumpjack_worker.pipeline.alarms.owed import Owed
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.publisher import Publisher

ASK_AGAIN_S = 10.0
"""A journal that was full is tried again after so long."""
PAUSE_S = 1.0
"""One that takes batches, and had no room for what is owed."""
MOST_UNUSABLE_TOLD = 10
_log = get_logger("worker.alarms")


class AlarmDesk:
    """Between what was read and the journal and the feed."""

    def __init__(
        self,
        tags: TagTable,
        journal: Journal,
        publisher: Publisher,
        messages: Messages,
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._evaluator = Evaluator(tags, known=journal.known)
        self._journal = journal
        self._publisher = publisher
        self._messages = messages
        self._clock = clock
        self._metrics = metrics
        self._known: dict[tuple[tuple[str, ...], str], bool] = {}
        """What was told last of each alarm."""
        self._owed = Owed()
        self._paid_s = -ASK_AGAIN_S
        self._tell_unusable()

    @property
    def problems(self) -> list[str]:
        """What a person should know, a sentence each."""
        found = list(self._evaluator.unusable[:MOST_UNUSABLE_TOLD])
        held = self._evaluator.held(self._clock.now_us())
        if not held:
            return found
        return [
            *found,
            f"the alarms of {held} tags wait: their readings are older than ones before them; "
            "a clock was set back, or the device sends what it had kept",
        ]

    def apply(self, tags: TagTable) -> None:
        """Other tags from now on; alarms that stay as they were keep their state."""
        self._evaluator = Evaluator(tags, self._evaluator)
        self._tell_unusable()

    def judge(self, batch: Batch) -> tuple[Transition, ...]:
        """What a batch changes."""
        return tuple(self._evaluator.evaluate(batch, self._clock.monotonic(), self._clock.now_us()))

    def passed(self) -> tuple[Transition, ...]:
        """What time alone has changed."""
        return tuple(self._evaluator.passed(self._clock.monotonic()))

    def tell(self, seq: int, tags: TagTable, transitions: Sequence[Transition]) -> None:
        """Tell whoever listens, at once: what is active, and what was told before.

        That all others are not, after a start, is news to nobody; the database sorts it out.
        """
        kept = self._journal.full is None
        news = []
        for one in transitions:
            alarm = (tags.tags[one.tag_index].key, one.condition)
            before = self._known.get(alarm)
            self._known[alarm] = one.active
            if one.active or before is not None:
                news.append(self._messages.condition(seq, tags, one, kept=kept))
            if one.active != bool(before):
                self._metrics.transition(one.condition, declared(tags, one).priority)
        self._publisher.tell_alarms(news)

    def stored(self) -> None:
        """The database has taken transitions."""
        self._publisher.tell_alarms([self._messages.stored()])

    def to_journal(
        self, tags: TagTable, transitions: tuple[Transition, ...]
    ) -> tuple[Transition, ...]:
        """Of what a batch has changed, what goes into the journal with it.

        While others are owed nothing does: what was decided first is in the database first.
        """
        self.pay()
        if not self._owed:
            return transitions
        self._owed.add(tags, transitions)
        return ()

    def known(self, tags: TagTable) -> bytes:
        """By what alarms are decided, for the journal with a batch of this table.

        While transitions are owed nothing: a process that does not know of them decides them anew.
        """
        return b"" if self._owed or tags is not self._evaluator.tags else self._evaluator.known()

    def owe(self, tags: TagTable, transitions: Sequence[Transition]) -> None:
        """The journal has not taken them."""
        if not self._owed:
            _log.error("alarms are told and not stored: the journal is full; it is tried again")
        self._owed.add(tags, transitions)

    def pay(self) -> None:
        """Have in the journal what is owed, once there may be room."""
        if not self._owed:
            return
        now_s = self._clock.monotonic()
        pause_s = PAUSE_S if self._journal.full is None else ASK_AGAIN_S
        if now_s - self._paid_s < pause_s:
            return
        self._paid_s = now_s
        tags = self._evaluator.tags
        owed = self._owed.take(tags)
        seq = self._journal.take_seq()
        batch = no_readings(tags, self._clock.now_us())
        done = self._journal.append(
            seq, batch, transitions=owed, refused=partial(self.owe, tags, owed)
        )
        done.add_done_callback(_take_note)

    def measure(self) -> None:
        """Tell how many are active."""
        self._metrics.active_alarms(self._evaluator.active())

    def _tell_unusable(self) -> None:
        for sentence in self._evaluator.unusable:
            _log.error(sentence)


def _take_note(done: asyncio.Future[None]) -> None:
    """Have nobody complain that its error was never looked at: they are owed again."""
    if not done.cancelled():
        done.exception()
