"""Deliveries that wait for the journal."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from asyncua import ua

from pumpjack_core.clock import SystemClock
from pumpjack_core.readings import Batch
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.opcua import owed
from pumpjack_worker.adapters.opcua.decode import Changes
from pumpjack_worker.adapters.opcua.messages import Notification
from pumpjack_worker.adapters.opcua.owed import Owed
from pumpjack_worker.adapters.opcua.publishing import Publishing
from pumpjack_worker.adapters.opcua.readings import Readings
from tests.workers.adapters.opcua.published import item, published

TAGS = TagTable(tuple(Tag("w1", name, f"ns=2;s={name}", "float64", 1.0) for name in "abc"))


def batch(*places: int) -> Batch:
    n = len(places)
    columns = (np.zeros(n, np.int64), np.arange(n, dtype=float), np.zeros(n, np.int16))
    return Batch(TAGS, np.array(places, np.int32), *columns, received_us=0)


async def test_what_was_acknowledged_is_not_made_again() -> None:
    debts = Owed()
    first, second = (debts.deliver(batch(at), (), {}) for at in (0, 1))
    await first.ack()
    assert debts.redeliver() == 0
    again = debts.deliver_again(TAGS)
    assert again is not None
    assert again.batch is second.batch
    assert debts.deliver_again(TAGS) is None


async def test_what_is_acknowledged_while_it_waits_to_be_made_again_is_not() -> None:
    debts = Owed()
    delivery = debts.deliver(batch(0), (), {})
    debts.redeliver()
    await delivery.ack()
    assert debts.deliver_again(TAGS) is None


async def test_tags_that_went_away_meanwhile_are_left_out() -> None:
    debts = Owed()
    debts.deliver(batch(0, 1, 2), (), {})
    debts.redeliver()
    fewer = TagTable(TAGS.tags[1:])
    again = debts.deliver_again(fewer)
    assert again is not None
    assert again.batch.tags is fewer
    assert again.batch.tag_index.tolist() == [0, 1]


def test_too_much_is_given_up_from_its_oldest_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "MOST_READINGS", 5)
    debts = Owed()
    for _ in range(4):
        debts.deliver(batch(0, 1), (), {})
    assert debts.redeliver() == 4
    assert debts.redeliver() == 0


def test_what_was_given_up_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owed, "MOST_READINGS", 1)
    readings = Readings(TAGS, SystemClock(), "device")
    readings.refuse([0])
    readings.refuse([1])
    readings.take(None)
    readings.take(None)
    readings.redeliver()
    readings.take(None)
    gap = readings.take(None)
    assert gap is not None
    assert [one.reason for one in gap.quarantined] == ["gap"]
    assert json.loads(gap.quarantined[0].raw)["readings"] == 1


def test_values_that_cannot_be_read_are_kept_with_their_bytes() -> None:
    readings = Readings(TAGS, SystemClock(), "device")
    publishing = Publishing(5, SystemClock(), lambda: None)
    body = published([item(0, ua.DataValue(ua.Variant(1.0)))])[:-30]
    publishing.ready.append(Notification(5, 1, False, body, changes=((40, len(body)),)))
    delivery = readings.take(publishing)
    assert delivery is not None
    assert [one.reason for one in delivery.quarantined] == ["unparsable"]
    assert delivery.quarantined[0].raw == body.hex()


def test_values_of_items_that_are_no_more_are_left_out() -> None:
    readings = Readings(TAGS, SystemClock(), "device")
    now_us = SystemClock().now_us()
    times = np.full(3, now_us, np.int64)
    handles = np.array([1, 77, 2], np.uint32)
    changes = Changes(handles, np.array([1.0, 2.0, 3.0]), np.zeros(3, np.uint32), times, times)
    found = readings.read(changes, [], Counter())
    assert found.tag_index.tolist() == [1, 2]
    assert found.value.tolist() == [1.0, 3.0]
