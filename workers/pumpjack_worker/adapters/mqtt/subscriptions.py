"""What is subscribed at the broker, and what it refused.

Runs beside the reading of messages: the answer to a SUBSCRIBE comes behind all messages that the
broker has sent before it, and somebody must read those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from pumpjack_core.clock import Clock
from pumpjack_core.log import get_logger
from pumpjack_worker.adapters.mqtt.kept import Kept, SessionFile
from pumpjack_worker.adapters.mqtt.session import Session, Settings, refusal

RETRY_REFUSED_S = 60.0
_log = get_logger("worker.mqtt")


class Subscriptions:
    """Keeps the session's subscriptions as the tags want them.

    refused      topic to the reason
    news         topics that were refused since it was looked at; who looks clears it
    lesser_qos   topics that are granted with a lower QoS than asked for
    """

    def __init__(
        self,
        session: Session,
        file: SessionFile,
        settings: Settings,
        clock: Clock,
        on_news: Callable[[], None],
    ) -> None:
        self._session = session
        self._file = file
        self._settings = settings
        self._clock = clock
        self._on_news = on_news
        self._topics: list[str] = []
        self._subscribed: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._changed = False
        self._retry_at = 0.0
        self.refused: dict[str, str] = {}
        self.news: list[str] = []
        self.lesser_qos: set[str] = set()

    @property
    def is_done(self) -> bool:
        """Whether the broker has answered everything so far."""
        return self._task is None or self._task.done()

    @property
    def retry_in_s(self) -> float | None:
        """When something refused is due again [s from now], None where nothing is."""
        if not self.refused or not self.is_done:
            return None
        return max(0.0, self._retry_at - self._clock.monotonic())

    def begin(self) -> None:
        """There is a new connection: subscribe to everything."""
        self.stop()
        self._subscribed.clear()
        self._changed = True
        self.step()

    def want(self, topics: Sequence[str]) -> None:
        """These topics from the next step on."""
        self._topics = list(topics)
        wanted = set(topics)
        self._subscribed &= wanted
        self.lesser_qos &= wanted
        self.refused = {topic: why for topic, why in self.refused.items() if topic in wanted}
        self._changed = True

    def step(self) -> None:
        """Do what is due. Raises what went wrong with it before (NotConnected)."""
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        if self._changed:
            self._changed = False
            todo = [topic for topic in self._topics if topic not in self._subscribed]
        elif self.retry_in_s == 0.0:
            todo = list(self.refused)
        else:
            return
        self._task = asyncio.create_task(self._follow(todo), name="mqtt-subscribe")
        self._task.add_done_callback(self._done)

    def stop(self) -> None:
        """Leave what is under way."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # told by step(), where anybody still wants to know
        self._on_news()

    async def _follow(self, todo: list[str]) -> None:
        """Subscribe, then take back what the session still has and no tag wants any more."""
        wanted = dict.fromkeys(self._settings.filter(topic) for topic in self._topics)
        kept = self._kept()
        self._keep([*dict.fromkeys([*kept.filters, *wanted])])
        if todo:
            self._take(await self._session.subscribe(todo))
        unwanted = [name for name in self._kept().filters if name not in wanted]
        if unwanted:
            await self._session.unsubscribe(unwanted)
            self._keep([*wanted])

    def _take(self, granted: dict[str, int]) -> None:
        self._retry_at = self._clock.monotonic() + RETRY_REFUSED_S
        wanted = set(self._topics)
        for topic, code in granted.items():
            self._subscribed.add(topic)
            self.lesser_qos.discard(topic)
            why = refusal(code)
            if topic not in wanted:
                self._subscribed.discard(topic)
            elif why is None:
                self.refused.pop(topic, None)
                if code < self._settings.qos:
                    self.lesser_qos.add(topic)
            else:
                if topic not in self.refused:
                    peer = self._settings.peer
                    _log.warning("subscription refused", broker=peer, topic=topic, reason=why)
                self.refused[topic] = why
                self.news.append(topic)

    def _kept(self) -> Kept:
        kept = self._file.read()
        assert kept is not None, "the session is kept before anything is subscribed in it"
        return kept

    def _keep(self, filters: Sequence[str]) -> None:
        """What may be subscribed is on disk before it is."""
        self._file.write(replace(self._kept(), filters=tuple(filters)))
