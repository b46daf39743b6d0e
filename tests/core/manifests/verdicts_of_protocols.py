"""The table's part about OPC UA servers, MQTT brokers and S7 controllers."""

from __future__ import annotations

from tests.core.manifests.case import Case, connection, mqtt, opcua, other

ACCEPTED = {
    "an OPC UA server by name": Case(opcua(endpoint="opc.tcp://plc-7.field")),
    "an OPC UA server by IPv6 address": Case(opcua(endpoint="opc.tcp://[fd00:7::1]:4840/plc")),
    "an OPC UA server without security": Case(opcua(", security: None")),
    "an OPC UA server in its limits": Case(
        opcua(", timeout: 60s, publishingInterval: 1h, keepAlive: 1h, queueSize: 10000")
    ),
    "a broker": Case(mqtt()),
    "an S7 controller": Case(other("s7", "{host: plc}")),
    "an S7 controller with all it can have": Case(
        other(
            "s7",
            "{host: 10.1.7.9, port: 1102, rack: 7, slot: 31, connectionType: pg, timeout: 60s}",
        )
    ),
    "a PLC by IPv6 address": Case(connection(device="{host: '::1'}")),
    "a broker with all it can have": Case(
        mqtt(
            ", port: 1883, tls: false, serverName: b.example, version: '3.1.1', clientId: pad-7,"
            " keepAlive: 18h, timeout: 60s, sessionExpiry: 8760h, qos: 0, sharedGroup: readers,"
            " maxPayload: 64Mi, timePath: $.at, timeFormat: unixMillis, staleAfter: 1s"
        )
    ),
}

REFUSED = {
    "a slot beyond the rack": Case(
        other("s7", "{host: plc, slot: 32}"), "spec.s7.slot", "must be at most 31, is 32"
    ),
    "a kind of connection that is none": Case(
        other("s7", "{host: plc, connectionType: s7}"),
        "spec.s7.connectionType",
        "must be pg, op or basic",
    ),
    "an S7 controller without a host": Case(other("s7", "{}"), "spec.s7.host", "is missing"),
    "opcua without its member": Case(
        other("mqtt", "{host: broker}").replace("protocol: mqtt", "protocol: opcua"),
        "spec.opcua",
        "spec.protocol is opcua, so spec.opcua must be there",
    ),
    "the member of another protocol beside its own": Case(
        mqtt().replace("  mqtt:", "  modbusTcp: {host: plc}\n  mqtt:"),
        "spec.modbusTcp",
        "spec.protocol is modbus-tcp, so spec.modbusTcp must be there",
    ),
    "an endpoint of another scheme": Case(
        opcua(endpoint="https://plc/opc"), "spec.opcua.endpoint", "does not match"
    ),
    "an endpoint without a host": Case(
        opcua(endpoint="opc.tcp:///plc"), "spec.opcua.endpoint", "does not match"
    ),
    "an endpoint with a login in it": Case(
        opcua(endpoint="opc.tcp://user:secret@plc"), "spec.opcua.endpoint", "does not match"
    ),
    "a security that is none": Case(
        opcua(", security: Encrypt"),
        "spec.opcua.security",
        "must be SignAndEncrypt, Sign or None",
    ),
    "a policy that is too old": Case(
        opcua(", securityPolicy: Basic128Rsa15"), "spec.opcua.securityPolicy", "must be"
    ),
    "a queue of one": Case(opcua(", queueSize: 1"), "spec.opcua.queueSize", "at least 2"),
    "a publishing interval of 9ms": Case(
        opcua(", publishingInterval: 9ms"),
        "spec.opcua.publishingInterval",
        "must be between 10ms and 1h",
    ),
    "a keep-alive of an OPC UA server of 99ms": Case(
        opcua(", keepAlive: 99ms"), "spec.opcua.keepAlive", "must be between 100ms and 1h"
    ),
    "a version of MQTT that is a number": Case(
        mqtt(", version: 5"), "spec.mqtt.version", 'quote it: "5"'
    ),
    "a version of MQTT that is too old": Case(
        mqtt(", version: '3.1'"), "spec.mqtt.version", "must be 5 or 3.1.1"
    ),
    "qos 2": Case(mqtt(", qos: 2"), "spec.mqtt.qos", "at most 1"),
    "a group with a wildcard": Case(
        mqtt(", sharedGroup: 'a/+'"), "spec.mqtt.sharedGroup", "does not match"
    ),
    "a path that is none": Case(mqtt(", timePath: at"), "spec.mqtt.timePath", "does not match"),
    "a broker that is asked every 999ms": Case(
        mqtt(", keepAlive: 999ms"), "spec.mqtt.keepAlive", "must be between 1s and 18h"
    ),
    "a session of more than a year": Case(
        mqtt(", sessionExpiry: 8761h"), "spec.mqtt.sessionExpiry", "must be between 1s and 8760h"
    ),
    "a tag that is never stale": Case(
        mqtt(", staleAfter: 9999h"), "spec.mqtt.staleAfter", "must be between 1s and 8760h"
    ),
    "a password of a broker in the manifest": Case(
        mqtt(", password: secret"), "spec.mqtt.password", "unknown key"
    ),
}
