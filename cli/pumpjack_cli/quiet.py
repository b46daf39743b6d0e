"""Commands that speak for themselves keep the logs of what they use to themselves."""

from __future__ import annotations

import logging
import os


def quiet_logs() -> None:
    """Show no log lines, unless PUMPJACK_DEBUG asks for them; then on stderr."""
    from pumpjack_core import log

    if os.environ.get("PUMPJACK_DEBUG"):
        log.configure(level="DEBUG")
        return
    log.configure(level="CRITICAL")
    logging.disable(logging.CRITICAL)
