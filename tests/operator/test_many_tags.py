"""One connection with 20,000 tags of 100 mappings, as a plant's large server has them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.operator.cluster import connection, eventually, mapping, quiet, told

pytestmark = pytest.mark.peers
MAPPINGS, TAGS = 100, 200
PATIENCE_S = 100.0


def manifest(number: int) -> dict[str, Any]:
    """A mapping of OPC UA nodes, whose names are long and have nothing in common."""
    dice = random.Random(number)
    made = mapping(f"m{number:02}", to="plant", tags=TAGS, well=f"w{number:02}")
    for tag in made["spec"]["tags"]:
        tag["address"] = f"ns=2;s={dice.randbytes(60).hex()}"
    return made


def told_tags(wells) -> dict[tuple[str, str], str]:
    """Well and tag to its address, as the worker is told, of all parts."""
    return {
        (tag["wellId"], tag["name"]): tag["address"]
        for name, child in wells.children("plant").items()
        if "-tags-" in name
        for tag in told(child)
    }


def mapped(wells) -> int:
    status = wells.get("scadaconnections", "plant").get("status", {})
    return int(status.get("mappedTags", 0))


def states(wells) -> set[tuple[int, int, str]]:
    """Accepted tags, rejected ones, and the reason, of all mappings."""
    return {
        (status.get("acceptedTags", 0), status.get("rejectedTagsTotal", 0), one["reason"])
        for item in wells.list("tagmappings")
        for status in [item.get("status", {})]
        for one in status.get("conditions", [{"reason": "none"}])
    }


@pytest.mark.timeout(400)
async def test_20_000_tags_of_100_mappings_reach_a_worker_and_a_change_of_one_restarts_nothing(
    operator, wells
):
    server = {"opcua": {"endpoint": "opc.tcp://10.1.7.20:4840"}}
    await asyncio.to_thread(
        wells.apply, "scadaconnections", connection("plant", None, {"protocol": "opcua", **server})
    )
    for number in range(MAPPINGS):
        await asyncio.to_thread(wells.apply, "tagmappings", manifest(number))
    await patiently(lambda: mapped(wells) == MAPPINGS * TAGS)
    await patiently(lambda: states(wells) == {(TAGS, 0, "AllTagsRead")})
    await patiently(lambda: len(told_tags(wells)) == MAPPINGS * TAGS)
    parts = [name for name in wells.children("plant") if "-tags-" in name]
    assert len(parts) > 1
    await quiet(operator)
    before = wells.versions()

    changed = manifest(42)
    changed["spec"]["tags"][7]["address"] = "ns=2;s=another"
    wells.apply("tagmappings", changed)
    await patiently(lambda: told_tags(wells)["w42", "tag_7"] == "ns=2;s=another")
    assert len(told_tags(wells)) == MAPPINGS * TAGS
    after = wells.versions()
    written = {name for name, version in after.items() if before.get(name) != version}
    children = {name for name in written if not name.startswith(("tagmappings", "scadaconn"))}
    assert all(name.startswith("configmaps/") for name in children)
    assert len(children) == 2  # connection.json with the hash, and the part with the tag

    wells.delete("tagmappings", "m42")
    await patiently(lambda: mapped(wells) == (MAPPINGS - 1) * TAGS)
    await patiently(lambda: len(told_tags(wells)) == (MAPPINGS - 1) * TAGS)


async def patiently(look: Callable[[], bool]) -> None:
    """Looking costs much itself here."""
    await eventually(look, patience_s=PATIENCE_S, every_s=1.0)
