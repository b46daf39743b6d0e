"""One API server for all tests of the operator; each has a namespace of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from pumpjack_operator.controller import Controller
from tests.controlplane.binaries import Missing
from tests.controlplane.controllers import controllers
from tests.controlplane.server import ControlPlane
from tests.operator.cluster import Namespace, control_plane, give_back, new_namespace, operating


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with the CRDs."""
    try:
        with control_plane(tmp_path_factory.mktemp("plane")) as plane:
            yield plane
    except Missing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def controlled(plane: ControlPlane) -> Iterator[ControlPlane]:
    """The same with the controllers of Kubernetes, for the length of a module."""
    try:
        with controllers(plane):
            yield plane
    except Missing as error:
        pytest.skip(str(error))


@pytest.fixture
def wells(plane: ControlPlane) -> Iterator[Namespace]:
    """A namespace of tenant permian, the only one with anything in it, empty again afterwards."""
    give_back(plane.client)
    wells = new_namespace(plane.client)
    yield wells
    wells.clear()
    wells.drop()


@pytest.fixture
async def operator(plane: ControlPlane, wells: Namespace) -> AsyncIterator[Controller]:
    """An operator at work."""
    async with operating(plane) as controller:
        yield controller
