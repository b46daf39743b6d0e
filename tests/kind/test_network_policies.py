"""What a worker can reach is its own device and the stores: enforced by the cluster's network."""

from __future__ import annotations

import pytest

from tests.kind.cluster import Cluster, Failed

WORKER, NAMESPACE = "scada-pad-a-0", "permian-ops"
TRIED_S = 3
CONNECT = f"""
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), {TRIED_S}).close()
"""
REACHED = {
    "its device": ("pad-a.permian-ops.svc", "15020"),
    "the database": ("pumpjack-postgresql.pumpjack.svc", "5432"),
    "Redis": ("pumpjack-valkey.pumpjack.svc", "6379"),
}
REFUSED = {
    "another device of its tenant": ("broker.permian-ops.svc", "15025"),
    "a device of another tenant": ("b1-plc.bakken-ops.svc", "15021"),
    "the worker of another tenant": ("scada-b1-plc.bakken-ops.svc", "9464"),
    "the gateway": ("pumpjack-gateway.pumpjack.svc", "4000"),
    "the API server": ("kubernetes.default.svc", "443"),
}


def connect(cluster: Cluster, host: str, port: str) -> None:
    """Raises Failed with the error of the connection."""
    cluster.kubectl(*("-n", NAMESPACE, "exec", WORKER, "--", "python", "-c", CONNECT, host, port))


@pytest.mark.parametrize(("host", "port"), REACHED.values(), ids=REACHED)
def test_a_worker_reaches(cluster: Cluster, host: str, port: str) -> None:
    connect(cluster, host, port)


@pytest.mark.parametrize(("host", "port"), REFUSED.values(), ids=REFUSED)
def test_a_worker_cannot_reach(cluster: Cluster, host: str, port: str) -> None:
    with pytest.raises(Failed, match="TimeoutError"):  # a closed port would be refused at once
        connect(cluster, host, port)
