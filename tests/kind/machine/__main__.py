"""python -m tests.kind.machine: see the package."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from tests.controlplane import binaries
from tests.kind.machine import containers, node_image, overlay, packages, steps
from tests.kind.machine.places import KIND

TOOLS = ("kind", "kubectl", "helm")
MODULES_FOLDER = Path("/lib/modules")
"""kind mounts it; an empty one will do."""


def main() -> None:
    """Print shell assignments on the standard output; what is done goes to the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.kind.machine", description=__doc__)
    parser.add_argument(
        "what",
        choices=("prepare", "settings"),
        help="make what is missing; or only say how to use it",
    )
    what = parser.parse_args().what
    try:
        settings = _prepare() if what == "prepare" else _settings()
    except (steps.Impossible, binaries.Missing) as error:
        sys.exit(str(error))
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")


def _prepare() -> dict[str, str]:
    packages.install()
    MODULES_FOLDER.mkdir(exist_ok=True)
    _build()
    image = node_image.image()
    return {
        **_settings(),
        "PUMPJACK_KIND_NODE_IMAGE": image,
        "PUMPJACK_KIND_CONFIG": str(overlay.config()),
    }


def _settings() -> dict[str, str]:
    containers.environment()
    return {**containers.settings(), "PATH": f"{KIND / 'bin'}:{os.environ['PATH']}"}


def _build() -> None:
    """Everything of Go that is missing; the tools' links in KIND/bin."""
    for name in (*binaries.CLUSTER, "helm", "kube-apiserver", "kube-controller-manager", "etcd"):
        try:
            binaries.find(name)
        except binaries.Missing:
            with steps.step(f"building {name}, once"):
                binaries.build(name)
    (KIND / "bin").mkdir(parents=True, exist_ok=True)
    for name in TOOLS:
        link, part = KIND / "bin" / name, KIND / "bin" / f".{name}.{os.getpid()}"
        part.symlink_to(binaries.find(name))
        part.rename(link)


if __name__ == "__main__":
    main()
