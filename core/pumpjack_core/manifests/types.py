"""Typed forms of the custom resources. Generated from crds/; do not edit."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field


class ModbusTcp(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A device, or a gateway to several units, that speaks Modbus TCP."""

    host: str
    port: int = 502
    unit_id: int = 1
    timeout: str = "1s"
    retries: int = 1
    max_block: int = 125
    max_gap: int = 8


class CredentialsSecretRef(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Secret with the login for the device."""

    name: str


class ConnectionClock(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whose clock stamps a reading, and what is believed of it."""

    source: Literal["device", "server", "receipt"] = "device"
    zone: str = "UTC"
    max_future: str = "5m"
    max_age: str | None = None


class Journal(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where readings wait on disk until the database has them."""

    size: str = "1Gi"
    storage: Literal["pvc", "emptyDir"] = "pvc"
    storage_class_name: str | None = None


class Writes(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Commands to the device."""

    enabled: bool = False


class ScadaConnectionSpec(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where the device is and how it is read."""

    protocol: Literal["modbus-tcp"]
    modbus_tcp: ModbusTcp | None = None
    credentials_secret_ref: CredentialsSecretRef | None = None
    poll_interval: str = "1s"
    clock: ConnectionClock = field(default_factory=ConnectionClock)
    journal: Journal = field(default_factory=Journal)
    writes: Writes = field(default_factory=Writes)
    suspend: bool = False
