"""The database and Redis of the cluster: by their owner, and by the login of one tenant."""

from __future__ import annotations

import base64
import shlex
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
        return self._psql(
            "PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U postgres pumpjack", sql
        )

    def ask_as(self, namespace: str, sql: str) -> list[list[str]]:
        """Rows of an answer, with the login that the workers of a namespace have."""
        url = urlsplit(self._url(namespace, "database-url"))
        login = f"PGUSER='{url.username}' PGPASSWORD='{url.password}'"
        return self._psql(f"{login} psql -h 127.0.0.1 {url.path[1:]}", sql)

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
        words = " ".join(shlex.quote(word) for word in command)
        script = (
            f"export REDISCLI_AUTH='{unquote(url.password or '')}'\n"
            f"valkey-cli --user '{unquote(url.username or '')}' -p {url.port or 6379} {words}\n"
        )
        return self._cluster.execute(VALKEY, RELEASE, "sh", "-e", stdin=script).strip()

    def _url(self, namespace: str, key: str) -> str:
        content = self._cluster.get("secret", SECRET, namespace)["data"][key]
        return base64.b64decode(content).decode()

    def _psql(self, psql: str, sql: str) -> list[list[str]]:
        """Told by its standard input, so that no login stands in a command line."""
        options = "-X --no-align --tuples-only -F '\t' -v ON_ERROR_STOP=1"
        script = f"{psql} {options} <<'END'\n{sql};\nEND\n"
        said = self._cluster.execute(POSTGRESQL, RELEASE, "sh", "-e", stdin=script)
        return [line.split("\t") for line in said.splitlines() if line]
