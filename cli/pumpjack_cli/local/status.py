"""What the workers say of themselves, fetched from their /status, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

LIMIT_S = 2.0
AT_ONCE = 20
MOST_BYTES = 4 << 20


class Rejected(Struct, frozen=True, rename="camel"):
    """A tag that a worker cannot read."""

    tag: str
    well_id: str
    reason: str


class WorkerStatus(Struct, frozen=True, rename="camel"):
    """The part of a worker's /status that is shown here."""

    connection_id: str
    state: str
    message: str | None = None
    config_hash: str = ""
    tags: int = 0
    rejected: tuple[Rejected, ...] = ()
    readings: int = 0
    readings_per_second: float = 0.0
    stored_at: str | None = None
    journal_batches: int = 0
    journal_readings: int = 0
    journal_oldest_s: float = 0.0
    problems: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(WorkerStatus)


async def http_get(port: int, path: str, *, host: str = "127.0.0.1") -> tuple[int, bytes]:
    """GET from a server on this machine. Raises OSError or TimeoutError."""
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            head, _, body = (await reader.read(MOST_BYTES)).partition(b"\r\n\r\n")
            while not reader.at_eof() and len(body) < MOST_BYTES:
                body += await reader.read(MOST_BYTES)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    try:
        return int(head.split(b" ", 2)[1]), body
    except (IndexError, ValueError):
        raise OSError("what answers is no HTTP server") from None


async def fetch(port: int) -> WorkerStatus | None:
    """A worker's status; None when it does not answer now."""
    try:
        code, body = await http_get(port, "/status")
        return _decoder.decode(body) if code == 200 else None
    except (OSError, TimeoutError, msgspec.MsgspecError):
        return None


async def fetch_all(ports: Mapping[str, int]) -> dict[str, WorkerStatus | None]:
    """The status of each worker, by connection id."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(port: int) -> WorkerStatus | None:
        async with places:
            return await fetch(port)

    found = await asyncio.gather(*(one(port) for port in ports.values()))
    return dict(zip(ports, found, strict=True))


def status_line(statuses: Iterable[WorkerStatus | None], restarts: int) -> str:
    """The live line: connections up and down, readings a second, what waits to be stored."""
    known = list(statuses)
    running = [status for status in known if status is not None]
    up = sum(status.state == "connected" for status in running)
    suspended = sum(status.state == "suspended" for status in running)
    down = len(known) - up - suspended
    waiting = sum(status.journal_readings for status in running)
    oldest = max((status.journal_oldest_s for status in running), default=0.0)
    parts = [f"{up} connected"]
    parts += [f"✖ {down} not connected"] if down else []
    parts += [f"{suspended} suspended"] if suspended else []
    parts.append(f"{sum(status.readings_per_second for status in running):.0f} readings/s")
    parts.append(
        f"journal {waiting} readings, oldest {oldest:.0f} s" if oldest >= 2 else "all stored"
    )
    rejected = sum(len(status.rejected) for status in running)
    parts += [f"{rejected} tags rejected"] if rejected else []
    parts += [f"{restarts} restarts"] if restarts else []
    return " · ".join(parts)


def news(old: WorkerStatus | None, new: WorkerStatus | None) -> Sequence[str]:
    """What to tell when a worker's status changed: tags that are rejected now, new problems."""
    if new is None:
        return ()
    before = old.rejected if old is not None else ()
    told = [
        f"{new.connection_id}: tag {tag.tag} of well {tag.well_id} is not read: {tag.reason}"
        for tag in new.rejected
        if tag not in before
    ]
    known = {_gist(problem) for problem in old.problems} if old is not None else set()
    told += [
        f"{new.connection_id}: {problem}" for problem in new.problems if _gist(problem) not in known
    ]
    if old is not None and old.state != "connected" and new.state == "connected":
        told.append(f"{new.connection_id} is connected again")
    return told


def _gist(problem: str) -> str:
    """A problem without its numbers, which change from second to second."""
    return "".join(letter for letter in problem if not letter.isdigit())
