"""Typed forms of the custom resources. Generated from crds/; do not edit."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field


class ModbusTcp(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A device, or a gateway to several units, that speaks Modbus TCP."""

    host: str
    """Name or IP address of the device. The platform decides which networks a tenant may reach."""
    port: int = 502
    """TCP port of the device."""
    unit_id: int = 1
    """Unit (slave) that is read where a tag's address names none, 0 to 255."""
    timeout: str = "1s"
    """How long one request may take, for example 500ms or 1s, 50ms to 60s."""
    retries: int = 1
    """How often an unanswered request is repeated before its tags are reported BAD, 0 to 5."""
    max_block: int = 125
    """Largest number of registers in one request, 1 to 125. Lower it for devices that refuse long
    reads.
    """
    max_gap: int = 8
    """Largest number of unused registers read along to join two tags into one request, 0 to 124."""


class Opcua(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An OPC UA server, read by subscriptions. Login, certificates and trust come from
    credentialsSecretRef.
    """

    endpoint: str
    """URL of the server, for example opc.tcp://10.1.7.20:4840/plc. Port 4840 when it names none.
    The platform decides which networks a tenant may reach.
    """
    security: Literal["SignAndEncrypt", "Sign", "None"] = "SignAndEncrypt"
    """How messages are protected: SignAndEncrypt, Sign, or None for servers that offer nothing
    better. The server's certificate must be trusted, unless None.
    """
    security_policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = (
        "Basic256Sha256"
    )
    """Algorithms of Sign and SignAndEncrypt."""
    timeout: str = "5s"
    """How long one request may take, for example 500ms or 5s, 50ms to 60s."""
    publishing_interval: str = "50ms"
    """How often the server sends what changed, 10ms to 1h. How often it looks at a value is the
    interval of its tag.
    """
    keep_alive: str = "5s"
    """How often the server says that it is there when nothing changes, 100ms to 1h. Silent for
    three of them, it is lost.
    """
    queue_size: int = 10
    """How many values of a tag the server keeps between two publishings, 2 to 10000."""
    history: bool = True
    """After a loss of the session, read what was missed from the server's history, where it has
    one.
    """


class Mqtt(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Topics of an MQTT broker. Login and certificates come from credentialsSecretRef."""

    host: str
    """Name or IP address of the broker. The platform decides which networks a tenant may reach."""
    port: int | None = None
    """TCP port of the broker; 8883 with TLS and 1883 without, when not set."""
    tls: bool = True
    """Whether the connection is encrypted. The broker's certificate is checked against ca.crt of
    the Secret, or against the well-known authorities.
    """
    server_name: str | None = None
    """Name that the broker's certificate must bear, where it is not host."""
    version: Literal["5", "3.1.1"] = "5"
    """Version of MQTT."""
    client_id: str | None = None
    """Client identifier, which the broker keeps the session under. Made from the connection's name
    and tenant when not set. Two clients must never use the same.
    """
    keep_alive: str = "10s"
    """How often a broker that is silent is asked whether it is there, 1s to 18h."""
    timeout: str = "5s"
    """How long one answer of the broker may take, 50ms to 60s."""
    session_expiry: str = "168h"
    """How long the broker keeps the session, with the messages that come meanwhile, while the
    worker is away, 1s to 8760h. MQTT 5 only; with 3.1.1 the broker decides.
    """
    qos: int = 1
    """Highest quality of service to subscribe with: 1, or 0 for brokers that know no other. With
    0, messages that come while the worker is away are lost.
    """
    shared_group: str | None = None
    """Name of a shared subscription ($share/NAME/…), for brokers that divide topics among several
    readers.
    """
    max_payload: str = "1Mi"
    """Largest payload that is read, for example 256Ki or 1Mi; a larger one is quarantined by its
    size.
    """
    time_path: str | None = None
    """JSONPath (RFC 9535) of the time in a payload, for example $.timestamp, where a tag's address
    names none. Without one, the time of receipt is used.
    """
    time_format: Literal["auto", "iso8601", "unix", "unixMillis", "unixMicros", "unixNanos"] = (
        "auto"
    )
    """How times are written: iso8601, or a number of seconds (unix), unixMillis, unixMicros or
    unixNanos since 1970. auto: text is iso8601, numbers by their size.
    """
    stale_after: str = "5m"
    """A tag without a message for so long is marked stale, 1s to 8760h; three intervals for tags
    that name one.
    """


class S7(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A Siemens S7 controller, over ISO on TCP. Its data blocks must not be optimised, and an
    S7-1200 or S7-1500 must permit PUT/GET.
    """

    host: str
    """Name or IP address of the controller. The platform decides which networks a tenant may
    reach.
    """
    port: int = 102
    """TCP port of the controller."""
    rack: int = 0
    """Rack of the CPU, 0 to 7."""
    slot: int = 1
    """Slot of the CPU, 0 to 31: 1 in an S7-1200 or S7-1500, 2 in an S7-300."""
    connection_type: Literal["pg", "op", "basic"] = "basic"
    """As what it is connected to, pg, op or basic. Controllers keep connections for each; basic
    takes from neither programmers nor panels.
    """
    timeout: str = "1s"
    """How long one request may take, for example 500ms or 1s, 50ms to 60s."""


class CredentialsSecretRef(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Secret of type pumpjack.dev/device-credentials in the same namespace, with what the device
    asks for: username, password, ca.crt (certificates to trust, PEM), tls.crt and tls.key (the
    worker's own, PEM).
    """

    name: str
    """Name of the Secret."""


class ConnectionClock(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whose clock stamps a reading, and what is believed of it."""

    source: Literal["device", "server", "receipt"] = "device"
    """device: the time that the device gives with a value; server: the time of the server that
    relays it; receipt: the worker's own. Protocols without times of their own (Modbus) always
    use receipt.
    """
    zone: str = "UTC"
    """IANA time zone of device times that carry none, for example America/Chicago."""
    max_future: str = "5m"
    """A device time further ahead than this is not believed; the reading is stored at its time of
    receipt, UNCERTAIN with reason clock.
    """
    max_age: str | None = None
    """Readings older than this are quarantined. Not set means the store's retention of raw
    readings.
    """


class Journal(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where readings wait on disk until the database has them."""

    size: str = "1Gi"
    """Largest size of the journal, for example 512Mi or 1Gi. When it is full, nothing in it is
    overwritten.
    """
    storage: Literal["pvc", "emptyDir"] = "pvc"
    """pvc: a volume that survives the pod; emptyDir: lost with the node."""
    storage_class_name: str | None = None
    """StorageClass of the volume; the cluster's default when not set."""


class Toleration(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One taint that the worker tolerates."""

    key: str | None = None
    """Key of the taint."""
    operator: Literal["Exists", "Equal"] | None = None
    """How the value is compared."""
    value: str | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint."""
    toleration_seconds: int | None = None
    """Seconds until a NoExecute taint evicts the worker."""


class Resources(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """CPU and memory of the worker."""

    requests: dict[str, str] = field(default_factory=dict)
    """What the worker is guaranteed."""
    limits: dict[str, str] = field(default_factory=dict)
    """What the worker may use at most."""


class Placement(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where the worker runs and what it may use. This is all that can be said about its pod."""

    node_selector: dict[str, str] = field(default_factory=dict)
    """Labels that the node must have."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that the worker tolerates."""
    resources: Resources | None = None
    """CPU and memory of the worker."""


class Writes(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Commands to the device."""

    enabled: bool = False
    """Whether tags of this connection may be written. The platform must allow it for the network
    as well.
    """


class ScadaConnectionSpec(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where the device is and how it is read."""

    protocol: Literal["modbus-tcp", "opcua", "mqtt", "s7"]
    """The protocol that the device speaks. It names the one member below that must be present, and
    cannot be changed later.
    """
    modbus_tcp: ModbusTcp | None = None
    """A device, or a gateway to several units, that speaks Modbus TCP."""
    opcua: Opcua | None = None
    """An OPC UA server, read by subscriptions. Login, certificates and trust come from
    credentialsSecretRef.
    """
    mqtt: Mqtt | None = None
    """Topics of an MQTT broker. Login and certificates come from credentialsSecretRef."""
    s7: S7 | None = None
    """A Siemens S7 controller, over ISO on TCP. Its data blocks must not be optimised, and an
    S7-1200 or S7-1500 must permit PUT/GET.
    """
    credentials_secret_ref: CredentialsSecretRef | None = None
    """Secret of type pumpjack.dev/device-credentials in the same namespace, with what the device
    asks for: username, password, ca.crt (certificates to trust, PEM), tls.crt and tls.key (the
    worker's own, PEM).
    """
    poll_interval: str = "1s"
    """How often tags are read that name no interval of their own, for example 500ms, 1s or 5m,
    100ms to 24h.
    """
    clock: ConnectionClock = field(default_factory=ConnectionClock)
    """Whose clock stamps a reading, and what is believed of it."""
    journal: Journal = field(default_factory=Journal)
    """Where readings wait on disk until the database has them."""
    placement: Placement | None = None
    """Where the worker runs and what it may use. This is all that can be said about its pod."""
    writes: Writes = field(default_factory=Writes)
    """Commands to the device."""
    suspend: bool = False
    """Stop reading the device and keep everything else."""


class WorkerRef(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """The StatefulSet that reads this device."""

    name: str | None = None
    """Name of the StatefulSet."""


class ConnectionRejectedTag(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """One tag that this connection does not read, or not use whole."""

    tag: str
    """The tag; well for what spec.well of the mapping says."""
    mapping: str
    """The TagMapping that declares it."""
    reason: str
    """Why it could not be used and what to do; of a part it begins with that: alarm hi, write,
    stateNames, well.keyTags.
    """


class Condition(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """One thing that holds or does not."""

    type: str
    """Name of the condition."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: str
    """Why, as one word in CamelCase."""
    message: str
    """Why, as a sentence a person can act on."""
    last_transition_time: str
    """When status last changed."""
    observed_generation: int | None = None
    """Generation of the spec that this condition speaks of."""


class ScadaConnectionStatus(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """What became of the spec. Slow facts only; counters are metrics."""

    observed_generation: int | None = None
    """Generation of the spec that this status speaks of."""
    endpoint: str | None = None
    """Host and port that are read."""
    worker_ref: WorkerRef | None = None
    """The StatefulSet that reads this device."""
    mapped_tags: int | None = None
    """Number of tags that are read."""
    rejected_tags_total: int | None = None
    """Number of tags that could not be used, and of alarms, writes, names of other tags and facts
    of the well that could not.
    """
    rejected_tags: tuple[ConnectionRejectedTag, ...] = ()
    """The first 50 tags, or parts of tags, that could not be used."""
    applied_config_hash: str | None = None
    """Hash of the configuration that the worker runs."""
    last_reading_time: str | None = None
    """Time of the newest stored reading, coarse."""
    conditions: tuple[Condition, ...] = ()
    """What holds and what does not, each with a reason and a sentence."""


class ConnectionRef(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The one ScadaConnection, in the same namespace, that the tags are read from."""

    name: str
    """Name of the ScadaConnection."""


class ConnectionSelector(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Every ScadaConnection of the same namespace with these labels."""

    match_labels: dict[str, str]
    """Labels that a connection must have, all of them."""


class MappedWell(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What screens show of the well beside its readings. Of several mappings of one well, the
    first that says something counts, those of older connections first.
    """

    title: str | None = None
    """How screens call it, 128 characters at most; wellId when not set. May be templated like
    wellId: Permian {{ labels.well }}.
    """
    type: str | None = None
    """Name of its process picture: rod-pump, esp, gas-lift, or one that the platform brought
    along. No picture when not set.
    """
    pad: str | None = None
    """Where it stands, 63 characters at most; overviews group by it. May be templated like wellId.
    """
    route: str | None = None
    """The round of visits that it belongs to, 63 characters at most; overviews group by it. May be
    templated like wellId.
    """
    time_zone: str | None = None
    """IANA time zone in which screens tell its times, for example America/Chicago."""
    roles: dict[str, str] = field(default_factory=dict)
    """Roles of the process picture, each with the tag of the well that plays it: {tubing_pressure:
    thp}. A role that is not here is played by the tag of the same name.
    """
    key_tags: tuple[str, ...] = ()
    """Names of at most 6 tags of the well. Overviews show the first three in this order, and count
    the rates among all of them into the figures of the field.
    """


class RawRange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Raw values that engineeringRange maps to, for example 0 to 32767."""

    min: float
    """Lower raw value."""
    max: float
    """Upper raw value."""


class EngineeringRange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Values in the tag's unit that stand for the ends of rawRange."""

    min: float
    """Value at rawRange.min."""
    max: float
    """Value at rawRange.max."""


class ValueRange(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Values outside are stored as BAD with reason out_of_range."""

    min: float | None = None
    """Lowest believable value, in the tag's unit."""
    max: float | None = None
    """Highest believable value, in the tag's unit."""


class NormalBand(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Where the value usually is, which screens shade; nothing is judged by it."""

    min: float | None = None
    """Lower end of the band, in the tag's unit; the end of range when not set."""
    max: float | None = None
    """Upper end of the band, in the tag's unit; the end of range when not set."""


class Anomaly(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Values far from the tag's recent ones are stored as UNCERTAIN with reason anomaly."""

    z_score: float
    """How many robust standard deviations from the median of the window are too far, 1 to 100."""
    window: int = 64
    """Number of recent readings that it is compared with, 8 to 512."""


class SuppressedBy(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Another tag of the mapping that says when this is no alarm, such as that of a pump that
    stands still.
    """

    tag: str
    """Name of that tag."""
    states: tuple[int, ...]
    """Whole values of it while which the alarm is suppressed, 1 to 16."""


class MappedAlarm(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One condition that a person must act on, as ISA-18.2 has it."""

    condition: Literal[
        "hihi", "hi", "lo", "lolo", "rate", "deviation", "state", "bad_quality", "stale"
    ]
    """hihi, hi: the value is at or above limit. lo, lolo: at or below. rate: it rose or fell by
    limit or more within per. deviation: it is limit or more away from the tag that from names.
    state: it is one of states. bad_quality: its quality is BAD. stale: nothing comes.
    """
    limit: float | None = None
    """In the tag's unit. rate: change within per; deviation: distance from the tag that from
    names.
    """
    per: str | None = None
    """Of rate: the time that limit is for, 1s to 1h. 1m when not set."""
    from_: str | None = None
    """Of deviation: the tag of the same mapping that this one must stay near."""
    states: tuple[int, ...] = ()
    """Of state: the whole values in which it is active, 1 to 16."""
    priority: int | None = None
    """How soon a person must act, 1 (at once) to 4. 3 when not set."""
    deadband: float | None = None
    """How far behind its limit the value must be for the alarm to return, in the tag's unit. 0
    when not set.
    """
    on_delay: str | None = None
    """How long the condition must hold before it is an alarm, 0s to 1h. 0s when not set."""
    off_delay: str | None = None
    """How long the condition must be over before the alarm returns, 0s to 1h. 0s when not set."""
    latch: bool | None = None
    """Stay, even when the condition is over, until a person resets it. false when not set."""
    message: str | None = None
    """What is wrong, as the operator reads it."""
    consequence: str | None = None
    """What happens if nobody acts."""
    response: str | None = None
    """What the operator should do."""
    suppressed_by: SuppressedBy | None = None
    """Another tag of the mapping that says when this is no alarm, such as that of a pump that
    stands still.
    """


class MappedWrite(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What commands may write to the tag. Without it the tag is read only. The connection must
    allow writes as well.
    """

    min: float | None = None
    """Lowest value that may be written, in the tag's unit."""
    max: float | None = None
    """Highest value that may be written, in the tag's unit."""
    states: tuple[int, ...] = ()
    """The whole values that may be written, 1 to 16, of a tag that has states instead of a range.
    """
    approval: Literal["none", "required"] | None = None
    """required: a second person must agree to each command. none when not set."""
    address: str | None = None
    """Where it is written, where that is not its address; templated likewise. MQTT needs one: the
    topic that the device listens to.
    """
    tolerance: float | None = None
    """How far the value that is read back may be from the one written, in the tag's unit. When not
    set, 0 for whole numbers and a millionth of the value for others.
    """
    verify_within: str | None = None
    """How soon the value must be read back, 100ms to 60s. 5s when not set."""


class MappedTag(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One measurement of the well."""

    name: str
    """Name of the measurement, unique in the well, for example casing_pressure."""
    address: str
    """Where the connection finds it, in the protocol's syntax; may be templated like wellId.
    Modbus: holding:40001, holding:40001.3 (a bit), holding:@0x0 (as on the wire),
    holding:40001;unit=7;order=CDAB. OPC UA: ns=2;s=Well1.Casing, nsu=urn:maker:plc;i=1001.
    MQTT: pads/7/casing (a number), pads/7/telemetry;path=$.casing.value;time=$.at (JSON).
    """
    title: str | None = None
    """How screens call it; its name when not set."""
    description: str | None = None
    """What it measures, in words."""
    data_type: Literal[
        "bool",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
        "float64",
        "text",
    ] = "float32"
    """How the device encodes it. text cannot be stored yet and is rejected with that reason."""
    unit: str | None = None
    """Engineering unit after scaling, for example psi, bbl/d, degF."""
    scale: float | None = None
    """The raw value is multiplied by this, then offset is added. 1 when not set."""
    offset: float | None = None
    """Added to the raw value times scale. 0 when not set."""
    raw_range: RawRange | None = None
    """Raw values that engineeringRange maps to, for example 0 to 32767."""
    engineering_range: EngineeringRange | None = None
    """Values in the tag's unit that stand for the ends of rawRange."""
    range: ValueRange | None = None
    """Values outside are stored as BAD with reason out_of_range."""
    normal: NormalBand | None = None
    """Where the value usually is, which screens shade; nothing is judged by it."""
    digits: int | None = None
    """Decimals that screens show, 0 to 6; as the process picture has them when not set."""
    anomaly: Anomaly | None = None
    """Values far from the tag's recent ones are stored as UNCERTAIN with reason anomaly."""
    interval: str | None = None
    """How often it is read, 100ms to 24h; the connection's pollInterval when not set."""
    alarms: tuple[MappedAlarm, ...] = ()
    """What a person must act on, at most one of each condition."""
    write: MappedWrite | None = None
    """What commands may write to the tag. Without it the tag is read only. The connection must
    allow writes as well.
    """
    state_names: dict[str, str] = field(default_factory=dict)
    """Words for whole values of the tag: {"0": STOPPED, "1": RUNNING}."""


class TagMappingSpec(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which connections, which well, which tags."""

    well_id: str
    """The well. May name labels of the connection and its name: pad7-{{ labels.unit }} or {{ name
    }}.
    """
    tags: tuple[MappedTag, ...]
    """The measurements, at most 500."""
    connection_ref: ConnectionRef | None = None
    """The one ScadaConnection, in the same namespace, that the tags are read from."""
    connection_selector: ConnectionSelector | None = None
    """Every ScadaConnection of the same namespace with these labels."""
    well: MappedWell | None = None
    """What screens show of the well beside its readings. Of several mappings of one well, the
    first that says something counts, those of older connections first.
    """


class MappingRejectedTag(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """One tag that one connection does not read, or not use whole."""

    tag: str
    """The tag; well for what spec.well says."""
    connection: str
    """The connection for which it was rejected."""
    reason: str
    """Why it could not be used and what to do; of a part it begins with that: alarm hi, write,
    stateNames, well.keyTags.
    """


class TagMappingStatus(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """What became of the spec."""

    observed_generation: int | None = None
    """Generation of the spec that this status speaks of."""
    matched_connections: int | None = None
    """Number of connections that this mapping serves."""
    accepted_tags: int | None = None
    """Number of tags that are read."""
    rejected_tags_total: int | None = None
    """Number of tags that could not be used, and of alarms, writes, names of other tags and facts
    of the well that could not.
    """
    rejected_tags: tuple[MappingRejectedTag, ...] = ()
    """The first 50 tags, or parts of tags, that could not be used."""
    conditions: tuple[Condition, ...] = ()
    """What holds and what does not, each with a reason and a sentence."""
