"""MQTT, as the rest of the system knows it. A broker cannot be browsed: it tells what is sent."""

from __future__ import annotations

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.declared import Declared
from pumpjack_worker.adapters.mqtt.address import parse_address
from pumpjack_worker.adapters.mqtt.writing import place_of


def _read(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    parse_address(tag.address, tag.data_type)


def _write(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    place_of(tag)


PROTOCOL = Declared(adapter="MqttAdapter", simulated="devices_of", read=_read, write=_write)
