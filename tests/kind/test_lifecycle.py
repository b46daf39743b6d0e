"""Connections come and go, the operator's replicas take over from one another."""

from __future__ import annotations

import secrets

import pytest

from tests.kind.cluster import RELEASE, Cluster, Failed, until
from tests.kind.counting import NAMESPACE, Counting
from tests.kind.stores import Stores

CHILDREN = (
    "statefulsets,pods,configmaps,services,serviceaccounts,networkpolicies,persistentvolumeclaims"
)


def test_a_deleted_connection_is_drained_and_then_gone(cluster: Cluster, stores: Stores) -> None:
    leaving = Counting(cluster, stores, f"leaving-{secrets.token_hex(3)}")
    leaving.begin()
    try:
        leaving.goes_on()
        leaving.silence()
        sent = stores.values(leaving.id, "message_counter")
        leaving.remove_connection()
        labels = f"pumpjack.dev/child-of=scada-{leaving.name}"
        until(
            "its children are gone", lambda: not cluster.names(CHILDREN, NAMESPACE, labels) or None
        )
        stored = leaving.stored()
        assert set(sent) <= set(stored)
        assert len(stored) == len(set(stored))
        assert stored == [float(one) for one in range(int(stored[0]), int(stored[-1]) + 1)]
    finally:
        leaving.end()


def test_another_replica_of_the_operator_takes_over(cluster: Cluster, counting: Counting) -> None:
    before = _holder(cluster)
    cluster.kubectl("-n", RELEASE, "delete", "pod", before, "--grace-period=0", "--force")
    after = until(
        "another replica acts", lambda: holder if (holder := _holder(cluster)) != before else None
    )
    assert after != before
    uid = counting.uid()
    suspend = ("patch", "scadaconnection", counting.name, "--type=merge", "-p")
    cluster.kubectl("-n", NAMESPACE, *suspend, '{"spec":{"suspend":true}}')
    until(
        "the new one acts: it is suspended",
        lambda: _reason(cluster, counting.name, "Ready") == "Suspended",
    )
    cluster.kubectl("-n", NAMESPACE, *suspend, '{"spec":{"suspend":false}}')
    cluster.wait("condition=DataFlowing", f"scadaconnection/{counting.name}", NAMESPACE)
    counting.goes_on()
    counting.check()
    assert uid


def test_a_connection_to_the_plc_of_another_tenant_is_never_made(cluster: Cluster) -> None:
    spec = {"protocol": "modbus-tcp", "modbusTcp": {"host": "10.96.0.177", "port": 15021}}
    about = {"name": "crafted", "namespace": NAMESPACE}
    cluster.apply(
        {
            "apiVersion": "pumpjack.dev/v1alpha1",
            "kind": "ScadaConnection",
            "metadata": about,
            "spec": spec,
        }
    )
    try:
        until("it is refused", lambda: _reason(cluster, "crafted", "Ready") == "Refused")
        with pytest.raises(Failed, match="not found"):
            cluster.get("statefulset", "scada-crafted", NAMESPACE)
    finally:
        cluster.kubectl("-n", NAMESPACE, "delete", "scadaconnection", "crafted")


def _holder(cluster: Cluster) -> str:
    return str(cluster.get("lease", "pumpjack-operator", RELEASE)["spec"]["holderIdentity"])


def _reason(cluster: Cluster, name: str, condition: str) -> str:
    found = cluster.get("scadaconnection", name, NAMESPACE).get("status", {}).get("conditions", [])
    return next((one["reason"] for one in found if one["type"] == condition), "")
