"""Manifests for the commands that reach devices, and simulated devices for them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cli.command import run
from tests.e2e.local_run import listens, until

HEAD = "apiVersion: pumpjack.dev/v1alpha1\n"


def connection(spec: str, *, name: str = "plc") -> str:
    """A ScadaConnection of namespace default; spec is flow YAML of its members."""
    return f"{HEAD}kind: ScadaConnection\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


def mapping(*tags: str, name: str = "plc") -> str:
    """A TagMapping of well-1; each tag is flow YAML of its members."""
    listed = "".join(f"    - {{{tag}}}\n" for tag in tags)
    return (
        f"{HEAD}kind: TagMapping\nmetadata: {{name: {name}}}\nspec:\n"
        f"  connectionRef: {{name: {name}}}\n  wellId: well-1\n  tags:\n{listed}"
    )


def secret(**values: str) -> str:
    """The Secret login."""
    return (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n"
        "type: pumpjack.dev/device-credentials\nstringData: " + json.dumps(values) + "\n"
    )


def write(file: Path, *documents: str) -> Path:
    """Several documents in one file."""
    file.write_text("---\n".join(documents))
    return file


@contextlib.contextmanager
def simulated(protocol: str, port: int, *arguments: str) -> Iterator[None]:
    """A simulated device on a port of this machine, as another process."""
    module = f"pumpjack_worker.adapters.{protocol.replace('-', '_')}.simulator"
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: listens(port))
        yield
    finally:
        process.terminate()
        process.wait(10)


def outcome(file: Path, *options: str, exit_code: int) -> dict[str, Any]:
    """What `pumpjack test-connection --output json` says of the one connection of a file."""
    code, (found,) = outcomes(file, *options)
    assert code == exit_code, found
    assert found["ok"] is (exit_code == 0)
    return found


def outcomes(files: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of `pumpjack test-connection`, and what it says of each connection."""
    data = ("--data-dir", str(files.parent / "data"))
    done = run("test-connection", str(files), "--output", "json", *data, *options)
    assert done.stdout, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["connections"]
    return done.code, found
