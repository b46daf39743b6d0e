from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.load import Loaded, load_paths
from tests.core.manifests.case import connection, mapping

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: permian-ops, labels: {pumpjack.dev/tenant: permian}}
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def names(loaded: Loaded) -> list[str]:
    return [item.metadata.id for item in (*loaded.connections, *loaded.mappings)]


def said(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def test_a_folder_is_read_with_all_below_it_and_without_what_is_hidden(tmp_path: Path) -> None:
    write(
        tmp_path,
        b_yaml=connection(metadata="{name: b}"),
        a__deep__c_yaml=connection(metadata="{name: c}"),
        readme="nothing: to: read",
    )
    (tmp_path / "d.yml").write_text(connection(metadata="{name: d}"))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "e.yaml").write_text(connection(metadata="{name: e}"))
    assert names(load_paths([tmp_path])) == ["default/c", "default/b", "default/d"]


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=connection())
    loaded = load_paths([tmp_path / "a.yaml", tmp_path])
    assert names(loaded) == ["default/pad-a"]
    assert loaded.valid


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(connection("  suspend: 5").encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    (problem,) = load_paths(["-"]).problems
    assert (problem.file, problem.line, problem.path) == ("-", 7, "spec.suspend")


def test_several_documents_and_a_namespace_give_tenants_and_typed_specs(tmp_path: Path) -> None:
    placed = "{name: pad-a, namespace: permian-ops, labels: {pad: a}}"
    text = "---\n".join([NAMESPACE, connection(metadata=placed), mapping()])
    loaded = load_paths([write(tmp_path, all_yaml=text)])
    assert said(loaded) == []
    assert loaded.tenants == {"permian-ops": "permian"}
    (found,) = loaded.connections
    assert found.metadata.id == "permian-ops/pad-a"
    assert found.metadata.labels == {"pad": "a"}
    assert found.spec.modbus_tcp is not None
    assert (found.spec.modbus_tcp.port, found.spec.poll_interval) == (502, "1s")
    assert loaded.mappings[0].spec.tags[0].data_type == "float32"


def test_json_is_read_as_well(tmp_path: Path) -> None:
    text = json.dumps(
        {
            "apiVersion": "pumpjack.dev/v1alpha1",
            "kind": "ScadaConnection",
            "metadata": {"name": "a"},
            "spec": {"protocol": "modbus-tcp", "modbusTcp": {"host": "plc", "port": 0}},
        },
        indent=1,
    )
    (problem,) = load_paths([write(tmp_path, a_json=text)]).problems
    assert (problem.line, problem.path) == (11, "spec.modbusTcp.port")


@pytest.mark.parametrize("kind", ["List", "ScadaConnectionList"])
def test_the_items_of_a_list_are_objects_with_lines_of_their_own(kind: str, tmp_path: Path) -> None:
    text = f"""\
apiVersion: v1
kind: {kind}
items:
- apiVersion: pumpjack.dev/v1alpha1
  kind: ScadaConnection
  metadata: {{name: a}}
  spec: {{protocol: modbus-tcp, modbusTcp: {{host: plc}}}}
- apiVersion: pumpjack.dev/v1alpha1
  kind: ScadaConnection
  metadata: {{name: b}}
  spec:
    protocol: modbus-tcp
    modbusTcp: {{host: plc, port: 0}}
"""
    loaded = load_paths([write(tmp_path, all_yaml=text)])
    assert names(loaded) == ["default/a"]
    (problem,) = loaded.problems
    assert (problem.line, problem.object, problem.path) == (
        13,
        "ScadaConnection default/b",
        "spec.modbusTcp.port",
    )


def test_an_object_declared_in_two_files_is_told_with_both_places(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=connection(), b_yaml="\n" + connection())
    loaded = load_paths([tmp_path])
    assert said(loaded) == [
        f"{tmp_path}/b.yaml:4: ScadaConnection default/pad-a: "
        f"is declared twice, first in {tmp_path}/a.yaml:1; remove one"
    ]
    assert len(loaded.connections) == 1


def test_the_same_name_in_another_namespace_or_of_another_kind_is_another_object(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        a_yaml=connection(),
        b_yaml=connection(metadata="{name: pad-a, namespace: other}"),
        c_yaml=mapping(metadata="{name: pad-a}"),
    )
    assert load_paths([tmp_path]).valid


def test_other_kinds_are_left_alone_with_a_note(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: login}\ndata: {anything: 5}\n"
    loaded = load_paths([write(tmp_path, a_yaml=text)])
    (problem,) = loaded.problems
    assert (problem.severity, problem.object) == ("note", "ConfigMap default/login")
    assert problem.message == "kind ConfigMap is none of Pumpjack's, so it is left alone"
    assert loaded.valid


@pytest.mark.parametrize(
    ("metadata", "path", "message"),
    [
        ("{name: permian.ops}", "metadata.name", "is no DNS label"),
        ("{name: a, labels: {pumpjack.dev/tenant: 'a b'}}", None, "is no label value"),
        ("{name: a, labels: {pumpjack.dev/tenant: 7}}", None, 'quote it: "7"'),
    ],
)
def test_a_namespace_is_checked_too(
    metadata: str, path: str | None, message: str, tmp_path: Path
) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata: {metadata}\n"
    (problem,) = load_paths([write(tmp_path, a_yaml=text)]).problems
    assert problem.path == (path or "metadata.labels[pumpjack.dev/tenant]")
    assert message in problem.message


def test_a_namespace_without_the_label_gives_no_tenant(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
    assert load_paths([write(tmp_path, a_yaml=text)]).tenants == {}


def test_what_is_wrong_in_one_document_costs_only_that_one(tmp_path: Path) -> None:
    bad = connection("  suspend: 5", metadata="{name: bad}")
    text = "---\n".join([bad, connection(), "hello\n", mapping()])
    loaded = load_paths([write(tmp_path, a_yaml=text)])
    assert names(loaded) == ["default/pad-a", "default/a1"]
    assert len(loaded.problems) == 2


def test_all_problems_of_an_object_are_told_at_once(tmp_path: Path) -> None:
    text = mapping(
        "[{name: a b, adress: x, range: {min: 2, max: 1}}]", well="7", which="suspend: 1"
    )
    said_at = [problem.path for problem in load_paths([write(tmp_path, a_yaml=text)]).problems]
    assert sorted(said_at) == [
        "spec",
        "spec.suspend",
        "spec.tags[0].address",
        "spec.tags[0].adress",
        "spec.tags[0].name",
        "spec.tags[0].range",
        "spec.wellId",
    ]


def test_empty_documents_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("\ufeff---\n---\n" + connection() + "---\n")
    assert names(load_paths([tmp_path])) == ["default/pad-a"]


def test_text_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xe4\n")
    assert said(load_paths([tmp_path])) == [
        f"{tmp_path}/a.yaml:2: this is no UTF-8 text; save it as UTF-8"
    ]


def test_a_path_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"cannot read .*nowhere\.yaml: No such file"):
        load_paths([tmp_path / "nowhere.yaml"])


def test_a_folder_without_manifests_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"holds no manifest: no \.yaml, \.yml, \.json file"):
        load_paths([tmp_path])


def test_the_age_of_an_object_is_its_creation_time_in_utc(tmp_path: Path) -> None:
    metadata = "{name: a, creationTimestamp: '2026-01-31T07:30:00.5+01:00'}"
    (found,) = load_paths([write(tmp_path, a_yaml=connection(metadata=metadata))]).connections
    assert found.metadata.created_us == 1_769_841_000_500_000
