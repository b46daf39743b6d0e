"""What mappings say of their wells, as the workers are told; what cannot be used."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pumpjack_core.manifests.objects import TagMapping
from pumpjack_core.manifests.resolve import RejectedTag, Resolution, resolve
from pumpjack_core.manifests.types import MappedWell
from pumpjack_core.tags import WellFacts
from tests.core.manifests.test_resolve import TENANTS, connection, mapping, only_tag, tag


def saying(asked: TagMapping, **said: Any) -> TagMapping:
    """The mapping with these facts of its well."""
    spec = msgspec.structs.replace(asked.spec, well=msgspec.convert(said, MappedWell))
    return msgspec.structs.replace(asked, spec=spec)


def facts(resolution: Resolution, connection_id: str = "ops/plc") -> tuple[WellFacts, ...]:
    (found,) = (
        one.tags.facts
        for one in resolution.connections
        if one.connection.metadata.id == connection_id
    )
    return found


def told(**said: Any) -> tuple[tuple[WellFacts, ...], tuple[RejectedTag, ...]]:
    """What one connection with casing and tubing of well w1 is told, and what cannot be used."""
    asked = saying(mapping(tag("casing"), tag("tubing")), **said)
    labels = {"pad": "7", "long": "x" * 60}
    found = resolve([connection(labels=labels)], [asked], TENANTS)
    return facts(found), found.mappings[0].rejected


def only_flaw(**said: Any) -> str:
    """The one thing that cannot be used, of a mapping whose tags are all read."""
    found, (flaw,) = told(title="W", **said)
    assert found == (WellFacts("w1", title="W"),), "and the rest of it counts"
    assert flaw.is_read
    assert flaw.tag == "well"
    assert flaw.reason.startswith(f"{flaw.part}: ")
    return flaw.reason


def test_a_well_says_all_that_its_mapping_says_with_labels_filled_in() -> None:
    assert told(
        title="Pad {{ labels.pad }}, {{ name }}",
        type="esp",
        pad="Pad {{ labels.pad }}",
        route="Route {{ labels.pad }}",
        timeZone="America/Chicago",
        roles={"tubing_pressure": "tubing"},
        keyTags=["tubing", "casing", "tubing"],
    ) == (
        (
            WellFacts(
                "w1",
                title="Pad 7, plc",
                type="esp",
                pad="Pad 7",
                route="Route 7",
                time_zone="America/Chicago",
                roles={"tubing_pressure": "tubing"},
                key_tags=("tubing", "casing"),
            ),
        ),
        (),
    )


@pytest.mark.parametrize("said", [{}, {"roles": {}, "keyTags": []}])
def test_a_well_of_which_nothing_is_said_is_not_told(said: dict[str, Any]) -> None:
    assert told(**said) == ((), ())


def test_a_tag_takes_over_title_band_and_digits() -> None:
    found = only_tag(title="Oil", normal={"min": 3.0}, digits=2)
    assert (found.title, found.normal_low, found.normal_high, found.digits) == ("Oil", 3.0, None, 2)
    plain = only_tag()
    assert (plain.title, plain.normal_low, plain.normal_high, plain.digits) == (
        *("", None),
        *(None, None),
    )


@pytest.mark.parametrize("zone", ["Mars/Base", "America", "../etc/passwd", "EST5XYZ"])
def test_a_time_zone_that_there_is_not_is_told(zone: str) -> None:
    assert only_flaw(timeZone=zone) == (
        f'well.timeZone: "{zone}" is no time zone; write for example America/Chicago'
    )


def test_a_key_tag_that_no_connection_reads_is_told_with_the_nearest() -> None:
    assert only_flaw(keyTags=["cassing"]) == (
        "well.keyTags: cassing is no tag of the well that any connection reads; "
        "did you mean casing?"
    )


def test_a_role_of_a_tag_that_is_not_there_costs_that_role_alone() -> None:
    found, (flaw,) = told(roles={"tubing_pressure": "tubing", "casing_pressure": "thp"})
    assert found == (WellFacts("w1", roles={"tubing_pressure": "tubing"}),)
    assert flaw.reason == "well.roles: thp is no tag of the well that any connection reads"


@pytest.mark.parametrize("role", ["Tubing", "tubing pressure", "", "x" * 64])
def test_a_role_that_no_picture_could_have_is_told(role: str) -> None:
    assert only_flaw(roles={role: "tubing"}).startswith(f'well.roles: "{role}" is no role: small')


def test_a_label_that_is_missing_costs_that_fact_alone() -> None:
    assert only_flaw(pad="{{ labels.field }}") == (
        "well.pad: connection ops/plc has no label field (it has: long, pad); "
        "add the label, or change the template"
    )


def test_a_text_that_grows_too_long_is_told() -> None:
    assert only_flaw(route="Route {{ labels.long }}") == (
        "well.route: it has 66 characters once its labels are filled in; 63 at most will do"
    )


def test_roles_and_key_tags_may_name_tags_of_other_mappings_and_connections() -> None:
    lift = saying(
        mapping(tag("injection"), name="lift", ref="lift"),
        keyTags=["oil_rate", "injection"],
        roles={"casing_pressure": "casing"},
    )
    battery = mapping(tag("oil_rate"), tag("casing"), name="battery", namespace="lab")
    found = resolve(
        [connection(name="lift"), connection(namespace="lab")], [lift, battery], TENANTS
    )
    assert facts(found, "ops/lift") == (
        WellFacts("w1", roles={"casing_pressure": "casing"}, key_tags=("oil_rate", "injection")),
    )
    assert facts(found, "lab/plc") == ()


def test_tags_of_another_tenants_well_of_that_name_are_none_of_this_one() -> None:
    mine = saying(mapping(tag("casing")), keyTags=["secret"])
    theirs = mapping(tag("secret"), namespace="other")
    found = resolve([connection(), connection(namespace="other")], [mine, theirs], TENANTS)
    (flaw,) = next(one for one in found.mappings if one.mapping == mine).rejected
    assert flaw.reason == "well.keyTags: secret is no tag of the well that any connection reads"


def test_of_two_mappings_of_a_well_the_older_is_heard_first_fact_by_fact() -> None:
    older = saying(mapping(tag("a"), name="z", created_us=1), title="Z", keyTags=["b"])
    younger = saying(mapping(tag("b"), name="y", created_us=2), title="Y", pad="P", keyTags=["a"])
    expected = (WellFacts("w1", title="Z", pad="P", key_tags=("b",)),)
    assert facts(resolve([connection()], [younger, older], TENANTS)) == expected


def test_a_mapping_serves_each_of_its_wells() -> None:
    made = [connection(name=name, labels={"pad": "7"}) for name in ("a", "b")]
    asked = saying(
        mapping(labels={"pad": "7"}, well="{{ name }}"), title="Well {{ name }}", keyTags=["oil"]
    )
    found = resolve(made, [asked], TENANTS)
    assert facts(found, "ops/a") == (WellFacts("a", title="Well a"),)
    assert facts(found, "ops/b") == (WellFacts("b", title="Well b"),)
    (served,) = found.mappings
    assert [(flaw.connection, flaw.part) for flaw in served.rejected] == [
        ("ops/a", "well.keyTags"),
        ("ops/b", "well.keyTags"),
    ]
    assert served.accepted == 2


def test_whoever_reads_no_tag_of_a_well_says_nothing_of_it() -> None:
    older = saying(mapping(created_us=1), title="A")
    younger = saying(mapping(name="other", created_us=2), pad="P", keyTags=["x"])
    found = resolve([connection()], [older, younger], TENANTS)
    assert facts(found) == (WellFacts("w1", title="A"),)
    assert ["already" in lost.reason for lost in found.connections[0].rejected] == [True]


def test_a_connection_without_a_tenant_is_told_nothing() -> None:
    found = resolve([connection()], [saying(mapping(), title="A")], {})
    assert found.connections == ()
    assert [lost.part for lost in found.refused[0].rejected] == [""]


def test_what_is_said_of_a_well_changes_the_hash_of_the_table_and_not_that_of_the_tags() -> None:
    def table(**said: Any) -> Any:
        return resolve([connection()], [saying(mapping(), **said)], TENANTS).connections[0].tags

    silent, roles = table(), {"a": "oil_rate", "b": "oil_rate"}
    assert silent.full_hash == silent.hash
    first, second = table(roles=roles), table(roles=dict(reversed(roles.items())))
    assert first.hash == second.hash == silent.hash
    assert first.full_hash == second.full_hash != silent.full_hash
    assert table(title="A").full_hash not in (first.full_hash, silent.full_hash)
