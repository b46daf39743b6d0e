"""What the process is told by its environment. Secrets are in URLs and never logged."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.log import redact

PREFIX = "PUMPJACK_"
STATUS_ADDRESS = "127.0.0.1:9464"
DRAIN_S = 10.0
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class Settings(Struct, frozen=True):
    """Settings of one worker.

    config_dir      folder with connection.json and the tags (pumpjack_core.config)
    journal_dir     folder of the journal, on a local disk
    database_url    postgresql://… as the tenant's writer
    redis_url       redis://…, rediss://… or unix://…
    secrets_dir     folder with the files of the device's Secret (pumpjack_core.credentials)
    status_address  host:port of /metrics, /status, /healthz and /readyz
    drain_s         how long a stop may take to store what waits [s]
    log_level       DEBUG, INFO, WARNING or ERROR
    """

    config_dir: Path
    journal_dir: Path
    database_url: str
    redis_url: str
    secrets_dir: Path | None = None
    status_address: str = STATUS_ADDRESS
    drain_s: float = DRAIN_S
    log_level: str = "INFO"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises ManifestError that names the variable."""
    values = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.__struct_fields__
        if environment.get(PREFIX + name.upper())
    }
    for name in ("config_dir", "journal_dir", "database_url", "redis_url"):
        if name not in values:
            raise ManifestError(
                f"{PREFIX}{name.upper()} is not set; docs/architecture.md lists the settings"
            )
    return Settings(
        config_dir=Path(values["config_dir"]),
        journal_dir=Path(values["journal_dir"]),
        database_url=values["database_url"],
        redis_url=_redis_url(values["redis_url"]),
        secrets_dir=Path(values["secrets_dir"]) if "secrets_dir" in values else None,
        status_address=values.get("status_address", STATUS_ADDRESS),
        drain_s=_drain_s(values.get("drain_s")),
        log_level=_log_level(values.get("log_level")),
    )


def _redis_url(url: str) -> str:
    if not url.startswith(REDIS_SCHEMES):
        raise ManifestError(
            f"{PREFIX}REDIS_URL is {redact(url)!r}; it begins with {', '.join(REDIS_SCHEMES)}"
        )
    return url


def _drain_s(text: str | None) -> float:
    with contextlib.suppress(ValueError):
        seconds = DRAIN_S if text is None else float(text)
        if 0 <= seconds < math.inf:
            return seconds
    raise ManifestError(f"{PREFIX}DRAIN_S is {text!r}, not a number of seconds")


def _log_level(text: str | None) -> str:
    level = (text or "INFO").upper()
    if level not in LOG_LEVELS:
        raise ManifestError(f"{PREFIX}LOG_LEVEL is {text!r}; use one of {', '.join(LOG_LEVELS)}")
    return level
