"""Secrets in manifests: read as the API server does, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_core.manifests.load import Loaded, load_paths

HEAD = """\
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: permian-ops}
type: pumpjack.dev/device-credentials
"""
HIDDEN = "hunter2"


def load(folder: Path, text: str) -> Loaded:
    (folder / "secret.yaml").write_text(text)
    return load_paths([folder])


def test_what_stands_under_string_data_wins_over_data(tmp_path: Path) -> None:
    text = HEAD + "data: {username: YW5u, password: eA==}\nstringData: {password: hunter2}\n"
    loaded = load(tmp_path, text)
    assert loaded.problems == ()
    (secret,) = loaded.secrets
    assert secret.metadata.id == "permian-ops/login"
    assert secret.values == {"username": b"ann", "password": b"hunter2"}


def test_base64_may_be_broken_into_lines(tmp_path: Path) -> None:
    (secret,) = load(tmp_path, HEAD + "data:\n  password: |\n    aHVu\n    dGVyMg==\n").secrets
    assert secret.values == {"password": b"hunter2"}


@pytest.mark.parametrize(
    ("body", "line", "path", "says"),
    [
        ("stringData: {pasword: hunter2}", 5, "stringData.pasword", "did you mean password?"),
        ("stringData:\n  username: a\n  token: hunter2", 7, "stringData.token", "known are user"),
        ("data: {password: hunter2!}", 5, "data.password", "is not base64"),
        ("data: {password: hunter2}", 5, "data.password", "is not base64"),
        ("data: {password: gA==}", 5, "data.password", "is no UTF-8 text"),
        ("stringData: {password: 1234}", 5, "stringData.password", "put it in quotes"),
        ("stringData: hunter2", 5, "stringData", "must be an object"),
        ("strData: {password: hunter2}", 5, "strData", "did you mean stringData?"),
        ("stringData: {tls.crt: '-----BEGIN hunter2'}", 5, "stringData[tls.crt]", "needs tls.key"),
        ("stringData: {ca.crt: hunter2}", 5, "stringData[ca.crt]", "is no PEM text"),
        ("stringData: {password: !!int hunter2}", 5, "stringData.password", "in quotes"),
        ("stringData:\n  <<: hunter2", 6, "stringData", "in quotes"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_without_its_value(
    body: str, line: int, path: str, says: str, tmp_path: Path
) -> None:
    loaded = load(tmp_path, HEAD + body + "\n")
    first = loaded.problems[0]
    assert (first.severity, first.line, first.path) == ("error", line, path)
    assert says in first.message
    assert loaded.secrets == ()
    assert not any(value in str(loaded.problems) for value in (HIDDEN, "1234"))


def test_a_type_that_is_nearly_right_is_told(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, HEAD.replace("credentials", "credential")).problems
    assert (problem.severity, problem.path, problem.line) == ("error", "type", 4)
    assert "did you mean pumpjack.dev/device-credentials?" in problem.message


def test_a_secret_of_another_type_is_left_alone_and_its_values_are_not_kept(
    tmp_path: Path,
) -> None:
    text = HEAD.replace("pumpjack.dev/device-credentials", "Opaque") + "data: {anything: 5}\n"
    loaded = load(tmp_path, text)
    (problem,) = loaded.problems
    assert problem.severity == "note"
    assert "is left alone" in problem.message
    assert loaded.secrets[0].values == {}


def test_values_are_in_no_representation(tmp_path: Path) -> None:
    loaded = load(tmp_path, HEAD + "stringData: {password: hunter2}\n")
    assert HIDDEN not in repr(loaded)
    assert HIDDEN not in str(loaded.secrets)
