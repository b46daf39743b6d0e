"""An image: one root filesystem of Debian's packages, and what NAME/Containerfile adds to it.

made("servers")   the name of the image, localhost/pumpjack/debian-servers:KEY, which is there then
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from msgspec import Struct

from tests.kind.machine import containers, debian, steps

HERE = Path(__file__).parent
BUILD_LIMIT_S = 600
ASK_LIMIT_S = 60
NO_MACHINE = '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"'
"""mmdebstrap copies them from the machine that it runs on."""
COMPILERS = (
    "/usr/lib/*/libLLVM*",
    "/usr/lib/*/libz3*",
    "/usr/lib/postgresql/*/lib/bitcode/*",
    "/usr/lib/postgresql/*/lib/llvmjit*",
)
"""PostgreSQL's just-in-time compilation: 200 MB that it does without where they are missing."""
POSTGRES_USER = 70
"""As in the images of TimescaleDB that the chart names; initdb wants a user with a name."""


class DebianImage(Struct, frozen=True):
    """packages: of Debian. options: of mmdebstrap."""

    packages: tuple[str, ...]
    options: tuple[str, ...] = ()


DEBIAN_IMAGES = {
    "base": DebianImage(
        packages=("python3-venv", "ca-certificates", "libstdc++6", "media-types", "tzdata"),
        options=("--variant=essential", NO_MACHINE),
    ),
    "servers": DebianImage(
        packages=("postgresql-17", "postgresql-17-timescaledb", "valkey-server", "mosquitto"),
        options=(
            "--variant=essential",
            *(f"--dpkgopt=path-exclude={path}" for path in COMPILERS),
            f"--essential-hook=echo postgres:x:{POSTGRES_USER}: >>$1/etc/group",
            f"--essential-hook=echo postgres:x:{POSTGRES_USER}:{POSTGRES_USER}::/tmp:/bin/sh"
            " >>$1/etc/passwd",
            "--customize-hook=rm -rf $1/var/lib/postgresql/* $1/etc/postgresql/*",
            NO_MACHINE,
        ),
    ),
}


def made(which: str) -> str:
    """The name of an image, which is made now where it is missing. Raises Impossible."""
    name = name_of(which)
    if not _is_there(name):
        of = DEBIAN_IMAGES[which]
        root = debian.filesystem(of.packages, of.options)
        with steps.step(f"making the image {name}, once"):
            steps.run(
                "buildah",
                "build",
                "--timestamp=0",
                f"--file={HERE / which / 'Containerfile'}",
                f"--build-context=here={HERE / which}",
                f"--build-arg=ROOT={root.name}",
                f"--tag={name}",
                root.parent,
                limit_s=BUILD_LIMIT_S,
                env=containers.environment(),
            )
    return name


def name_of(which: str) -> str:
    """Its tag stands for everything that goes in."""
    of = DEBIAN_IMAGES[which]
    digest = hashlib.sha256(debian.key(of.packages, of.options).encode())
    for file in sorted((HERE / which).iterdir()):
        digest.update(file.read_bytes())
    return f"localhost/pumpjack/debian-{which}:{digest.hexdigest()[:12]}"


def _is_there(name: str) -> bool:
    done = subprocess.run(
        ["buildah", "inspect", "--type=image", name],
        env=containers.environment(),
        capture_output=True,
        timeout=ASK_LIMIT_S,
        check=False,
    )
    return done.returncode == 0
