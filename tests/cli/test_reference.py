"""docs/cli.md is what the commands say of themselves; every page that is linked exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pumpjack_cli.reference import page

ROOT = Path(__file__).parents[2]
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")})


def test_the_page_of_commands_is_up_to_date() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == page(), (
        "run: .venv/bin/python -m pumpjack_cli.reference > docs/cli.md"
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_a_page_links_to_exists(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []
