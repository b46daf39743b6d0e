"""What the tests of a cluster share: the cluster, its stores, tokens, a radio that counts."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator

import pytest

from tests.kind.cluster import REPOSITORY, Cluster
from tests.kind.counting import Counting
from tests.kind.gateway import Gateway
from tests.kind.stores import Stores

DEBUG_LIMIT_S = 300
TEST_LIMIT_S = 1_800
"""What Kubernetes does takes its time on a small machine."""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster of `make kind`."""
    return Cluster.there()


@pytest.fixture(scope="session")
def stores(cluster: Cluster) -> Stores:
    return Stores(cluster)


@pytest.fixture(scope="session")
def permian(cluster: Cluster) -> Gateway:
    """The gateway, to a viewer of the tenant permian."""
    return Gateway(cluster, "permian")


@pytest.fixture(scope="session")
def bakken(cluster: Cluster) -> Gateway:
    """The gateway, to a viewer of the tenant bakken."""
    return Gateway(cluster, "bakken")


@pytest.fixture(scope="session")
def counting(cluster: Cluster, stores: Stores) -> Iterator[Counting]:
    """A radio that counts all through the tests."""
    found = Counting(cluster, stores, f"counting-{secrets.token_hex(3)}")  # starts with no history
    found.begin()
    yield found
    found.end()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After a failure everything that tells why is in one folder."""
    if session.testsfailed:
        subprocess.run(
            ["bash", "deploy/kind/debug.sh"], cwd=REPOSITORY, timeout=DEBUG_LIMIT_S, check=False
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(TEST_LIMIT_S))
