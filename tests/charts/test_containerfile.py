"""The Containerfile, as far as it can be checked without building it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from pumpjack_operator.specs.stateful_set import USER

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Containerfile").read_text()
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


def test_there_is_one_image_for_each_part_of_the_chart_with_its_own_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for part, command in PARTS.items():
        base, body = STAGES[part]
        assert base == "run"
        assert json.loads(re.findall(r"^CMD (.*)$", body, re.MULTILINE)[0]) == command
        assert f"--from=install-{part} " in body
        assert f'".[{part}]"' in STAGES[f"install-{part}"][1]
        assert part in extras["optional-dependencies"]


def test_nothing_runs_as_root_and_the_user_is_that_of_the_pods():
    assert f"USER {USER}:{USER}" in STAGES["run"][1]
    assert not any("USER" in body for name, (_, body) in STAGES.items() if name != "run")


def test_every_dependency_comes_from_the_lock():
    installed = re.findall(r"uv pip install (.*)", TEXT)
    assert len(installed) == len(PARTS)
    assert all("--constraint requirements.lock" in each for each in installed)


def test_what_the_distribution_is_built_from_is_copied_and_not_ignored():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {package.partition("/")[0] for package in wheel["packages"]}
    needed |= set(wheel["force-include"]) | {"pyproject.toml", "requirements.lock"}
    needed |= {project["project"]["readme"], *project["project"]["license-files"]}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert needed <= copied
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    assert {f"!{each}" for each in needed} <= set(ignored)
    assert ignored[0] == "*"
