"""The gateway keeps what its OpenAPI document promises, also for requests nobody thought of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.main import Gateway
from pumpjack_gateway.settings import Settings
from tests.gateway.history import PERMIAN, WELL, Filled
from tests.gateway.screens import SECRET, token

pytestmark = [pytest.mark.servers, pytest.mark.peers]


@pytest.fixture(scope="module")
def served(valkey: EmbeddedValkey, filled: Filled) -> Iterator[Gateway]:
    """A gateway in a thread of its own: schemathesis does not wait for an event loop."""
    gateway = Gateway(
        Settings(
            database_url=filled.url,
            redis_url=valkey.url,
            rest_address="127.0.0.1:0",
            ws_address="127.0.0.1:0",
            jwt_secret=SECRET,
            rest_rate_user_per_s=1e6,
            rest_rate_user_burst=1e6,
            rest_rate_tenant_per_s=1e6,
            rest_rate_tenant_burst=1e6,
            command_rate_user_per_s=1e6,
            command_rate_user_burst=1e6,
            command_rate_tenant_per_s=1e6,
            command_rate_tenant_burst=1e6,
        )
    )
    ready = threading.Event()
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        started, stop = asyncio.Event(), asyncio.Event()
        stops.append((asyncio.get_running_loop(), stop))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(gateway.run(started, stop))
            await started.wait()
            while not gateway.hub.is_up:
                await asyncio.sleep(0.01)
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(60)
    yield gateway
    loop, stop = stops[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)


ASKED = [
    ("GET", "/api/scada/readings"),
    ("GET", "/api/scada/aggregates"),
    ("GET", "/api/scada/latest"),
    ("GET", "/api/scada/wells"),
    ("GET", "/api/scada/wells/{wellId}"),
    ("GET", "/api/scada/templates/{name}"),
    ("GET", "/api/scada/sparks"),
    ("GET", "/api/scada/control"),
    ("POST", "/api/scada/control"),
    ("GET", "/api/scada/control/tags"),
    ("GET", "/api/scada/control/{commandId}"),
    ("POST", "/api/scada/control/{commandId}/decision"),
    ("GET", "/api/scada/alarms"),
    ("GET", "/api/scada/alarms/figures"),
    ("GET", "/api/scada/events"),
    ("POST", "/api/scada/alarms/acknowledge"),
    ("POST", "/api/scada/alarms/shelve"),
    ("POST", "/api/scada/alarms/unshelve"),
    ("POST", "/api/scada/alarms/out-of-service"),
    ("POST", "/api/scada/alarms/in-service"),
    ("POST", "/api/scada/alarms/reset"),
]
"""Requests with parameters or a body, with which something can be wrong."""
PLAIN = [
    ("GET", "/api/scada/alarms/counts"),
    ("GET", "/api/scada/me"),
    ("GET", "/api/scada/overview"),
    ("GET", "/api/scada/connections"),
    ("GET", "/api/scada/templates"),
    ("GET", "/screens/config.json"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
]
OPERATIONS = ASKED + PLAIN
TRIED = [(method, path, GenerationMode.POSITIVE) for method, path in OPERATIONS] + [
    (method, path, GenerationMode.NEGATIVE) for method, path in ASKED
]
LEFT_OUT = {
    # A cursor of another question and a start after its end are refused; no schema can say so.
    "/api/scada/readings": [positive_data_acceptance],
    "/api/scada/aggregates": [positive_data_acceptance],
    "/api/scada/control": [positive_data_acceptance],
    "/api/scada/alarms": [positive_data_acceptance],
    "/api/scada/alarms/figures": [positive_data_acceptance],
    "/api/scada/events": [positive_data_acceptance],
    # A pen that names no tag.
    "/api/scada/sparks": [positive_data_acceptance],
    # Alarms that are not there, named twice, or shelved until a time that is past.
    "/api/scada/alarms/acknowledge": [positive_data_acceptance],
    "/api/scada/alarms/shelve": [positive_data_acceptance],
    "/api/scada/alarms/unshelve": [positive_data_acceptance],
    "/api/scada/alarms/out-of-service": [positive_data_acceptance],
    "/api/scada/alarms/in-service": [positive_data_acceptance],
    "/api/scada/alarms/reset": [positive_data_acceptance],
}


@pytest.fixture(scope="module")
def described(served: Gateway) -> Any:
    return schemathesis.openapi.from_url(f"http://127.0.0.1:{served.rest_port}/openapi.json")


@pytest.mark.parametrize(("method", "path", "mode"), TRIED)
def test_every_answer_is_one_of_those_that_are_described(
    described: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation = described[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=25,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE and "wellId" in case.query:
            case.query["wellId"] = WELL  # else nothing would ever get as far as the database
        case.call_and_validate(
            headers={"Authorization": f"Bearer {token(PERMIAN, role='admin')}"},
            excluded_checks=LEFT_OUT.get(path, []),
        )

    holds()


def test_every_operation_is_tried(described: Any) -> None:
    listed = {(each.ok().method.upper(), each.ok().path) for each in described.get_all_operations()}
    assert listed == set(OPERATIONS)


def test_the_document_shows_an_example_of_every_good_answer(served: Gateway) -> None:
    document = served.app.openapi()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for content in operation["responses"].get("200", {}).get("content", {}).values():
                assert path == "/metrics" or {"example", "examples"} & set(content), path
