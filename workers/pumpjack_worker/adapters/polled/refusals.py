"""Places that a device refuses one by one: left out, and tried again now and then. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic

from pumpjack_core.backoff import Backoff
from pumpjack_worker.adapters.polled.line import Place

FIRST_RETRY_S = 10.0
RETRY_S = 60.0
RETRIES_AT_ONCE = 20


@dataclass(slots=True)
class _Refusal:
    why: str
    retry_at: float
    backoff: Backoff


@dataclass(slots=True)
class Refusals(Generic[Place]):
    """The memory of one line."""

    _known: dict[Place, _Refusal] = field(default_factory=dict)
    _heals: bool = False  # one was given again, and none was refused since: all may be well

    @property
    def reasons(self) -> Mapping[Place, str]:
        """What is refused, and why, as the end of a sentence."""
        return {place: refusal.why for place, refusal in self._known.items()}

    def left_out(self, places: Iterable[Place], now: float) -> set[Place]:
        """Which of these are not asked for now: all but a few, the longest waiting."""
        refused = [place for place in places if place in self._known]
        ready = [place for place in refused if self._known[place].retry_at <= now]
        ready.sort(key=lambda place: self._known[place].retry_at)
        return set(refused) - set(ready if self._heals else ready[:RETRIES_AT_ONCE])

    def refuse(self, place: Place, why: str, now: float) -> bool:
        """The device refused it. True: that is news."""
        self._heals = False
        known = self._known.get(place)
        backoff = known.backoff if known else Backoff(first_s=FIRST_RETRY_S, most_s=RETRY_S)
        self._known[place] = _Refusal(why, now + backoff.next_s(), backoff)
        return known is None

    def accept(self, place: Place, now: float) -> None:
        """The device gave it again: the others may have healed, too."""
        if self._known.pop(place, None) is not None:
            self.try_all(now)

    def try_all(self, now: float) -> None:
        """Ask for all of them again when they are next due: another session, or one has healed."""
        self._heals = True
        for refusal in self._known.values():
            refusal.retry_at = now

    def forget_all_but(self, places: Collection[Place]) -> None:
        """Tags were taken away."""
        self._known = {place: why for place, why in self._known.items() if place in places}
