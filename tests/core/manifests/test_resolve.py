from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.manifests.objects import Metadata, ScadaConnection, TagMapping
from pumpjack_core.manifests.resolve import Resolution, resolve, worker_configs
from pumpjack_core.manifests.types import ScadaConnectionSpec, TagMappingSpec
from pumpjack_core.tags import Tag

TENANTS = {"ops": "permian", "lab": "permian", "other": "bakken"}


def connection(
    name: str = "plc",
    namespace: str = "ops",
    created_us: int | None = None,
    labels: dict[str, str] | None = None,
    **spec: Any,
) -> ScadaConnection:
    given = {"protocol": "modbus-tcp", "modbusTcp": {"host": "plc"}, **spec}
    return ScadaConnection(
        Metadata(name, namespace, labels or {}, created_us),
        msgspec.convert(given, ScadaConnectionSpec),
    )


def mapping(
    *tags: dict[str, Any],
    name: str = "map",
    namespace: str = "ops",
    created_us: int | None = None,
    well: str = "w1",
    ref: str | None = "plc",
    labels: dict[str, str] | None = None,
) -> TagMapping:
    which: dict[str, Any] = (
        {"connectionSelector": {"matchLabels": labels}}
        if labels
        else {"connectionRef": {"name": ref}}
    )
    given = {"wellId": well, "tags": list(tags) or [tag()], **which}
    return TagMapping(
        Metadata(name, namespace, {}, created_us), msgspec.convert(given, TagMappingSpec)
    )


def tag(name: str = "oil_rate", address: str = "holding:40001", **more: Any) -> dict[str, Any]:
    return {"name": name, "address": address, **more}


def only_tag(**more: Any) -> Tag:
    (found,) = resolve([connection()], [mapping(tag(**more))], TENANTS).connections
    return found.tags.tags[0]


def reasons(resolution: Resolution) -> list[tuple[str, str, str]]:
    return [
        (lost.connection, lost.mapping, lost.reason)
        for found in resolution.mappings
        for lost in found.rejected
    ]


def test_a_tag_takes_over_what_the_mapping_says() -> None:
    found = only_tag(
        dataType="int16",
        unit="psi",
        scale=2.0,
        offset=-1.0,
        range={"min": 0.0, "max": 5.0},
        anomaly={"zScore": 4.0, "window": 32},
        interval="500ms",
    )
    assert found == Tag(
        well_id="w1",
        name="oil_rate",
        address="holding:40001",
        data_type="int16",
        interval_s=0.5,
        unit="psi",
        scale=2.0,
        offset=-1.0,
        low=0.0,
        high=5.0,
        z_score=4.0,
        z_window=32,
        mapping="ops/map",
    )


def test_without_an_interval_a_tag_is_read_at_the_poll_interval() -> None:
    (found,) = resolve([connection(pollInterval="5m")], [mapping()], TENANTS).connections
    assert found.tags.tags[0].interval_s == 300.0


@pytest.mark.parametrize(
    ("raw", "engineering", "readings"),
    [
        ((0.0, 32767.0), (0.0, 20.0), {0: 0.0, 32767: 20.0}),
        ((4000.0, 20000.0), (-40.0, 120.0), {4000: -40.0, 12000: 40.0, 20000: 120.0}),
        ((0.0, 100.0), (20.0, 0.0), {0: 20.0, 25: 15.0, 100: 0.0}),
    ],
)
def test_two_ranges_become_scale_and_offset(
    raw: tuple[float, float], engineering: tuple[float, float], readings: dict[int, float]
) -> None:
    found = only_tag(
        rawRange=dict(zip(("min", "max"), raw, strict=True)),
        engineeringRange=dict(zip(("min", "max"), engineering, strict=True)),
    )
    for sent, meant in readings.items():
        assert sent * found.scale + found.offset == pytest.approx(meant)


def test_labels_and_the_name_fill_the_templates() -> None:
    made = connection(name="pad-7", labels={"unit": "3", "example.com/pad": "7"})
    asks = mapping(
        tag(address="holding:40001;unit={{ labels.unit }}"),
        ref="pad-7",
        well="{{name}}-{{labels.example.com/pad}}.{{  labels.unit  }}",
    )
    (found,) = resolve([made], [asks], TENANTS).connections
    assert found.tags.wells == ("pad-7-7.3",)
    assert found.tags.tags[0].address == "holding:40001;unit=3"


@pytest.mark.parametrize(
    ("well", "reason"),
    [
        ("{{ labels.unit }}", "connection ops/plc has no label unit (it has: pad); add the label"),
        ("{{ metadata.name }}", "{{ metadata.name }} is not known; write {{ labels.KEY }}"),
        ("{{ labels.pad | upper }}", "has no label pad | upper"),
        ("{{ labels.pad", "has a {{ or }} without its other half"),
        ("labels.pad }}", "has a {{ or }} without its other half"),
        ("{{}}", "{{  }} is not known"),
        ("-{{ name }}", '"-plc" cannot be a well id'),
        ("pad 7", '"pad 7" cannot be a well id'),
        ("{{ labels.pad }}", '"" cannot be a well id'),
        ("w" * 129, "cannot be a well id: 1 to 128 letters"),
    ],
)
def test_a_well_id_that_cannot_be_made_rejects_the_tags_with_the_reason(
    well: str, reason: str
) -> None:
    made = connection(labels={"pad": ""})
    asks = mapping(tag("a"), tag("b"), well=well)
    resolution = resolve([made], [asks], TENANTS)
    assert [lost.tag for lost in resolution.mappings[0].rejected] == ["a", "b"]
    assert all(reason in told for _, _, told in reasons(resolution)), reasons(resolution)
    assert len(resolution.connections[0].tags) == 0


def test_a_template_rejects_only_the_tags_and_connections_that_it_cannot_be_filled_for() -> None:
    made = [
        connection(name="one", labels={"pad": "7", "unit": "1"}),
        connection(name="two", labels={"pad": "7"}),
    ]
    asks = mapping(
        tag("a", "holding:40001;unit={{ labels.unit }}"),
        tag("b"),
        labels={"pad": "7"},
        well="{{ name }}",
    )
    resolution = resolve(made, [asks], TENANTS)
    read = {
        found.connection.metadata.name: [tag.name for tag in found.tags.tags]
        for found in resolution.connections
    }
    assert read == {"one": ["a", "b"], "two": ["b"]}
    assert "has no label unit" in reasons(resolution)[0][2]
    assert (resolution.mappings[0].accepted, len(resolution.mappings[0].rejected)) == (3, 1)


@pytest.mark.parametrize("value", ["", "x" * 513])
def test_an_address_that_its_labels_make_empty_or_too_long_is_rejected(value: str) -> None:
    made = connection(labels={"where": value})
    asks = mapping(tag(address="{{ labels.where }}"))
    ((_, _, reason),) = reasons(resolve([made], [asks], TENANTS))
    assert f"the address has {len(value)} characters" in reason


def test_text_cannot_be_stored_and_costs_only_itself() -> None:
    asks = mapping(tag("a", dataType="text"), tag("b"))
    resolution = resolve([connection()], [asks], TENANTS)
    assert [found.name for found in resolution.connections[0].tags.tags] == ["b"]
    assert "a tag of type text cannot be stored yet" in reasons(resolution)[0][2]


def test_ranges_that_give_no_finite_scale_are_rejected() -> None:
    asks = mapping(
        tag(rawRange={"min": 0.0, "max": 5e-324}, engineeringRange={"min": 0.0, "max": 1e300})
    )
    ((_, _, reason),) = reasons(resolve([connection()], [asks], TENANTS))
    assert reason == "rawRange is too narrow for engineeringRange; widen it"


def test_a_mapping_serves_only_connections_of_its_own_namespace() -> None:
    made = [connection(), connection(namespace="lab"), connection(namespace="other")]
    resolution = resolve(made, [mapping()], TENANTS)
    assert resolution.mappings[0].connections == ("ops/plc",)


def test_a_selector_wants_all_of_its_labels() -> None:
    made = [
        connection(name="a", labels={"pad": "7"}),
        connection(name="b", labels={"pad": "7", "lift": "rod"}),
        connection(name="c", labels={"pad": "8", "lift": "rod"}),
    ]
    asks = mapping(labels={"pad": "7", "lift": "rod"})
    assert resolve(made, [asks], TENANTS).mappings[0].connections == ("ops/b",)


@pytest.mark.parametrize(
    ("asks", "problem"),
    [
        (mapping(ref="plx"), "there is no ScadaConnection ops/plx; did you mean plc?"),
        (
            mapping(labels={"pad": "7", "lift": "rod"}),
            "no ScadaConnection in namespace ops has the labels lift=rod, pad=7",
        ),
    ],
)
def test_a_mapping_that_serves_nothing_says_why(asks: TagMapping, problem: str) -> None:
    (found,) = resolve([connection()], [asks], TENANTS).mappings
    assert (found.problem, found.accepted, found.rejected) == (problem, 0, ())


def test_of_two_claims_the_older_connection_wins_and_the_loser_learns_who_won() -> None:
    made = [
        connection(name="new", created_us=2),
        connection(name="old", namespace="lab", created_us=1),
    ]
    asks = [
        mapping(name="from-new", ref="new", created_us=1),
        mapping(name="from-old", ref="old", namespace="lab", created_us=9),
    ]
    resolution = resolve(made, asks, TENANTS)
    read = {found.connection.metadata.id: len(found.tags) for found in resolution.connections}
    assert read == {"lab/old": 1, "ops/new": 0}
    assert reasons(resolution) == [
        (
            "ops/new",
            "ops/from-new",
            "well w1 has its oil_rate already, from connection lab/old by mapping lab/from-old, "
            "which is older or first by name; rename the tag or remove one of the two",
        )
    ]


def test_of_two_mappings_of_one_connection_the_older_wins() -> None:
    asks = [mapping(name="a", created_us=2), mapping(name="b", created_us=1)]
    resolution = resolve([connection()], asks, TENANTS)
    assert [lost[1] for lost in reasons(resolution)] == ["ops/a"]


def test_without_creation_times_the_first_by_name_wins() -> None:
    asks = [mapping(name="b"), mapping(name="a")]
    assert [lost[1] for lost in reasons(resolve([connection()], asks, TENANTS))] == ["ops/b"]


def test_an_object_with_a_creation_time_is_older_than_one_without() -> None:
    asks = [mapping(name="a"), mapping(name="b", created_us=9)]
    assert [lost[1] for lost in reasons(resolve([connection()], asks, TENANTS))] == ["ops/a"]


def test_tenants_never_compete() -> None:
    made = [connection(), connection(namespace="other")]
    asks = [mapping(), mapping(namespace="other")]
    assert reasons(resolve(made, asks, TENANTS)) == []


def test_a_tag_that_cannot_be_used_claims_nothing() -> None:
    asks = [mapping(tag(dataType="text"), name="a"), mapping(name="b")]
    resolution = resolve([connection()], asks, TENANTS)
    assert [found.mapping for found in resolution.connections[0].tags.tags] == ["ops/b"]


def test_a_namespace_without_a_tenant_refuses_its_connections_and_tags_with_a_sentence() -> None:
    made, asks = connection(namespace="stray"), mapping(namespace="stray")
    resolution = resolve([made], [asks], TENANTS)
    assert resolution.connections == ()
    (refused,) = resolution.refused
    assert refused.reason == (
        "namespace stray belongs to no tenant; "
        "the platform must label it pumpjack.dev/tenant: <tenant>"
    )
    assert [lost.reason for lost in resolution.mappings[0].rejected] == [refused.reason]


def test_a_suspended_connection_keeps_its_tags_and_claims() -> None:
    made = [connection(name="a", suspend=True), connection(name="b")]
    asks = [mapping(name="a", ref="a"), mapping(name="b", ref="b")]
    resolution = resolve(made, asks, TENANTS)
    assert [len(found.tags) for found in resolution.connections] == [1, 0]


def test_a_worker_is_told_its_tenant_tags_and_networks() -> None:
    resolution = resolve([connection(), connection(namespace="other")], [mapping()], TENANTS)
    configs = worker_configs(resolution, {"permian": ["10.1.0.0/16"]})
    assert list(configs) == ["ops/plc", "other/plc"]
    mine = configs["ops/plc"]
    assert mine.connection.tenant_id == "permian"
    assert mine.connection.allowed_networks == ("10.1.0.0/16",)
    assert mine.connection.tags_hash == mine.tags.hash
    assert configs["other/plc"].connection.allowed_networks == ()
    assert len(configs["other/plc"].tags) == 0


NAMES = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.sampled_from(["ops", "lab", "other", "stray"])
TIMES = st.none() | st.integers(0, 2)
LABELS = st.dictionaries(st.sampled_from(["pad", "unit"]), st.sampled_from(["1", "2"]))
CONNECTIONS = st.lists(
    st.builds(connection, name=NAMES, namespace=NAMESPACES, created_us=TIMES, labels=LABELS),
    max_size=6,
    unique_by=lambda made: made.metadata.id,
)
ALARMS = st.sampled_from(
    [
        {"condition": "hi", "limit": 9.0, "suppressedBy": {"tag": "gas", "states": [0]}},
        {"condition": "deviation", "limit": 9.0, "from": "oil"},
        {"condition": "deviation", "limit": 9.0, "from": "water"},
        {"condition": "stale"},
    ]
)
TAGS = st.lists(
    st.builds(
        tag,
        name=st.sampled_from(["oil", "gas"]),
        address=st.sampled_from(["x", "{{ labels.unit }}"]),
        dataType=st.sampled_from(["int16", "text"]),
        alarms=st.lists(ALARMS, max_size=2, unique_by=lambda alarm: alarm["condition"]),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda made: made["name"],
)
MAPPINGS = st.lists(
    st.builds(
        lambda tags, **more: mapping(*tags, **more),
        TAGS,
        name=NAMES,
        namespace=NAMESPACES,
        created_us=TIMES,
        well=st.sampled_from(["w1", "{{ labels.pad }}", "{{ name }}"]),
        ref=NAMES,
        labels=LABELS,
    ),
    max_size=6,
    unique_by=lambda made: made.metadata.id,
)


@given(CONNECTIONS, MAPPINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    made: list[ScadaConnection], asks: list[TagMapping], order: Any
) -> None:
    first = resolve(made, asks, TENANTS)
    order.shuffle(made)
    order.shuffle(asks)
    assert resolve(made, asks, TENANTS) == first


@given(CONNECTIONS, MAPPINGS)
def test_every_tag_of_a_well_has_exactly_one_reader_in_its_tenant(
    made: list[ScadaConnection], asks: list[TagMapping]
) -> None:
    resolution = resolve(made, asks, TENANTS)
    claims = [
        (found.tenant, tag.well_id, tag.name)
        for found in resolution.connections
        for tag in found.tags.tags
    ]
    assert len(claims) == len(set(claims))


@given(CONNECTIONS, MAPPINGS)
def test_no_tag_is_lost_without_a_reason(
    made: list[ScadaConnection], asks: list[TagMapping]
) -> None:
    resolution = resolve(made, asks, TENANTS)
    for found in resolution.mappings:
        offered = len(found.mapping.spec.tags) * len(found.connections)
        assert found.accepted + sum(not one.is_read for one in found.rejected) == offered
        assert (found.problem is None) == bool(found.connections)
    read = sum(len(found.tags) for found in resolution.connections)
    assert read == sum(found.accepted for found in resolution.mappings)
    lost = [
        one for found in (*resolution.connections, *resolution.refused) for one in found.rejected
    ]
    assert sorted(lost, key=repr) == sorted(
        (one for found in resolution.mappings for one in found.rejected), key=repr
    )
    assert all(one.reason for one in lost)


@given(CONNECTIONS, MAPPINGS)
def test_an_alarm_names_only_tags_that_its_connection_reads_of_its_well(
    made: list[ScadaConnection], asks: list[TagMapping]
) -> None:
    declared = {asked.metadata.id: {one.name: one for one in asked.spec.tags} for asked in asks}
    for found in resolve(made, asks, TENANTS).connections:
        read = {(tag.well_id, tag.name) for tag in found.tags.tags}
        for tag in found.tags.tags:
            for alarm in tag.alarms:
                for named in (alarm.from_tag, alarm.suppressed_by):
                    assert not named or (tag.well_id, named) in read
            told = [alarm.condition for alarm in tag.alarms]
            parts = [
                one.part
                for one in found.rejected
                if (one.mapping, one.tag) == (tag.mapping, tag.name)
            ]
            for alarm in declared[tag.mapping][tag.name].alarms:
                assert alarm.condition in told or f"alarm {alarm.condition}" in parts


@pytest.mark.parametrize(
    ("spec", "more", "stale_s"),
    [
        ({}, {}, None),
        ({"protocol": "opcua", "opcua": {"endpoint": "opc.tcp://plc"}}, {"interval": "5s"}, 0.0),
        ({"protocol": "mqtt", "mqtt": {"host": "b"}}, {}, 300.0),
        ({"protocol": "mqtt", "mqtt": {"host": "b", "staleAfter": "1m"}}, {}, 60.0),
        ({"protocol": "mqtt", "mqtt": {"host": "b"}}, {"interval": "20s"}, None),
    ],
    ids=["polled", "told by keep-alive", "as MQTT has it", "as spec.mqtt says", "as the tag says"],
)
def test_after_how_long_a_tag_is_stale_is_the_protocols_to_say(spec, more, stale_s):
    plc = connection()
    given = {"protocol": "modbus-tcp", "modbusTcp": {"host": "plc"}, **spec}
    if spec:
        del given["modbusTcp"]
    plc = ScadaConnection(plc.metadata, msgspec.convert(given, ScadaConnectionSpec))
    (found,) = resolve([plc], [mapping(tag(**more))], TENANTS).connections
    assert found.tags.tags[0].stale_s == stale_s
