"""`pumpjack validate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pumpjack_cli.main import app
from tests.cli.command import run
from tests.core.manifests.case import connection, mapping

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {pumpjack.dev/tenant: permian}}
"""


def validate(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["validate", *arguments], input=stdin)


def validated(*documents: str) -> Result:
    return validate("-", stdin="---\n".join(documents))


def as_json(*documents: str) -> dict[str, Any]:
    found = validate("-", "--output", "json", stdin="---\n".join(documents))
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def test_valid_manifests_are_told_with_what_would_be_read() -> None:
    done = run("validate", str(EXAMPLES / "oilfield"))
    assert done.code == 0
    assert done.stdout.splitlines() == [
        "connection            tenant   tags  rejected  wells",
        "bakken-ops/b1-plc     bakken     22         0  bakken-b1",
        "bakken-ops/b2-drive   bakken     26         0  bakken-b2",
        "permian-ops/a3-radio  permian    22         0  permian-a3",
        "permian-ops/pad-a     permian    48         0  permian-a1, permian-a2",
        "",
        "valid: 4 connections, 5 mappings, 118 tags",
    ]


@pytest.mark.parametrize("name", ["quickstart", "pad-with-gateway", "oilfield"])
def test_every_address_of_the_examples_can_be_read(name: str) -> None:
    assert validate(str(EXAMPLES / name)).exit_code == 0


def test_a_problem_is_told_with_its_line_object_field_and_way_out() -> None:
    found = validated(connection("  pollIntervall: 1s"))
    assert found.exit_code == 1
    first, *_, last = found.stdout.splitlines()
    assert first == (
        "-:7: error: ScadaConnection default/pad-a: spec.pollIntervall: "
        "unknown key; did you mean pollInterval?"
    )
    assert last == "not valid: 1 error; what is left: 0 connections, 0 mappings, 0 tags"


@pytest.mark.parametrize("arguments", [["nowhere.yaml"], ["."], []])
def test_a_file_that_cannot_be_read_ends_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = validate(*arguments)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr != ""


def test_an_address_that_the_protocol_cannot_read_is_told_offline() -> None:
    answer = as_json(
        NAMESPACE,
        connection(),
        mapping("[{name: a, address: 'holding:40001'}, {name: b, address: 'holdin:40001'}]"),
    )
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["path"], problem["line"]) == ("error", "spec.tags[1]", 19)
    assert problem["message"].startswith(
        "tag b is not read from connection default/pad-a: address 'holdin:40001': "
    )
    (summary,) = answer["connections"]
    assert (summary["accepted"], summary["rejected"]) == (1, 1)
    assert answer["valid"] is False


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("protocol: opcua\n  opcua: {endpoint: 'opc.tcp://plc:4840'}", "ns=2;x=Casing"),
        ("protocol: mqtt\n  mqtt: {host: broker}", "pads/+/casing"),
    ],
)
def test_an_address_is_read_by_the_rules_of_its_protocol(spec: str, address: str) -> None:
    modbus = "protocol: modbus-tcp\n  modbusTcp: {host: 10.1.7.20}"
    reads = connection().replace(modbus, spec)
    assert spec in reads
    answer = as_json(NAMESPACE, reads, mapping(f"[{{name: a, address: '{address}'}}]"))
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["path"]) == ("error", "spec.tags[0]")
    assert address in problem["message"]


def test_a_path_of_times_that_nobody_can_follow_is_told() -> None:
    modbus = "protocol: modbus-tcp\n  modbusTcp: {host: 10.1.7.20}"
    spec = "protocol: mqtt\n  mqtt: {host: broker, timePath: '$.[at'}"
    answer = as_json(
        NAMESPACE, connection().replace(modbus, spec), mapping("[{name: a, address: x}]")
    )
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["path"]) == ("error", "spec.mqtt.timePath")


def test_a_rejected_tag_is_told_once_however_many_connections_it_is_rejected_for() -> None:
    answer = as_json(
        NAMESPACE,
        *(connection(metadata=f"{{name: plc-{n}, labels: {{pad: '7'}}}}") for n in range(3)),
        mapping(
            "[{name: a, address: x, dataType: text}]",
            which="connectionSelector: {matchLabels: {pad: '7'}}",
            well='"{{ name }}"',
        ),
    )
    (problem,) = answer["problems"]
    assert problem["message"].startswith(
        "tag a is not read from connection default/plc-0 and 2 others: a tag of type text"
    )
    assert [row["rejected"] for row in answer["connections"]] == [1, 1, 1]


def test_a_second_claim_is_told_with_the_winner() -> None:
    asks = (mapping(metadata=f"{{name: {name}}}") for name in ("second", "first"))
    answer = as_json(NAMESPACE, connection(), *asks)
    (problem,) = answer["problems"]
    assert problem["object"] == "TagMapping default/second"
    assert "by mapping default/first" in problem["message"]


def test_what_serves_nothing_is_a_warning_and_passes() -> None:
    asks = mapping(which="connectionRef: {name: pad-b}", metadata="{name: b}")
    found = validated(NAMESPACE, connection(), asks)
    assert found.exit_code == 0
    told = found.stdout
    assert "its tags are not read: there is no ScadaConnection default/pad-b; did you mean" in told
    assert "no TagMapping names or selects it, so nothing is read from it" in told
    assert told.endswith("valid: 1 connection, 1 mapping, 0 tags, 2 warnings\n")


def test_a_namespace_without_a_tenant_is_a_warning_and_one_not_given_a_note() -> None:
    unlabelled = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"
    (warning,) = as_json(unlabelled, connection(), mapping())["problems"]
    assert warning["severity"] == "warning"
    assert "has no label pumpjack.dev/tenant" in warning["message"]
    answer = as_json(connection(), mapping())
    (note,) = answer["problems"]
    assert note["severity"] == "note"
    assert answer["valid"] is True
    assert answer["connections"][0]["tenant"] is None


SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: login}
type: pumpjack.dev/device-credentials
stringData: {username: ann, password: hunter2}
"""


def test_a_secret_that_is_not_here_is_a_warning_for_a_cluster_may_have_it() -> None:
    reads = connection("  credentialsSecretRef: {name: logim}")
    answer = as_json(NAMESPACE, reads, mapping(), SECRET)
    (warning,) = answer["problems"]
    assert answer["valid"]
    assert (warning["severity"], warning["path"]) == ("warning", "spec.credentialsSecretRef.name")
    assert warning["message"] == (
        "Secret default/logim is in none of these files; did you mean login?"
    )


def test_a_wrong_key_of_a_secret_is_told_without_its_value() -> None:
    found = validated(SECRET.replace("password", "pasword"))
    assert found.exit_code == 1
    assert "stringData.pasword: unknown key" in found.stdout
    assert "did you mean password?" in found.stdout
    assert "hunter2" not in found.stdout + found.stderr


def test_problems_are_told_in_the_order_of_the_file() -> None:
    lost = mapping("[{name: a, address: nowhere}]", metadata="{name: lost}")
    answer = as_json(
        NAMESPACE, connection(), lost, connection("  suspend: 5", metadata="{name: b}")
    )
    lines = [problem["line"] for problem in answer["problems"]]
    assert lines == sorted(lines)
    assert len(lines) == 2


def test_the_help_shows_an_example_and_the_exit_codes() -> None:
    told = validate("--help").stdout
    assert "pumpjack validate examples/oilfield" in told
    assert "Exit codes: 0 valid" in told
