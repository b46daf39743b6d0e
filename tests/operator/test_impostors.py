"""Pods and volumes that bear a worker's labels and are not its own: what they say does not count.

Whoever may make pods in a namespace may give them any label.
"""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_operator.names import child_name, labels
from pumpjack_operator.reports import Reports
from tests.operator.cluster import (
    Namespace,
    answered,
    eventually,
    operating,
    quiet,
    running_at,
    worker,
)
from tests.operator.test_status import Worker

pytestmark = pytest.mark.peers

STRANGER = "debug-copy"


def run_stranger(wells: Namespace, of: str, status: dict[str, Any]) -> None:
    """A pod with the labels of a connection's worker, under a name of its own."""
    claim = {"persistentVolumeClaim": {"claimName": f"{child_name(of)}-journal"}}
    spec = {
        "containers": [{"name": "worker", "image": "x"}],
        "automountServiceAccountToken": False,
        "serviceAccountName": child_name(of),
        "volumes": [{"name": "journal", **claim}],
    }
    about = {"name": STRANGER, "labels": labels(of)}
    answered(wells.client.post(wells.path("pods"), json={"metadata": about, "spec": spec}))
    wells.patch("pods", STRANGER, {"status": status}, "kubelet", "status")


def remove_stranger(wells: Namespace) -> None:
    now = {"gracePeriodSeconds": 0}
    answered(wells.client.request("DELETE", wells.path("pods", STRANGER), json=now))


async def test_a_pod_with_a_workers_labels_is_not_asked_how_the_wells_are(plane, wells):
    with Worker("").answering() as one:
        reports = lambda changed: Reports(changed, every_s=0.05, port=one.port)  # noqa: E731
        async with operating(plane, reports=reports) as controller:
            wells.connect("pad7")
            wells.map("pumps", to="pad7")
            await eventually(lambda: len(wells.children("pad7")) == 7)
            (key,) = controller.store.connection_keys()
            one.says |= {"configHash": controller.wanted_hash(key), "storedAt": one.ago(0)}
            run_stranger(wells, "pad7", running_at("127.0.0.1"))
            wells.connect("pad8")
            await eventually(lambda: wells.reason("pad8", "Ready"))
            await quiet(controller)
            assert wells.reason("pad7", "Ready") == "WorkerNotRunning"
            assert one.asked == 0


async def test_how_a_pod_with_a_workers_labels_ended_lets_no_journal_go(operator, wells):
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    wells.run_pod("pad7", "127.0.0.9")
    claim = wells.get("persistentvolumeclaims", "scada-pad7-journal")
    assert claim is not None
    wells.patch(
        "persistentvolumeclaims", "scada-pad7-journal", {"status": {"phase": "Bound"}}, sub="status"
    )
    wells.end_pod("pad7", 1)
    ended = {"terminated": {"exitCode": 0}}
    run_stranger(wells, "pad7", {"phase": "Succeeded", "containerStatuses": [worker(ended)]})
    await quiet(operator)
    remove_stranger(wells)
    await quiet(operator)
    wells.delete("scadaconnections", "pad7")
    await eventually(lambda: wells.events("JournalKept"))
    kept = wells.get("persistentvolumeclaims", "scada-pad7-journal")
    assert kept is not None and "deletionTimestamp" not in kept["metadata"]


RESTORED = {
    "of a volume that is named": {"volumeName": "pv-of-the-backup"},
    "of a snapshot": {
        "dataSource": {
            "apiGroup": "snapshot.storage.k8s.io",
            "kind": "VolumeSnapshot",
            "name": "journal",
        }
    },
}


@pytest.mark.parametrize("more", RESTORED.values(), ids=list(RESTORED))
async def test_a_journal_that_a_backup_restores_before_its_connection_is_kept(
    plane, wells, operator, more
):
    """A backup brings volumes first, and its claims wait for theirs as new ones do."""
    claim = {
        "metadata": {
            "name": "scada-pad7-journal",
            "labels": labels("pad7"),
            "annotations": {"pumpjack.dev/connection": "pad7"},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **more,
        },
    }
    answered(wells.client.post(wells.path("persistentvolumeclaims"), json=claim))
    await eventually(lambda: wells.events("JournalKept"), patience_s=15)
    kept = wells.get("persistentvolumeclaims", "scada-pad7-journal")
    assert kept is not None and "deletionTimestamp" not in kept["metadata"]


async def test_a_worker_that_is_said_to_be_another_connections_stays_what_it_is(operator, wells):
    wells.connect("pad7")
    wells.connect("pad8")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await eventually(lambda: wells.reason("pad8", "Ready"))
    await quiet(operator)
    before = wells.get("statefulsets", "scada-pad7")["metadata"]["uid"]
    told = lambda name: {"metadata": {"annotations": {"pumpjack.dev/connection": name}}}  # noqa: E731
    wells.patch("statefulsets", "scada-pad7", told("pad8"))
    said = lambda: wells.get("statefulsets", "scada-pad7")["metadata"]  # noqa: E731
    await eventually(lambda: said()["annotations"]["pumpjack.dev/connection"] == "pad7")
    assert said()["uid"] == before
    wells.delete("statefulsets", "scada-pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))


async def test_what_bears_the_operators_labels_and_none_of_its_names_is_left_alone(operator, wells):
    """A copy under another name, or what a tool gave the labels of its neighbour."""
    wells.connect("pad7")
    about = {
        "name": "scada-pad7-copy",
        "labels": labels("pad7"),
        "annotations": {"pumpjack.dev/connection": "pad7"},
    }
    answered(wells.client.post(wells.path("configmaps"), json={"metadata": about}))
    gone = {**about, "annotations": {"pumpjack.dev/connection": "gone"}, "name": "scada-gone-copy"}
    answered(wells.client.post(wells.path("configmaps"), json={"metadata": gone}))
    await eventually(lambda: wells.reason("pad7", "Ready"))
    await quiet(operator)
    assert wells.get("configmaps", "scada-pad7-copy")
    assert wells.get("configmaps", "scada-gone-copy")
