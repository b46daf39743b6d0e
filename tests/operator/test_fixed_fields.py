"""Changes that Kubernetes does not allow in place, and journals that are to be elsewhere."""

from __future__ import annotations

import json

import pytest

from tests.operator.cluster import PLATFORM, answered, eventually, operating, quiet, told, worker

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("controlled")]
SET = "scada-pad7"
CLAIM = "scada-pad7-journal"
POD = "scada-pad7-0"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"


@pytest.fixture
async def running(operator, wells):
    """A connection whose worker runs, with its journal on a volume."""
    return await started(wells, operator)


async def started(wells, operator, **spec):
    wells.connect("pad7", **spec)
    wells.map("pumps", to="pad7")
    await eventually(lambda: wells.get("pods", POD))
    wells.patch("persistentvolumeclaims", CLAIM, {"status": {"phase": "Bound"}}, sub="status")
    wells.start_pod("pad7", "127.0.0.1")
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotAnswering")
    await quiet(operator)
    return wells


def make_again(wells, plural: str, change) -> None:
    """As somebody does who deletes an object of the operator's and puts his own in its place."""
    found = wells.get(plural, SET)
    made = {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "metadata": {key: found["metadata"][key] for key in ("name", "labels", "annotations")},
        "spec": json.loads(json.dumps(found["spec"])),
    }
    change(made["spec"])
    wells.delete(plural, SET, how="Orphan" if plural == "statefulsets" else "Background")
    wells.client.params = {"fieldManager": "kubectl-create"}
    try:

        def is_made() -> bool:
            answer = wells.client.post(wells.path(plural), json=made)
            assert answer.status_code in (201, 409), answer.text
            return answer.status_code == 201

        # the operator may be quicker
        while not is_made():
            wells.client.delete(wells.path(plural, SET))
    finally:
        wells.client.params = {}


FOREIGN = {
    "another service": ("statefulsets", lambda spec: spec.update(serviceName="other")),
    "pods one after the other, as earlier versions had it": (
        "statefulsets",
        lambda spec: spec.update(podManagementPolicy="OrderedReady"),
    ),
    "volumes of its own": (
        "statefulsets",
        lambda spec: spec.update(
            volumeClaimTemplates=[
                {
                    "metadata": {"name": "mine"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }
            ]
        ),
    ),
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=list(FOREIGN))
async def test_a_worker_that_another_made_is_made_anew_and_its_pod_reads_on(plane, wells, foreign):
    plural, change = foreign
    async with operating(plane) as controller:
        await started(wells, controller)
        before = wells.get(plural, SET)["spec"]
    pod = wells.get("pods", POD)["metadata"]["uid"]
    make_again(wells, plural, change)
    theirs = wells.get(plural, SET)["metadata"]["uid"]
    async with operating(plane) as controller:
        await eventually(
            lambda: (now := wells.get(plural, SET)) and now["metadata"]["uid"] != theirs
        )
        await quiet(controller)
        assert wells.get(plural, SET)["spec"] == before
        owner = lambda: wells.get("pods", POD)["metadata"]["ownerReferences"][0]["uid"]  # noqa: E731
        await eventually(lambda: owner() == wells.get(plural, SET)["metadata"]["uid"])
        found = wells.get("pods", POD)["metadata"]
        assert found["uid"] == pod and "deletionTimestamp" not in found
        (said,) = await eventually(lambda: wells.events("DriftRepaired"))
        assert "kubectl-create" in said
        assert wells.condition("pad7", "Stalled")["status"] == "False"


async def test_a_pod_that_cannot_start_is_replaced_by_one_that_can(plane, wells):
    """Kubernetes itself would wait for the broken one to get ready."""
    async with operating(plane) as controller:
        wells.connect("pad7")
        await eventually(lambda: wells.get("pods", POD))
        pull = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        wells.start_pod("pad7", "127.0.0.1")
        wells.set_pod("pad7", {"phase": "Pending", "containerStatuses": [worker(pull)]})
        await eventually(
            lambda: "ImagePullBackOff" in (wells.condition("pad7", "Ready") or {})["message"]
        )
        await quiet(controller)
    mended = PLATFORM.__class__(image="pumpjack/worker:2", tenants=PLATFORM.tenants)
    async with operating(plane, platform=mended):
        await eventually(lambda: "deletionTimestamp" in wells.get("pods", POD)["metadata"])
        wells.end_pod("pad7", exit_code=0)
        image = lambda pod: pod and pod["spec"]["containers"][0]["image"]  # noqa: E731
        await eventually(lambda: image(wells.get("pods", POD)) == "pumpjack/worker:2")


async def test_a_worker_that_would_not_find_its_pod_is_made_anew_with_another(plane, wells):
    async with operating(plane) as controller:
        await started(wells, controller)
        before = wells.get("statefulsets", SET)["spec"]

    def change(spec) -> None:
        spec["selector"]["matchLabels"]["extra"] = "1"
        spec["template"]["metadata"]["labels"]["extra"] = "1"

    make_again(wells, "statefulsets", change)
    answered(
        wells.client.request("DELETE", wells.path("pods", POD), json={"gracePeriodSeconds": 0})
    )
    labels = lambda: (wells.get("pods", POD) or {"metadata": {}})["metadata"].get("labels")  # noqa: E731
    await eventually(lambda: "extra" in (labels() or ()))
    async with operating(plane) as controller:
        await eventually(lambda: (now := wells.get("statefulsets", SET)) and now["spec"] == before)
        await eventually(lambda: (found := labels()) and "extra" not in found)
        await quiet(controller)
        assert wells.condition("pad7", "Stalled")["status"] == "False"


async def test_a_service_with_an_address_is_made_anew_without(plane, wells):
    async with operating(plane) as controller:
        await started(wells, controller)

    def change(spec) -> None:
        for key in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(key, None)

    make_again(wells, "services", change)
    assert wells.get("services", SET)["spec"]["clusterIP"] != "None"
    async with operating(plane) as controller:
        await eventually(
            lambda: (now := wells.get("services", SET)) and now["spec"]["clusterIP"] == "None"
        )
        await quiet(controller)
        assert wells.condition("pad7", "Stalled")["status"] == "False"


async def test_tags_that_somebody_froze_are_changed_all_the_same(running, operator):
    name = f"{SET}-tags-0"
    running.patch("configmaps", name, {"immutable": True})
    running.map("pumps", to="pad7", tags=5)
    await eventually(lambda: (now := running.get("configmaps", name)) and len(told(now)) == 5)
    await quiet(operator)
    assert "immutable" not in running.get("configmaps", name)
    assert running.condition("pad7", "Stalled")["status"] == "False"


# journals


def template_volumes(wells) -> dict[str, dict[str, object]]:
    found = wells.get("statefulsets", SET)["spec"]["template"]["spec"]["volumes"]
    return {one["name"]: one for one in found}


async def replaced_pod(wells, exit_code: int) -> None:
    """The rolling update of Kubernetes: the pod before is stopped, another is made."""
    await eventually(lambda: "deletionTimestamp" in wells.get("pods", POD)["metadata"])
    before = wells.get("pods", POD)["metadata"]["uid"]
    wells.end_pod("pad7", exit_code=exit_code)
    await eventually(lambda: (pod := wells.get("pods", POD)) and pod["metadata"]["uid"] != before)
    wells.start_pod("pad7", "127.0.0.1")


async def test_a_journal_that_leaves_its_volume_drained_leaves_no_volume(running, operator):
    running.connect("pad7", journal={"storage": "emptyDir"})
    await eventually(lambda: "emptyDir" in template_volumes(running)["journal"])
    await quiet(operator)
    claim = running.get("persistentvolumeclaims", CLAIM)["metadata"]
    assert "deletionTimestamp" not in claim  # its worker still drains
    await replaced_pod(running, 0)
    await eventually(lambda: running.get("persistentvolumeclaims", CLAIM) is None)
    assert running.events("JournalKept") == []


async def test_a_journal_that_leaves_its_volume_undrained_leaves_it_for_when_it_comes_back(
    running, operator
):
    running.connect("pad7", journal={"storage": "emptyDir"})
    await replaced_pod(running, 3)
    (said,) = await eventually(lambda: running.events("JournalKept"))
    assert "spec.journal.storage back to pvc" in said
    await quiet(operator)
    claim = running.get("persistentvolumeclaims", CLAIM)["metadata"]
    assert "deletionTimestamp" not in claim
    running.set_pod("pad7", {"phase": "Running"})  # whatever becomes of the next pods
    running.connect("pad7", journal={"storage": "pvc"})
    await replaced_pod(running, 0)
    await eventually(lambda: "persistentVolumeClaim" in template_volumes(running)["journal"])
    await quiet(operator)
    again = running.get("persistentvolumeclaims", CLAIM)["metadata"]
    assert again["uid"] == claim["uid"]
    assert "pumpjack.dev/journal-kept" not in again["annotations"]
    assert len(running.events("JournalKept")) == 1


async def test_a_journal_whose_last_worker_nobody_saw_end_is_kept(plane, wells):
    async with operating(plane) as controller:
        await started(wells, controller)
        wells.connect("pad7", journal={"storage": "emptyDir"})
        await eventually(lambda: "emptyDir" in template_volumes(wells)["journal"])
    await replaced_pod(wells, 0)
    async with operating(plane) as controller:
        await eventually(lambda: wells.events("JournalKept"))
        await quiet(controller)
        claim = wells.get("persistentvolumeclaims", CLAIM)["metadata"]
        assert "deletionTimestamp" not in claim


def storage_class(wells, name: str, *, grows: bool) -> None:
    made = {
        "metadata": {"name": name},
        "provisioner": "example.com/none",
        "allowVolumeExpansion": grows,
    }
    answer = wells.client.post(STORAGE, json=made)
    assert answer.status_code in (201, 409), answer.text


def requested(wells) -> str:
    found = wells.get("persistentvolumeclaims", CLAIM)["spec"]["resources"]["requests"]
    return str(found["storage"])


async def test_a_journal_grows_where_its_storage_class_has_it(operator, wells):
    storage_class(wells, "elastic", grows=True)
    await started(wells, operator, journal={"size": "1Gi", "storageClassName": "elastic"})
    wells.connect("pad7", journal={"size": "2Gi", "storageClassName": "elastic"})
    await eventually(lambda: requested(wells) == "2624Mi")
    await quiet(operator)
    assert wells.condition("pad7", "Stalled")["status"] == "False"
    assert "deletionTimestamp" not in wells.get("pods", POD)["metadata"]


async def test_a_journal_that_cannot_grow_is_said_and_holds_nothing_else_up(operator, wells):
    storage_class(wells, "rigid", grows=False)
    rigid = {"storageClassName": "rigid"}
    await started(wells, operator, journal={"size": "1Gi", **rigid})
    wells.connect(
        "pad7",
        journal={"size": "2Gi", **rigid},
        placement={"nodeSelector": {"site": "west"}},
    )
    await eventually(lambda: wells.reason("pad7", "Stalled") == "JournalUnchanged")
    said = wells.condition("pad7", "Stalled")["message"]
    assert "1344Mi" in said and "2624Mi" in said and CLAIM in said and "emptyDir" in said
    await eventually(
        lambda: wells.get("statefulsets", SET)["spec"]["template"]["spec"].get("nodeSelector")
    )
    await replaced_pod(wells, 0)
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotAnswering")
    answered(
        wells.client.patch(
            f"{STORAGE}/rigid",
            json={"allowVolumeExpansion": True},
            headers={"Content-Type": "application/merge-patch+json"},
        )
    )
    await eventually(lambda: requested(wells) == "2624Mi")
    await eventually(lambda: wells.condition("pad7", "Stalled")["status"] == "False")
    wells.client.delete(f"{STORAGE}/rigid")


async def test_a_journal_moves_to_another_storage_class_as_the_condition_says(operator, wells):
    for name in ("slow", "fast"):
        storage_class(wells, name, grows=True)
    await started(wells, operator, journal={"storageClassName": "slow"})
    wells.connect("pad7", journal={"storageClassName": "fast"})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "JournalUnchanged")
    said = wells.condition("pad7", "Stalled")["message"]
    assert "slow" in said and "fast" in said and CLAIM in said
    await quiet(operator)
    assert "deletionTimestamp" not in wells.get("pods", POD)["metadata"]
    wells.connect("pad7", journal={"storage": "emptyDir"})
    await replaced_pod(wells, 0)
    await eventually(lambda: wells.get("persistentvolumeclaims", CLAIM) is None)
    await eventually(lambda: wells.condition("pad7", "Stalled")["status"] == "False")
    wells.connect("pad7", journal={"storageClassName": "fast"})
    await replaced_pod(wells, 0)
    claim = wells.get("persistentvolumeclaims", CLAIM)
    assert claim["spec"]["storageClassName"] == "fast"
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotAnswering")
