"""What kubectl apply of connections and mappings makes, on a real API server."""

from __future__ import annotations

import pytest

from pumpjack_operator.names import child_name
from tests.operator.cluster import (
    PLATFORM,
    connection,
    eventually,
    mapping,
    new_namespace,
    operating,
    quiet,
    told,
)

pytestmark = pytest.mark.peers

WORKER = {
    "serviceaccounts/scada-pad7",
    "networkpolicies/scada-pad7",
    "services/scada-pad7",
    "configmaps/scada-pad7-config",
    "configmaps/scada-pad7-tags-0",
    "persistentvolumeclaims/scada-pad7-journal",
    "statefulsets/scada-pad7",
}
CONDITIONS = {"Connected", "DataFlowing", "MappingsAccepted", "Ready", "Stalled"}


def tags(wells, name: str) -> list[str]:
    """Wells and names of the tags that a worker is told."""
    found = wells.get("configmaps", f"{child_name(name)}-tags-0")
    return [f"{tag['wellId']}/{tag['name']}" for tag in told(found)] if found else []


async def test_a_connection_with_a_mapping_gets_a_worker_and_both_a_status(operator, wells):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: set(wells.children("pad7")) == WORKER)
    await eventually(lambda: wells.holds("pad7", "MappingsAccepted"))
    status = wells.get("scadaconnections", "pad7")["status"]
    assert (status["endpoint"], status["mappedTags"]) == ("10.1.7.20:502", 3)
    assert status["workerRef"] == {"name": "scada-pad7"}
    assert {one["type"] for one in status["conditions"]} == CONDITIONS
    await eventually(lambda: wells.condition("pumps", "MappingsAccepted", "tagmappings"))
    await eventually(lambda: wells.get("tagmappings", "pumps")["status"]["acceptedTags"] == 3)
    owners = {
        name: child["metadata"].get("ownerReferences")
        for name, child in wells.children("pad7").items()
    }
    assert {name for name, of in owners.items() if of is None} == {
        "persistentvolumeclaims/scada-pad7-journal",
        "networkpolicies/scada-pad7",
    }


async def test_an_operator_that_starts_again_writes_nothing(plane, wells):
    async with operating(plane) as controller:
        wells.connect("pad7", placement={"resources": {"limits": {"cpu": "1000m"}}})
        wells.connect("pad8", journal={"storage": "emptyDir"})
        wells.map("pumps", to="pad7")
        await eventually(lambda: len(wells.children("pad7")) == 7)
        await quiet(controller)
    before = wells.versions()
    async with operating(plane) as controller:
        await quiet(controller)
        writes = {
            call: count
            for call, count in controller.api_calls.items()
            if call[0] in ("patch", "create", "update", "delete")
        }
    assert wells.versions() == before
    assert writes == {}


async def test_a_changed_mapping_reaches_its_connections_only_and_restarts_no_pod(operator, wells):
    for name, pad in (("a", "1"), ("b", "1"), ("c", "2")):
        wells.connect(name, labels={"pad": pad})
    wells.map("first", to={"pad": "1"}, tags=2)
    wells.map("second", to={"pad": "2"}, tags=2)
    for name in "abc":
        wanted = [f"well-{name}/tag_{at}" for at in range(2)]
        await eventually(lambda name=name, wanted=wanted: tags(wells, name) == wanted)
    await quiet(operator)
    before = wells.versions()
    wells.map("first", to={"pad": "1"}, tags=4)
    await eventually(lambda: len(tags(wells, "a")) == len(tags(wells, "b")) == 4)
    await quiet(operator)
    changed = {name for name, version in wells.versions().items() if before.get(name) != version}
    assert changed == {
        "tagmappings/first",
        *(f"scadaconnections/{name}" for name in "ab"),
        *(f"configmaps/scada-{name}-{part}" for name in "ab" for part in ("config", "tags-0")),
    }


async def test_a_changed_label_moves_a_connection_from_one_mapping_to_another(operator, wells):
    wells.connect("a", labels={"pad": "1", "unit": "3"})
    wells.map("first", to={"pad": "1"}, tags=1, well="pad1-{{ labels.unit }}")
    wells.map("second", to={"pad": "2"}, tags=1, well="pad2-{{ labels.unit }}")
    await eventually(lambda: tags(wells, "a") == ["pad1-3/tag_0"])
    wells.connect("a", labels={"pad": "2", "unit": "4"})
    await eventually(lambda: tags(wells, "a") == ["pad2-4/tag_0"])
    await eventually(
        lambda: (
            wells.condition("first", "MappingsAccepted", "tagmappings")["reason"] == "NoConnection"
        )
    )


async def test_of_two_claims_on_a_tag_the_older_wins_and_the_loser_is_told_on_both_sides(
    operator, wells
):
    wells.connect("a-older")
    wells.map("m1", to="a-older", tags=2, well="w")
    await eventually(lambda: len(tags(wells, "a-older")) == 2)
    wells.connect("b-newer")
    wells.map("m2", to="b-newer", tags=3, well="w")
    await eventually(lambda: tags(wells, "b-newer") == ["w/tag_2"])
    await quiet(operator)
    lost = wells.get("scadaconnections", "b-newer")["status"]
    assert (lost["mappedTags"], lost["rejectedTagsTotal"]) == (1, 2)
    assert "a-older" in lost["rejectedTags"][0]["reason"]
    assert wells.get("tagmappings", "m2")["status"]["rejectedTagsTotal"] == 2
    assert wells.condition("m1", "MappingsAccepted", "tagmappings")["status"] == "True"
    wells.delete("tagmappings", "m1")
    await eventually(lambda: len(tags(wells, "b-newer")) == 3)


async def test_500_tags_of_a_mapping_all_bad_are_told_with_50_and_a_total(operator, wells):
    wells.connect("a")
    wells.map("m", to="a", tags=500, well="{{ labels.none }}")
    await eventually(
        lambda: wells.get("scadaconnections", "a").get("status", {}).get("rejectedTagsTotal") == 500
    )
    status = wells.get("scadaconnections", "a")["status"]
    assert len(status["rejectedTags"]) == 50
    assert wells.condition("a", "MappingsAccepted")["reason"] == "TagsRejected"
    assert wells.condition("a", "DataFlowing")["reason"] == "NoTags"


async def test_20_000_tags_of_40_mappings_reach_one_worker(operator, wells):
    wells.connect("big")
    for number in range(40):
        wells.map(f"m{number:02}", to="big", tags=500, well=f"w{number}")
    await eventually(
        lambda: wells.get("scadaconnections", "big").get("status", {}).get("mappedTags") == 20_000,
        patience_s=60,
    )
    await quiet(operator)
    parts = [
        told(child) for name, child in wells.children("big").items() if "-tags-" in name
    ]  # fmt: skip
    assert sum(map(len, parts)) == 20_000
    for number in range(1, 40):
        wells.delete("tagmappings", f"m{number:02}")
    await eventually(lambda: len(tags(wells, "big")) == 500)
    await eventually(
        lambda: (
            [name for name in wells.children("big") if "-tags-" in name]
            == ["configmaps/scada-big-tags-0"]
        )
    )


async def test_a_connection_with_the_longest_name_gets_a_worker(operator, wells):
    name = ".".join(["a" * 62] * 4)
    wells.connect(name)
    wells.map("m", to=name, tags=1, well="w")
    await eventually(lambda: len(wells.children(name)) == 7)
    assert await eventually(lambda: wells.condition(name, "Ready"))


async def test_suspended_keeps_its_pod_and_its_volume_and_resumes(operator, wells):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: set(wells.children("pad7")) == WORKER)
    await quiet(operator)
    before = wells.get("statefulsets", "scada-pad7")["metadata"]["resourceVersion"]
    wells.connect("pad7", suspend=True)
    config = lambda: told(wells.get("configmaps", "scada-pad7-config"))  # noqa: E731
    await eventually(lambda: config()["spec"]["suspend"])
    await eventually(lambda: wells.condition("pad7", "DataFlowing")["reason"] == "Suspended")
    wells.connect("pad7", suspend=False)
    await eventually(lambda: not config()["spec"]["suspend"])
    await quiet(operator)
    assert wells.get("statefulsets", "scada-pad7")["metadata"]["resourceVersion"] == before


async def test_a_namespace_of_no_tenant_gets_no_worker_and_is_told_why(operator, plane):
    alone = new_namespace(plane.client, tenant=None)
    alone.connect("pad7")
    ready = await eventually(lambda: alone.condition("pad7", "Ready"))
    assert ready["reason"] == "Refused"
    assert "pumpjack.dev/tenant" in ready["message"]
    assert alone.children("pad7") == {}
    alone.clear()


async def test_an_address_that_the_platform_forbids_later_takes_the_worker_but_not_its_journal(
    plane, wells
):
    async with operating(plane):
        wells.connect("pad7")
        await eventually(lambda: "statefulsets/scada-pad7" in wells.children("pad7"))
    wells.run_pod("pad7", "127.0.0.1")
    platform = PLATFORM.__class__(image=PLATFORM.image)
    async with operating(plane, platform=platform) as controller:
        await eventually(
            lambda: (
                set(wells.children("pad7"))
                == {"persistentvolumeclaims/scada-pad7-journal", "networkpolicies/scada-pad7"}
            )
        )
        await quiet(controller)
        assert wells.get("networkpolicies", "scada-pad7")  # its pod still drains
        wells.end_pod("pad7", exit_code=0)
        await eventually(
            lambda: set(wells.children("pad7")) == {"persistentvolumeclaims/scada-pad7-journal"}
        )
        assert (await eventually(lambda: wells.condition("pad7", "Stalled")))["status"] == "True"


async def test_two_tenants_may_use_the_same_names_of_wells(operator, plane, wells):
    other = new_namespace(plane.client, tenant="bakken")
    for namespace, host in ((wells, "10.1.0.1"), (other, "10.2.0.1")):
        namespace.connect("a", modbusTcp={"host": host})
        namespace.map("m", to="a", tags=2, well="w")
    for namespace in (wells, other):
        await eventually(lambda namespace=namespace: len(tags(namespace, "a")) == 2)
    assert told(other.get("configmaps", "scada-a-config"))["tenantId"] == "bakken"
    other.clear()


def test_the_manifests_of_these_tests_are_valid_offline_too():
    from pumpjack_core.manifests.check import check

    for manifest in (
        connection("a", None, {"protocol": "modbus-tcp", "modbusTcp": {"host": "10.1.7.20"}}),
        mapping("m", to="a"),
    ):
        assert check(manifest).findings == ()
