"""The table's part about what must be there, limits of single values, and rules between them."""

from __future__ import annotations

from tests.core.manifests.case import Case, connection, mapping, tag, tags

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
    "a host that is an IPv6 address": Case(connection(device="{host: 'fd00::7'}")),
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
        'must be modbus-tcp, opcua, mqtt or s7, is "modbus"; did you mean modbus-tcp?',
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

REFUSED = LIMITS | RULES
