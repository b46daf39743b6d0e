"""Deleting connections: nothing of them stays but a journal in which readings wait."""

from __future__ import annotations

import pytest

from pumpjack_operator.cluster import Key
from tests.operator.cluster import eventually, operating, quiet

pytestmark = pytest.mark.peers
JOURNAL = "persistentvolumeclaims/scada-pad7-journal"
POLICY = "networkpolicies/scada-pad7"


@pytest.fixture
async def running(operator, wells):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: len(wells.children("pad7")) == 7)
    bound(wells)
    wells.run_pod("pad7", "127.0.0.1")
    return wells


def bound(wells):
    wells.patch(
        "persistentvolumeclaims", "scada-pad7-journal", {"status": {"phase": "Bound"}}, sub="status"
    )


async def test_a_deleted_connection_whose_worker_drained_leaves_nothing(running):
    running.delete("scadaconnections", "pad7")
    await eventually(lambda: set(running.children("pad7")) == {JOURNAL, POLICY})
    running.end_pod("pad7", exit_code=0)
    await eventually(lambda: all_going(running))
    assert running.events("JournalKept") == []
    assert running.get("networkpolicies", "scada-pad7") is None


def all_going(wells):
    """The claim's own finalizer, of Kubernetes, waits for the volume controller."""
    return all("deletionTimestamp" in one["metadata"] for one in wells.children("pad7").values())


async def test_a_worker_that_drains_stays_behind_its_network_policy(running, operator):
    running.delete("scadaconnections", "pad7")
    await eventually(lambda: set(running.children("pad7")) == {JOURNAL, POLICY})
    await quiet(operator)
    assert "ownerReferences" not in running.children("pad7")[POLICY]["metadata"]
    running.end_pod("pad7", exit_code=3)
    await eventually(lambda: set(running.children("pad7")) == {JOURNAL})


async def test_a_journal_in_which_readings_wait_is_kept_and_told_and_used_again(running, operator):
    running.delete("scadaconnections", "pad7")
    await eventually(lambda: set(running.children("pad7")) == {JOURNAL, POLICY})
    running.end_pod("pad7", exit_code=3)
    (told,) = await eventually(lambda: running.events("JournalKept"))
    assert "pad7" in told
    await quiet(operator)
    claim = running.children("pad7")[JOURNAL]["metadata"]
    assert "deletionTimestamp" not in claim
    running.connect("pad7")
    await eventually(lambda: "statefulsets/scada-pad7" in running.children("pad7"))
    again = running.children("pad7")[JOURNAL]["metadata"]
    assert again["uid"] == claim["uid"]
    assert "pumpjack.dev/journal-kept" not in again["annotations"]
    running.run_pod("pad7", "127.0.0.1")
    running.delete("scadaconnections", "pad7")
    await eventually(lambda: set(running.children("pad7")) == {JOURNAL, POLICY})
    running.end_pod("pad7", exit_code=0)
    await eventually(lambda: all_going(running))


async def test_a_worker_whose_end_nobody_saw_keeps_its_journal(plane, wells):
    async with operating(plane):
        wells.connect("pad7")
        await eventually(lambda: JOURNAL in wells.children("pad7"))
        bound(wells)
    wells.delete("scadaconnections", "pad7")
    async with operating(plane) as controller:
        await eventually(lambda: set(wells.children("pad7")) == {JOURNAL})
        await eventually(lambda: wells.events("JournalKept"))
        await quiet(controller)
        assert not all_going(wells)


async def test_a_volume_that_was_never_used_goes_with_its_connection(operator, wells):
    wells.connect("pad7")
    await eventually(lambda: JOURNAL in wells.children("pad7"))
    await quiet(operator)
    wells.delete("scadaconnections", "pad7")
    await eventually(lambda: all_going(wells))


async def test_children_that_were_orphaned_on_purpose_stay(operator, wells):
    wells.connect("pad7")
    await eventually(lambda: "statefulsets/scada-pad7" in wells.children("pad7"))
    await quiet(operator)
    answer = wells.client.request(
        "DELETE",
        wells.path("scadaconnections", "pad7"),
        json={"propagationPolicy": "Orphan"},
    )
    assert answer.status_code == 200
    found = wells.get("scadaconnections", "pad7")["metadata"]
    assert found["finalizers"] == ["orphan"]  # the garbage collector takes the owners away first
    for name in wells.children("pad7"):
        plural, _, child = name.partition("/")
        if "ownerReferences" in wells.get(plural, child)["metadata"]:
            wells.patch(plural, child, [{"op": "remove", "path": "/metadata/ownerReferences"}])
    wells.patch("scadaconnections", "pad7", [{"op": "remove", "path": "/metadata/finalizers"}])
    await eventually(lambda: operator.store.connection(Key(wells.name, "pad7")) is None)
    await quiet(operator)
    assert "statefulsets/scada-pad7" in wells.children("pad7")
