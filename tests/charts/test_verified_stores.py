"""With what the chart tells them, the parts talk to the stores that they mean, or to none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from pumpjack_core.errors import StorageError
from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.migrate import migrate
from pumpjack_gateway.live.link import Link
from pumpjack_gateway.settings import Settings, from_environment
from pumpjack_gateway.store import Store
from pumpjack_operator import stores
from pumpjack_operator.redis_users import RedisUsers
from tests.charts.helm import VALUES, Manifest, environment, pods, template
from tests.charts.tls_front import Authority, tls_front
from tests.operator.redis_server import PASSWORD, redis_server

pytestmark = [pytest.mark.servers, pytest.mark.peers]

PATIENCE_S = 60.0


class Stores:
    """Both stores, and what the chart says of them."""

    def __init__(self, ports: tuple[int, int], trusted: Authority) -> None:
        self._trusted = trusted
        done = template(
            VALUES / "external.yaml",
            more=(
                *("database.host=localhost", f"database.port={ports[0]}"),
                *("redis.host=localhost", f"redis.port={ports[1]}"),
                *("database.ca.configMap=ca", "redis.ca.configMap=ca"),
                "redis.users.gateway=default,redis.users.operator=default",
            ),
        )
        assert done.returncode == 0, done.stderr
        manifests: tuple[Manifest, ...] = tuple(filter(None, yaml.safe_load_all(done.stdout)))
        self._pods = dict(pods(manifests))

    def environment(self, part: str) -> dict[str, str]:
        """Of a part, its authorities mounted and the Secrets filled in."""
        (found,) = [pod for name, pod in self._pods.items() if name.endswith(part)]
        ca = str(self._trusted.file)
        return {
            name: value.replace("/etc/pumpjack/database-ca/ca.crt", ca)
            .replace("/etc/pumpjack/redis-ca/ca.crt", ca)
            .replace(f"redis-{part}-password", PASSWORD)
            for name, value in environment(found).items()
        }

    def gateway(self) -> Settings:
        return from_environment(self.environment("gateway"))


@contextlib.asynccontextmanager
async def served(
    folder: Path, database: str, *, name: str = "localhost", is_trusted: bool = True
) -> AsyncIterator[Stores]:
    """The stores behind TLS of a server of this name, signed by whom the parts trust, or not."""
    trusted, other = Authority(folder / "trusted"), Authority(folder / "other")
    tls = (trusted if is_trusted else other).server(name)
    url = urlsplit(database)
    (where,) = parse_qs(url.query)["host"]
    (socket,) = [each for each in Path(where).glob(".s.PGSQL.*") if each.suffix != ".lock"]
    (folder / "redis").mkdir()
    with redis_server(folder / "redis") as live:
        redis_socket = Path(urlsplit(live.place).path)
        async with (
            tls_front(socket, tls, is_postgres=True) as sql,
            tls_front(redis_socket, tls, is_postgres=False) as feed,
        ):
            yield Stores((sql, feed), trusted)


def named(stores_: Stores, database: str) -> str:
    """The gateway's URL, with the name of the test's database."""
    url = stores_.gateway().database_url
    return url.replace("/pumpjack?", f"{urlsplit(database).path}?")


async def pinged(url: str) -> None:
    store = Store(url, pool_max=1, limit_s=PATIENCE_S)
    await store.open()
    try:
        await store.ping()
    finally:
        await store.close()


async def is_linked(url: str) -> bool:
    """Whether the gateway's live feed comes up, at the first attempt."""
    link = Link(url, on_message=lambda *_: None, on_up=lambda: None, on_down=lambda _: None)
    try:
        stream = await link._connect()
    except OSError:
        return False
    stream.abort()
    return True


async def users_problem(environment_: dict[str, str]) -> str | None:
    users = RedisUsers(stores.read(environment_).redis_urls)
    users.want("permian", "x" * 43)
    try:
        await users.apply()
        return users.problem
    finally:
        await users.close()


async def test_the_right_servers_are_used_with_passwords_from_the_secret(
    empty_database, tmp_path, monkeypatch
):
    await migrate(empty_database, level="plain")
    async with served(tmp_path, empty_database) as there:
        monkeypatch.setenv("PGPASSWORD", there.environment("gateway")["PGPASSWORD"])
        await pinged(named(there, empty_database))
        assert await is_linked(there.gateway().redis_url)
        assert await users_problem(there.environment("operator")) is None


IMPOSTORS = {
    "an authority that nobody trusts": {"is_trusted": False},
    "a certificate of another server": {"name": "another.example"},
}


@pytest.mark.parametrize("how", IMPOSTORS.values(), ids=list(IMPOSTORS))
async def test_a_server_that_cannot_prove_its_name_is_told_nothing(how, empty_database, tmp_path):
    await migrate(empty_database, level="plain")
    async with served(tmp_path, empty_database, **how) as there:
        with pytest.raises(StorageError):
            await pinged(named(there, empty_database))
        with pytest.raises(StorageError, match="certificate verify failed"):
            async with connect(named(there, empty_database), timeout_s=PATIENCE_S):
                pass
        assert not await is_linked(there.gateway().redis_url)
        problem = await users_problem(there.environment("operator"))
        assert problem is not None
        assert "certificate verify failed" in problem
