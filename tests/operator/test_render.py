"""What the operator makes of one connection."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core import config
from pumpjack_core.errors import ManifestError
from pumpjack_operator import names, platform
from pumpjack_operator.platform import Peer, Platform, Rules
from pumpjack_operator.render import render
from pumpjack_operator.specs import config_maps
from pumpjack_operator.specs.wanted import Behind
from tests.operator.wells import PLATFORM, of_kind, only, wanted

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True)


@given(NAMES)
def test_every_connection_has_children_with_names_that_kubernetes_takes(name):
    child = names.child_name(name)
    assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", child)
    assert len(child) <= names.MOST_CHARACTERS


@given(NAMES, NAMES)
def test_two_connections_never_share_a_child(one, other):
    assert (names.child_name(one) == names.child_name(other)) == (one == other)


def test_a_name_that_looks_like_anothers_cut_one_is_not_mistaken_for_it():
    cut = names.child_name("pad.7")
    assert names.child_name(cut.removeprefix("scada-").lstrip("-")) != cut


def test_children_belong_to_their_connection_and_do_not_bear_its_labels():
    for child in render(wanted()):
        metadata = child["metadata"]
        if child["kind"] in ("PersistentVolumeClaim", "NetworkPolicy"):  # its worker still drains
            assert "ownerReferences" not in metadata
        else:
            (owner,) = metadata["ownerReferences"]
            assert (owner["kind"], owner["name"]) == ("ScadaConnection", "pad7-plc")
        assert metadata["annotations"] == {"pumpjack.dev/connection": "pad7-plc"}
        assert not {"argocd.argoproj.io/instance", "pad"} & metadata["labels"].keys()


def test_the_worker_is_told_what_was_resolved(tmp_path: Path):
    given = wanted(tags=200)
    for child in of_kind(render(given), "ConfigMap"):
        for name, content in child["binaryData"].items():
            (tmp_path / name).write_bytes(base64.b64decode(content))
    assert config.load(tmp_path) == given.config


def test_a_table_that_grows_needs_no_other_pod(monkeypatch):
    small = render(wanted(tags=1))
    monkeypatch.setattr(config, "MOST_FILE_BYTES", 400)
    large = render(wanted(tags=300))
    assert len(of_kind(large, "ConfigMap")) > len(of_kind(small, "ConfigMap"))
    assert only(large, "StatefulSet") == only(small, "StatefulSet")


def test_more_tags_than_a_worker_can_be_told_are_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(config, "MOST_FILE_BYTES", 10)
    with pytest.raises(ManifestError, match=r"3 tags.*divide them"):
        monkeypatch.setattr(config_maps, "MOST_PARTS", 2)
        render(wanted(tags=3))


def test_the_journal_survives_the_pod_unless_the_connection_says_otherwise():
    claim = only(render(wanted({"journal": {"size": "2Gi"}})), "PersistentVolumeClaim")
    assert claim["spec"]["resources"]["requests"]["storage"] == "2624Mi"
    lost = render(wanted({"journal": {"storage": "emptyDir"}}))
    assert of_kind(lost, "PersistentVolumeClaim") == []
    volumes = only(lost, "StatefulSet")["spec"]["template"]["spec"]["volumes"]
    assert [volume["name"] for volume in volumes if "emptyDir" in volume] == ["journal"]


def test_a_secret_is_mounted_only_when_it_is_one_for_devices():
    spec = {"credentialsSecretRef": {"name": "login"}}
    without = only(render(wanted(spec)), "StatefulSet")["spec"]["template"]["spec"]
    assert "login" not in str(without)
    mounted = only(render(wanted(spec, secret="login")), "StatefulSet")["spec"]["template"]["spec"]
    (volume,) = [volume for volume in mounted["volumes"] if volume["name"] == "device"]
    assert volume["secret"]["secretName"] == "login"
    assert volume["secret"]["optional"] is True, "a Secret that is gone must not stop a restart"


def test_placement_is_all_that_a_tenant_says_of_the_pod():
    spec = {
        "placement": {
            "nodeSelector": {"site": "west"},
            "tolerations": [{"key": "edge", "operator": "Exists"}],
            "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}},
        }
    }
    pod = only(render(wanted(spec)), "StatefulSet")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"site": "west"}
    assert pod["tolerations"] == [{"key": "edge", "operator": "Exists"}]
    assert pod["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "1Gi"},
    }


def egress(spec=None, **more):
    policy = only(render(wanted(spec, **more)), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    return policy["egress"][1 + len(PLATFORM.stores) :]


DEVICES = {
    "an address is opened by itself": ("10.1.7.20", [("10.1.7.20/32", 502)]),
    "a name by what its tenant may reach, without the reserved ranges": (
        "plc-7.field",
        [(str(cidr), 502) for cidr in PLATFORM.device_networks("permian")],
    ),
    "an address that its tenant may not reach is not opened": ("10.2.0.1", []),
    "the cloud's metadata service is not opened": ("169.254.169.254", []),
    "a reserved range is not opened": ("10.1.250.7", []),
}


@pytest.mark.parametrize(("host", "opened"), DEVICES.values(), ids=DEVICES)
def test_the_way_to_the_device(host, opened):
    rules = egress({"modbusTcp": {"host": host}})
    found = [
        (to["ipBlock"]["cidr"], rule["ports"][0]["port"]) for rule in rules for to in rule["to"]
    ]
    assert found == opened


PORTS = {
    "modbus-tcp": ({"modbusTcp": {"host": "10.1.7.20", "port": 1502}}, 1502),
    "opcua": ({"opcua": {"endpoint": "opc.tcp://10.1.7.20/plc"}}, 4840),
    "opcua with a port": ({"opcua": {"endpoint": "opc.tcp://10.1.7.20:48010"}}, 48010),
    "mqtt": ({"mqtt": {"host": "10.1.7.20"}}, 8883),
    "mqtt without TLS": ({"mqtt": {"host": "10.1.7.20", "tls": False}}, 1883),
}


@pytest.mark.parametrize(("member", "port"), PORTS.values(), ids=PORTS)
def test_the_port_of_the_device(member, port):
    (name,) = member
    protocol = {"modbusTcp": "modbus-tcp"}.get(name, name)
    (rule,) = egress({"protocol": protocol, "modbusTcp": None, **member})
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]


def test_a_device_within_the_cluster_is_reached_by_its_pods():
    (rule,) = egress(
        {"modbusTcp": {"host": "sim.permian-ops.svc"}}, service=Behind({"app": "sim"}, "modbus")
    )
    assert rule["to"] == [{"podSelector": {"matchLabels": {"app": "sim"}}}]
    assert rule["ports"] == [{"protocol": "TCP", "port": "modbus"}]


def test_only_those_who_watch_may_ask_a_worker():
    (rule,) = only(render(wanted()), "NetworkPolicy")["spec"]["ingress"]
    assert rule["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "pumpjack"}},
            "podSelector": {"matchLabels": {"app": "operator"}},
        }
    ]
    nobody = msgspec.structs.replace(PLATFORM, watchers=())
    assert only(render(wanted(platform=nobody)), "NetworkPolicy")["spec"]["ingress"] == []


def test_what_the_platform_says_is_read_and_a_wrong_key_is_named(tmp_path: Path):
    file = tmp_path / "platform.yaml"
    file.write_bytes(msgspec.yaml.encode(PLATFORM))
    assert platform.read(file) == PLATFORM
    file.write_text("image: w\ntenants: {permian: {deviceNetwork: [10.1.0.0/16]}}\n")
    with pytest.raises(ManifestError, match="deviceNetwork"):
        platform.read(file)
    file.write_text("image: w\ntenants: {permian: {deviceNetworks: [10.1.7.20/16]}}\n")
    with pytest.raises(ManifestError, match=r"tenants\.permian: 10\.1\.7\.20/16 has host bits set"):
        platform.read(file)
    file.write_text("image: w\nstores: [{port: 5432}]\n")
    with pytest.raises(ManifestError, match="exactly one of cidr and namespace"):
        platform.read(file)


def test_a_tenant_that_the_platform_does_not_know_reaches_nothing():
    assert Platform(image="w").device_networks("permian") == ()


def test_a_reserved_range_that_is_listed_for_a_tenant_is_reached():
    found = Platform(image="w", tenants={"lab": Rules(("127.0.0.0/8", "0.0.0.0/0"))})
    networks = found.device_networks("lab")
    assert "127.0.0.0/8" in networks
    assert "169.254.0.0/16" not in networks
    assert Peer(53, cidr="10.0.0.10/32").pods == {}
