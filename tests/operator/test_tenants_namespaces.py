"""Whose a namespace is, and that nobody takes one over by a name or a label."""

from __future__ import annotations

import asyncio

import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator.namespaces import (
    Namespaces,
    Record,
    Refusal,
    read_record,
    record_manifest,
    record_name,
    tenant_of,
)
from tests.operator.kept_objects import InMemory

OWN = "pumpjack-system"
PERMIAN = {TENANT_LABEL: "permian"}
BY_LABEL, BY_NAME = Record("permian", by_label=True), Record("permian", by_label=False)

# namespace, labels, records, labelled tenants, fallback -> tenant, or what the refusal says
CASES = {
    "a label names the tenant": ("ops", PERMIAN, {}, (), False, "permian"),
    "the same as before": ("ops", PERMIAN, {"ops": BY_LABEL}, ("permian",), False, "permian"),
    "two namespaces of a tenant": (
        "lab",
        PERMIAN,
        {"ops": BY_LABEL},
        ("permian",),
        False,
        "permian",
    ),
    "without a label it is not served": ("ops", {}, {}, (), False, "bears no label"),
    "an empty label is none": ("ops", {TENANT_LABEL: ""}, {}, (), False, "bears no label"),
    "other labels are not looked at": (
        "ops",
        {"tenant": "permian", "pumpjack.dev/tenants": "permian"},
        {},
        (),
        False,
        "bears no label",
    ),
    "a label that was removed": (
        "ops",
        {},
        {"ops": BY_LABEL},
        (),
        False,
        "no longer bears the label",
    ),
    "a label that was changed": (
        "ops",
        {TENANT_LABEL: "bakken"},
        {"ops": BY_LABEL},
        ("bakken",),
        False,
        "was served for tenant permian and would now be bakken's",
    ),
    "changed in its case only": (
        "ops",
        {TENANT_LABEL: "Permian"},
        {"ops": BY_LABEL},
        (),
        False,
        "was served for tenant permian",
    ),
    "a label that could bend a pattern": (
        "ops",
        {TENANT_LABEL: "*"},
        {},
        (),
        False,
        "no label value",
    ),
    "a label that could bend a key": (
        "ops",
        {TENANT_LABEL: "a:b"},
        {},
        (),
        False,
        "no label value",
    ),
    "trying out, the name is the tenant": ("permian", {}, {}, (), True, "permian"),
    "and it stays": ("permian", {}, {"permian": BY_NAME}, (), True, "permian"),
    "trying out, a label counts more": ("ops", PERMIAN, {}, (), True, "permian"),
    "a name that is a labelled tenant's": (
        "permian",
        {},
        {},
        ("permian",),
        True,
        "its name is the id",
    ),
    "a name that was a labelled tenant's": (
        "permian",
        {},
        {"ops": BY_LABEL},
        (),
        True,
        "its name is the id",
    ),
    "a name that a labelled tenant took later": (
        "permian",
        {},
        {"permian": BY_NAME},
        ("permian",),
        True,
        "its name is the id",
    ),
    "its own label removed, the name being the same": (
        "permian",
        {},
        {"permian": BY_LABEL},
        (),
        True,
        "its name is the id",
    ),
    "trying out, a label that was removed": (
        "ops",
        {},
        {"ops": BY_LABEL},
        (),
        True,
        "was served for tenant permian and would now be ops's",
    ),
    "trying out ended": (
        "permian",
        {},
        {"permian": BY_NAME},
        (),
        False,
        "no longer bears the label",
    ),
    "a label on what was served by its name": (
        "ops",
        PERMIAN,
        {"ops": Record("ops", by_label=False)},
        ("permian",),
        False,
        "was served for tenant ops",
    ),
    "the same tenant by label as by name before": (
        "permian",
        PERMIAN,
        {"permian": BY_NAME},
        ("permian",),
        False,
        "permian",
    ),
}


@pytest.mark.parametrize(
    ("namespace", "labels", "records", "labelled", "fallback", "expected"),
    CASES.values(),
    ids=list(CASES),
)
def test_whose_a_namespace_is(namespace, labels, records, labelled, fallback, expected):
    found = tenant_of(namespace, labels, records=records, labelled=labelled, fallback=fallback)
    if isinstance(found, Refusal):
        assert expected in found.message
        assert expected != "permian"
    else:
        assert found.tenant == expected
        assert found.by_label is bool(labels.get(TENANT_LABEL))


@pytest.mark.parametrize(
    ("namespace", "labels", "records", "labelled", "fallback", "expected"),
    [case for case in CASES.values() if " " in case[-1]],
)
def test_a_refusal_says_what_to_do(namespace, labels, records, labelled, fallback, expected):
    found = tenant_of(namespace, labels, records=records, labelled=labelled, fallback=fallback)
    assert isinstance(found, Refusal)
    way_out = ("platform team", "set its label", "at both ends")
    assert any(words in found.message for words in way_out)


async def test_what_was_recorded_outlives_the_operator():
    objects = InMemory()
    first = Namespaces(objects, OWN)
    await first.load()
    assert await first.tenant("ops", PERMIAN, {"permian"}) == "permian"
    second = Namespaces(objects, OWN)
    await second.load()
    found = await second.tenant("ops", {TENANT_LABEL: "bakken"}, {"bakken"})
    assert isinstance(found, Refusal)
    assert f"ConfigMap {record_name('ops')}" in found.message
    assert await second.tenant("ops", PERMIAN, {"permian"}) == "permian"
    assert objects.writes == [("create", record_name("ops"))]


async def test_the_platform_hands_a_namespace_over_by_deleting_its_record():
    objects = InMemory()
    namespaces = Namespaces(objects, OWN)
    await namespaces.tenant("ops", PERMIAN, {"permian"})
    assert isinstance(await namespaces.tenant("ops", {TENANT_LABEL: "bakken"}, set()), Refusal)
    del objects.stored["ConfigMap", OWN, record_name("ops")]
    assert await namespaces.tenant("ops", {TENANT_LABEL: "bakken"}, {"bakken"}) == "bakken"


async def test_of_two_operators_that_saw_different_labels_one_is_refused():
    objects = InMemory()
    found = await asyncio.gather(
        *(
            Namespaces(objects, OWN).tenant("ops", {TENANT_LABEL: tenant}, {tenant})
            for tenant in ("permian", "bakken")
        )
    )
    assert [isinstance(one, Refusal) for one in found] == [False, True]


async def test_a_refused_namespace_is_not_recorded():
    objects = InMemory()
    namespaces = Namespaces(objects, OWN, fallback=True)
    assert isinstance(await namespaces.tenant("permian", {}, {"permian"}), Refusal)
    assert isinstance(await namespaces.tenant("x", {TENANT_LABEL: "*"}, set()), Refusal)
    assert objects.stored == {}


def test_a_config_map_that_is_no_record_is_told():
    manifest = record_manifest(OWN, "ops", BY_LABEL)
    assert read_record(manifest) == ("ops", BY_LABEL)
    assert manifest["immutable"] is True
    del manifest["data"]["tenant"]
    with pytest.raises(ManifestError, match="pumpjack-namespace-ops is no record"):
        read_record(manifest)
