"""docs/operations.md names every reason, and none that there is not."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pumpjack_core.clock import SystemClock
from pumpjack_gateway.auth import Verifier
from pumpjack_gateway.settings import from_environment
from pumpjack_operator.conditions import CHAINS
from tests.charts.helm import INSTALLATIONS, VALUES, environment, pods, rendered, template

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
TRYOUT = INSTALLATIONS["trying out"]
OPERATOR = ROOT / "operator" / "pumpjack_operator"
WORD = re.compile(r"(?:[A-Z][a-z]+)+")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def named(text: str, column: int = 0) -> set[str]:
    """What stands in backticks in a column of its tables."""
    rows = [line.split("|")[1:] for line in text.splitlines() if line.startswith("|")]
    return {
        word
        for row in rows
        for word in re.findall(r"`([^`]+)`", row[column])
        if WORD.fullmatch(word)
    }


def reasons_of_conditions() -> set[str]:
    """Every word that the conditions of connections and mappings can bear as a reason."""
    found = set()
    for file in ("conditions.py", "describe.py"):
        for node in ast.walk(ast.parse((OPERATOR / file).read_text())):
            if isinstance(node, ast.Call):
                found |= set(words(node.args))
            elif isinstance(node, ast.Assign):
                found |= set(words([node.value]))
    return found - {"True", "False", "Unknown", "MappingsAccepted"}


def words(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and WORD.fullmatch(str(node.value)):
            yield str(node.value)
        elif isinstance(node, ast.Tuple | ast.BoolOp):
            yield from words(node.elts if isinstance(node, ast.Tuple) else node.values)


def reasons_of_devices() -> set[str]:
    """What adapters say when a device is away. What a write ends with is no state of it."""
    files = [*(ROOT / "workers").rglob("*.py"), ROOT / "core" / "pumpjack_core" / "errors.py"]
    texts = [file.read_text() for file in files if file.name != "writer.py"]
    found = {word for text in texts for word in re.findall(r'reason="([A-Z]\w+)"', text)}
    return found - {"WriteRefused", "Unanswered", "WrongAddress", "NoValue"}  # of one tag


def reasons_of_events() -> set[str]:
    """The reason is an argument of whatever tells an Event: about_connection, about_claim …"""
    return {
        word
        for file in OPERATOR.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("about_")
        for word in words(node.args)
    }


def test_every_condition_is_explained():
    table = section("What a connection says").split("| reason |")[0]
    assert named(table) == set(CHAINS)


def test_every_reason_is_explained_and_no_other():
    table = section("What a connection says").split("| reason |")[1]
    found = reasons_of_conditions()
    assert {"Running", "Refused", "NoConnection", "Disconnected"} <= found
    assert named(table) == found | reasons_of_devices()


def test_every_event_is_explained_and_no_other():
    assert reasons_of_events()
    assert named(section("Events")) == reasons_of_events()


async def test_the_token_of_the_page_opens_the_gateway_that_is_tried_out():
    secret = "x" * 40
    (script,) = re.findall(r"python -c '\n(.*?)'\n```", section("Try it out"), re.DOTALL)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script],
        env={**os.environ, "PUMPJACK_JWT_SECRET": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    (_, gateway) = next(each for each in pods(rendered(TRYOUT)) if "-gateway" in each[0])
    given = {**environment(gateway), "PUMPJACK_JWT_SECRET": secret}
    verifier = Verifier(from_environment(given).issuers(), SystemClock())
    principal = await verifier.verify(done.stdout.strip())
    assert principal.tenant_id == "permian"


def test_the_page_shows_the_least_values_that_the_chart_takes(tmp_path):
    (values,) = re.findall(r"```yaml\n# values.yaml.*?\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "values.yaml"
    file.write_text(values)
    done = template(file)
    assert done.returncode == 0, done.stderr


def test_the_names_on_the_page_are_those_of_a_release_called_pumpjack():
    manifests = rendered(VALUES / "external.yaml", release="pumpjack")
    names = {(each["kind"], each["metadata"]["name"]) for each in manifests}
    (role,) = re.findall(r"--clusterrole=(\S+)", PAGE)
    (account,) = re.findall(r"--serviceaccount=pumpjack:(\S+)", PAGE)
    assert {("ClusterRole", role), ("ServiceAccount", account)} <= names
    for name in re.findall(r"\bdeploy/([a-z-]+-[a-z]+)\b", PAGE):
        assert ("Deployment", name) in names, name
    for name in re.findall(r"\bsvc/([a-z-]+)\b", PAGE):
        assert ("Service", name) in names, name
