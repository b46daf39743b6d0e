"""Root filesystems of Debian's packages, as tar files, made once by mmdebstrap.

filesystem(NODE_PACKAGES)   the tar of a minimal Debian with these packages
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from tests.kind.machine import steps
from tests.kind.machine.places import KIND

SUITE = "trixie"
LIMIT_S = 1_800
UNREAD = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
OPTIONS = (
    "--mode=root",
    "--variant=minbase",
    "--format=tar",
    '--aptopt=Apt::Install-Recommends "false"',
    *(f"--dpkgopt=path-exclude={path}" for path in UNREAD),
)


def filesystem(packages: Sequence[str], options: Sequence[str] = ()) -> Path:
    """The tar, made now where it is missing. Raises Impossible.

    options: of mmdebstrap, after those that all have
    """
    place = KIND / f"debian-{key(packages, options)}.tar"
    KIND.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
        if not place.is_file():
            with steps.step(f"making a root filesystem of Debian {SUITE}, once"):
                _make(packages, options, place)
    return place


def key(packages: Sequence[str], options: Sequence[str] = ()) -> str:
    """Of what goes in: another list of packages is another filesystem."""
    told = "\n".join((SUITE, *OPTIONS, *options, *sorted(packages)))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _make(packages: Sequence[str], options: Sequence[str], place: Path) -> None:
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        steps.run(
            "mmdebstrap",
            *OPTIONS,
            *options,
            f"--include={','.join(sorted(packages))}",
            SUITE,
            part,
            limit_s=LIMIT_S,
        )
        part.rename(place)
    finally:
        part.unlink(missing_ok=True)
