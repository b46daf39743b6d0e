"""A connection as a visitor uses it, who must not disturb the worker that reads it all the time."""

from __future__ import annotations

import secrets

from msgspec.structs import replace

from pumpjack_core.config import Connection

MOST_CLIENT_ID = 128


def as_guest(connection: Connection) -> Connection:
    """The same connection, with a session of its own at the device (with Surroundings.passing).

    MQTT: another client id, for a broker ends the session of whoever had it before, and no part
    in a shared subscription, which would take messages from the worker.
    """
    mqtt = connection.spec.mqtt
    if mqtt is None:
        return connection
    mark = f"-test-{secrets.token_hex(4)}"
    client_id = (mqtt.client_id or "pumpjack")[: MOST_CLIENT_ID - len(mark)] + mark
    guest = replace(mqtt, client_id=client_id, shared_group=None)
    return replace(connection, spec=replace(connection.spec, mqtt=guest))
