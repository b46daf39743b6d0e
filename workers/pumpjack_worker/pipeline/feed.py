"""A batch as the messages of the live feed; pure. Formats: pumpjack_core.wire.

The JSON is put together from parts that are made once a tag and once a quality: at 100,000
readings/s an encoder that sees every reading as an object would be the worker's largest cost.
A test holds the result against the structs in pumpjack_core.wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from pumpjack_core import wire
from pumpjack_core.clock import iso_us, iso_us_column
from pumpjack_core.quality import level_text, reason_text
from pumpjack_core.readings import Batch, Int64s
from pumpjack_core.tags import TagTable

SET_BACK_US = 1_000_000
"""Batches may overtake each other a little; more than this [µs] is a clock that was set back."""


class FeedMessage(NamedTuple):
    """One message of one well.

    payload   what is published
    latest    fields of the well's latest hash that it changes: tag name to reading as JSON
    """

    well_id: str
    seq: int
    payload: str
    latest: dict[str, str]


class Feed:
    """Encodes the batches of one connection and keeps the chain of prev."""

    def __init__(
        self, *, epoch: UUID, follows: int, tenant_id: str, connection_id: str, protocol: str
    ) -> None:
        """Prepare. follows: no earlier process of this epoch has used a seq above this one."""
        self.epoch = str(epoch)
        self._follows = follows
        self.last_seq: dict[str, int] = {}
        self._head = (
            f'{{"type":"readings","epoch":"{epoch}","tenantId":{_json(tenant_id)},'
            f'"connectionId":{_json(connection_id)},"sourceProtocol":{_json(protocol)}'
        )
        self._tags: TagTable | None = None
        self._parts: list[str] = []
        self._well_of = np.empty(0, np.int32)
        self._newest_us = np.empty(0, np.int64)
        self._received_us = 0

    def encode(self, seq: int, batch: Batch, *, stored: bool = True) -> list[FeedMessage]:
        """The messages of one batch, one a well, and what they change in the latest hashes."""
        if batch.tags is not self._tags:
            self._use(batch.tags)
        if not len(batch):
            return []
        texts = self._readings(batch)
        newest = self._newest(batch)
        received = iso_us(batch.received_us)
        messages = []
        for well_id, rows in self._by_well(batch):
            prev = self.last_seq.get(well_id, self._follows)
            self.last_seq[well_id] = seq
            payload = (
                f'{self._head},"wellId":{_json(well_id)},"seq":{seq},"prev":{prev},'
                f'"receivedAt":"{received}","stored":{"true" if stored else "false"},'
                f'"readings":[{",".join([texts[row] for row in rows])}]}}'
            )
            names = batch.tags.tags
            latest = {names[batch.tag_index[row]].name: texts[row] for row in rows if row in newest}
            messages.append(FeedMessage(well_id, seq, payload, latest))
        return messages

    def _readings(self, batch: Batch) -> list[str]:
        parts = self._parts
        return [
            f'{parts[tag]}{"null" if value != value else repr(value)}{_ending(code)}{time}"}}'  # noqa: PLR0124
            for tag, value, code, time in zip(
                batch.tag_index.tolist(),
                batch.value.tolist(),
                batch.quality.tolist(),
                _times(batch.source_us),
                strict=True,
            )
        ]

    def _by_well(self, batch: Batch) -> Iterator[tuple[str, list[int]]]:
        wells = self._well_of[batch.tag_index]
        first = int(wells[0])
        if (wells == first).all():
            yield batch.tags.wells[first], list(range(len(batch)))
            return
        for number in np.unique(wells).tolist():
            yield batch.tags.wells[number], np.flatnonzero(wells == number).tolist()

    def _newest(self, batch: Batch) -> set[int]:
        """Rows that hold the newest reading of their tag: backfill does not move the screen.

        A time ahead of its receipt holds up nothing that comes later, nor does a clock set back.
        """
        if batch.received_us < self._received_us - SET_BACK_US:
            self._newest_us[:] = 0
        self._received_us = batch.received_us
        order = np.lexsort((np.arange(len(batch)), batch.source_us, batch.tag_index))
        index = batch.tag_index[order]
        last = order[np.r_[index[1:] != index[:-1], True]]
        tags = batch.tag_index[last]
        newer = batch.source_us[last] >= self._newest_us[tags]
        self._newest_us[tags[newer]] = np.minimum(batch.source_us[last][newer], batch.received_us)
        return set(last[newer].tolist())

    def _use(self, tags: TagTable) -> None:
        newest = (
            {tag.key: us for tag, us in zip(self._tags.tags, self._newest_us.tolist(), strict=True)}
            if self._tags
            else {}
        )
        self._tags = tags
        self._parts = [f'{{"tagName":{_json(tag.name)},"value":' for tag in tags.tags]
        wells = {well_id: number for number, well_id in enumerate(tags.wells)}
        self._well_of = np.array([wells[tag.well_id] for tag in tags.tags], np.int32)
        self._newest_us = np.array([newest.get(tag.key, 0) for tag in tags.tags], np.int64)


_endings: dict[int, str] = {}


def _ending(code: int) -> str:
    """From after the value to before the time."""
    known = _endings.get(code)
    if known is None:
        reason = reason_text(code)
        text = "null" if reason is None else f'"{reason}"'
        known = f',"quality":"{level_text(code)}","reason":{text},"timestamp":"'
        _endings[code] = known
    return known


def _times(source_us: Int64s) -> list[str]:
    if (source_us == source_us[0]).all():  # one poll, one time
        return [iso_us(int(source_us[0]))] * len(source_us)
    return iso_us_column(source_us)


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


def position_field(connection_id: str) -> str:
    """Field of the latest hash that holds this connection's position."""
    return wire.POSITION_PREFIX + connection_id
