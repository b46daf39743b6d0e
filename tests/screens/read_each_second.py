"""Many wells that are read while a test looks at them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.screens.many_wells import ManyWells

LOOK_S = 0.2
END_LIMIT_S = 30


@contextmanager
def read_each_second(field: ManyWells) -> Iterator[None]:
    """All wells have new values once a second for as long as the block lasts."""
    stop = threading.Event()
    worker = threading.Thread(target=lambda: asyncio.run(_read(field, stop)))
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join(END_LIMIT_S)


async def _read(field: ManyWells, stop: threading.Event) -> None:
    done = asyncio.Event()
    reading = asyncio.create_task(field.run(done))
    while not stop.is_set() and not reading.done():
        await asyncio.wait({reading}, timeout=LOOK_S)
    done.set()
    await reading
