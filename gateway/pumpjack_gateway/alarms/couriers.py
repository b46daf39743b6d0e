"""Sends a tenant's events to its webhooks: in order, at least once, as long as it takes.

Only the replica that has the tenant's lease sends. How far it came is in the database; should two
replicas ever send at once, the event numbers tell which messages are the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import US_PER_S, Clock
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_core.wire import alarms_channel
from pumpjack_gateway.alarms.delivery import NotTaken, post
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.model import Alarm, Event
from pumpjack_gateway.alarms.webhooks import Webhook
from pumpjack_gateway.live.channels import Channels
from pumpjack_gateway.times import us_since_epoch

EVENTS_MAX = 50
"""In one message."""
LOOK_AGAIN_S = 5.0
RETRY_FIRST_S = 1.0
RETRY_MOST_S = 300.0
_log = get_logger("gateway.webhooks")


class Source(Protocol):
    """Where events and positions are (alarms.store.AlarmStore)."""

    async def webhook_position(self, tenant_id: str, name: str) -> int:
        """How far the webhook came; it begins with what happens from now on."""
        ...

    async def move_webhook(self, tenant_id: str, name: str, before: int, after: int) -> bool:
        """False when the position is not at `before` any more."""
        ...

    async def told(
        self, tenant_id: str, after: int, most: int
    ) -> tuple[int, list[Event], Mapping[str, Alarm]]:
        """The last event's number, events after a number, and their alarms."""
        ...


class Courier:
    """Sends to one webhook."""

    def __init__(self, hook: Webhook, source: Source, clock: Clock, metrics: AlarmMetrics) -> None:
        self._hook = hook
        self._source = source
        self._clock = clock
        self._metrics = metrics
        self._wake = asyncio.Event()
        self._complained = False

    def hear(self, _payload: bytes) -> None:
        """Something was published: perhaps an event."""
        self._wake.set()

    def tune_in(self) -> None:
        """What was published before was missed: look."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        pause = Backoff(first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S)
        while True:
            self._wake.clear()
            try:
                sent = await self._send_some()
            except (NotTaken, StorageError) as error:
                self._complain(error)
                await asyncio.sleep(pause.next_s())
                continue
            except Exception as error:  # of one webhook: no other may notice
                self._complain(NotTaken("unforeseen", repr(error)))
                await asyncio.sleep(pause.next_s())
                continue
            pause.reset()
            self._complained = False
            if not sent:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await self._wake.wait()

    async def _send_some(self) -> bool:
        """Send the next events; False when there are none."""
        hook, labels = self._hook, (self._hook.tenant, self._hook.name)
        position = await self._source.webhook_position(*labels)
        head, events, alarms = await self._source.told(hook.tenant, position, EVENTS_MAX)
        if head < position:
            # the database was put back: go on with what happens from here
            await self._source.move_webhook(*labels, position, head)
            return True
        waiting = self._metrics.webhook_waiting.labels(*labels)
        if not events:
            waiting.set(0)
            return False
        wanted = [event for event in events if hook.wants(event)]
        if wanted:
            age_us = self._clock.now_us() - us_since_epoch(wanted[0].recorded_at)
            waiting.set(max(0.0, age_us / US_PER_S))
            body = message_of(hook, wanted, alarms)
            await post(hook, body, self._clock.now_us() // US_PER_S)
            self._metrics.webhook_sent.labels(*labels).inc(len(wanted))
        await self._source.move_webhook(*labels, position, events[-1].event_no)
        return True

    def _complain(self, error: NotTaken | StorageError) -> None:
        hook = self._hook
        reason = error.reason if isinstance(error, NotTaken) else "database"
        self._metrics.webhook_failed.labels(hook.tenant, hook.name, reason).inc()
        if not self._complained:
            self._complained = True
            _log.warning(
                "a webhook takes no events; trying again until it does",
                tenant=hook.tenant,
                webhook=hook.name,
                why=str(error),
            )


class Couriers:
    """A courier for each webhook whose tenant this replica has."""

    def __init__(
        self,
        hooks: Sequence[Webhook],
        source: Source,
        channels: Channels,
        *,
        clock: Clock,
        metrics: AlarmMetrics,
    ) -> None:
        self._hooks = hooks
        self._source = source
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._held: frozenset[str] = frozenset()
        self._changed = asyncio.Event()

    def hold(self, tenants: frozenset[str]) -> None:
        """These tenants are this replica's from now on, and no others."""
        self._held = tenants
        self._changed.set()

    async def run(self) -> None:
        """Keep them going until cancelled."""
        running: dict[Webhook, tuple[Courier, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for hook in self._hooks:
                    if hook.tenant in self._held and hook not in running:
                        courier = Courier(hook, self._source, self._clock, self._metrics)
                        self._channels.open(alarms_channel(hook.tenant), courier)
                        running[hook] = (courier, tasks.create_task(courier.run(), name=hook.name))
                    elif hook.tenant not in self._held and hook in running:
                        courier, task = running.pop(hook)
                        self._channels.close(alarms_channel(hook.tenant), courier)
                        task.cancel()
                        self._metrics.forget_webhook(hook.tenant, hook.name)
                await self._changed.wait()


def message_of(hook: Webhook, events: Sequence[Event], alarms: Mapping[str, Alarm]) -> bytes:
    """Events as they are sent, each with the words of its alarm."""
    told: list[dict[str, Any]] = []
    for event in events:
        about = msgspec.to_builtins(event)
        alarm = alarms.get(event.alarm_id)
        if alarm is not None:
            about |= {
                "unit": alarm.unit,
                "message": alarm.message,
                "consequence": alarm.consequence,
                "response": alarm.response,
            }
        told.append(about)
    return msgspec.json.encode({"tenantId": hook.tenant, "webhook": hook.name, "events": told})
