"""Alarms and writes on a real API server: what reaches the worker, and what of them is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operator.cluster import eventually, mapping, quiet, told

pytestmark = pytest.mark.peers
HI = {"condition": "hi", "limit": 90, "message": "too high", "response": "open the valve"}
LOST = {"condition": "deviation", "limit": 5, "from": "tag_9"}


def told_tags(wells) -> dict[str, Any]:
    """Tag to what the worker of pad7 is told of it."""
    return {
        tag["name"]: tag
        for name, child in wells.children("pad7").items()
        if any(file.startswith("tags-") for file in child.get("binaryData", {}))
        for tag in told(child)
    }


def with_alarms(*alarms: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A mapping of three tags, the first of which has these."""
    made = mapping("pumps", to="pad7")
    made["spec"]["tags"][0] |= {"alarms": list(alarms), **more}
    return made


async def test_alarms_and_writes_reach_the_worker_and_a_change_of_one_restarts_nothing(
    operator, wells
):
    wells.connect("pad7")
    wells.apply("tagmappings", with_alarms(HI, write={"min": 0, "max": 60}))
    await eventually(
        lambda: (
            "alarms" in told_tags(wells).get("tag_0", {})
            and "statefulsets/scada-pad7" in wells.children("pad7")
        )
    )
    tag = told_tags(wells)["tag_0"]
    assert tag["alarms"] == [HI]
    assert tag["write"] == {"low": 0, "high": 60}
    template = wells.children("pad7")["statefulsets/scada-pad7"]["spec"]["template"]
    wells.apply("tagmappings", with_alarms(HI | {"limit": 80}))
    await eventually(lambda: told_tags(wells)["tag_0"]["alarms"][0]["limit"] == 80)
    assert "write" not in told_tags(wells)["tag_0"]
    assert wells.children("pad7")["statefulsets/scada-pad7"]["spec"]["template"] == template


async def test_an_alarm_that_cannot_be_used_is_told_on_both_sides_and_its_tag_is_read(
    operator, wells
):
    wells.connect("pad7")
    wells.apply("tagmappings", with_alarms(HI, LOST))
    await eventually(lambda: wells.reason("pad7", "MappingsAccepted") == "PartsRejected")
    status = wells.get("scadaconnections", "pad7")["status"]
    assert (status["mappedTags"], status["rejectedTagsTotal"]) == (3, 1)
    (lost,) = status["rejectedTags"]
    assert lost["tag"] == "tag_0"
    assert lost["reason"].startswith("alarm deviation: from names tag_9, which is no tag of this")
    await eventually(
        lambda: wells.reason("pumps", "MappingsAccepted", "tagmappings") == "PartsRejected"
    )
    assert wells.get("tagmappings", "pumps")["status"]["acceptedTags"] == 3
    assert [alarm["condition"] for alarm in told_tags(wells)["tag_0"]["alarms"]] == ["hi"]
    wells.apply("tagmappings", with_alarms(HI))
    await eventually(lambda: wells.reason("pad7", "MappingsAccepted") == "AllTagsRead")


async def test_a_device_that_may_not_be_written_to_is_read_all_the_same(operator, wells):
    """The platform of these tests lists no writeNetworks."""
    wells.connect("pad7", writes={"enabled": True})
    wells.apply("tagmappings", with_alarms(write={"min": 0, "max": 60}))
    await eventually(lambda: wells.reason("pad7", "Stalled") == "WritesRefused")
    said = wells.condition("pad7", "Stalled")["message"]
    assert said.startswith("the device is read, and commands are refused")
    assert "writeNetworks" in said
    await eventually(lambda: "tag_0" in told_tags(wells))
    connection = told(wells.children("pad7")["configmaps/scada-pad7-config"])
    assert "writes" not in connection
    wells.connect("pad7", writes={"enabled": False})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")
    await quiet(operator)
