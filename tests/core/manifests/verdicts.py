"""Manifests and the verdict that they get, offline and from a real API server alike.

A case is a manifest, whether it is accepted, and for those that are refused the path of the
problem and a part of the sentence that the user reads.
"""

from __future__ import annotations

from tests.core.manifests.case import Case, connection, mapping, mqtt, opcua, other, tag, tags
from tests.core.manifests.verdicts_of_alarms import ALARMS_ACCEPTED, ALARMS_REFUSED
from tests.core.manifests.verdicts_of_wells import WELLS_ACCEPTED, WELLS_REFUSED

ACCEPTED = {
    "the smallest connection": Case(connection()),
    "a connection with everything": Case(
        connection(
            """\
  credentialsSecretRef: {name: pad7}
  pollInterval: 500ms
  clock: {source: server, zone: America/Chicago, maxFuture: 10m, maxAge: 720h}
  journal: {size: 512Mi, storage: emptyDir, storageClassName: fast}
  placement:
    nodeSelector: {kubernetes.io/arch: amd64}
    tolerations: [{key: edge, operator: Exists, effect: NoExecute, tolerationSeconds: 60}]
    resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
  writes: {enabled: true}
  suspend: true""",
            device="{host: plc.field.example, port: 1502, unitId: 0, timeout: 50ms, retries: 0,"
            " maxBlock: 1, maxGap: 0}",
            metadata="{name: pad.7-plc, labels: {pad: '7', example.com/unit: '3', empty: ''},"
            " annotations: {example.com/Note: any text}}",
        )
    ),
    "the smallest mapping": Case(mapping()),
    "a mapping with everything": Case(
        mapping(
            """
    - {name: Oil.rate-1, address: "holding:40001;unit={{ labels.unit }}", dataType: int16,
       description: Oil, unit: bbl/d, scale: -0.1, offset: 1e1, range: {min: -5, max: 5.5},
       anomaly: {zScore: 4.5, window: 8}, interval: 24h}
    - {name: level, address: x, rawRange: {min: 0, max: 32767}, engineeringRange: {min: 20, max: 0}}
    - {name: text, address: x, dataType: text}""",
            which="connectionSelector: {matchLabels: {pad: '7'}}",
            well='"pad7-{{ labels.unit }}"',
        )
    ),
    "500 tags": Case(tags(500)),
    "a range with one end": Case(tag("range: {max: 5}")),
    "a range with no end": Case(tag("range: {}")),
    "null where a default stands": Case(connection("  pollInterval: null\n  clock: null")),
    "null where nothing need stand": Case(tag("unit: null, range: null, scale: ~")),
    "a whole number written as 502.0": Case(connection(device="{host: plc, port: 502.0}")),
    "a whole number written as 5.02e2": Case(connection(device="{host: plc, port: 5.02e2}")),
    "a number written as 1e-1": Case(tag("scale: 1e-1")),
    "an octal port, as Kubernetes reads it": Case(connection(device="{host: plc, port: 0766}")),
    "true written as yes": Case(connection("  suspend: yes")),
    "a status, which the server clears": Case(connection("status: {mappedTags: many}")),
    "an unquoted time in the metadata": Case(
        connection(metadata="{name: pad-a, creationTimestamp: 2026-01-31T06:30:00Z}")
    ),
    "a null label, which counts as empty": Case(
        connection(metadata="{name: pad-a, labels: {pad: null}}")
    ),
    "an anchor and a merge": Case(
        mapping(
            "[{name: a, address: x, <<: &c {unit: psi, scale: 2}}, {name: b, address: x, <<: *c}]"
        )
    ),
    "a merge and an override": Case(
        mapping("[&t {name: a, address: x, unit: psi}, {<<: *t, name: b, unit: degF}]"),
        offline="kubectl merges before it sends; strict YAML on the server calls it a key twice",
    ),
    "a host that is an IPv6 address": Case(connection(device="{host: 'fd00::7'}")),
    "text that YAML 1.1 would read as base 60": Case(mapping(well="1:30")),
}

UNKNOWN_KEYS = {
    "a misspelt key of the spec": Case(
        connection("  pollIntervall: 1s"),
        "spec.pollIntervall",
        "unknown key; did you mean pollInterval?",
    ),
    "a key in the wrong case": Case(
        connection(device="{host: plc, unitID: 3}"),
        "spec.modbusTcp.unitID",
        "unknown key; did you mean unitId?",
    ),
    "a key that is like no other": Case(
        connection("  journal: {colour: red}"),
        "spec.journal.colour",
        "unknown key; known here: size, storage, storageClassName",
    ),
    "an unknown key of a tag": Case(
        tag("datatype: int16"), "spec.tags[0].datatype", "unknown key; did you mean dataType?"
    ),
    "an unknown key beside spec": Case(
        connection("specs: {}"), "specs", "unknown key; did you mean spec?"
    ),
    "an unknown key of the metadata": Case(
        connection(metadata="{name: pad-a, label: {pad: '7'}}"),
        "metadata.label",
        "unknown key; did you mean labels?",
    ),
    "an unknown key of the status": Case(
        connection("status: {phase: Ready}"), "status.phase", "unknown key"
    ),
    "a pod template": Case(
        connection("  placement: {hostNetwork: true}"), "spec.placement.hostNetwork", "unknown key"
    ),
    "a second protocol member": Case(
        connection("  opcUa: {endpoint: 'opc.tcp://plc:4840'}"), "spec.opcUa", "unknown key"
    ),
    "a bare on as a key": Case(connection("  on: 1s"), "spec.true", "unknown key"),
    "a password in the manifest": Case(
        connection("  credentialsSecretRef: {name: pad7, password: geheim}"),
        "spec.credentialsSecretRef.password",
        "unknown key; known here: name",
    ),
}

WRONG_TYPES = {
    "a quoted number": Case(
        connection(device="{host: plc, port: '502'}"),
        "spec.modbusTcp.port",
        'must be a whole number, is "502"; remove the quotes',
    ),
    "a fraction where a whole number belongs": Case(
        connection(device="{host: plc, unitId: 1.5}"),
        "spec.modbusTcp.unitId",
        "must be a whole number, is 1.5",
    ),
    "a number where text belongs": Case(
        tag("unit: 7"), "spec.tags[0].unit", 'must be text, is 7; quote it: "7"'
    ),
    "an address without its area": Case(
        mapping("[{name: a, address: 40001}]"), "spec.tags[0].address", 'quote it: "40001"'
    ),
    "a bare no where text belongs": Case(
        mapping(well="no"), "spec.wellId", 'must be text, is false; quote it: "no"'
    ),
    "a quoted boolean": Case(
        connection("  suspend: 'true'"),
        "spec.suspend",
        'must be true or false, is "true"; remove the quotes',
    ),
    "text where an object belongs": Case(
        connection("  clock: device"), "spec.clock", 'must be an object, is "device"'
    ),
    "an object where a list belongs": Case(
        mapping("{name: a, address: x}"), "spec.tags", "must be a list, is an object"
    ),
    "a list where an object belongs": Case(
        connection(device="[host, plc]"), "spec.modbusTcp", "must be an object, is a list"
    ),
    "a tag that is text": Case(mapping("[oil_rate]"), "spec.tags[0]", "must be an object"),
    "an empty tag": Case(mapping("[null]"), "spec.tags[0]", "must be an object, is null"),
    "a spec that is text": Case(
        "apiVersion: pumpjack.dev/v1alpha1\nkind: TagMapping\nmetadata: {name: a}\nspec: x\n",
        "spec",
        'must be an object, is "x"',
    ),
    "a label that is a number": Case(
        connection(metadata="{name: pad-a, labels: {pad: 7}}"),
        "metadata.labels.pad",
        'must be text, is 7; quote it: "7"',
    ),
    "an annotation that is a boolean": Case(
        connection(metadata="{name: pad-a, annotations: {checked: yes}}"),
        "metadata.annotations.checked",
        'must be text, is true; quote it: "yes"',
    ),
    "labels that are a list": Case(
        connection(metadata="{name: pad-a, labels: [pad]}"),
        "metadata.labels",
        "must be an object, is a list",
    ),
    "a node label that is a number": Case(
        connection("  placement: {nodeSelector: {rack: 7}}"),
        "spec.placement.nodeSelector.rack",
        'quote it: "7"',
    ),
}

LIMITS = {
    "no spec": Case(
        "apiVersion: pumpjack.dev/v1alpha1\nkind: TagMapping\nmetadata: {name: a}\n",
        "spec",
        "is missing. Which connections, which well, which tags.",
    ),
    "no host": Case(
        connection(device="{port: 502}"), "spec.modbusTcp.host", "is missing. Name or IP address"
    ),
    "a host that is null": Case(
        connection(device="{host: null}"), "spec.modbusTcp.host", "is missing."
    ),
    "a host with a blank": Case(
        connection(device="{host: plc one}"), "spec.modbusTcp.host", "does not match"
    ),
    "an empty host": Case(
        connection(device="{host: ''}"), "spec.modbusTcp.host", "must have at least 1 character"
    ),
    "a host that ends in a newline": Case(
        connection(device='{host: "plc\\n"}'), "spec.modbusTcp.host", "does not match"
    ),
    "a host of 254 characters": Case(
        connection(device=f"{{host: {'a' * 254}}}"),
        "spec.modbusTcp.host",
        "must have at most 253 characters, has 254",
    ),
    "port 0": Case(
        connection(device="{host: plc, port: 0}"), "spec.modbusTcp.port", "must be at least 1, is 0"
    ),
    "port 65536": Case(
        connection(device="{host: plc, port: 65536}"),
        "spec.modbusTcp.port",
        "must be at most 65535, is 65536",
    ),
    "unit 256": Case(
        connection(device="{host: plc, unitId: 256}"), "spec.modbusTcp.unitId", "at most 255"
    ),
    "blocks of 126 registers": Case(
        connection(device="{host: plc, maxBlock: 126}"), "spec.modbusTcp.maxBlock", "at most 125"
    ),
    "a journal of 1GB": Case(
        connection("  journal: {size: 1GB}"), "spec.journal.size", "for example 512Mi or 1Gi"
    ),
    "a storage that is none": Case(
        connection("  journal: {storage: emptydir}"),
        "spec.journal.storage",
        'must be pvc or emptyDir, is "emptydir"; did you mean emptyDir?',
    ),
    "a data type in the wrong case": Case(
        tag("dataType: Float32"), "spec.tags[0].dataType", "did you mean float32?"
    ),
    "501 tags": Case(tags(501), "spec.tags", "must have at most 500 items, has 501"),
    "no tags": Case(mapping("[]"), "spec.tags", "must have at least 1 item, has 0"),
    "a tag name with a blank": Case(
        mapping("[{name: oil rate, address: x}]"), "spec.tags[0].name", "does not match"
    ),
    "a tag without an address": Case(
        mapping("[{name: oil_rate}]"), "spec.tags[0].address", "is missing. Where the connection"
    ),
    "an empty selector": Case(
        mapping(which="connectionSelector: {matchLabels: {}}"),
        "spec.connectionSelector.matchLabels",
        "must have at least 1 key, has 0",
    ),
    "17 labels to select by": Case(
        mapping(
            which="connectionSelector: {matchLabels: {"
            + ", ".join(f"l{n}: x" for n in range(17))
            + "}}"
        ),
        "spec.connectionSelector.matchLabels",
        "must have at most 16 keys, has 17",
    ),
    "a z-score of 0.5": Case(
        tag("anomaly: {zScore: 0.5}"), "spec.tags[0].anomaly.zScore", "must be at least 1, is 0.5"
    ),
    "a window of 7 readings": Case(
        tag("anomaly: {zScore: 4, window: 7}"), "spec.tags[0].anomaly.window", "at least 8"
    ),
    "an anomaly without its limit": Case(
        tag("anomaly: {window: 64}"), "spec.tags[0].anomaly.zScore", "is missing"
    ),
    "a tag name twice": Case(
        mapping("[{name: a, address: x}, {name: b, address: x}, {name: a, address: y}]"),
        "spec.tags[2]",
        'name "a" is there already as item [0]',
    ),
    "a well id of 129 characters": Case(
        mapping(well="w" * 129), "spec.wellId", "must have at most 128 characters, has 129"
    ),
    "a scale that is no number": Case(
        tag("scale: .nan"), "spec.tags[0].scale", ".nan is no number that JSON can carry"
    ),
}

RULES = {
    "no protocol": Case(
        connection().replace("protocol: modbus-tcp", "suspend: false"),
        "spec.protocol",
        "is missing. The protocol that the device speaks.",
    ),
    "a protocol that is not known": Case(
        connection().replace("modbus-tcp", "modbus"),
        "spec.protocol",
        'must be modbus-tcp, opcua or mqtt, is "modbus"; did you mean modbus-tcp?',
    ),
    "a protocol without its member": Case(
        connection().replace("  modbusTcp: {host: 10.1.7.20}\n", ""),
        "spec.modbusTcp",
        "spec.protocol is modbus-tcp, so spec.modbusTcp must be there",
    ),
    "a member that is misspelt": Case(
        connection().replace("modbusTcp", "modbusTCP"),
        "spec.modbusTCP",
        "unknown key; did you mean modbusTcp?",
    ),
    "an interval without a unit": Case(
        connection("  pollInterval: '10'"), "spec.pollInterval", "for example 500ms, 1s or 5m"
    ),
    "an interval of 0s": Case(
        connection("  pollInterval: 0s"), "spec.pollInterval", "100ms to 24h"
    ),
    "an interval of 99ms": Case(
        connection("  pollInterval: 99ms"), "spec.pollInterval", "must be between 100ms and 24h"
    ),
    "an interval of 25h": Case(
        connection("  pollInterval: 25h"), "spec.pollInterval", "must be between 100ms and 24h"
    ),
    "an interval of a tag of 1441m": Case(
        tag("interval: 1441m"), "spec.tags[0].interval", "must be between 100ms and 24h"
    ),
    "a time-out of 61s": Case(
        connection(device="{host: plc, timeout: 61s}"),
        "spec.modbusTcp.timeout",
        "timeout must be between 50ms and 60s",
    ),
    "neither connectionRef nor connectionSelector": Case(
        mapping().replace("  connectionRef: {name: pad-a}\n", ""),
        "spec",
        "exactly one of spec.connectionRef and spec.connectionSelector must be set",
    ),
    "both connectionRef and connectionSelector": Case(
        mapping(
            which="connectionRef: {name: pad-a}\n  connectionSelector: {matchLabels: {pad: '7'}}"
        ),
        "spec",
        "exactly one of spec.connectionRef and spec.connectionSelector must be set",
    ),
    "a range from 5 to 5": Case(
        tag("range: {min: 5, max: 5}"), "spec.tags[0].range", "min must be less than max"
    ),
    "a range from 9 to 5.5": Case(
        tag("range: {min: 9, max: 5.5}"), "spec.tags[0].range", "min must be less than max"
    ),
    "a range whose ends are one number to a computer": Case(
        tag("range: {min: 9007199254740992, max: 9007199254740993}"),
        "spec.tags[0].range",
        "min must be less than max",
    ),
    "a raw range that is empty": Case(
        tag("rawRange: {min: 0, max: 0}, engineeringRange: {min: 0, max: 20}"),
        "spec.tags[0].rawRange",
        "min must be less than max",
    ),
    "a raw range alone": Case(
        tag("rawRange: {min: 0, max: 32767}"),
        "spec.tags[0].engineeringRange",
        "rawRange needs engineeringRange",
    ),
    "an engineering range alone": Case(
        tag("engineeringRange: {min: 0, max: 20}"),
        "spec.tags[0].rawRange",
        "engineeringRange needs rawRange",
    ),
    "an engineering range that is empty": Case(
        tag("rawRange: {min: 0, max: 100}, engineeringRange: {min: 7, max: 7}"),
        "spec.tags[0].engineeringRange",
        "min and max must differ",
    ),
    "both a scale and ranges": Case(
        tag("scale: 2, rawRange: {min: 0, max: 100}, engineeringRange: {min: 0, max: 7}"),
        "spec.tags[0].rawRange",
        "use either scale and offset, or rawRange and engineeringRange",
    ),
    "a scale of 0": Case(tag("scale: 0"), "spec.tags[0].scale", "scale must not be 0"),
}

METADATA = {
    "no metadata": Case(
        connection().replace("metadata: {name: pad-a}\n", ""), "metadata", "is missing"
    ),
    "no name": Case(
        connection(metadata="{labels: {}}"), "metadata.name", "is missing; give the object a name"
    ),
    "a generated name": Case(
        connection(metadata="{generateName: pad-}"),
        "metadata.name",
        "generateName works with kubectl create only",
        offline="the server makes a name, and Pumpjack's own commands need one",
    ),
    "a name in capitals": Case(
        connection(metadata="{name: PadA}"), "metadata.name", '"PadA" is no DNS name'
    ),
    "a name with an underscore": Case(
        connection(metadata="{name: pad_a}"), "metadata.name", '"pad_a" is no DNS name'
    ),
    "a name that is a number": Case(
        connection(metadata="{name: 7}"), "metadata.name", 'must be text, is 7; quote it: "7"'
    ),
    "a name of 254 characters": Case(
        connection(metadata=f"{{name: {'a' * 254}}}"), "metadata.name", "at most 253"
    ),
    "a namespace with a dot": Case(
        connection(metadata="{name: pad-a, namespace: permian.ops}"),
        "metadata.namespace",
        '"permian.ops" is no DNS label',
    ),
    "a label key with a blank": Case(
        connection(metadata="{name: pad-a, labels: {'pad no': '7'}}"),
        "metadata.labels[pad no]",
        '"pad no" is no label key',
    ),
    "a label key with two slashes": Case(
        connection(metadata="{name: pad-a, labels: {a/b/c: '7'}}"),
        "metadata.labels[a/b/c]",
        "is no DNS name",
    ),
    "a label value with a blank": Case(
        connection(metadata="{name: pad-a, labels: {pad: 'pad 7'}}"),
        "metadata.labels.pad",
        '"pad 7" is no label value',
    ),
    "a label value of 64 characters": Case(
        connection(metadata=f"{{name: pad-a, labels: {{pad: {'7a' * 32}}}}}"),
        "metadata.labels.pad",
        "is no label value",
    ),
    "an annotation key with a blank": Case(
        connection(metadata="{name: pad-a, annotations: {'my note': x}}"),
        "metadata.annotations[my note]",
        '"my note" is no annotation key',
    ),
    "a time that is none": Case(
        connection(metadata="{name: pad-a, creationTimestamp: yesterday}"),
        "metadata.creationTimestamp",
        '"yesterday" is no time',
    ),
}

IDENTITY = {
    "no kind": Case(
        "apiVersion: pumpjack.dev/v1alpha1\nmetadata: {name: a}\n", "kind", "is missing"
    ),
    "no apiVersion": Case(
        connection().replace("apiVersion: pumpjack.dev/v1alpha1\n", ""),
        "apiVersion",
        "is missing; write for example apiVersion: pumpjack.dev/v1alpha1",
    ),
    "another version": Case(
        connection().replace("v1alpha1", "v1"),
        "apiVersion",
        'ScadaConnection is of pumpjack.dev/v1alpha1, not "pumpjack.dev/v1"',
    ),
    "another group": Case(
        connection().replace("pumpjack.dev/v1alpha1", "v1"),
        "apiVersion",
        'ScadaConnection is of pumpjack.dev/v1alpha1, not "v1"',
    ),
    "a misspelt kind": Case(
        connection().replace("ScadaConnection", "ScadaConection"),
        "kind",
        "did you mean ScadaConnection?",
    ),
    "a kind that is like no other": Case(
        connection().replace("ScadaConnection", "Pump"),
        "kind",
        "known are ScadaConnection and TagMapping",
    ),
    "a document that is a list": Case("- 1\n- 2\n", "", "must be an object with apiVersion"),
    "a document that is text": Case("hello\n", "", "must be an object with apiVersion and kind"),
}

SYNTAX = {
    "a bracket that is not closed": Case(
        connection("  clock: {source: device"), "", "this is no YAML: "
    ),
    "a tab for indentation": Case(connection("\tsuspend: true"), "", "this is no YAML: "),
    "a key twice": Case(
        connection("  suspend: true\n  suspend: false"), "spec.suspend", "the key is there twice"
    ),
    "a key twice in a tag": Case(
        tag("unit: psi, unit: bar"), "spec.tags[0].unit", "the key is there twice"
    ),
    "a blank that makes two values of one": Case(
        connection("  pollInterval: 1s: 2s"), "", "this is no YAML: "
    ),
}

OTHER_PROTOCOLS_ACCEPTED = {
    "an OPC UA server by name": Case(opcua(endpoint="opc.tcp://plc-7.field")),
    "an OPC UA server by IPv6 address": Case(opcua(endpoint="opc.tcp://[fd00:7::1]:4840/plc")),
    "an OPC UA server without security": Case(opcua(", security: None")),
    "an OPC UA server in its limits": Case(
        opcua(", timeout: 60s, publishingInterval: 1h, keepAlive: 1h, queueSize: 10000")
    ),
    "a broker": Case(mqtt()),
    "a PLC by IPv6 address": Case(connection(device="{host: '::1'}")),
    "a broker with all it can have": Case(
        mqtt(
            ", port: 1883, tls: false, serverName: b.example, version: '3.1.1', clientId: pad-7,"
            " keepAlive: 18h, timeout: 60s, sessionExpiry: 8760h, qos: 0, sharedGroup: readers,"
            " maxPayload: 64Mi, timePath: $.at, timeFormat: unixMillis, staleAfter: 1s"
        )
    ),
}
ACCEPTED |= OTHER_PROTOCOLS_ACCEPTED

OTHER_PROTOCOLS = {
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
    "a password in the manifest": Case(
        mqtt(", password: secret"), "spec.mqtt.password", "unknown key"
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
}

ACCEPTED |= ALARMS_ACCEPTED | WELLS_ACCEPTED
REFUSED = {
    **OTHER_PROTOCOLS,
    **UNKNOWN_KEYS,
    **WRONG_TYPES,
    **LIMITS,
    **RULES,
    **METADATA,
    **IDENTITY,
    **SYNTAX,
    **ALARMS_REFUSED,
    **WELLS_REFUSED,
}
CASES = {**ACCEPTED, **REFUSED}
