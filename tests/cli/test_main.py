"""The command as a whole: help, exit codes, and errors as sentences."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from pumpjack_cli.main import COMMANDS, GROUPS, app, sentences
from pumpjack_core.errors import ManifestError, SetupError
from tests.cli.command import run

GROUP = typer.main.get_command(app)
WORDS = [*COMMANDS, *(f"{name} {part}" for name, parts in GROUPS.items() for part in parts)]


def command(name: str) -> TyperCommand:
    found = GROUP
    for word in name.split():
        assert isinstance(found, TyperGroup)
        found = found.commands[word]
    assert isinstance(found, TyperCommand), f"pumpjack {name} does not exist"
    return found


@pytest.mark.parametrize("name", WORDS)
def test_every_command_has_help_and_an_example_of_itself(name: str) -> None:
    found = command(name)
    assert found.help and found.help.rstrip().endswith(".")
    assert f"pumpjack {name}" in (found.epilog or "")


@pytest.mark.parametrize("name", WORDS)
def test_every_option_of_every_command_has_help(name: str) -> None:
    bare = [option.name for option in command(name).params if not getattr(option, "help", None)]
    assert bare == []


def test_help_is_shown_without_loading_the_parts_behind_it() -> None:
    heavy = ("numpy", "asyncpg", "redis", "fastapi", "pymodbus", "msgspec", "asyncio", "yaml")
    heavy += ("asyncua", "cryptography", "jsonpath", "pumpjack_worker")
    script = (
        "import sys; from pumpjack_cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert all(name in done.stdout for name in (*COMMANDS, *GROUPS))


def test_checking_manifests_does_not_load_the_command_line_of_the_rule_engine() -> None:
    script = (
        "import sys, pumpjack_core.manifests.load\n"
        "print([name for name in ('prompt_toolkit', 'pygments') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_no_command_shows_the_help() -> None:
    assert "Usage: pumpjack" in run().stdout


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.startswith("pumpjack 0.")


def test_wrong_usage_ends_with_2_and_names_the_option() -> None:
    done = run("token", "--tennant", "permian")
    assert done.code == 2
    assert "--tennant" in done.stderr


def test_an_error_is_one_sentence_without_a_traceback() -> None:
    done = run("token", "--tenant", "permian", "--data-dir", "/nowhere")
    assert done.code == 1
    assert done.stderr.startswith("error: /nowhere/secrets/jwt does not exist;")
    assert done.stderr.count("\n") == 1


def test_the_traceback_is_shown_when_it_is_asked_for() -> None:
    done = run(
        *("token", "--tenant", "permian", "--data-dir", "/nowhere"),
        environment={"PUMPJACK_DEBUG": "1"},
    )
    assert "Traceback" in done.stderr


def test_errors_that_came_together_are_told_one_by_one() -> None:
    group = ExceptionGroup("", [SetupError("no port"), ExceptionGroup("", [ManifestError("bad")])])
    assert list(sentences(group)) == ["no port", "bad"]


def test_a_fault_of_ours_says_so_and_how_to_see_more() -> None:
    (sentence,) = sentences(KeyError("x"))
    assert "fault of pumpjack" in sentence
    assert "PUMPJACK_DEBUG=1" in sentence
