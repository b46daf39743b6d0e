"""The database and Redis of the cluster: by their owner, and by the login of one tenant."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

from tests.kind.cluster import RELEASE, Cluster

POSTGRESQL, VALKEY = "statefulset/pumpjack-postgresql", "statefulset/pumpjack-valkey"
SECRET = "pumpjack-stores"


class Stores:
    """Asks both stores from within their pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def ask(self, sql: str) -> list[list[str]]:
        """Rows of an answer, as their owner sees them."""
        return self._psql("psql", "-h", "127.0.0.1", "-U", "postgres", "-d", "pumpjack", sql=sql)

    def ask_as(self, namespace: str, sql: str) -> list[list[str]]:
        """Rows of an answer, with the login that the workers of a namespace have."""
        return self._psql("psql", self._url(namespace, "database-url"), sql=sql)

    def values(self, connection: str, tag: str) -> list[float]:
        """What is stored of a tag, by time; marks without a value are left out."""
        rows = self.ask(
            "SELECT value FROM pumpjack.scada_readings WHERE value IS NOT NULL AND "
            f"connection_id = '{connection}' AND tag_name = '{tag}' ORDER BY time"
        )
        return [float(value) for (value,) in rows]

    def redis_as(self, namespace: str, *command: str) -> str:
        """What Redis answers to the login that the workers of a namespace have."""
        url = urlsplit(self._url(namespace, "redis-url"))
        login = ("--user", unquote(url.username or ""), "--pass", unquote(url.password or ""))
        return self._cluster.execute(
            *(VALKEY, RELEASE, "valkey-cli", "--no-auth-warning"),
            *(*login, "-p", str(url.port or 6379), *command),
        ).strip()

    def _url(self, namespace: str, key: str) -> str:
        content = self._cluster.get("secret", SECRET, namespace)["data"][key]
        return base64.b64decode(content).decode()

    def _psql(self, *command: str, sql: str) -> list[list[str]]:
        said = self._cluster.execute(
            *(POSTGRESQL, RELEASE, *command),
            *("-X", "--no-align", "--tuples-only", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql),
        )
        return [line.split("\t") for line in said.splitlines() if line]
