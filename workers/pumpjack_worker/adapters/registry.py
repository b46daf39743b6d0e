"""Protocol name to adapter, imported only when used, so that an image needs only its own extras."""

from __future__ import annotations

from importlib import import_module

from pumpjack_core.errors import ManifestError
from pumpjack_worker.adapters.contract import Adapter

ADAPTERS: dict[str, tuple[str, str]] = {
    "modbus-tcp": ("pumpjack_worker.adapters.modbus_tcp.adapter", "ModbusTcpAdapter"),
    "mqtt": ("pumpjack_worker.adapters.mqtt.adapter", "MqttAdapter"),
    "opcua": ("pumpjack_worker.adapters.opcua.adapter", "OpcuaAdapter"),
}


def adapter_class(protocol: str) -> type[Adapter]:
    """The adapter of a protocol. Raises ManifestError for one that is not known."""
    try:
        module, name = ADAPTERS[protocol]
    except KeyError:
        known = ", ".join(sorted(ADAPTERS))
        raise ManifestError(f"protocol {protocol!r} is not known; known are {known}") from None
    found: type[Adapter] = getattr(import_module(module), name)
    return found
