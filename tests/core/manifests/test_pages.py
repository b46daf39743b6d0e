"""The manifests that the pages show are accepted, and every tag of them is read whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pumpjack_core.manifests.check import check
from pumpjack_core.manifests.crds import load_crds
from pumpjack_core.manifests.objects import ScadaConnection, TagMapping
from pumpjack_core.manifests.resolve import resolve
from tests.core.manifests.case import connection

MQTT = {"protocol": "mqtt", "mqtt": {"host": "broker"}}
DOCS = Path(__file__).parents[3] / "docs"


def spec_of(page: str, section: str) -> dict[str, Any]:
    """The spec of the first YAML of a section, or what it shows of one."""
    text = (DOCS / page).read_text().partition(f"## {section}\n")[2]
    (shown, *_) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    *_, last = yaml.safe_load_all(shown)
    found: dict[str, Any] = last.get("spec", last)
    return found


@pytest.mark.parametrize(
    ("page", "section", "which", "spec"),
    [
        ("alarms.md", "Declaring alarms", slice(None), None),
        ("manifests.md", "What screens show", slice(None), None),
        ("commands.md", "Declaring writable tags", slice(-1), None),
        ("commands.md", "Declaring writable tags", slice(-1, None), MQTT),
    ],
)
def test_what_a_page_shows_can_be_declared(
    page: str, section: str, which: slice, spec: dict[str, object] | None
) -> None:
    shown = spec_of(page, section)
    tags = shown["tags"][which]
    assert tags
    well = {"well": shown["well"]} if "well" in shown else {}
    mapping = {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "TagMapping",
        "metadata": {"name": "shown", "namespace": "ops"},
        "spec": {"wellId": "w", "connectionRef": {"name": "pad-a"}, "tags": tags, **well},
    }
    plc = yaml.safe_load(
        connection(metadata="{name: pad-a, namespace: ops, labels: {pad: '7', well: '1'}}")
    )
    plc["spec"] = spec or plc["spec"]
    judged = [check(mapping), check(plc)]
    assert [finding.message for one in judged for finding in one.findings] == []
    asked, reads = (one.object for one in judged)
    assert isinstance(asked, TagMapping)
    assert isinstance(reads, ScadaConnection)
    (found,) = resolve([reads], [asked], {"ops": "permian"}).connections
    assert found.rejected == ()
    assert len(found.tags) == len(tags)
    assert len(found.tags.facts) == len(well)


def test_every_condition_is_explained() -> None:
    schema = load_crds()["TagMapping"].schema["properties"]["spec"]["properties"]["tags"]["items"]
    known = schema["properties"]["alarms"]["items"]["properties"]["condition"]["enum"]
    table = (DOCS / "alarms.md").read_text().partition("| condition |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M)))) == set(
        known
    )
