"""From the simulated devices to REST and WebSocket, all in the cluster."""

from __future__ import annotations

import json

import pytest

from tests.kind.cluster import Cluster, until
from tests.kind.counting import NAMESPACE, Counting
from tests.kind.gateway import Gateway
from tests.kind.stores import Stores

CONNECTIONS = {
    "permian-ops": ("pad-a", "a3-radio"),
    "bakken-ops": ("b1-plc", "b2-drive"),
}
MORE = "another_counter"


@pytest.mark.parametrize("condition", ["Ready", "Connected", "DataFlowing", "MappingsAccepted"])
def test_kubectl_wait_says_of_each_connection_what_holds(cluster: Cluster, condition: str) -> None:
    for namespace, names in CONNECTIONS.items():
        for name in names:
            cluster.wait(f"condition={condition}", f"scadaconnection/{name}", namespace)


@pytest.mark.parametrize(
    ("tenant", "well"),
    [("permian", "permian-a1"), ("permian", "permian-a3"), ("bakken", "bakken-b2")],
)
def test_readings_come_out_of_rest_and_arrive_over_the_websocket(
    tenant: str, well: str, permian: Gateway, bakken: Gateway
) -> None:
    gateway = {"permian": permian, "bakken": bakken}[tenant]
    assert well in gateway.wells()
    latest = gateway.ask("latest", wellId=well)
    assert latest.status_code == 200, latest.text
    assert latest.json()["readings"]
    history = gateway.ask("readings", wellId=well)
    assert history.status_code == 200, history.text
    assert history.json()["readings"]
    assert gateway.live(well, "subscribed")["latest"]
    assert gateway.live(well, "readings")["tenantId"] == tenant


def test_what_a_device_sent_is_stored_once_and_in_order(counting: Counting) -> None:
    counting.goes_on()
    counting.check()


def test_a_tag_added_to_a_mapping_flows_and_the_pod_stays(
    counting: Counting, cluster: Cluster, stores: Stores
) -> None:
    uid = counting.uid()
    mapping = cluster.get("tagmapping", counting.name, NAMESPACE)
    (first,) = mapping["spec"]["tags"]
    tags = [first, {**first, "name": MORE}]
    patch = {"spec": {"tags": tags}}
    _patch(cluster, counting.name, patch)
    try:
        until("the new tag's readings are stored", lambda: stores.values(counting.id, MORE))
        assert counting.uid() == uid
        counting.check()
    finally:
        _patch(cluster, counting.name, {"spec": {"tags": [first]}})


def _patch(cluster: Cluster, name: str, patch: dict[str, object]) -> None:
    cluster.kubectl(
        *("-n", NAMESPACE, "patch", "tagmapping", name, "--type=merge", "-p", json.dumps(patch))
    )
