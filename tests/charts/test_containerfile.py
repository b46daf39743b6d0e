"""The Containerfile, as far as it can be checked without building it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from pumpjack_operator.specs.stateful_set import USER

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Containerfile").read_text().replace("\\\n", "")
STAGES = {
    name: (base, body)
    for base, name, body in re.findall(
        r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |^#|\Z)", TEXT, re.MULTILINE | re.DOTALL
    )
}
PARTS = {
    "operator": ["python", "-m", "pumpjack_operator"],
    "gateway": ["python", "-m", "pumpjack_gateway"],
    "worker": ["python", "-m", "pumpjack_worker"],
    "cli": ["pumpjack", "--help"],
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_there_is_one_image_for_each_part_of_the_chart_with_its_own_dependencies():
    install = STAGES["dependencies"][1]
    assert re.findall(r"for part in ([^;]*);", install) == [" ".join(PARTS)]
    assert '--extra "$part"' in install
    for part, command in PARTS.items():
        base, body = STAGES[part]
        assert base == "run"
        assert json.loads(re.findall(r"^CMD (.*)$", body, re.MULTILINE)[0]) == command
        assert f"--from=dependencies /parts/{part} " in body
        assert part in PROJECT["project"]["optional-dependencies"]


def test_nothing_runs_as_root_and_the_user_is_that_of_the_pods():
    assert f"USER {USER}:{USER}" in STAGES["run"][1]
    assert not any("USER" in body for name, (_, body) in STAGES.items() if name != "run")


def test_what_is_fetched_has_a_hash_in_a_lock_and_is_built_nowhere():
    fetching = [
        line
        for line in re.findall(r"(?:uv )?pip install [^&;]*", TEXT)
        if "--offline --no-deps" not in line
    ]
    assert len(fetching) == 2
    for line in fetching:
        assert "--require-hashes" in line
        assert re.search(r"--(no-build|only-binary :all:) ", line)
        assert re.search(r"(-r|--constraints) requirements(-build)?\.lock", line)


def test_secrets_of_the_build_are_mounted_and_so_in_no_layer():
    lines = [line for line in TEXT.splitlines() if "/run/secrets" in line or "id=" in line]
    assert len(lines) == 2
    assert all(line.startswith("RUN --mount=type=secret,id=packages ") for line in lines)


def test_every_image_has_the_same_base_and_it_can_be_replaced():
    base = re.findall(r"^ARG BASE=(\S+)$", TEXT, re.MULTILINE)
    assert len(base) == 1
    foreign = {base for base, _ in STAGES.values()} - set(STAGES)
    assert foreign == {"${BASE}"}


def test_the_label_says_the_version_of_the_distribution():
    version = PROJECT["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in STAGES["run"][1]


def test_what_the_distribution_is_built_from_is_copied_and_not_ignored():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {package.partition("/")[0] for package in wheel["packages"]}
    needed |= set(wheel["force-include"]) | {"pyproject.toml", "requirements.lock"}
    needed |= {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    needed |= {"requirements-build.lock"}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert needed == copied
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {each for each in ignored if each.startswith("!")} == {f"!{each}" for each in needed}
    assert ignored[0] == "*"


def test_the_images_are_built_with_the_builder_that_the_distribution_asks_for():
    pinned = (ROOT / "requirements-build.lock").read_text()
    assert PROJECT["build-system"]["requires"] == ["hatchling>=1.27"]
    version = re.findall(r"^hatchling==(\d+)\.(\d+)", pinned, re.MULTILINE)[0]
    assert tuple(map(int, version)) >= (1, 27)
