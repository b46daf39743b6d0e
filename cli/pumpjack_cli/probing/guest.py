"""A connection as a visitor uses it, who must not disturb the worker that reads it all the time."""

from __future__ import annotations

import secrets

from msgspec.structs import replace

from pumpjack_core.config import Connection

MOST_CLIENT_ID = 128
SESSION_EXPIRY = "1s"


def as_guest(connection: Connection) -> Connection:
    """The same connection, with a session of its own at the device.

    MQTT: another client id, for a broker ends the session of whoever had it before; no part in a
    shared subscription, which would take messages from the worker; quality of service 0 and a
    session that ends with us, so that the broker keeps nothing for a client that never comes back.
    """
    mqtt = connection.spec.mqtt
    if mqtt is None:
        return connection
    mark = f"-test-{secrets.token_hex(4)}"
    client_id = (mqtt.client_id or "pumpjack")[: MOST_CLIENT_ID - len(mark)] + mark
    guest = replace(
        mqtt, client_id=client_id, session_expiry=SESSION_EXPIRY, shared_group=None, qos=0
    )
    return replace(connection, spec=replace(connection.spec, mqtt=guest))
