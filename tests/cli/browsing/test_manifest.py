"""What is written passes validation and says what was found, whatever a device calls its things."""

from __future__ import annotations

import math
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pumpjack_cli.browsing.manifest import Target, lines
from pumpjack_cli.browsing.spool import Spool
from pumpjack_core.manifests.load import Loaded, load_paths
from pumpjack_worker.adapters.browsing import Found

TARGET = Target("opc.tcp://plc:4840", "plc", "permian-ops")
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NUMBER = st.none() | st.floats()
TYPES = st.sampled_from(["bool", "int16", "uint32", "float32", "float64"])


def written(*things: Found, target: Target = TARGET, well: str = "well-1") -> str:
    with Spool() as spool:
        for found in things:
            spool.add(found)
        return "".join(f"{line}\n" for line in lines(spool, target, well))


def loaded(folder: Path, text: str) -> Loaded:
    (folder / "found.yaml").write_text(text, encoding="utf-8")
    return load_paths([folder])


def thing(*path: str, address: str = "ns=2;i=1", data_type: str = "float32") -> Found:
    return Found(path, address, data_type)


def test_unit_range_and_what_was_read_are_there() -> None:
    text = written(
        Found(
            ("Pad", "Casing"),
            "ns=2;s=Casing",
            "float64",
            unit="psi",
            description="At the\nwellhead",
            value=123.25,
            low=0.0,
            high=5000.0,
        )
    )
    assert text.splitlines()[-6:] == [
        "    # At the wellhead; was 123.25",
        "    - name: Casing",
        '      address: "ns=2;s=Casing"',
        "      dataType: float64",
        "      unit: psi",
        "      range: {min: 0, max: 5000}",
    ]


def test_more_than_500_tags_become_several_mappings_of_one_well(tmp_path: Path) -> None:
    found = loaded(tmp_path, written(*(thing(f"T{at}") for at in range(1_001))))
    assert found.problems == ()
    assert [mapping.metadata.name for mapping in found.mappings] == [
        "plc-001",
        "plc-002",
        "plc-003",
    ]
    assert [len(mapping.spec.tags) for mapping in found.mappings] == [500, 500, 1]
    assert {mapping.spec.well_id for mapping in found.mappings} == {"well-1"}
    assert {mapping.metadata.namespace for mapping in found.mappings} == {"permian-ops"}
    names = [tag.name for mapping in found.mappings for tag in mapping.spec.tags]
    assert len(set(names)) == 1_001


def test_what_cannot_be_a_tag_is_listed_and_counted(tmp_path: Path) -> None:
    text = written(
        thing("Name", data_type="text"),
        thing("Good"),
        thing("Template", address="ns=2;s={{ x }}"),
        thing("Long", address="ns=2;s=" + "x" * 600),
    )
    assert "1 tags\n# (and 3 things that cannot be tags, at the end)." in text
    assert "#   Name  ns=2;i=1  (text, which cannot be stored yet)" in text
    assert "would be taken for a template" in text
    (mapping,) = loaded(tmp_path, text).mappings
    assert [tag.name for tag in mapping.spec.tags] == ["Good"]


def test_a_name_that_yaml_reads_as_something_else_stays_a_name(tmp_path: Path) -> None:
    words = ["on", "No", "null", "y", "true", "e5", "x.1"]
    found = loaded(tmp_path, written(*(thing(word) for word in words)))
    assert [tag.name for tag in found.mappings[0].spec.tags] == words


FOUND = st.builds(
    Found,
    path=st.lists(ANY_TEXT, min_size=1, max_size=3).map(tuple),
    address=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    data_type=TYPES,
    unit=ANY_TEXT,
    description=ANY_TEXT,
    value=NUMBER,
    low=NUMBER,
    high=NUMBER,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(FOUND, min_size=1, max_size=5))
@example([Found(("\x1b[2J\u2028", "#"), 'ns=2;s="\\\u0085\x7f\U0001f600: #', "bool", unit="%")])
@example([Found(("a",), "x", "bool", value=math.inf, low=1e300, high=-1.0)])
def test_whatever_was_found_can_be_loaded_again(
    tmp_path_factory: object, things: list[Found]
) -> None:
    folder = tmp_path_factory.mktemp("found")  # type: ignore[attr-defined]
    text = written(*things)
    found = loaded(folder, text)
    kept = [one for one in things if "{{" not in one.address and "}}" not in one.address]
    assert [str(problem) for problem in found.problems] == []
    tags = [tag for mapping in found.mappings for tag in mapping.spec.tags]
    assert [tag.address for tag in tags] == [one.address for one in kept]
    assert [tag.data_type for tag in tags] == [one.data_type for one in kept]
    assert all(letter.isprintable() for line in text.splitlines() for letter in line)
