"""A port to serve simulated devices on."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

from pumpjack_core.errors import PumpjackError


async def listen(
    protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int
) -> asyncio.Server:
    """Listen there, port 0 for a free one. Raises PumpjackError with what to do."""
    try:
        return await asyncio.get_running_loop().create_server(protocol, host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PumpjackError(
                f"port {port} of {host} is in use, perhaps by another simulator; "
                "stop that program, or choose another port"
            ) from error
        if error.errno == errno.EACCES:
            raise PumpjackError(
                f"port {port} of {host} is for privileged programs; choose one from 1024"
            ) from error
        raise PumpjackError(f"cannot listen on {host}:{port}: {error}") from error


def port_of(server: asyncio.Server) -> int:
    """The port that it listens on."""
    return int(server.sockets[0].getsockname()[1])
