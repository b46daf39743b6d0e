"""Which devices a tenant's connections may name, and which may be written."""

from __future__ import annotations

import pytest

from pumpjack_operator.access import refusal, write_refusal
from pumpjack_operator.platform import Platform, Rules
from pumpjack_operator.specs.stateful_set import STORES_ANNOTATION, stateful_set
from tests.operator.wells import wanted

PLATFORM = Platform(
    image="w",
    tenants={
        "permian": Rules(("10.1.0.0/16", "fd00:1::/32"), ("10.1.7.0/24",)),
        "bakken": Rules(("10.2.0.0/16",), ("10.2.0.0/15",)),
        "anywhere": Rules(("0.0.0.0/0", "::/0")),
    },
    reserved_networks=("10.1.250.0/24", "10.96.0.0/12", "10.244.0.0/16"),
)
API_SERVER, POD = "10.96.0.1", "10.244.3.7"


def refused(spec: dict[str, object], tenant: str = "permian") -> str | None:
    return refusal(wanted(spec).connection, tenant, PLATFORM)


def at(host: str, **more: object) -> dict[str, object]:
    return {"modbusTcp": {"host": host}, **more}


def opcua(endpoint: str) -> dict[str, object]:
    return {"protocol": "opcua", "modbusTcp": None, "opcua": {"endpoint": endpoint}}


CRAFTED = {
    "the other tenant's PLC": (at("10.2.7.20"), "10.2.7.20 is in no network"),
    "the API server": (at(API_SERVER), "belongs to the cluster itself"),
    "a pod": (at(POD), "belongs to the cluster itself"),
    "a reserved range within the tenant's own": (at("10.1.250.9"), "belongs to the cluster"),
    "the cloud's metadata service": (at("169.254.169.254"), "link-local"),
    "the same, as IPv6 writes IPv4": (at("::ffff:169.254.169.254"), "link-local"),
    "the same, as one number": (at("2852039166"), "link-local"),
    "the same, in hexadecimal": (at("0xa9fea9fe"), "link-local"),
    "link-local by IPv6": (at("fe80::1"), "link-local"),
    "the worker's own pod": (at("127.0.0.1"), "the worker's own pod"),
    "the same, cut short": (at("127.1"), "the worker's own pod"),
    "the same by IPv6": (at("::1"), "the worker's own pod"),
    "the address that stands for all": (at("0.0.0.0"), "no address that one device has"),
    "many devices at once": (at("224.0.0.1"), "no address that one device has"),
    "an endpoint whose login looks like its host": (
        opcua("opc.tcp://10.1.7.20:4840@169.254.169.254:80"),
        "169.254.169.254 is link-local",
    ),
    "an endpoint without a host that can be read": (
        opcua("opc.tcp://[10.1.7.20/x"),
        "endpoint cannot be read",
    ),
    "an endpoint with a port that is none": (
        opcua("opc.tcp://10.1.7.20:99999"),
        "endpoint cannot be read",
    ),
    "a broker of the other tenant": (
        {"protocol": "mqtt", "modbusTcp": None, "mqtt": {"host": "10.2.0.1"}},
        "in no network that the tenant may reach",
    ),
}


@pytest.mark.parametrize(("spec", "why"), CRAFTED.values(), ids=list(CRAFTED))
def test_a_connection_that_points_elsewhere_is_refused(spec, why):
    said = refused(spec)
    assert said is not None
    assert why in said
    assert "10.2.0.0" not in said, "what another tenant may reach is no one else's to know"


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "0.0.0.0", API_SERVER, "fe80::1"])
def test_a_tenant_that_may_reach_everything_reaches_no_reserved_range(host):
    assert refused(at(host), "anywhere") is not None


@pytest.mark.parametrize("host", ["10.1.7.20", "fd00:1::7", "plc.field", "8.8.8.8"])
def test_its_own_devices_and_names_are_not_refused(host):
    assert refused(at(host), "anywhere" if host == "8.8.8.8" else "permian") is None


def test_a_tenant_that_the_platform_does_not_know_is_told_whom_to_ask():
    said = refused(at("10.1.7.20"), "eagleford")
    assert said is not None
    assert "lists no network for tenant eagleford" in said
    assert "platform team" in said


WRITES = {
    "within what may be written": ("10.1.7.20", "permian", None),
    "only to be read": ("10.1.8.20", "permian", "10.1.8.20 is not in 10.1.7.0/24, where commands"),
    "a name, where not everything may be written": (
        "plc.field",
        "permian",
        "is a name that can stand for addresses outside",
    ),
    "a name, where all that it can be may be written": ("plc.field", "bakken", None),
    "a tenant that may write nothing": (
        "8.8.8.8",
        "anywhere",
        "there is no network where commands",
    ),
}


@pytest.mark.parametrize(("host", "tenant", "why"), WRITES.values(), ids=list(WRITES))
def test_writing_needs_the_platforms_word_for_that_network_and_reading_goes_on_without(
    host, tenant, why
):
    spec = at(host, writes={"enabled": True})
    said = write_refusal(wanted(spec).connection, tenant, PLATFORM)
    assert said is None if why is None else why in (said or "")
    assert refused(spec, tenant) is None
    assert write_refusal(wanted(at(host)).connection, tenant, PLATFORM) is None


def test_a_connection_that_may_not_run_at_all_is_told_that_alone():
    spec = at("169.254.169.254", writes={"enabled": True})
    assert refused(spec) is not None
    assert write_refusal(wanted(spec).connection, "permian", PLATFORM) is None


def test_a_pod_is_made_anew_when_its_logins_change_and_only_then():
    def template(version: str) -> object:
        return stateful_set(wanted(stores_version=version))["spec"]["template"]

    assert template("a") == template("a")
    assert template("a") != template("b")
    assert STORES_ANNOTATION not in str(template(""))
