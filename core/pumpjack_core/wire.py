"""The live feed's formats: Redis channels, keys and messages (design, section 7; docs/wire.md).

A message is JSON, UTF-8, written once by the worker; the gateway forwards its bytes.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from pumpjack_core.decoding import checked, decoder

HEARTBEAT_S = 2.0
STALE_AFTER_S = 3 * HEARTBEAT_S
POSITION_PREFIX = "@"
"""In the latest hash, the field "@namespace/name" holds that connection's Position."""

DeviceState = Literal["connecting", "connected", "disconnected", "suspended", "fenced", "stopped"]


def readings_channel(tenant_id: str) -> str:
    """Channel of a tenant's readings and heartbeats."""
    return f"scada:readings:{tenant_id}"


def alarms_channel(tenant_id: str) -> str:
    """Channel of a tenant's alarms: from its workers and from gateways."""
    return f"scada:alarms:{tenant_id}"


def commands_stream(tenant_id: str, connection_id: str) -> str:
    """Stream by which a gateway wakes a connection's worker for commands; workers only read it."""
    return f"scada:commands:{tenant_id}:{connection_id}"


def latest_key(tenant_id: str, well_id: str) -> str:
    """Hash of a well's latest readings: tag name to Reading, and @connection to Position."""
    return f"scada:latest:{tenant_id}:{well_id}"


def heartbeat_key(tenant_id: str) -> str:
    """Hash of a tenant's latest heartbeats: connection id to Heartbeat."""
    return f"scada:heartbeat:{tenant_id}"


class Reading(Struct, frozen=True, rename="camel"):
    """One reading of a message. value is null where there is none; timestamp is ISO 8601, UTC."""

    tag_name: str
    value: float | None
    quality: str
    reason: str | None
    timestamp: str


class Position(Struct, frozen=True):
    """How far a connection's feed of one well has come."""

    epoch: str
    seq: int


class Readings(Struct, frozen=True, rename="camel", tag="readings"):
    """One batch of one well.

    epoch   the journal's id; another epoch starts positions anew
    seq     the worker's batch number: the same in journal, cursor and feed; only ever grows
    prev    seq of this connection's previous message for this well; for the first after a start
            the last number that an earlier process may have used, 0 in a new epoch
    stored  false when the journal could not take the batch: shown and alarmed, not stored
    """

    epoch: str
    seq: int
    prev: int
    tenant_id: str
    well_id: str
    connection_id: str
    source_protocol: str
    received_at: str
    readings: tuple[Reading, ...]
    stored: bool = True


class Heartbeat(Struct, frozen=True, rename="camel", tag="heartbeat"):
    """Every 2 s from each connection's worker, also when the device is silent.

    wells            last seq published for each well
    stored_seq       seq up to which the database has everything (the cursor)
    state, reason    of the device, with one CamelCase word and a sentence when it is not connected
    journal_batches, journal_bytes, journal_oldest_s   what is not stored yet
    config_hash      what the worker runs
    follows          the last number that an earlier process with this journal may have used
    read_at          when the device last said anything, null before it did
    """

    epoch: str
    tenant_id: str
    connection_id: str
    source_protocol: str
    at: str
    wells: dict[str, int]
    stored_seq: int
    state: DeviceState
    reason: str | None
    message: str | None
    journal_batches: int
    journal_bytes: int
    journal_oldest_s: float
    rejected_tags: int
    config_hash: str
    follows: int = 0
    read_at: str | None = None


class Condition(Struct, frozen=True, rename="camel", tag="condition"):
    """A worker saw a condition become active or inactive, or suppressed or not: at once, unstored.

    epoch, seq  of the batch that it came with: the number that journal and cursor have
    at          when, by the tag's own time
    suppressed  null: not known yet, what was told last of that stands
    value       what was held against limit (pumpjack_core.alarms.Transition), null for nothing
    kept        false: the journal takes nothing now, so the database may never hear of it
    """

    epoch: str
    seq: int
    tenant_id: str
    connection_id: str
    well_id: str
    tag_name: str
    condition: str
    alarm_id: str
    active: bool
    suppressed: bool | None
    at: str
    value: float | None
    limit: float | None
    priority: int
    message: str
    stored: bool = False
    kept: bool = True


class AlarmsStored(Struct, frozen=True, rename="camel", tag="alarms-stored", omit_defaults=True):
    """The database has events that it had not: from a worker, or after somebody's action."""

    tenant_id: str
    connection_id: str = ""


Message = Readings | Heartbeat
AlarmMessage = Condition | AlarmsStored

encode = msgspec.json.Encoder().encode
decode_message = checked(msgspec.json.Decoder(Message))
decode_alarm_message = checked(msgspec.json.Decoder(AlarmMessage))


class Envelope(Struct, frozen=True, rename="camel"):
    """The head of a message, all that a gateway needs to route its bytes."""

    type: str
    epoch: str
    tenant_id: str
    connection_id: str
    seq: int = 0
    prev: int = 0
    well_id: str = ""
    received_at: str = ""


decode_envelope = decoder(Envelope)
