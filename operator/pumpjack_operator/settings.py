"""What the operator's process is told by its environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_core.errors import ManifestError

PREFIX = "PUMPJACK_"
STATUS_ADDRESS = "127.0.0.1:9464"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(Struct, frozen=True):
    """Settings of one operator, each from PUMPJACK_<FIELD IN CAPITALS>.

    platform_file   what the platform decides (platform.Platform), YAML
    namespace       the operator's own, for its Lease and records
    pod_name        what this replica calls itself; the host's name when not set
    kubeconfig      file to log in with; as the pod's account when not set
    status_address  host:port of /metrics, /healthz and /readyz
    log_level       DEBUG, INFO, WARNING or ERROR
    """

    platform_file: Path
    namespace: str
    pod_name: str
    kubeconfig: Path | None = None
    status_address: str = STATUS_ADDRESS
    log_level: str = "INFO"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises ManifestError that names the variable."""
    values = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.__struct_fields__
        if environment.get(PREFIX + name.upper())
    }
    for name in ("platform_file", "namespace"):
        if name not in values:
            raise ManifestError(f"{PREFIX}{name.upper()} is not set; the chart sets it")
    level = values.get("log_level", "INFO").upper()
    if level not in LOG_LEVELS:
        raise ManifestError(f"{PREFIX}LOG_LEVEL is {level!r}; use one of {', '.join(LOG_LEVELS)}")
    return Settings(
        platform_file=Path(values["platform_file"]),
        namespace=values["namespace"],
        pod_name=values.get("pod_name") or socket.gethostname(),
        kubeconfig=Path(values["kubeconfig"]) if "kubeconfig" in values else None,
        status_address=values.get("status_address", STATUS_ADDRESS),
        log_level=level,
    )
