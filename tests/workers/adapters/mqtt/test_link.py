"""The connection to a broker at the moment of its end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from pumpjack_worker.adapters.mqtt.link import Link


class Ended(asyncio.Transport):
    """As uvloop has it: closed, and connection_lost() is still to come. Made up, for its moment
    cannot be met on purpose."""

    def is_closing(self) -> bool:
        return True

    def close(self) -> None:
        """It has ended already."""

    abort = close

    def write(self, data: Any) -> None:
        raise RuntimeError("unable to perform operation; the handler is closed")


async def test_what_is_said_to_a_connection_that_has_just_ended_raises_nothing() -> None:
    link = Link(
        "broker:1883",
        "worker",
        "5",
        most_payload=1_000,
        keep_alive_s=60.0,
        timeout_s=60.0,
        on_news=lambda: None,
    )
    link.connection_made(cast(asyncio.BaseTransport, Ended()))
    link.ping()
    link.acknowledge([1])
    link.connection_lost(None)
    assert link.lost is not None
    assert link.lost.reason == "Closed"
