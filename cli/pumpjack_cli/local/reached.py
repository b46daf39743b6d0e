"""Where what runs from a data folder is reached, and whose wells it has."""

from __future__ import annotations

import sys
import time

from pumpjack_cli.local.datadir import DataDir, Running
from pumpjack_core.errors import SetupError

STARTING_S = 60.0
LOOK_S = 0.2


def running(data: DataDir) -> Running:
    """What runs from the folder; one that is still starting is waited for."""
    limit = time.monotonic() + STARTING_S
    found = data.running()
    if found is not None and not found.websocket:
        sys.stderr.write("the gateway is still starting …\n")
    while found is not None and not found.websocket and time.monotonic() < limit:
        time.sleep(LOOK_S)
        found = data.running()
    if found is None or not found.websocket:
        raise SetupError(
            f"nothing runs from {data.root}; start `pumpjack up` or `pumpjack demo`, name its "
            "folder with --data-dir, or give another gateway's address (--help has the options)"
        )
    return found


def only_tenant(data: DataDir) -> str:
    """The tenant, where there is but one. Raises SetupError naming those that there are."""
    tenants = sorted(set(data.tenants().values()))
    if len(tenants) != 1:
        known = ", ".join(tenants) or "none yet"
        raise SetupError(f"say whose wells with --tenant; known are {known}")
    return tenants[0]
