from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pumpjack_core.manifests import generate, types
from pumpjack_core.manifests.crds import load_crds


def test_types_and_the_page_of_fields_are_what_the_crds_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("target", ["TYPES", "FIELDS"])
def test_check_tells_when_they_are_not(
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stale = tmp_path / "stale"
    stale.write_text("edited by hand\n")
    monkeypatch.setattr(generate, target, stale)
    assert generate.main(["--check"]) == 1
    assert f"{stale} is not what crds/ say; run make types" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_the_formatter_would_change_nothing() -> None:
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "format", "--check", generate.TYPES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_argument_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--chek"]) == 2
    assert "[--check]" in capsys.readouterr().err


def test_two_objects_of_one_name_and_different_content_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {key: name for key, name in generate.NAMES.items() if "rejectedTags" not in key}
    monkeypatch.setattr(generate, "NAMES", names)
    with pytest.raises(SystemExit, match="the name RejectedTag is taken"):
        generate.Generator().source()


def test_defaults_of_the_types_are_those_of_the_schema() -> None:
    spec = msgspec.convert({"protocol": "modbus-tcp"}, types.ScadaConnectionSpec)
    schema = load_crds()["ScadaConnection"].schema["properties"]["spec"]["properties"]
    assert spec.poll_interval == schema["pollInterval"]["default"]
    assert spec.journal.size == schema["journal"]["properties"]["size"]["default"]
    assert spec.suspend is False
    assert spec.placement is None


def test_unknown_keys_are_errors_in_the_types_too() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `portt`"):
        msgspec.convert({"host": "plc", "portt": 5}, types.ModbusTcp)


def test_a_status_is_written_without_what_is_not_known() -> None:
    status = types.ScadaConnectionStatus(mapped_tags=5)
    assert msgspec.json.encode(status) == b'{"mappedTags":5}'
