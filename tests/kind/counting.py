"""A radio that counts: what it sent is written down, so that each loss and each double shows.

A copy of the simulated radio of deploy/kind/field.yaml, with a tag that counts up, and a
connection that reads it from the same broker with QoS 1.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from tests.kind.cluster import Cluster, until
from tests.kind.stores import Stores

NAMESPACE = "permian-ops"
TAG = "message_counter"
_PATH = "/manifests"


class Counting:
    """One counting radio with its connection."""

    def __init__(self, cluster: Cluster, stores: Stores, name: str) -> None:
        self._cluster = cluster
        self._stores = stores
        self.name = name
        self.id = f"{NAMESPACE}/{name}"
        self.pod = f"scada-{name}-0"

    def begin(self) -> None:
        """Declare it, let the radio send once it is listened to, and wait until that is stored.

        What is sent before anybody subscribes is nobody's.
        """
        me = f"scadaconnection/{self.name}"
        self._cluster.apply(*self._connection())
        self._cluster.wait("condition=Connected", me, NAMESPACE)
        self._cluster.apply(self._manifests(), self._radio())
        self._cluster.wait("condition=DataFlowing", me, NAMESPACE)

    def end(self) -> None:
        """Remove all of it."""
        for what in (f"scadaconnection/{self.name}", f"tagmapping/{self.name}"):
            self._delete(what)
        self.silence()
        self._delete(f"configmap/{self.name}")

    def silence(self) -> None:
        """Let the radio send no more."""
        self._delete(f"deployment/{self.name}")

    def remove_connection(self) -> None:
        """Delete the connection, as its tenant does."""
        self._cluster.kubectl("-n", NAMESPACE, "delete", "scadaconnection", self.name)

    def sent(self) -> list[float]:
        """What the radio has sent so far."""
        said = self._cluster.execute(
            f"deploy/{self.name}", NAMESPACE, "sh", "-c", "cat /ledger/*.csv"
        )
        return [
            float(row["value"])
            for row in csv.DictReader(io.StringIO(said))
            if row["tag_name"] == TAG
        ]

    def stored(self) -> list[float]:
        """What the database has of it, by time."""
        return self._stores.values(self.id, TAG)

    def uid(self) -> str:
        """Identity of the worker's pod."""
        return str(self._cluster.get("pod", self.pod, NAMESPACE)["metadata"]["uid"])

    def goes_on(self, more: int = 5) -> None:
        """Wait until more readings are stored than now."""
        (before,) = until("the database answers", lambda: (len(self.stored()),))
        until(f"{self.id} stores again", lambda: len(self.stored()) >= before + more)

    def check(self) -> None:
        """Everything sent until now is stored, each value once, in the order of sending."""
        sent = self.sent()
        until(f"all that {self.id} sent is stored", lambda: set(sent) <= set(self.stored()))
        stored = self.stored()
        assert len(sent) > 5, "the radio sent something"
        assert len(stored) == len(set(stored)), "a value is stored twice"
        assert stored == sorted(stored), "values are stored in another order"

    def _delete(self, what: str) -> None:
        self._cluster.kubectl("-n", NAMESPACE, "delete", "--ignore-not-found", what)

    def _connection(self) -> tuple[dict[str, Any], dict[str, Any]]:
        about = {"name": self.name, "namespace": NAMESPACE}
        connection = {
            "apiVersion": "pumpjack.dev/v1alpha1",
            "kind": "ScadaConnection",
            "metadata": about,
            "spec": {
                "protocol": "mqtt",
                "mqtt": {
                    "host": "broker.permian-ops.svc",
                    "port": 15025,
                    "tls": False,
                    "timePath": "$.at",
                },
                "pollInterval": "1s",
                "journal": {"size": "128Mi"},
            },
        }
        mapping = {
            "apiVersion": "pumpjack.dev/v1alpha1",
            "kind": "TagMapping",
            "metadata": about,
            "spec": {
                "connectionRef": {"name": self.name},
                "wellId": f"{self.name}-well",
                "tags": [
                    {
                        "name": TAG,
                        "address": f"counting/{self.name};path=$.count",
                        "dataType": "float64",
                        "interval": "200ms",
                    }
                ],
            },
        }
        return connection, mapping

    def _manifests(self) -> dict[str, Any]:
        """What the radio simulates: the same connection."""
        documents = "\n---\n".join(json.dumps(one) for one in self._connection())
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "data": {"manifests.yaml": documents},
        }

    def _radio(self) -> dict[str, Any]:
        """The Deployment of the radio that is there, with other manifests."""
        model = self._cluster.get("deployment", "a3-radio", NAMESPACE)["spec"]
        pod = model["template"]["spec"]
        container = pod["containers"][0]
        container["command"] = [
            *("sh", "-ec"),
            f"exec pumpjack simulate mqtt --connection {self.name} --broker broker:15025 "
            f'-f {_PATH} --ledger "/ledger/$(date +%s%N).csv"',
        ]
        container["volumeMounts"].append({"name": "manifests", "mountPath": _PATH})
        pod["volumes"].append({"name": "manifests", "configMap": {"name": self.name}})
        labels = {"app": self.name}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": {
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
