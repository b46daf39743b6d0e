"""One well whose first tag has alarms, and what is told of them; times in seconds."""

from __future__ import annotations

from pumpjack_core.tags import Alarm, TagTable
from pumpjack_worker.pipeline.alarms.evaluator import Evaluator
from pumpjack_worker.pipeline.alarms.known import decode
from tests.workers.pipeline.examples import T0_US, batch, tag

S = 1_000_000


class Well:
    """Tags p and q of one well, p with alarms; told: (condition, active, at, value)."""

    def __init__(self, *alarms: Alarm) -> None:
        self.tags = TagTable((tag("p", alarms=alarms), tag("q")))
        self.evaluator = Evaluator(self.tags)
        self.told: list[tuple[str, bool, float, float | None]] = []
        self.suppressed: list[bool | None] = []

    def read(
        self,
        value: float,
        at: float,
        *,
        code: int = 0,
        name: str = "p",
        now: float | None = None,
        first: float | None = None,
    ) -> None:
        """A reading of source time at, that comes in at now of the worker's clock.

        first: when it came for the first time, and was not journaled.
        """
        now = at if now is None else now
        self.at_once((name, value, code), at=at, now=now, first=first)

    def at_once(
        self,
        *rows: tuple[str, float, int],
        at: float,
        now: float | None = None,
        first: float | None = None,
    ) -> None:
        """Readings of one moment."""
        now = at if now is None else now
        came = batch(
            self.tags,
            [value for _, value, _ in rows],
            index=["pq".index(name) for name, _, _ in rows],
            us=T0_US + round(at * S),
            quality=[code for _, _, code in rows],
            received_us=T0_US + round((now if first is None else first) * S),
        )
        self._note(self.evaluator.evaluate(came, now, T0_US + round(now * S)))

    def watch(self, now: float) -> None:
        self._note(self.evaluator.passed(now))

    def become(self, tags: TagTable) -> None:
        self.tags, self.evaluator = tags, Evaluator(tags, self.evaluator)

    def restart(self, tags: TagTable | None = None) -> None:
        """A new process, which knows what the journal has."""
        known = decode(self.evaluator.known(), self.tags)
        assert known is not None
        self.tags = tags or self.tags
        self.evaluator = Evaluator(self.tags, known=known)

    def _note(self, told) -> None:
        for one in told:
            at = (one.us - T0_US) / S
            self.told.append((one.condition, one.active, at, one.value))
            self.suppressed.append(one.suppressed)

    @property
    def turns(self) -> list[tuple[bool, float]]:
        return [(active, at) for _, active, at, _ in self.told]
