"""Looks at a device and keeps what is wanted."""

from __future__ import annotations

import fnmatch
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from pumpjack_cli.browsing.spool import Spool
from pumpjack_cli.browsing.target import Device
from pumpjack_cli.local import credential_files
from pumpjack_cli.probing.state import state_folder
from pumpjack_worker.adapters.browsing import Found
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.registry import browser_class

TELL_EVERY_S = 0.25


class Wanted(Struct, frozen=True):
    """What to look for.

    within  where to look, in the protocol's words
    match   pattern of the path (A/B/C) or of its last step, letters of any case
    limit   most tags
    """

    within: str | None = None
    match: str | None = None
    limit: int | None = None


class Progress(Struct):
    """How far it is: things looked at, tags found, since when [s, monotonic]."""

    began_s: float
    seen: int = 0
    tags: int = 0
    stopped: bool = False

    @property
    def took_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began_s


async def gather(
    device: Device,
    wanted: Wanted,
    spool: Spool,
    data_dir: Path,
    tell: Callable[[Progress], None],
) -> Progress:
    """Put everything that is wanted into the spool; tell how far it is now and then.

    Raises AddressError for a `within` that is none, NotConnected, HostNotAllowed.
    """
    progress = Progress(time.monotonic())
    told_s = 0.0

    def on_seen(count: int) -> None:
        progress.seen = count

    with tempfile.TemporaryDirectory(prefix="pumpjack-browse-") as folder:
        secrets = Path(folder) / "secrets" if device.secret is not None else None
        if secrets is not None:
            credential_files.replace(secrets, device.secret)
        state = state_folder(device.connection, data_dir, Path(folder))
        browser = browser_class(device.connection.spec.protocol)(
            device.connection,
            Surroundings(secrets=secrets, state=state),
            within=wanted.within,
        )
        things = browser.browse(on_seen)
        try:
            async for found in things:
                if wanted.match is None or matches(found, wanted.match):
                    spool.add(found)
                progress.tags = spool.tags
                if wanted.limit is not None and spool.tags >= wanted.limit:
                    progress.stopped = True
                    break
                if progress.took_s - told_s >= TELL_EVERY_S:
                    told_s = progress.took_s
                    tell(progress)
        finally:
            await things.aclose()  # type: ignore[attr-defined]
    return progress


def matches(found: Found, pattern: str) -> bool:
    """Whether the path, or its last step, is of a pattern.

    >>> matches(Found(("Pad 7", "Casing"), "ns=2;i=1", "float32"), "cas*")
    True
    """
    wanted = pattern.lower()
    path = [step.lower() for step in found.path]
    return fnmatch.fnmatchcase("/".join(path), wanted) or fnmatch.fnmatchcase(path[-1], wanted)


def summary(progress: Progress, spool: Spool) -> str:
    """One line about all of it."""
    others = f", {spool.others} that cannot be tags" if spool.others else ""
    stopped = "; stopped there, there may be more" if progress.stopped else ""
    return (
        f"looked at {progress.seen:,} things, found {spool.tags:,} tags{others} "
        f"in {progress.took_s:.1f} s{stopped}"
    )
