"""Where the worker's metrics and status are reached."""

from __future__ import annotations

from pumpjack_operator.names import selector
from pumpjack_operator.specs.wanted import STATUS_PORT, Manifest, Wanted, metadata


def service(wanted: Wanted) -> Manifest:
    """Headless: there is one pod, and it is asked also before it is ready."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(wanted),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(wanted.connection.metadata.name),
            "ports": [
                {"name": "metrics", "port": STATUS_PORT, "targetPort": "metrics", "protocol": "TCP"}
            ],
        },
    }
