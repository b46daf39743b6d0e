"""`pumpjack validate` on what is said of wells: what of it would not be used, and why."""

from __future__ import annotations

from tests.cli.test_validate import NAMESPACE, as_json
from tests.core.manifests.case import connection, mapping

WELL = """connectionRef: {name: pad-a}
  well:
    title: Well 1
    timeZone: America/Chicaco
    keyTags: [oil_rate, oil_rat]"""


def test_a_fact_that_cannot_be_used_is_told_at_its_line_and_the_tags_are_read() -> None:
    answer = as_json(NAMESPACE, connection(), mapping(which=WELL))
    found = {problem["path"]: problem for problem in answer["problems"]}
    text = "---\n".join((NAMESPACE, connection(), mapping(which=WELL))).splitlines()
    for path, line, message in (
        (
            *("spec.well.timeZone", "    timeZone: America/Chicaco"),
            'well.timeZone: "America/Chicaco" is no time zone; write for example America/Chicago '
            "(connection default/pad-a; its tags are read all the same)",
        ),
        (
            *("spec.well.keyTags", "    keyTags: [oil_rate, oil_rat]"),
            "well.keyTags: oil_rat is no tag of the well that any connection reads; "
            "did you mean oil_rate? (connection default/pad-a; its tags are read all the same)",
        ),
    ):
        assert found[path]["message"] == message
        assert found[path]["severity"] == "error"
        assert text[found[path]["line"] - 1] == line
    assert len(found) == 2
    (summary,) = answer["connections"]
    assert (summary["accepted"], summary["rejected"]) == (1, 0)
    assert answer["valid"] is False
