"""What is said of wells, on a real API server: what reaches the worker, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operator.cluster import eventually, mapping, told

pytestmark = pytest.mark.peers


def told_wells(wells) -> list[dict[str, Any]]:
    """What the worker of pad7 is told of wells."""
    return [
        well
        for name, child in wells.children("pad7").items()
        if "-tags-" in name and any(file.startswith("wells-") for file in child["binaryData"])
        for well in told(child)
    ]


def saying(**well: Any) -> dict[str, Any]:
    made = mapping("pumps", to="pad7")
    made["spec"]["well"] = well
    return made


async def test_facts_reach_the_worker_and_a_change_of_one_restarts_nothing(operator, wells):
    wells.connect("pad7")
    wells.apply("tagmappings", saying(title="Well of {{ name }}", keyTags=["tag_1"]))
    await eventually(
        lambda: told_wells(wells) and "statefulsets/scada-pad7" in wells.children("pad7")
    )
    (well,) = told_wells(wells)
    assert (well["title"], well["keyTags"]) == ("Well of pad7", ["tag_1"])
    template = wells.children("pad7")["statefulsets/scada-pad7"]["spec"]["template"]
    wells.apply("tagmappings", saying(title="Another"))
    await eventually(lambda: [one.get("title") for one in told_wells(wells)] == ["Another"])
    assert wells.children("pad7")["statefulsets/scada-pad7"]["spec"]["template"] == template
    wells.apply("tagmappings", mapping("pumps", to="pad7"))
    await eventually(lambda: told_wells(wells) == [])


async def test_a_fact_that_cannot_be_used_is_told_on_both_sides_and_every_tag_is_read(
    operator, wells
):
    wells.connect("pad7")
    wells.apply("tagmappings", saying(title="A", timeZone="Mars/Base", roles={"oil_rate": "tag_9"}))
    await eventually(lambda: wells.reason("pad7", "MappingsAccepted") == "PartsRejected")
    status = wells.get("scadaconnections", "pad7")["status"]
    assert (status["mappedTags"], status["rejectedTagsTotal"]) == (3, 2)
    assert [(lost["tag"], lost["reason"][:40]) for lost in status["rejectedTags"]] == [
        ("well", 'well.timeZone: "Mars/Base" is no time zo'),
        ("well", "well.roles: tag_9 is no tag of the well "),
    ]
    said = wells.condition("pad7", "MappingsAccepted")["message"]
    assert said.startswith("every tag is read, but 2 alarms, writes, names or facts of wells")
    await eventually(
        lambda: wells.reason("pumps", "MappingsAccepted", "tagmappings") == "PartsRejected"
    )
    assert [well["title"] for well in told_wells(wells)] == ["A"]
    wells.apply("tagmappings", saying(title="A", timeZone="America/Denver"))
    await eventually(lambda: wells.reason("pad7", "MappingsAccepted") == "AllTagsRead")
