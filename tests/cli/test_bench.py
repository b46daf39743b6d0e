"""`pumpjack bench`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_cli.bench import first_sentence, scripts, split
from pumpjack_core.errors import SetupError

KNOWN = {"pipeline": Path(), "fanout": Path()}


def test_a_script_of_the_folder_is_listed_with_its_first_sentence(tmp_path: Path) -> None:
    (tmp_path / "polls.py").write_text('"""Polls a second.\n\nMore."""\ndef main(argv): ...\n')
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "shared.py").write_text("x = 1\n")
    found = scripts(tmp_path)
    assert list(found) == ["polls"]
    assert first_sentence(found["polls"]) == "Polls a second."


def test_without_a_checkout_it_says_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="git clone"):
        scripts(tmp_path / "none")


def test_none_named_runs_all() -> None:
    assert split([], KNOWN) == (["pipeline", "fanout"], [])


def test_options_go_to_the_one_that_is_named() -> None:
    assert split(["fanout", "--clients", "10"], KNOWN) == (["fanout"], ["--clients", "10"])
    with pytest.raises(SetupError, match="name exactly one"):
        split(["--clients", "10"], KNOWN)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(SetupError, match="'pipe' is no measurement; there are pipeline, fanout"):
        split(["pipe"], KNOWN)


@pytest.mark.parametrize("name", scripts())
def test_every_measurement_says_what_it_measures_and_can_speak_json(name: str) -> None:
    script = scripts()[name]
    assert first_sentence(script).endswith(".")
    assert '"--output"' in script.read_text()
