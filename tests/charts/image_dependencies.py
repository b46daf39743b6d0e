"""What each image holds: the distributions that its extra brings, as pyproject.toml names them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LIMIT_S = 100
BLOCKING = """
import importlib, sys
foreign = set({foreign!r})
class OnlyWhatTheImageHolds:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in foreign:
            raise ModuleNotFoundError(f"No module named {{name!r}} in this image", name=name)
sys.meta_path.insert(0, OnlyWhatTheImageHolds())
sys.argv = ["pumpjack", *sys.argv[1:]]
"""


def named(extra: str) -> set[str]:
    """The distributions that an extra names itself, and those of the extras that it names."""
    found = set()
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            found |= {one for more in requirement.extras for one in named(more)}
        else:
            found.add(canonicalize_name(requirement.name))
    return found


@cache
def held(extra: str) -> frozenset[str]:
    """Every distribution of the image, with what each needs in turn."""
    seen: set[tuple[str, str]] = set()
    _follow(PROJECT["dependencies"] + PROJECT["optional-dependencies"][extra], seen)
    return frozenset(name for name, _ in seen)


def modules_of(distribution: str) -> set[str]:
    """The names that it is imported by."""
    return {
        module
        for module, distributions in metadata.packages_distributions().items()
        if distribution in map(canonicalize_name, distributions)
    }


def run_as_in(extra: str, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that finds what the image holds, and no other distribution."""
    foreign = sorted(
        module
        for module, distributions in metadata.packages_distributions().items()
        if not {canonicalize_name(one) for one in distributions} & {*held(extra), PROJECT["name"]}
    )
    return subprocess.run(
        [sys.executable, "-c", BLOCKING.format(foreign=foreign) + code, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TERM": "dumb"},
    )


def _follow(texts: Iterable[str], seen: set[tuple[str, str]]) -> None:
    for text in texts:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                _follow(_required(name, extra), seen)


def _required(name: str, extra: str) -> list[str]:
    if name == PROJECT["name"]:
        own: list[str] = PROJECT["optional-dependencies"][extra] if extra else []
        return own
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # not for this platform
        return []
    return [
        text
        for text in texts
        if (marker := Requirement(text).marker) is None or marker.evaluate({"extra": extra})
    ]
