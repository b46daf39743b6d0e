"""What a device refuses, found by halving and remembered, so that one bad register costs itself.

A request for a block that holds one register which the device does not have is answered with an
exception for all of it. isolate() halves the block until only what is bad is left out; Refusals
keeps what was found, so that the next plan goes round it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from pumpjack_core.backoff import Backoff
from pumpjack_worker.adapters.modbus_tcp.frames import exception_text
from pumpjack_worker.adapters.modbus_tcp.plan import Block, Place, Span

FIRST_RETRY_S = 10.0
RETRY_S = 60.0
RETRIES_AT_ONCE = 4
REQUESTS_PER_SEARCH = 32
"""Most requests that one search may make; what is left is searched at the next reading."""

Ask = Callable[[Block], Awaitable[bytes | int]]
"""Asks for a block: its payload, or the exception code that the device refused it with."""


class Found(Struct, frozen=True):
    """What isolate() learnt.

    answers  blocks that were read, with their payloads
    refused  spans that the device refuses by themselves, with the exception code
    unknown  spans that there was no request left for; they lie in a block that was refused
    cuts     where two halves are fine, but not together: what is between them, or a request of
             that length, is refused
    """

    answers: list[tuple[Block, bytes]]
    refused: list[tuple[Span, int]]
    unknown: list[Span]
    cuts: list[Place]


async def isolate(ask: Ask, block: Block, code: int) -> Found:
    """Find out what in a block is refused that was answered with this exception code."""
    found = Found([], [], [], [])
    left = REQUESTS_PER_SEARCH

    async def search(spans: Sequence[Span], code: int) -> None:
        """Search spans that were refused together."""
        if len(spans) == 1:
            found.refused.append((spans[0], code))
            return
        half = len(spans) // 2
        refused = [await read(spans[:half]), await read(spans[half:])]
        if not any(refused):
            second = spans[half]
            found.cuts.append((second.unit, second.area, second.start))

    async def read(spans: Sequence[Span]) -> bool:
        """Read spans, or search them; whether they were refused."""
        nonlocal left
        if left == 0:
            found.unknown.extend(spans)
            return True
        left -= 1
        part = Block(tuple(spans))
        answer = await ask(part)
        if isinstance(answer, int):
            await search(spans, answer)
            return True
        found.answers.append((part, answer))
        return False

    await search(block.spans, code)
    return found


@dataclass(slots=True)
class _Refusal:
    code: int
    retry_at: float
    backoff: Backoff


@dataclass(slots=True)
class Refusals:
    """The memory of one device. version changes whenever plans made with it are out of date."""

    version: int = 0
    cuts: set[Place] = field(default_factory=set)
    _spans: dict[Span, _Refusal] = field(default_factory=dict)
    _doubts: set[Place] = field(default_factory=set)

    def __contains__(self, span: Span) -> bool:
        return span in self._spans

    @property
    def spans(self) -> Iterable[Span]:
        """What is refused by itself."""
        return self._spans

    @property
    def places(self) -> set[Place]:
        """The registers of what is refused."""
        return {place for span in self._spans for place in span.places}

    def reason(self, span: Span) -> str:
        """Why a refused span is not read, as the end of a sentence."""
        return exception_text(self._spans[span].code)

    def learn(self, found: Found, now: float) -> None:
        """Remember what a search found.

        A cut is believed at the second time: the device may have failed for one moment.
        """
        for span, code in found.refused:
            self.refuse(span, code, now)
        for place in found.cuts:
            if place in self._doubts:
                self.cuts.add(place)
                self.version += 1
            self._doubts ^= {place}

    def refuse(self, span: Span, code: int, now: float) -> None:
        """The device refused this span by itself: leave it out, and try again later."""
        known = self._spans.get(span)
        backoff = known.backoff if known else Backoff(first_s=FIRST_RETRY_S, most_s=RETRY_S)
        self._spans[span] = _Refusal(code, now + backoff.next_s(), backoff)
        if known is None:
            self.version += 1

    def accept(self, span: Span, now: float) -> None:
        """The device answered for this span again: the others of its unit may have healed too."""
        if self._spans.pop(span, None) is None:
            return
        for other, refusal in self._spans.items():
            if other.unit == span.unit:
                refusal.retry_at = now
        self.cuts = {place for place in self.cuts if place[0] != span.unit}
        self.version += 1

    def due(self, spans: Iterable[Span], now: float) -> list[Span]:
        """Which of these refused spans are to be tried again now: a few, the longest waiting."""
        ready = [(self._spans[span].retry_at, span.sort_key, span) for span in spans]
        return [span for at, _, span in sorted(ready)[:RETRIES_AT_ONCE] if at <= now]

    def forget(self, keep: Iterable[Span]) -> None:
        """Forget all but these spans: tags were taken away."""
        kept = set(keep)
        self._spans = {span: why for span, why in self._spans.items() if span in kept}
        self.version += 1
