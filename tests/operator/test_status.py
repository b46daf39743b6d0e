"""What kubectl get and kubectl wait say of a connection, while its worker and its device live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from pumpjack_core.clock import SystemClock, iso_us
from pumpjack_operator.reports import Reports
from tests.operator.cluster import eventually, operating, quiet, worker

pytestmark = pytest.mark.peers


class Worker:
    """A worker as far as the operator sees one: what it answers at /status."""

    def __init__(self, config_hash: str) -> None:
        self.says: dict[str, Any] = {
            "state": "connected",
            "configHash": config_hash,
            "reason": None,
            "message": None,
            "readAt": self.ago(0),
            "storedAt": None,
            "journalOldestS": 0.0,
            "tags": 3,
            "rejected": [],
        }
        self.answer: bytes | None = None
        self.asked = 0
        self.port = 0

    @staticmethod
    def ago(seconds: float) -> str:
        return iso_us(SystemClock().now_us() - int(seconds * 1e6))

    @contextmanager
    def answering(self) -> Iterator[Worker]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                assert self.path == "/status"
                content = outer.answer or msgspec.json.encode(outer.says)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture
async def field(plane, wells):
    """A worker that runs, its operator that asks it often, and its namespace."""
    with Worker("").answering() as one:
        reports = lambda changed: Reports(changed, every_s=0.05, port=one.port)  # noqa: E731
        async with operating(plane, reports=reports) as controller:
            wells.connect("pad7")
            wells.map("pumps", to="pad7")
            await eventually(lambda: len(wells.children("pad7")) == 7)
            wells.run_pod("pad7", "127.0.0.1")
            yield wells, one, controller


def wanted_hash(controller, wells) -> str:
    (key,) = (key for key in controller.store.connection_keys() if key.namespace == wells.name)
    return controller.wanted_hash(key)


async def test_data_flows_only_when_readings_were_stored(field):
    wells, one, controller = field
    await eventually(lambda: wells.reason("pad7", "Ready") == "ConfigurationNotApplied")
    one.says["configHash"] = wanted_hash(controller, wells)
    await eventually(lambda: wells.holds("pad7", "Ready"))
    await eventually(lambda: wells.reason("pad7", "DataFlowing") == "NotStored")
    one.says["storedAt"] = one.ago(0)
    await eventually(lambda: wells.holds("pad7", "DataFlowing"))
    status = wells.get("scadaconnections", "pad7")["status"]
    assert status["appliedConfigHash"] == one.says["configHash"]
    assert status["lastReadingTime"].endswith(":00Z")
    assert all(one["observedGeneration"] == 1 for one in status["conditions"])


async def flowing(wells, one, controller):
    one.says |= {"configHash": wanted_hash(controller, wells), "storedAt": one.ago(0)}
    await eventually(lambda: wells.holds("pad7", "DataFlowing"))


async def test_a_device_that_is_away_is_said_and_lowers_no_ready(field):
    wells, one, controller = field
    await flowing(wells, one, controller)
    since = wells.condition("pad7", "Ready")["lastTransitionTime"]
    one.says |= {"state": "disconnected", "reason": "Timeout", "message": "10.1.7.20 is silent"}
    await eventually(lambda: wells.reason("pad7", "Connected") == "Timeout")
    found = wells.condition("pad7", "DataFlowing")
    assert (found["status"], found["message"]) == ("False", "10.1.7.20 is silent")
    ready = wells.condition("pad7", "Ready")
    assert (ready["status"], ready["lastTransitionTime"]) == ("True", since)


async def test_a_worker_that_says_the_same_costs_no_write(field):
    wells, one, controller = field
    await flowing(wells, one, controller)
    await quiet(controller)
    version = wells.get("scadaconnections", "pad7")["metadata"]["resourceVersion"]
    asked = one.asked
    one.says |= {"readAt": one.ago(0), "storedAt": one.ago(0), "readings": 7}
    await eventually(lambda: one.asked > asked + 10)
    assert wells.get("scadaconnections", "pad7")["metadata"]["resourceVersion"] == version


async def test_a_device_that_falls_silent_costs_one_write_and_not_one_a_look(field):
    wells, one, controller = field
    await flowing(wells, one, controller)
    one.says["readAt"] = one.ago(60)
    await eventually(lambda: wells.reason("pad7", "DataFlowing") == "NoReadings")
    await quiet(controller)
    version = wells.get("scadaconnections", "pad7")["metadata"]["resourceVersion"]
    asked = one.asked
    await eventually(lambda: one.asked > asked + 10)
    assert wells.get("scadaconnections", "pad7")["metadata"]["resourceVersion"] == version


async def test_tags_that_the_worker_cannot_read_are_told_on_both_sides(field):
    wells, one, controller = field
    mapping = f"{wells.name}/pumps"
    one.says["rejected"] = [
        {"tag": "tag_1", "wellId": "w", "mapping": mapping, "reason": "holding:@x is no address"}
    ]
    await flowing(wells, one, controller)
    await eventually(lambda: wells.reason("pad7", "MappingsAccepted") == "TagsRejected")
    status = wells.get("scadaconnections", "pad7")["status"]
    assert (status["mappedTags"], status["rejectedTagsTotal"]) == (2, 1)
    await eventually(
        lambda: wells.reason("pumps", "MappingsAccepted", "tagmappings") == "TagsRejected"
    )
    assert wells.get("tagmappings", "pumps")["status"]["acceptedTags"] == 2


async def test_a_write_that_the_worker_cannot_use_is_told_and_its_tag_counts_as_read(field):
    wells, one, controller = field
    lost = {"tag": "tag_1", "wellId": "w", "mapping": f"{wells.name}/pumps"}
    one.says["rejected"] = [lost | {"reason": "write: can only be read", "part": "write"}]
    await flowing(wells, one, controller)
    await eventually(lambda: wells.reason("pad7", "MappingsAccepted") == "PartsRejected")
    status = wells.get("scadaconnections", "pad7")["status"]
    assert (status["mappedTags"], status["rejectedTagsTotal"]) == (3, 1)
    await eventually(
        lambda: wells.reason("pumps", "MappingsAccepted", "tagmappings") == "PartsRejected"
    )
    assert wells.get("tagmappings", "pumps")["status"]["acceptedTags"] == 3


LIES = {
    "no JSON": b"<html>",
    "another shape": b'{"state": 1}',
    "a time that is none": b'{"state":"connected","configHash":"x","readAt":"yesterday"}',
    "too long": b" " * (5 << 20),
    "a hash that fits no status": b'{"state":"connected","configHash":"%s"}' % (b"x" * 65),
    "a reason that fits no status": b'{"state":"disconnected","configHash":"x","reason":"no way"}',
}


@pytest.mark.parametrize("answer", LIES.values(), ids=list(LIES))
async def test_an_answer_that_is_none_is_said_and_stops_nothing(field, answer):
    wells, one, controller = field
    await flowing(wells, one, controller)
    one.answer = answer
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotAnswering")
    assert wells.condition("pad7", "Connected")["status"] == "Unknown"
    one.answer = None
    await eventually(lambda: wells.holds("pad7", "DataFlowing"))


async def test_while_a_worker_starts_anew_its_mapping_still_says_what_it_cannot_read(field):
    wells, one, controller = field
    one.says["rejected"] = [
        {"tag": "tag_1", "wellId": "w", "mapping": f"{wells.name}/pumps", "reason": "no address"}
    ]
    await flowing(wells, one, controller)
    rejected = lambda: wells.reason("pumps", "MappingsAccepted", "tagmappings")  # noqa: E731
    await eventually(lambda: rejected() == "TagsRejected")
    wells.end_pod("pad7", 1)
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotRunning")
    assert wells.reason("pad7", "MappingsAccepted") == "TagsRejected"
    wells.map("pumps", to="pad7", well="other")
    await quiet(controller)
    assert rejected() == "TagsRejected"
    one.says["configHash"] = wanted_hash(controller, wells)
    wells.run_pod("pad7", "127.0.0.1")
    await eventually(lambda: wells.holds("pad7", "DataFlowing"))
    assert rejected() == "TagsRejected"
    assert wells.reason("pad7", "MappingsAccepted") == "TagsRejected"


async def test_a_worker_of_a_connection_that_was_deleted_is_asked_no_more(field):
    wells, one, controller = field
    await flowing(wells, one, controller)
    wells.delete("scadaconnections", "pad7")
    await eventually(lambda: controller.reports.answering == 0)
    await quiet(controller)
    asked = one.asked
    wells.connect("pad8")
    await eventually(lambda: wells.reason("pad8", "Ready"))
    await quiet(controller)
    assert one.asked == asked


async def test_a_pod_that_cannot_start_says_why(operator, wells):
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    wells.run_pod("pad7", "127.0.0.1")
    why = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    wells.set_pod("pad7", {"phase": "Pending", "containerStatuses": [worker(why)]})
    await eventually(
        lambda: (
            "ImagePullBackOff: no such image"
            in (wells.condition("pad7", "Ready") or {}).get("message", "")
        )
    )
