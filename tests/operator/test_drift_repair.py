"""What others change in a worker's children is put back, and an Event says who it was."""

from __future__ import annotations

import pytest

from tests.operator.cluster import eventually, quiet

pytestmark = pytest.mark.peers
SET = "scada-pad7"


@pytest.fixture
async def pad7(operator, wells):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: len(wells.children("pad7")) == 7)
    await quiet(operator)
    return wells


def pod(wells):
    return wells.get("statefulsets", SET)["spec"]["template"]["spec"]


def containers(*added, **more):
    found = [{"name": "worker", **more}, *added]
    return {"spec": {"template": {"spec": {"containers": found}}}}


CHANGES = {
    "an added container": containers({"name": "sidecar", "image": "miner"}),
    "an added env": containers(env=[{"name": "EVIL", "value": "1"}]),
    "another image": containers(image="other"),
    "an added volume and its mount": {
        "spec": {
            "template": {
                "spec": {
                    "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
                    "containers": [
                        {"name": "worker", "volumeMounts": [{"name": "host", "mountPath": "/host"}]}
                    ],
                }
            }
        }
    },
    "host network": {"spec": {"template": {"spec": {"hostNetwork": True}}}},
    "more replicas": {"spec": {"replicas": 3}},
    "a removed env": containers(env=[{"name": "PUMPJACK_CONFIG_DIR", "$patch": "delete"}]),
    "an added node selector": {"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}},
}


@pytest.mark.parametrize("patch", CHANGES.values(), ids=list(CHANGES))
async def test_a_changed_pod_is_put_back(pad7, operator, patch):
    before = pad7.get("statefulsets", SET)["spec"]
    changed = pad7.patch("statefulsets", SET, patch)
    assert changed["spec"] != before
    await eventually(lambda: pad7.get("statefulsets", SET)["spec"] == before)
    (told,) = await eventually(lambda: pad7.events("DriftRepaired"))
    assert SET in told
    if "$patch" not in str(patch):  # who only removes leaves no trace
        assert "kubectl-edit" in told
    await quiet(operator)
    last = pad7.get("statefulsets", SET)["metadata"]["resourceVersion"]
    await quiet(operator)
    assert pad7.get("statefulsets", SET)["metadata"]["resourceVersion"] == last


async def test_a_rule_that_opens_the_network_goes(pad7):
    before = pad7.get("networkpolicies", SET)["spec"]
    pad7.patch("networkpolicies", SET, [{"op": "add", "path": "/spec/egress/-", "value": {}}])
    await eventually(lambda: pad7.get("networkpolicies", SET)["spec"] == before)
    (told,) = await eventually(lambda: pad7.events("DriftRepaired"))
    assert "spec.egress" in told


async def test_another_configuration_goes(pad7):
    before = pad7.get("configmaps", f"{SET}-config")["binaryData"]
    pad7.patch("configmaps", f"{SET}-config", {"binaryData": {"connection.json": "e30="}})
    pad7.patch("configmaps", f"{SET}-config", {"data": {"tags-9.json.gz": "x"}})
    await eventually(
        lambda: (
            (found := pad7.get("configmaps", f"{SET}-config"))["binaryData"] == before
            and not found.get("data")
        )
    )


@pytest.mark.parametrize("plural", ["statefulsets", "networkpolicies", "serviceaccounts"])
async def test_a_deleted_child_comes_again(pad7, plural):
    before = pad7.get(plural, SET)["metadata"]["uid"]
    pad7.delete(plural, SET)
    await eventually(
        lambda: (found := pad7.get(plural, SET)) and found["metadata"]["uid"] != before
    )


async def test_a_restart_that_was_asked_for_stays(pad7, operator):
    when = {"kubectl.kubernetes.io/restartedAt": "2026-01-31T06:30:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": when}}}}
    changed = pad7.patch("statefulsets", SET, patch, "kubectl-rollout")
    version = changed["metadata"]["resourceVersion"]
    pad7.patch("serviceaccounts", SET, {"metadata": {"labels": {"team": "a"}}})
    pad7.patch("serviceaccounts", SET, {"imagePullSecrets": [{"name": "registry"}]})
    pad7.map("pumps", to="pad7", tags=5)  # something to do, after which all was looked at
    await eventually(lambda: pad7.get("scadaconnections", "pad7")["status"]["mappedTags"] == 5)
    await quiet(operator)
    assert pad7.get("statefulsets", SET)["metadata"]["resourceVersion"] == version
    assert pad7.get("serviceaccounts", SET)["metadata"]["labels"]["team"] == "a"
    assert pad7.get("serviceaccounts", SET)["imagePullSecrets"]
    assert pad7.events("DriftRepaired") == []


async def test_labels_of_a_child_that_others_remove_come_again(pad7):
    label = "app.kubernetes.io~1managed-by"
    pad7.patch("services", SET, [{"op": "remove", "path": f"/metadata/labels/{label}"}])
    await eventually(
        lambda: "app.kubernetes.io/managed-by" in pad7.get("services", SET)["metadata"]["labels"]
    )


async def test_a_volume_may_be_made_larger_by_hand_and_stays_so(pad7, operator):
    claim = f"{SET}-journal"
    pad7.patch("persistentvolumeclaims", claim, {"status": {"phase": "Bound"}}, sub="status")
    pad7.connect("pad7", journal={"size": "1Mi"})
    await quiet(operator)
    found = pad7.get("persistentvolumeclaims", claim)
    assert found["spec"]["resources"]["requests"]["storage"] == "1344Mi"
    assert pad7.condition("pad7", "Stalled")["status"] == "False"


NARROWED = {
    "a Service's selector": ("services", {"spec": {"selector": {"evil": "1"}}}),
    "a policy's selector of pods: of none of ours, which would then reach everything": (
        "networkpolicies",
        {"spec": {"podSelector": {"matchLabels": {"evil": "1"}}}},
    ),
    "the same by an expression": (
        "networkpolicies",
        {"spec": {"podSelector": {"matchExpressions": [{"key": "evil", "operator": "Exists"}]}}},
    ),
}


@pytest.mark.parametrize(("plural", "patch"), NARROWED.values(), ids=list(NARROWED))
async def test_what_is_added_to_a_selector_is_taken_away(pad7, operator, plural, patch):
    """Kubernetes stores a selector as a whole, and names no part of it in managedFields."""
    (name,) = [one for one in pad7.children("pad7") if one.startswith(plural)]
    name = name.partition("/")[2]
    before = pad7.get(plural, name)["spec"]
    assert pad7.patch(plural, name, patch)["spec"] != before
    await eventually(lambda: pad7.get(plural, name)["spec"] == before)
    (told,) = await eventually(lambda: pad7.events("DriftRepaired"))
    assert told.startswith("kubectl-edit changed spec.") and "elector" in told
    await quiet(operator)
    assert len(pad7.events("DriftRepaired")) == 1
