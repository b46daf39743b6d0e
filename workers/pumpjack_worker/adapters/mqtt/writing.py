"""What a command is as a message: its topic and its payload. Pure."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from pumpjack_core.errors import AddressError, WriteRefused
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.mqtt.address import MqttAddress, parse_address
from pumpjack_worker.adapters.mqtt.paths import compile_path
from pumpjack_worker.adapters.setting import Raw


def place_of(tag: Tag) -> MqttAddress:
    """Where a tag's commands are published. Raises WriteRefused."""
    text = tag.write.address if tag.write is not None else ""
    if not text:
        raise WriteRefused(
            f"{tag.name} of {tag.well_id} has no topic for commands; set write.address"
        )
    try:
        address = parse_address(text, tag.data_type)
        steps = () if address.path is None else compile_path(address.path).steps
    except AddressError as error:
        raise WriteRefused(str(error)) from error
    named = steps is not None and all(isinstance(step, str) for step in steps)
    if not named or address.time is not None or (address.path is not None and not steps):
        raise WriteRefused(
            f"{text}: a command's path names members of objects, such as $.pump.speed, and no time"
        )
    return address


def payload_of(address: MqttAddress, raw: Raw, data_type: str) -> bytes:
    """What is published: the number as text, or a JSON object with it where the path says.

    A bool is 1 or 0 as text, true or false in JSON.
    """
    content: Any = raw
    if data_type == "float32":
        content = float(str(np.float32(raw)))  # its shortest digits, not those of a float64
    if address.path is None:
        return json.dumps(int(content) if isinstance(content, bool) else content).encode()
    for step in reversed(compile_path(address.path).steps or ()):
        content = {step: content}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
