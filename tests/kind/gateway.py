"""The gateway as a tenant's people reach it from outside of the cluster."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import httpx
from websockets.sync.client import connect

from tests.kind.cluster import Cluster

REST = "http://127.0.0.1:4000"
WS = "ws://127.0.0.1:4001"
LIMIT_S = 20.0


class Gateway:
    """REST and WebSocket, with a token of one tenant."""

    def __init__(self, cluster: Cluster, tenant: str) -> None:
        self._cluster = cluster
        self.tenant = tenant

    @cached_property
    def headers(self) -> dict[str, str]:
        """With a token of the cluster's own issuer."""
        token = self._cluster.run("deploy/kind/token.sh", self.tenant).strip()
        return {"Authorization": f"Bearer {token}"}

    def sign_in_again(self) -> None:
        """With another token from now on."""
        self.__dict__.pop("headers", None)

    def ask(self, what: str, **query: str) -> httpx.Response:
        """GET /api/scada/what."""
        return httpx.get(
            f"{REST}/api/scada/{what}", params=query, headers=self.headers, timeout=LIMIT_S
        )

    def wells(self) -> set[str]:
        """The wells that this tenant sees."""
        return {one["wellId"] for one in self.ask("wells").json()["wells"]}

    def live(self, well: str, wanted: str) -> dict[str, Any]:
        """The first message of a kind after subscribing to a well."""
        with connect(WS, additional_headers=self.headers, open_timeout=LIMIT_S) as socket:
            socket.send(json.dumps({"type": "subscribe-well", "wellId": well}))
            while True:
                message: dict[str, Any] = json.loads(socket.recv(timeout=LIMIT_S))
                if message["type"] == wanted:
                    return message
