"""How the connection is, told to the database when it changes: what screens show of it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.log import get_logger
from pumpjack_core.manifests.device import device
from pumpjack_core.networks import endpoint
from pumpjack_core.protocols import PROTOCOLS, Manner
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import MOST_REJECTIONS, NotMapped, TagTable
from pumpjack_core.units import size_bytes
from pumpjack_core.wire import DeviceState

if TYPE_CHECKING:  # status describes the writer, which tells the report
    from pumpjack_worker.pipeline.status import Status

STATE_AGAIN_S = 2.0
"""A device that comes and goes is told no more often; every change is in it all the same."""
FACTS_AGAIN_S = 10.0
"""Likewise what else changed: problems have numbers in them."""
ALIVE_S = 60.0
"""Told so often at least: how long a worker lived is known to a minute, if it dies."""
FAILED_S = 30.0
"""After a call that did not come through readings have so long for themselves."""
CHANGES_MAX = 100
"""While the database is away; the oldest are forgotten."""
PROBLEMS_MAX = 8
STALE_INTERVALS = 3.0
_log = get_logger("worker.report")


class Change(Struct, frozen=True):
    """From us [µs since the epoch] on the device is in this state; why, where there is a reason."""

    us: int
    state: DeviceState
    reason: str
    message: str


class Report:
    """What the database should know of the connection, and whether it does.

    No trouble with it keeps readings from being stored.
    """

    def __init__(self, connection_id: str, clock: Clock, wake: Callable[[], object]) -> None:
        """wake: called when there is something to tell."""
        self._connection_id = connection_id
        self._clock = clock
        self._wake = wake
        self._changes: deque[Change] = deque(maxlen=CHANGES_MAX)
        self._now: Change | None = None
        self._known: tuple[Status, WorkerConfig] | None = None
        self._told_facts: object = None
        self._tried_s: float | None = None
        self._not_before_s = -math.inf
        self._is_replaced = False
        self._complained = False
        self.is_due = False

    def note(self, status: Status, config: WorkerConfig) -> None:
        """How it is now: to be called every second or so."""
        self._known = (status, config)
        self._note_state(status.state, status.reason or "", status.message or "")
        since_s = self._since_s()
        if (
            since_s is None
            or (self._changes and since_s >= STATE_AGAIN_S)
            or (_facts(status) != self._told_facts and since_s >= FACTS_AGAIN_S)
            or since_s >= ALIVE_S
        ):
            self._make_due()

    def stops(self) -> None:
        """The worker reads no more, on purpose."""
        if self._known is not None:
            self._note_state("stopped", "", "")
            self._make_due()

    def forgotten(self) -> None:
        """Another session: perhaps with a database that was put back."""
        if self._known is not None:
            self._make_due()

    async def tell(self, session: Ingest, fence: int | None) -> None:
        """Tell it if it is due. Raises StorageUnavailable."""
        if not self.is_due or fence is None or self._known is None or self._now is None:
            return
        status, config = self._known
        changes = list(self._changes) or [self._now]
        self.is_due, self._tried_s = False, self._clock.monotonic()
        try:
            text = msgspec.json.encode(_told(changes, status, config)).decode()
            taken = await session.tell_connection(self._connection_id, fence, text)
        except StorageUnavailable:
            self._not_before_s = self._tried_s + FAILED_S
            raise
        except StorageError as error:
            if not self._complained:
                self._complained = True
                _log.error(f"the database does not take the state of the connection: {error}")
            return
        self._is_replaced = not taken
        for _ in range(len(changes)):
            if self._changes and self._changes[0] in changes:
                self._changes.popleft()
        self._told_facts = _facts(status)

    def _note_state(self, state: DeviceState, reason: str, message: str) -> None:
        before = self._now
        if before is None or (before.state, before.reason, before.message) != (
            state,
            reason,
            message,
        ):
            self._now = Change(self._clock.now_us(), state, reason, message)
            self._changes.append(self._now)

    def _make_due(self) -> None:
        may_be = self._clock.monotonic() >= self._not_before_s
        if may_be and not self._is_replaced and not self.is_due:
            self.is_due = True
            self._wake()

    def _since_s(self) -> float | None:
        return None if self._tried_s is None else self._clock.monotonic() - self._tried_s


def _facts(status: Status) -> object:
    return (status.config_hash, status.rejected, status.journal_full, status.problems)


def _told(changes: list[Change], status: Status, config: WorkerConfig) -> dict[str, object]:
    """The report as migration 0043 has it."""
    spec, mapped = config.connection.spec, config.tags.rejected
    own = status.rejected
    first = [
        *mapped.first,
        *(NotMapped(one.tag, one.mapping, one.reason) for one in own[:MOST_REJECTIONS]),
    ][:MOST_REJECTIONS]
    return {
        "changes": [
            {"us": one.us, "state": one.state, "reason": one.reason, "message": _text(one.message)}
            for one in changes
        ],
        "endpoint": _endpoint(config),
        "journalSize": size_bytes(spec.journal.size),
        "journalFull": status.journal_full,
        "byException": PROTOCOLS[spec.protocol].manner is Manner.REPORTED,
        "mapped": len(config.tags) - len(own),
        "rejected": mapped.total + len(own),
        "inPart": mapped.in_part,
        "rejectedTags": [
            {"tag": _text(one.tag), "mapping": one.mapping, "reason": _text(one.reason)}
            for one in first
        ],
        "problems": [_text(one) for one in status.problems[:PROBLEMS_MAX]],
        "intervalS": _interval_s(config.tags),
        "readUs": _us(status.read_at),
    }


def _endpoint(config: WorkerConfig) -> str:
    """Host and port; nothing of a URL that is none, for it may hold a password."""
    try:
        return endpoint(*device(config.connection.spec))
    except ValueError:
        return ""


def _interval_s(tags: TagTable) -> float:
    """How often the device should say something."""
    return min(
        (tag.stale_s / STALE_INTERVALS if tag.stale_s else tag.interval_s for tag in tags.tags),
        default=1.0,
    )


def _us(time: str | None) -> int | None:
    return None if time is None else int(datetime.fromisoformat(time).timestamp() * 1e6)


def _text(text: str) -> str:
    """PostgreSQL's text cannot hold NUL; its visible symbol stands in."""
    return text.replace("\0", "␀")
