"""Deliveries that are not acknowledged yet: kept, so that they can be made again."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import partial

from msgspec import Struct

from pumpjack_core.readings import Batch, Quarantined, in_table
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.adapters.opcua.publishing import Publishing

MOST_READINGS = 1_000_000
"""Readings that are kept (22 MB); then the oldest are given up."""


class _Debt(Struct):
    """A delivery, and the messages that are to be acknowledged with it."""

    batch: Batch
    quarantined: tuple[Quarantined, ...]
    publishing: Publishing | None
    sequences: list[int]
    memo: bytes


class Owed:
    """What was delivered and not acknowledged."""

    def __init__(self) -> None:
        self._debts: dict[int, _Debt] = {}
        self._again: deque[int] = deque()
        self._number = 0
        self._readings = 0
        self._given_up = 0

    def deliver(
        self,
        batch: Batch,
        quarantined: tuple[Quarantined, ...],
        errors: Mapping[str, int],
        *,
        publishing: Publishing | None = None,
        sequences: list[int] | None = None,
        memo: bytes = b"",
    ) -> Delivery:
        """A delivery that is owed from now on; its ack acknowledges these messages."""
        self._number += 1
        self._debts[self._number] = _Debt(batch, quarantined, publishing, sequences or [], memo)
        self._readings += len(batch)
        while self._readings > MOST_READINGS and len(self._debts) > 1:
            oldest = self._debts.pop(next(iter(self._debts)))
            self._readings -= len(oldest.batch)
            self._given_up += len(oldest.batch)
        ack = partial(self._acknowledge, self._number)
        return Delivery(batch, ack, quarantined, errors, memo)

    def deliver_again(self, tags: TagTable) -> Delivery | None:
        """The next delivery that is to be made again, in this table."""
        while self._again:
            number = self._again.popleft()
            debt = self._debts.get(number)
            if debt is None:
                continue
            if debt.batch.tags is not tags:
                debt.quarantined = in_table(debt.quarantined, debt.batch.tags, tags)
                debt.batch = debt.batch.in_table(tags)
            ack = partial(self._acknowledge, number)
            return Delivery(debt.batch, ack, debt.quarantined, memo=debt.memo)
        return None

    def redeliver(self) -> int:
        """Make them all again. How many readings were given up, and cannot be."""
        self._again = deque(sorted(self._debts))
        given_up, self._given_up = self._given_up, 0
        return given_up

    async def _acknowledge(self, number: int) -> None:
        debt = self._debts.pop(number, None)
        if debt is None:
            return
        self._readings -= len(debt.batch)
        if debt.publishing is not None:
            debt.publishing.acknowledge(debt.sequences)
