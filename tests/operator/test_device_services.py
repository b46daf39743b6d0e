"""Devices that are Services of the cluster: the policy opens their pods, and no more."""

from __future__ import annotations

import msgspec
import pytest

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_operator.cluster import Key
from pumpjack_operator.device_services import behind, service_of
from pumpjack_operator.names import child_name
from pumpjack_operator.specs.wanted import Behind
from tests.operator.cluster import answered, eventually, operating, quiet

HOSTS = {
    "by its short name": ("sim.ops.svc", "sim"),
    "by its whole name": ("sim.ops.svc.cluster.local", "sim"),
    "by its name as DNS has it": ("Sim.ops.svc.cluster.local.", "sim"),
    "of another namespace": ("sim.theirs.svc", None),
    "a pod of a Service": ("sim-0.sim.ops.svc", None),
    "a name like one": ("sim.ops.svc.example.com", None),
    "nothing but the ending": ("ops.svc", None),
    "an address": ("10.1.7.20", None),
}


@pytest.mark.parametrize(("host", "name"), HOSTS.values(), ids=HOSTS)
def test_which_hosts_are_a_service_of_the_namespace(host, name):
    spec = msgspec.convert(
        {"protocol": "modbus-tcp", "modbusTcp": {"host": host}}, ScadaConnectionSpec
    )
    assert service_of(spec, "ops") == (None if name is None else Key("ops", name))


PORTS = [{"port": 502, "targetPort": "modbus"}, {"port": 503, "targetPort": 5020}, {"port": 504}]
SPECS = {
    "a port by name": ({}, 502, Behind({"app": "sim"}, "modbus")),
    "another port of the pod": ({}, 503, Behind({"app": "sim"}, 5020)),
    "the same port": ({}, 504, Behind({"app": "sim"}, 504)),
    "a port that it does not have": ({}, 505, None),
    "the same number of UDP": ({"ports": [{"port": 502, "protocol": "UDP"}]}, 502, None),
    "without an address of its own": ({"clusterIP": "None"}, 1502, Behind({"app": "sim"}, 1502)),
    "without pods": ({"selector": None}, 502, None),
    "a name outside": ({"type": "ExternalName"}, 502, None),
}


@pytest.mark.parametrize(("spec", "port", "expected"), SPECS.values(), ids=SPECS)
def test_what_is_behind_a_port_of_a_service(spec, port, expected):
    assert behind({"selector": {"app": "sim"}, "ports": PORTS, **spec}, port) == expected


@pytest.mark.peers
async def test_the_policy_follows_the_service_that_a_connection_names(plane, wells):
    def opened() -> list[object]:
        policy = wells.get("networkpolicies", child_name("pad7")) or {"spec": {"egress": []}}
        return [(rule["to"], rule["ports"][0]["port"]) for rule in policy["spec"]["egress"]]

    def pods(app: str) -> list[object]:
        return [([{"podSelector": {"matchLabels": {"app": app}}}], 5020)]

    by_address = [([{"ipBlock": {"cidr": "10.1.0.0/16"}}], 502)]
    async with operating(plane) as controller:
        wells.connect("pad7", modbusTcp={"host": f"sim.{wells.name}.svc"})
        await eventually(lambda: opened() == by_address)
        ports = [{"port": 502, "targetPort": 5020}]
        made = {"metadata": {"name": "sim"}, "spec": {"selector": {"app": "sim"}, "ports": ports}}
        answered(wells.client.post(wells.path("services"), json=made))
        await eventually(lambda: opened() == pods("sim"))
        wells.patch("services", "sim", {"spec": {"selector": {"app": "other"}}})
        await eventually(lambda: opened() == pods("other"))
        await quiet(controller)
    before = wells.versions()
    async with operating(plane) as controller:
        await quiet(controller)
        assert wells.versions() == before
        wells.delete("services", "sim")
        await eventually(lambda: opened() == by_address)
        wells.connect("pad7", modbusTcp={"host": "10.1.7.20"})
        await eventually(lambda: opened() == [([{"ipBlock": {"cidr": "10.1.7.20/32"}}], 502)])
        await quiet(controller)
        assert not controller._services._followed
