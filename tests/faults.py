"""One TCP proxy that does what networks do, to stand before a device, a database or a Redis.

    async with FaultProxy(("127.0.0.1", 5432)) as proxy:
        connect to proxy.host, proxy.port
        proxy.stall()               # half-open: nothing comes any more, nobody is told
        proxy.resume()
        proxy.delay_s = 0.2         # each piece of an answer comes later
        proxy.bytes_per_s = 1000.0  # a slow line
        proxy.cut_answer(after=5)   # the connection ends within the next answer
        proxy.garble(b"\\xff" * 8)   # the next answer is something else
        proxy.say(b"\\x15")          # the server says something unasked
        proxy.hang_up()             # all connections end now
        await proxy.refuse()        # and no new one is accepted
        await proxy.accept()

The upstream is (host, port), or the Path of a Unix socket. Faults may be set at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

Upstream = tuple[str, int] | Path
PIECE = 65_536


class FaultProxy:
    """Forwards connections, with the faults that are set at the moment.

    connections  how many were accepted so far
    """

    host = "127.0.0.1"

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._callers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut_after: int | None = None
        self._garbage: bytes | None = None
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Carry nothing in either direction, and say nothing: as if a cable were pulled."""
        self._flowing.clear()

    def resume(self) -> None:
        """Carry again what was held back, and what comes."""
        self._flowing.set()

    def cut_answer(self, after: int) -> None:
        """End the connection after so many bytes of the next answer."""
        self._cut_after = after

    def garble(self, garbage: bytes) -> None:
        """Send this in place of the next piece of an answer."""
        self._garbage = garbage

    def say(self, words: bytes) -> None:
        """Say this to all who are connected, as if their server did unasked."""
        for writer in self._callers:
            writer.write(words)

    def hang_up(self) -> None:
        """End all connections."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def refuse(self) -> None:
        """End all connections and accept no new one."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.hang_up()
        await asyncio.sleep(0)

    async def accept(self) -> None:
        """Accept connections, on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self._callers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await self._connect()
            self._writers.add(far)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, far, answers=False))
                both.create_task(self._carry(far_reader, writer, answers=True))
        except* (OSError, EOFError):
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()
                    self._writers.discard(end)
            self._callers.discard(writer)
            self._tasks.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, Path):
            return await asyncio.open_unix_connection(str(self._upstream))
        return await asyncio.open_connection(*self._upstream)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while piece := await source.read(PIECE):
            if answers:
                await asyncio.sleep(self.delay_s)
                if self.bytes_per_s is not None:
                    await asyncio.sleep(len(piece) / self.bytes_per_s)
            await self._flowing.wait()
            if answers and self._garbage is not None:
                piece, self._garbage = self._garbage, None
            if answers and self._cut_after is not None:
                sink.write(piece[: self._cut_after])
                self._cut_after = None
                with contextlib.suppress(OSError):
                    await sink.drain()
                sink.close()  # what was written still arrives, then the end
            else:
                sink.write(piece)
                await sink.drain()
        raise EOFError  # ends the other direction too
