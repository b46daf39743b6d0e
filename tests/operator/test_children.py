"""What kubectl apply of connections and mappings makes, on a real API server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from pumpjack_operator.controller import Controller
from tests.controlplane.binaries import Missing
from tests.controlplane.server import ControlPlane
from tests.operator.cluster import (
    Namespace,
    control_plane,
    eventually,
    new_namespace,
    operating,
    quiet,
)

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    try:
        with control_plane(tmp_path_factory.mktemp("plane")) as plane:
            yield plane
    except Missing as error:
        pytest.skip(str(error))


@pytest.fixture
def wells(plane: ControlPlane) -> Namespace:
    return new_namespace(plane.client)


@pytest.fixture
async def operator(plane: ControlPlane) -> AsyncIterator[Controller]:
    async with operating(plane) as controller:
        yield controller


async def test_a_connection_with_a_mapping_gets_a_worker(operator, wells):
    wells.connect("pad7-plc")
    wells.map("pumps", to="pad7-plc")
    await eventually(lambda: wells.condition("pad7-plc", "MappingsAccepted"))
    await quiet(operator)
    print(json.dumps(wells.get("scadaconnections", "pad7-plc")["status"], indent=1))
    print(json.dumps(wells.get("tagmappings", "pumps")["status"], indent=1))
    assert set(wells.children("pad7-plc")) == {
        "serviceaccounts/scada-pad7-plc",
        "networkpolicies/scada-pad7-plc",
        "services/scada-pad7-plc",
        "configmaps/scada-pad7-plc-config",
        "configmaps/scada-pad7-plc-tags-0",
        "persistentvolumeclaims/scada-pad7-plc-journal",
        "statefulsets/scada-pad7-plc",
    }
