"""How podman and buildah are told to run here: by a file of ours, never the system's.

environment()   what every call of podman, buildah and kind is given
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from tests.kind.machine.places import KIND

FILES_LIMIT = 1_048_576
"""More than a node opens; a machine that allows less gives what it has."""
MOST_PROCESSES = Path("/proc/sys/kernel/pid_max")
"""podman and buildah lower their own limit to this as they start, and cannot raise it again."""


def environment() -> dict[str, str]:
    """Write containers.conf where it differs; gives this process's environment with it."""
    text = configuration(
        files=_limit(resource.RLIMIT_NOFILE, FILES_LIMIT),
        processes=_limit(resource.RLIMIT_NPROC, int(MOST_PROCESSES.read_text())),
    )
    KIND.mkdir(parents=True, exist_ok=True)
    place = KIND / "containers.conf"
    if not place.is_file() or place.read_text() != text:
        part = place.with_name(f"containers.conf.{os.getpid()}")
        part.write_text(text)
        part.rename(place)
    return {**os.environ, **settings()}


def settings() -> dict[str, str]:
    """The variables alone that make podman, buildah and kind use it."""
    return {
        "CONTAINERS_CONF": str(KIND / "containers.conf"),
        "KIND_EXPERIMENTAL_PROVIDER": "podman",
        "BUILDAH_ISOLATION": "chroot",  # needs no right that a container host may lack
    }


def configuration(*, files: int, processes: int) -> str:
    """containers.conf: no systemd is asked for, and no limit is above the machine's own."""
    return f"""\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"

[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
"""


def _limit(kind: int, most: int) -> int:
    _, hard = resource.getrlimit(kind)
    return most if hard == resource.RLIM_INFINITY else min(hard, most)
