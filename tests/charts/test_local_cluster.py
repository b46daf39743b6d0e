"""What deploy/kind puts together: images, the chart's values, simulated devices, the examples."""

from __future__ import annotations

import ipaddress
import json
import re
from urllib.parse import urlsplit

import pytest
import yaml

from pumpjack_core.manifests.load import load_paths
from tests.charts.helm import Manifest, containers, pods, rendered
from tests.charts.image_dependencies import ROOT

KIND = ROOT / "deploy" / "kind"
VALUES = KIND / "values.yaml"
FIELD = [one for one in yaml.safe_load_all((KIND / "field.yaml").read_text()) if one]
SCRIPT = (KIND / "images.sh").read_text()
OVERLAY = yaml.safe_load((KIND / "kustomization.yaml").read_text())
EXAMPLES, NAMESPACES = ROOT / "examples" / "oilfield", "all-namespaces.yaml"
OURS = "localhost/pumpjack/"


def services() -> dict[str, Manifest]:
    """By the name that a connection gives as its host."""
    return {
        f"{one['metadata']['name']}.{one['metadata']['namespace']}.svc": one
        for one in FIELD
        if one["kind"] == "Service"
    }


def devices() -> dict[str, tuple[str, int, str]]:
    """A connection's id to its host and port in the cluster, and its protocol."""
    files = [(KIND / one).resolve() for one in OVERLAY["resources"]]
    patches = {one["target"]["name"]: json.loads(one["patch"])[0] for one in OVERLAY["patches"]}
    found = {}
    for one in load_paths(files).connections:
        patched = patches[one.metadata.name]["value"]
        port = _port(one.spec)
        if "://" in patched:
            place = urlsplit(patched)
            patched, port = place.hostname, place.port
        found[one.metadata.id] = (patched, port, one.spec.protocol)
    return found


def _port(spec) -> int:
    if spec.modbus_tcp is not None:
        return spec.modbus_tcp.port
    return spec.mqtt.port if spec.mqtt is not None else 0


def simulators() -> dict[str, str]:
    """The id of the connection that it simulates, to its command."""
    return {
        f"{one['metadata']['namespace']}/{one['metadata']['name']}": containers(
            one["spec"]["template"]
        )[0]["command"][-1]
        for one in FIELD
        if one["kind"] == "Deployment" and one["metadata"]["name"] != "broker"
    }


@pytest.mark.peers
def test_every_image_of_the_release_is_built_by_the_script_or_named_in_the_values_of_the_chart():
    parts = re.findall(r"PARTS=\(([^)]*)\)", SCRIPT)[0].split()
    manifests = rendered(VALUES)
    images = {one["image"] for _, pod in pods(manifests) for one in containers(pod)}
    platform = next(
        one["data"]["platform.yaml"] for one in manifests if "platform.yaml" in one.get("data", {})
    )
    images.add(yaml.safe_load(platform)["image"])
    tryout = yaml.safe_load((ROOT / "charts/pumpjack/values.yaml").read_text())["tryout"]
    version = yaml.safe_load((ROOT / "charts/pumpjack/Chart.yaml").read_text())["appVersion"]
    assert images == {f"{OURS}{part}:{version}" for part in parts} | {
        tryout["postgresqlImage"],
        tryout["valkeyImage"],
    }


def test_the_script_completes_every_image_of_the_simulated_field():
    images = {
        container["image"]
        for one in FIELD
        if one["kind"] == "Deployment"
        for container in containers(one["spec"]["template"])
    }
    assert images == {OURS + "cli", "eclipse-mosquitto:2"}
    assert r"image: $NAME/cli\$" in SCRIPT
    assert "s|eclipse-mosquitto:.*|" in SCRIPT


def test_each_connection_has_its_simulator_and_reads_it_or_the_broker_that_it_publishes_to():
    commands = simulators()
    assert commands.keys() == devices().keys()
    for connection, (host, port, protocol) in devices().items():
        namespace, name = connection.split("/")
        service = services()[host]
        assert service["metadata"]["namespace"] == namespace
        assert [one["port"] for one in service["spec"]["ports"]] == [port]
        assert f"pumpjack simulate {protocol} --connection {name} " in commands[connection]
        place = "--host 0.0.0.0" if protocol != "mqtt" else f"--broker {host.split('.')[0]}:{port}"
        assert f" {place} " in commands[connection]


def test_a_service_of_the_field_hands_on_to_a_port_that_its_pod_opens():
    templates = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]["template"]
        for one in FIELD
        if one["kind"] == "Deployment"
    }
    for one in services().values():
        (port,) = one["spec"]["ports"]
        name = one["spec"]["selector"]["app"]
        template = templates[one["metadata"]["namespace"], name]
        assert template["metadata"]["labels"]["app"] == name
        opened = {each["name"]: each["containerPort"] for each in containers(template)[0]["ports"]}
        assert opened[port["targetPort"]] == port["port"]


def test_each_tenant_reaches_its_own_devices_and_none_of_the_others():
    tenants = yaml.safe_load(VALUES.read_text())["tenants"]
    networks = {
        name: [ipaddress.ip_network(one) for one in rules["deviceNetworks"]]
        for name, rules in tenants.items()
    }
    owner = {name: tenant for tenant, rules in tenants.items() for name in rules["namespaces"]}
    for service in services().values():
        address = ipaddress.ip_address(service["spec"]["clusterIP"])
        reached_by = {
            tenant for tenant, of in networks.items() if any(address in one for one in of)
        }
        assert reached_by == {owner[service["metadata"]["namespace"]]}


def test_the_tenants_of_the_chart_are_those_of_the_namespaces_and_of_the_examples():
    tenants = yaml.safe_load(VALUES.read_text())["tenants"]
    owner = {name: tenant for tenant, rules in tenants.items() for name in rules["namespaces"]}
    for file in (KIND / "tenants.yaml", EXAMPLES / NAMESPACES):
        labelled = {
            one["metadata"]["name"]: one["metadata"]["labels"]["pumpjack.dev/tenant"]
            for one in yaml.safe_load_all(file.read_text())
            if "pumpjack.dev/tenant" in one["metadata"].get("labels", {})
        }
        assert labelled == owner


def test_all_of_the_example_field_is_in_the_cluster():
    listed = {(KIND / one).resolve() for one in OVERLAY["resources"]}
    assert listed == set(EXAMPLES.glob("*.yaml")) - {EXAMPLES / NAMESPACES}
