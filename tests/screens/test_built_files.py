"""The built screens as files: what the browser is given, before anything runs."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from tests.screens.field import CHECKOUT, build_screens

DASHBOARD = CHECKOUT / "gateway" / "dashboard"
LARGEST_KB = 250


@pytest.fixture(scope="module")
def built() -> Path:
    build_screens()
    return CHECKOUT / "gateway" / "pumpjack_gateway" / "screens"


@pytest.mark.timeout(900)
def test_the_page_holds_no_script_or_style_of_its_own_and_asks_no_other_host(built: Path) -> None:
    page = (built / "index.html").read_text()
    assert re.findall(r"<script[^>]*>", page)
    assert all('src="/assets/' in tag for tag in re.findall(r"<script[^>]*>", page))
    assert "<style" not in page
    assert not re.search(r'\s(style|on[a-z]+)="', page)
    assert not re.search(r'(src|href)="(https?:)?//', page)


@pytest.mark.timeout(900)
def test_all_scripts_and_styles_together_are_under_250_kb_gzipped(built: Path) -> None:
    files = [path for path in built.rglob("*") if path.suffix in {".js", ".css"}]
    assert files
    total = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    assert total < LARGEST_KB * 1000, f"{total / 1000:.0f} kB"


@pytest.mark.timeout(900)
def test_each_page_is_fetched_when_it_is_opened(built: Path) -> None:
    names = {path.name[: -len("-12345678.js")] for path in (built / "assets").glob("*.js")}
    pages = {path.name for path in (DASHBOARD / "src" / "pages").iterdir() if path.is_dir()}
    assert pages <= names


@pytest.mark.timeout(900)
def test_what_is_large_is_there_compressed_as_well(built: Path) -> None:
    for path in built.rglob("*"):
        if path.suffix in {".js", ".css", ".html"} and path.stat().st_size >= 512:
            packed = path.with_name(f"{path.name}.gz")
            assert gzip.decompress(packed.read_bytes()) == path.read_bytes()
            assert path.with_name(f"{path.name}.br").is_file()


@pytest.mark.timeout(900)
def test_the_licences_of_all_that_is_in_the_bundle_come_with_it(built: Path) -> None:
    text = (built / "licences.txt").read_text()
    for name in json.loads((DASHBOARD / "package.json").read_text())["dependencies"]:
        assert f"\n{name} " in f"\n{text}", name


def test_packages_have_exact_versions_and_the_lock_names_no_registry() -> None:
    packages = json.loads((DASHBOARD / "package.json").read_text())
    for version in {**packages["dependencies"], **packages["devDependencies"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), version
    lock = json.loads((DASHBOARD / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert name == "" or "integrity" in package, name
