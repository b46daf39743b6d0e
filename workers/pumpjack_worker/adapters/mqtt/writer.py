"""Commands to devices behind a broker: published with QoS 1, told by the tag's next reading.

A command is never published again: what a broker has not acknowledged when the session ends is
told as unknown. With MQTT 5 it expires at the broker, so that it waits there for no device.
"""

from __future__ import annotations

import math

from pumpjack_core.errors import NotConnected, Unanswered, WriteRefused
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Permit
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.packets import V5, Puback, Publish
from pumpjack_worker.adapters.mqtt.reasons import REFUSED_FROM, reason_text
from pumpjack_worker.adapters.mqtt.session import Session, Settings
from pumpjack_worker.adapters.mqtt.writing import payload_of, place_of
from pumpjack_worker.adapters.setting import setting_of

NO_SUBSCRIBERS = 0x10
_NOT_TAKEN = frozenset({0x80, 0x83, 0x87, 0x90, 0x97, 0x99})
"""Reason codes of a PUBACK, OASIS MQTT 5.0, 3.4.2.1. _NOT_TAKEN: the message is not passed on."""


class Writer:
    """Commands by way of one broker."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self._settings = settings
        self._session = session

    async def write(self, tag: Tag, value: float, permit: Permit) -> None:
        """As Adapter.write(): the broker's yes is all that there is."""
        raw = setting_of(tag, value).raw
        address = place_of(tag)
        link = self._session.link
        if link is None or link.lost is not None:
            raise (link.lost if link is not None else None) or self._session.was_closed()
        properties: v5.Properties = {}
        if self._settings.version == V5 and tag.write is not None:
            properties = {v5.MESSAGE_EXPIRY: math.ceil(tag.write.verify_s)}
        packet = Publish(
            address.topic.encode(),
            payload_of(address, raw, tag.data_type),
            qos=1,
            packet_id=link.next_id(),
            properties=properties,
        )
        permit()
        try:
            answer = await link.publish(packet)
        except NotConnected as error:
            raise Unanswered(
                f"the session ended before the broker took what was published to "
                f"{address.topic}: {error}"
            ) from error
        code = answer.code if isinstance(answer, Puback) else 0
        if code == NO_SUBSCRIBERS:
            raise WriteRefused(
                f"nobody is subscribed to {address.topic} at the broker {self._settings.peer}: the "
                "device is away, or listens elsewhere"
            )
        if code >= REFUSED_FROM and code not in _NOT_TAKEN:
            raise Unanswered(
                f"the broker {self._settings.peer} answered to what was published to "
                f"{address.topic} with {reason_text(code)}"
            )
        if code >= REFUSED_FROM:
            raise WriteRefused(
                f"the broker {self._settings.peer} refuses what is published to {address.topic}: "
                f"{reason_text(code)}; ask for the right to publish there"
            )
