"""What counts as a change of a child, and what has to go from it."""

from __future__ import annotations

import pytest

from pumpjack_operator import drift
from pumpjack_operator.kinds import STATEFUL_SET
from pumpjack_operator.names import MANAGER

MANIFEST = {
    "metadata": {"name": "a", "labels": {"l": "1"}, "ownerReferences": [{"uid": "u"}]},
    "spec": {"replicas": 1, "items": [{"name": "x", "env": [{"name": "A", "value": "1"}]}],
             "limits": {"cpu": "1000m", "memory": "1Gi"}, "empty": [], "off": False},
}  # fmt: skip


def live(**spec):
    return {
        "metadata": {
            "labels": {"l": "1", "theirs": "2"},
            "ownerReferences": [{"uid": "other"}, {"uid": "u"}],
        },
        "spec": {
            "replicas": 1,
            "items": [{"name": "x", "env": [{"name": "A", "value": "1"}], "default": "d"}],
            "limits": {"cpu": "1", "memory": "1024Mi"},
            **spec,
        },
    }


SAME = {
    "defaults that the server filled in, amounts in other words": live(),
    "more defaults": live(other={"a": 1}),
}
CHANGED = {
    "another number": (live(replicas=2), ["spec.replicas"]),
    "a list that is longer": (live(items=[{"name": "x"}, {"name": "y"}]), ["spec.items"]),
    "an item without a part": (live(items=[{"name": "x"}]), ["spec.items[0].env"]),
    "another amount": (live(limits={"cpu": "2", "memory": "1Gi"}), ["spec.limits.cpu"]),
    "something in an empty list": (live(empty=[1]), ["spec.empty"]),
    "switched on": (live(off=True), ["spec.off"]),
    "no label": (
        {**live(), "metadata": {"ownerReferences": [{"uid": "u"}]}},
        ["metadata.labels[l]"],
    ),
    "another owner": (
        {**live(), "metadata": {"labels": {"l": "1"}, "ownerReferences": [{"uid": "v"}]}},
        ["metadata.ownerReferences"],
    ),
}


@pytest.mark.parametrize("found", SAME.values(), ids=list(SAME))
def test_it_is_the_same(found):
    assert list(drift.differences(MANIFEST, found)) == []


@pytest.mark.parametrize(("found", "paths"), CHANGED.values(), ids=list(CHANGED))
def test_it_is_not_the_same(found, paths):
    assert list(drift.differences(MANIFEST, found)) == paths


def entry(manager, fields, **more):
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def raw(*entries):
    return {"metadata": {"managedFields": list(entries)}}


ENV = {"f:spec": {"f:template": {"f:spec": {"f:replicas": {}}}}}


def test_only_others_who_set_parts_of_the_spec_meddle():
    found = drift.meddlers(
        raw(
            entry(MANAGER, ENV),
            entry("kube-controller-manager", ENV, subresource="status"),
            entry("label-tool", {"f:metadata": {"f:labels": {"f:a": {}}}}),
            entry("kubectl-edit", ENV),
            entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale"),
        ),
        STATEFUL_SET,
    )
    assert [one.manager for one in found] == ["kubectl-edit", "kubectl"]


def test_a_restart_by_hand_does_not_but_other_annotations_of_the_pod_do():
    restart = "f:kubectl.kubernetes.io/restartedAt"
    of = lambda *names: {  # noqa: E731
        "f:spec": {"f:template": {"f:metadata": {"f:annotations": {name: {} for name in names}}}}
    }
    assert drift.meddlers(raw(entry("kubectl-rollout", of(".", restart))), STATEFUL_SET) == ()
    (found,) = drift.meddlers(raw(entry("x", of(restart, "f:inject"))), STATEFUL_SET)
    assert list(drift.paths(found.fields)) == ["spec.template.metadata.annotations.inject"]


def test_what_others_added_goes_and_what_they_only_set_too_stays():
    wanted = {"a": 1, "items": [{"name": "x", "image": "i"}]}
    found = {
        "a": 1,
        "b": 2,
        "items": [{"name": "x", "image": "i", "tty": True}, {"name": "y"}],
    }
    fields = {
        "f:a": {},
        "f:b": {},
        "f:gone": {},
        "f:items": {'k:{"name":"x"}': {"f:tty": {}}, 'k:{"name":"y"}': {".": {}, "f:name": {}}},
    }
    assert drift.removal(fields, wanted, found) == {"b": None, "items": wanted["items"]}
    assert list(drift.paths(fields)) == ["a", "b", "gone", "items[x].tty", "items[y].name"]
    assert drift.removal({"f:a": {}}, wanted, found) == {}
