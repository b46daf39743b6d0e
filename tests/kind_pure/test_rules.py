"""The table that the node made here enforces, of policies as kubectl prints them."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from tests.kind.machine import packages, steps
from tests.kind.machine.node.rules import matches, table

WORKER, DATABASE, STRANGER = "10.244.0.5", "10.244.0.6", "10.244.0.7"


def pod(
    address: str,
    namespace: str = "ops",
    *,
    phase: str = "Running",
    host: bool = False,
    **labels: str,
) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": address, "namespace": namespace, "labels": labels},
        "spec": {
            "hostNetwork": host,
            "containers": [{"ports": [{"name": "sql", "containerPort": 5432}]}],
        },
        "status": {"phase": phase, "podIP": address},
    }


def policy(spec: dict[str, Any], namespace: str = "ops") -> dict[str, Any]:
    types = [kind.capitalize() for kind in ("ingress", "egress") if kind in spec]
    return {
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"podSelector": {}, "policyTypes": types, **spec},
    }


def rendered(policies: list[dict[str, Any]], pods: list[dict[str, Any]]) -> str:
    return table(
        {
            "NetworkPolicy": policies,
            "Pod": pods,
            "Namespace": [
                {"metadata": {"name": "ops", "labels": {"team": "a"}}},
                {"metadata": {"name": "stores", "labels": {"team": "b"}}},
            ],
        }
    )


def chain(text: str, name: str) -> list[str]:
    """The lines of a chain."""
    _, _, rest = text.partition(f"chain {name} {{\n")
    body, _, _ = rest.partition("  }")
    return [line.strip() for line in body.splitlines()]


PODS = [
    pod(WORKER, app="worker"),
    pod(DATABASE, "stores", app="database"),
    pod(STRANGER, "stores", app="stranger"),
]
TO_DATABASE = {"podSelector": {"matchLabels": {"app": "database"}}}


def test_a_pod_that_no_policy_selects_may_do_anything() -> None:
    text = rendered([], PODS)

    assert "drop" not in text
    assert "jump" not in text


def test_a_pod_that_is_selected_is_sent_nothing_but_what_a_policy_allows() -> None:
    text = rendered([policy({"ingress": []})], PODS)

    assert chain(text, f"to-{WORKER}") == ["drop"]
    assert f"ip daddr vmap {{ {WORKER} : jump to-{WORKER} }}" in chain(text, "forward")
    assert f"from-{WORKER}" not in text, "it may send"


def test_a_worker_reaches_the_pods_of_its_database_and_no_other() -> None:
    rule = {
        "to": [{"namespaceSelector": {"matchLabels": {"team": "b"}}, **TO_DATABASE}],
        "ports": [{"protocol": "TCP", "port": 5432}],
    }
    text = rendered([policy({"egress": [rule]})], PODS)

    assert chain(text, f"from-{WORKER}") == [f"ip daddr {DATABASE} tcp dport 5432 return", "drop"]


def test_a_peer_without_a_namespace_is_of_the_policys_own() -> None:
    text = rendered([policy({"egress": [{"to": [TO_DATABASE]}]})], PODS)

    assert chain(text, f"from-{WORKER}") == ["drop"]


def test_a_network_but_for_parts_of_it() -> None:
    block = {"cidr": "10.0.0.0/8", "except": ["10.244.0.0/16", "10.96.0.0/12"]}
    text = rendered([policy({"egress": [{"to": [{"ipBlock": block}]}]})], PODS)

    assert chain(text, f"from-{WORKER}") == [
        "ip daddr 10.0.0.0/8 ip daddr != { 10.244.0.0/16, 10.96.0.0/12 } return",
        "drop",
    ]


PORTS = {
    "one": ({"protocol": "TCP", "port": 502}, ["tcp dport 502 return"]),
    "from one to another": ({"port": 500, "endPort": 510}, ["tcp dport 500-510 return"]),
    "all of a protocol": ({"protocol": "UDP"}, ["meta l4proto udp return"]),
    "by the name that the pod gives it": ({"port": "sql"}, ["tcp dport 5432 return"]),
    "by a name that no pod gives": ({"port": "unheard"}, []),
}


@pytest.mark.parametrize(("port", "lines"), PORTS.values(), ids=PORTS)
def test_ports(port: dict[str, Any], lines: list[str]) -> None:
    text = rendered([policy({"ingress": [{"ports": [port]}]})], PODS)

    assert chain(text, f"to-{WORKER}") == [*lines, "drop"]


def test_what_one_of_several_policies_allows_is_allowed() -> None:
    policies = [policy({"ingress": [{"ports": [{"port": port}]}]}) for port in (1, 2)]

    assert chain(rendered(policies, PODS), f"to-{WORKER}") == [
        "tcp dport 1 return",
        "tcp dport 2 return",
        "drop",
    ]


def test_an_empty_rule_allows_everything() -> None:
    assert chain(rendered([policy({"ingress": [{}]})], PODS), f"to-{WORKER}") == ["return", "drop"]


NO_POD_OF_ITS_OWN = {
    "ended": pod(WORKER, phase="Succeeded"),
    "on the node's network": pod(WORKER, host=True),
    "without an address yet": pod(""),
}


@pytest.mark.parametrize("such", NO_POD_OF_ITS_OWN.values(), ids=NO_POD_OF_ITS_OWN)
def test_an_address_that_is_no_pods_is_not_touched(such: dict[str, Any]) -> None:
    assert "drop" not in rendered([policy({"ingress": [], "egress": []})], [such])


def test_what_a_pod_sends_to_the_node_is_asked_too() -> None:
    text = rendered([policy({"egress": []})], PODS)

    assert f"ip saddr vmap {{ {WORKER} : jump from-{WORKER} }}" in chain(text, "input")


SELECTORS: dict[str, tuple[dict[str, Any], bool]] = {
    "everything": ({}, True),
    "a label": ({"matchLabels": {"app": "a"}}, True),
    "another value": ({"matchLabels": {"app": "b"}}, False),
    "in": ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, True),
    "not in": ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
    "not in, absent": (
        {"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a"]}]},
        True,
    ),
    "exists": ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
    "does not exist": ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
}


@pytest.mark.parametrize(("selector", "taken"), SELECTORS.values(), ids=SELECTORS)
def test_selectors(selector: dict[str, Any], *, taken: bool) -> None:
    assert matches(selector, {"app": "a"}) is taken


@pytest.mark.peers
def test_nft_takes_all_of_it() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may ask nft")
    try:
        packages.install({"nft": "nftables"})
    except steps.Impossible as error:
        pytest.skip(f"peer-missing: {error}")
    block = {"cidr": "10.0.0.0/8", "except": ["10.244.0.0/16"]}
    rules = [
        {"to": [{"ipBlock": block}, {"ipBlock": {"cidr": "0.0.0.0/0"}}, TO_DATABASE]},
        {"ports": [{"port": 500, "endPort": 510}, {"protocol": "UDP"}, {"port": 53}]},
    ]
    text = rendered([policy({"egress": rules, "ingress": [{}]})], PODS)

    done = subprocess.run(
        ["unshare", "--net", "nft", "--check", "--file", "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
