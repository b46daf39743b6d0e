"""Every manifest of the table gets its verdict, and its problem the words that the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_core.manifests.load import Loaded, load_paths
from tests.core.manifests.case import Case
from tests.core.manifests.verdicts import ACCEPTED, REFUSED


def load(folder: Path, text: str) -> Loaded:
    file = folder / "manifest.yaml"
    file.write_text(text, encoding="utf-8")
    return load_paths([file])


@pytest.mark.parametrize("case", ACCEPTED.values(), ids=list(ACCEPTED))
def test_accepted(case: Case, tmp_path: Path) -> None:
    loaded = load(tmp_path, case.text)
    assert [str(problem) for problem in loaded.problems] == []
    assert len(loaded.connections) + len(loaded.mappings) == 1


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_refused_with_the_place_and_the_way_out(case: Case, tmp_path: Path) -> None:
    loaded = load(tmp_path, case.text)
    said = [(problem.path, problem.message) for problem in loaded.problems]
    assert any(path == case.at and case.says in message for path, message in said), said
    assert not loaded.valid
    assert loaded.connections == loaded.mappings == ()
