"""What becomes of a worker when its connection goes, with the controllers of Kubernetes at work."""

from __future__ import annotations

import pytest

from pumpjack_operator.cluster import Key
from tests.operator.cluster import CHILDREN, RESTRICTED, eventually, quiet

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("controlled")]
JOURNAL = "persistentvolumeclaims/scada-pad7-journal"
POLICY = "networkpolicies/scada-pad7"
WORKER = "statefulsets/scada-pad7"
POD = "scada-pad7-0"


@pytest.fixture
async def running(operator, wells):
    """A connection whose pod was made by Kubernetes, and runs."""
    wells.label(RESTRICTED)
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: wells.get("pods", POD))
    bound(wells)
    wells.start_pod("pad7", "127.0.0.1")
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotAnswering")
    await quiet(operator)
    return wells


def bound(wells):
    claim = {"status": {"phase": "Bound"}}
    wells.patch("persistentvolumeclaims", "scada-pad7-journal", claim, sub="status")


def is_ending(wells, plural: str, name: str) -> bool:
    return "deletionTimestamp" in wells.get(plural, name)["metadata"]


def end(wells, exit_code: int) -> None:
    wells.end_pod("pad7", exit_code=exit_code)


async def test_a_restricted_namespace_admits_the_pod_that_kubernetes_makes(operator, wells):
    wells.label(RESTRICTED)
    wells.connect("pad7")
    pod = await eventually(lambda: wells.get("pods", POD))
    spec = pod["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert spec["serviceAccountName"] == "scada-pad7"
    assert set(volumes) == {"config", "journal", "stores"}  # no token of the account
    assert volumes["journal"]["persistentVolumeClaim"]["claimName"] == "scada-pad7-journal"
    assert pod["status"]["phase"] == "Pending"
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotRunning")
    privileged = {
        "metadata": {"name": "x"},
        "spec": {**spec, "hostNetwork": True},
    }
    refused = wells.client.post(wells.path("pods"), json=privileged)
    assert refused.status_code == 403


@pytest.mark.parametrize("how", ["Background", "Foreground"])
async def test_a_deleted_connection_takes_all_with_it_when_its_worker_has_drained(running, how):
    running.delete("scadaconnections", "pad7", how=how)
    await eventually(lambda: is_ending(running, "pods", POD))
    assert POLICY in running.children("pad7")  # a worker that drains reaches no more than before
    assert not is_ending(running, "persistentvolumeclaims", "scada-pad7-journal")
    end(running, 0)
    await eventually(lambda: not running.children("pad7"))
    await eventually(lambda: running.get("scadaconnections", "pad7") is None)
    assert running.list("pods") == []
    assert running.events("JournalKept") == []


@pytest.mark.parametrize("how", ["Background", "Foreground"])
async def test_the_journal_of_a_worker_that_could_not_drain_outlives_its_connection(
    running, operator, how
):
    running.delete("scadaconnections", "pad7", how=how)
    await eventually(lambda: is_ending(running, "pods", POD))
    end(running, 3)
    (told,) = await eventually(lambda: running.events("JournalKept"))
    assert "pad7" in told
    await eventually(lambda: set(running.children("pad7")) == {JOURNAL})
    await eventually(lambda: running.get("scadaconnections", "pad7") is None)
    await quiet(operator)
    assert not is_ending(running, "persistentvolumeclaims", "scada-pad7-journal")
    running.connect("pad7")
    await eventually(lambda: running.get("pods", POD))  # its worker stores what waits
    running.start_pod("pad7", "127.0.0.1")
    running.delete("scadaconnections", "pad7")
    await eventually(lambda: is_ending(running, "pods", POD))
    end(running, 0)
    await eventually(lambda: not running.children("pad7"))


async def test_a_connection_that_is_deleted_without_its_children_leaves_the_worker_reading(
    running, operator
):
    before = running.get("pods", POD)["metadata"]["uid"]
    running.delete("scadaconnections", "pad7", how="Orphan")
    await eventually(lambda: operator.store.connection(Key(running.name, "pad7")) is None)
    await quiet(operator)
    children = running.children("pad7")
    assert len(children) == 7
    assert not any("ownerReferences" in one["metadata"] for one in children.values())
    running.connect("pad7")
    await eventually(
        lambda: "ownerReferences" in running.get("statefulsets", "scada-pad7")["metadata"]
    )
    await eventually(lambda: running.reason("pad7", "Ready") == "WorkerNotAnswering")
    await quiet(operator)
    pod = running.get("pods", POD)["metadata"]
    assert pod["uid"] == before and "deletionTimestamp" not in pod


async def test_a_connection_that_is_replaced_by_one_of_the_same_name_gets_a_worker_again(
    running, operator
):
    """As kubectl replace --force does: the collector takes the old children as new ones come."""
    before = running.get("scadaconnections", "pad7")["metadata"]["uid"]
    journal = running.get("persistentvolumeclaims", "scada-pad7-journal")["metadata"]["uid"]
    running.delete("scadaconnections", "pad7")
    after = running.connect("pad7")["metadata"]["uid"]
    assert after != before

    def whole() -> bool:
        if "deletionTimestamp" in (running.get("pods", POD) or {"metadata": {}})["metadata"]:
            end(running, 0)
        children = running.children("pad7")
        owners = {
            owner["uid"]
            for child in children.values()
            for owner in child["metadata"].get("ownerReferences", ())
        }
        ending = any("deletionTimestamp" in one["metadata"] for one in children.values())
        return len(children) == 7 and owners == {after} and not ending

    await eventually(whole)
    await quiet(operator)
    await eventually(whole)
    now = running.get("persistentvolumeclaims", "scada-pad7-journal")["metadata"]
    assert now["uid"] == journal
    assert await eventually(lambda: running.get("pods", POD))
    assert running.events("JournalKept") == []


async def test_a_worker_that_is_deleted_by_hand_comes_again_with_its_journal(running, operator):
    journal = running.get("persistentvolumeclaims", "scada-pad7-journal")["metadata"]["uid"]
    running.delete("statefulsets", "scada-pad7")
    await eventually(lambda: is_ending(running, "pods", POD))
    end(running, 3)
    await eventually(
        lambda: (pod := running.get("pods", POD)) and pod["status"]["phase"] == "Pending"
    )
    await quiet(operator)
    now = running.get("persistentvolumeclaims", "scada-pad7-journal")["metadata"]
    assert now["uid"] == journal and "deletionTimestamp" not in now


async def test_nothing_is_left_where_a_connection_was_made_and_deleted_at_once(operator, wells):
    for number in range(10):
        wells.connect(f"w{number}")
        wells.delete("scadaconnections", f"w{number}")
    wells.connect("last")
    await eventually(lambda: wells.get("statefulsets", "scada-last"))
    await quiet(operator)
    left = lambda: {  # noqa: E731
        one["metadata"]["name"]
        for plural in CHILDREN
        for one in wells.list(plural)
        if one["metadata"]["name"].startswith("scada-w")
    }
    await eventually(lambda: not left())
