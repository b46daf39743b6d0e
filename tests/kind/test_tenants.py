"""Two tenants in one cluster: each sees its own wells, whatever way it tries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kind.cluster import Cluster, Failed
from tests.kind.counting import Counting
from tests.kind.gateway import Gateway
from tests.kind.stores import Stores

THEIRS = "permian-a1"
OWN = "bakken-b1"


def test_rest_lists_and_answers_of_a_tenants_own_wells_only(
    permian: Gateway, bakken: Gateway
) -> None:
    assert OWN in bakken.wells()
    assert not bakken.wells() & permian.wells()
    for what in ("latest", "readings", "aggregates"):
        assert bakken.ask(what, wellId=OWN).status_code == 200
        assert bakken.ask(what, wellId=THEIRS).status_code == 404


def test_the_websocket_refuses_a_well_of_another_tenant_as_if_it_did_not_exist(
    bakken: Gateway,
) -> None:
    theirs, nobodys = bakken.live(THEIRS, "error"), bakken.live("no-such-well", "error")
    assert theirs["code"] == nobodys["code"] == "FORBIDDEN_WELL"
    assert theirs["message"].replace(THEIRS, "") == nobodys["message"].replace("no-such-well", "")


def test_a_workers_database_login_reads_nothing_and_knows_no_connection_of_another_tenant(
    stores: Stores,
) -> None:
    assert stores.ask_as("bakken-ops", "SELECT 1") == [["1"]]
    for sql in (
        "SELECT count(*) FROM pumpjack.reading",
        "SELECT pumpjack.write_batch(journal_id, 0, 1, '{}', '{}', '{}', '{}', NULL) "
        "FROM pumpjack.ingest_cursor",
        "CREATE TEMPORARY TABLE stage (x int)",
        "SELECT pumpjack.open_journal(gen_random_uuid(), 'permian-ops/pad-a')",
    ):
        with pytest.raises(Failed, match=r"permission denied|is not known"):
            stores.ask_as("bakken-ops", sql)


def test_a_workers_redis_login_reaches_no_channel_and_no_key_of_another_tenant(
    stores: Stores,
) -> None:
    assert stores.redis_as("bakken-ops", "PUBLISH", "scada:readings:bakken", "{}") != ""
    for command in (
        ("PUBLISH", "scada:readings:permian", "{}"),
        ("HSET", f"scada:latest:permian:{THEIRS}", "oil_rate", "{}"),
        ("HGETALL", f"scada:latest:permian:{THEIRS}"),
        ("ACL", "LIST"),
    ):
        assert "NOPERM" in stores.redis_as("bakken-ops", *command)


TRY = (
    "import socket, sys\n"
    "try:\n"
    "    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()\n"
    "    print('open')\n"
    "except OSError:\n"
    "    print('closed')\n"
)


@pytest.mark.parametrize(
    ("where", "port", "found"),
    [
        ("pad-a.permian-ops.svc", "15020", "open"),
        ("broker.permian-ops.svc", "15025", "closed"),
        ("b1-plc.bakken-ops.svc", "15021", "closed"),
        ("kubernetes.default.svc", "443", "closed"),
        ("pumpjack-gateway.pumpjack.svc", "4000", "closed"),
    ],
)
def test_a_worker_reaches_its_device_and_the_network_keeps_it_from_all_others(
    cluster: Cluster, where: str, port: str, found: str
) -> None:
    said = cluster.execute("scada-pad-a-0", "permian-ops", "python", "-c", TRY, where, port)
    assert said.strip() == found


def test_nothing_but_restricted_pods_runs_beside_workers(cluster: Cluster) -> None:
    for namespace in ("pumpjack", "permian-ops", "bakken-ops"):
        labels = cluster.get("namespace", namespace, namespace)["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    with pytest.raises(Failed, match="violates PodSecurity"):
        cluster.apply(_privileged())


def test_a_worker_has_no_token_of_the_api_server(cluster: Cluster, counting: Counting) -> None:
    with pytest.raises(Failed, match="No such file"):
        cluster.execute(
            counting.pod, "permian-ops", "ls", "/var/run/secrets/kubernetes.io/serviceaccount"
        )


def _privileged() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged", "namespace": "permian-ops"},
        "spec": {
            "containers": [{"name": "one", "image": "any", "securityContext": {"privileged": True}}]
        },
    }
