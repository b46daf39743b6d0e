"""make kind where Docker is: its order, and what it needs.

Docker, kind, helm and kubectl are stand-ins that write down how they were called, as there is no
Docker where these tests run. In a network of their own: a cluster that runs here is not seen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kind.machine.places import REPOSITORY

NEEDED = (
    *(
        "bash",
        "cat",
        "chmod",
        "cksum",
        "cut",
        "date",
        "dirname",
        "echo",
        "env",
        "find",
        "flock",
        "git",
    ),
    *("grep", "mkdir", "mktemp", "pwd", "rm", "sed", "sort", "touch", "tr", "uname", "xargs"),
)
"""What every machine with bash and git has."""
LIMIT_S = 100
STAND_IN = """#!/bin/bash
echo "${{0##*/}} $*" >>{calls}
{answers}
exit 0
"""
ANSWERS = {
    "docker": 'case "$1" in pull) [ ! -f {no_registry} ] || exit 1 ;; image) exit 1 ;; esac',
    "kind": 'case "$*" in "get clusters") [ ! -f {cluster} ] || echo pumpjack ;;'
    ' "get nodes"*) echo pumpjack-control-plane ;; create*) touch {cluster} ;; esac',
    "helm": 'case "$*" in *status*) [ ! -f {release} ] || cat {release} ;;'
    ' *upgrade*) while [ $# -gt 1 ]; do [ "$1" != --description ] ||'
    ' echo "{{\\"info\\":{{\\"description\\":\\"$2\\",\\"status\\":\\"deployed\\"}}}}" >{release};'
    " shift; done ;; esac",
    "kubectl": ":",
}


ALONE = ("/usr/bin/unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)))
pytestmark = pytest.mark.skipif(
    subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode != 0,
    reason="this system lets nobody have a network of its own (unshare --net)",
)


class Machine:
    """One with stand-ins in its PATH, and nothing of Python; folder is for them."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.calls = folder / "calls"
        self.registry_away = folder / "no-registry"
        self._home = folder / "home"
        places = {
            "calls": self.calls,
            "no_registry": self.registry_away,
            "cluster": folder / "cluster",
            "release": folder / "release",
        }
        for name in NEEDED:
            found = shutil.which(name)
            if found is not None:  # some are built into bash
                (self.programs / name).symlink_to(found)
        for name, answers in ANSWERS.items():
            told = STAND_IN.format(calls=self.calls, answers=answers.format(**places))
            (self.programs / name).write_text(told)
            (self.programs / name).chmod(0o755)

    def replace(self, program: str, does: str) -> None:
        """Another stand-in for a program."""
        (self.programs / program).unlink()
        (self.programs / program).write_text(f"#!/bin/bash\n{does}\n")
        (self.programs / program).chmod(0o755)

    def up(self) -> tuple[int, str, list[str]]:
        """Exit code, what it says, and the calls that it made."""
        self.calls.write_text("")
        done = subprocess.run(
            [*ALONE, "bash", REPOSITORY / "deploy/kind/up.sh"],
            env={"PATH": str(self.programs), "HOME": str(self._home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, self.calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def first(calls: list[str], *words: str) -> int:
    """The place of the first call with all these words."""
    found = [at for at, call in enumerate(calls) if all(word in call for word in words)]
    assert found, f"no call with {words} in:" + os.linesep + os.linesep.join(calls)
    return found[0]


def test_plain_kind_docker_helm_and_kubectl_do_everything_in_order(machine: Machine) -> None:
    code, said, calls = machine.up()

    assert code == 0, said
    order = [
        first(calls, "kind create cluster", "--config kind-config.yaml"),
        first(calls, "docker build", "--target worker"),
        first(calls, "kind load docker-image"),
        first(calls, "kubectl", "apply", "tenants.yaml"),
        first(calls, "helm", "upgrade --install pumpjack charts/pumpjack"),
        first(calls, "kubectl", "apply", "field.yaml"),
        first(calls, "kubectl", "kustomize"),
        first(calls, "kubectl", "wait", "DataFlowing"),
    ]
    assert order == sorted(order)
    assert "http://127.0.0.1:4000" in said


def test_a_second_run_makes_no_cluster_and_no_release(machine: Machine) -> None:
    machine.up()
    code, said, calls = machine.up()

    assert code == 0, said
    assert not [call for call in calls if "create cluster" in call or "upgrade" in call]


def test_a_program_that_is_not_installed_is_named(machine: Machine) -> None:
    (machine.programs / "helm").unlink()

    code, said, calls = machine.up()

    assert code == 1
    assert "Install helm, then run this again." in said
    assert not [call for call in calls if "create cluster" in call]


def test_a_cluster_that_does_not_answer_is_not_taken_for_one(machine: Machine) -> None:
    machine.up()
    machine.replace("kubectl", "exit 1")

    code, said, calls = machine.up()

    assert code == 1
    assert "does not answer" in said
    assert "make kind-down" in said
    assert not [call for call in calls if "docker build" in call]


def test_without_docker_on_another_system_than_linux_the_way_out_is_said(machine: Machine) -> None:
    (machine.programs / "docker").unlink()
    machine.replace("uname", "echo Darwin")

    code, said, _ = machine.up()

    assert code == 1
    assert "Start Docker, then run this again" in said


def test_docker_without_a_registry_is_told(machine: Machine) -> None:
    machine.registry_away.touch()
    machine.replace("uname", "echo Darwin")

    code, said, calls = machine.up()

    assert code == 1
    assert "cannot be pulled" in said
    assert not [call for call in calls if "create cluster" in call]
