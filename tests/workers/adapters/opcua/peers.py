"""OPC UA servers that others wrote, as programs: node-opcua (npm) and gopcua (Go).

Both read what they serve as a line of JSON, and then lines that write other values; see
tests/peers/opcua/server.js and tests/peers/gopcua/main.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pumpjack_worker.adapters.opcua.simulated_nodes import NAMESPACE
from tests.peers.go import built
from tests.peers.node import installed, node

PEERS = Path(__file__).parents[3] / "peers"
START_LIMIT_S = 60.0
LONGEST_LINE = 1 << 20


class PeerNode(Struct, frozen=True, omit_defaults=True):
    """A variable of a peer. type is as in simulated_nodes.TYPES; id has namespace 2."""

    id: str
    type: str
    value: Any
    path: tuple[str, ...] = ()
    unit: str = ""


class Peer:
    """A running server.

    port         where it listens
    certificate  its certificate as PEM, None without security
    """

    def __init__(self, process: asyncio.subprocess.Process, told: Mapping[str, Any]) -> None:
        self._process = process
        self.port = int(told["port"])
        path = told.get("certificate")
        self.certificate = Path(path).read_bytes() if path else None

    async def write(self, values: Mapping[str, Any]) -> None:
        """Give nodes other values."""
        assert self._process.stdin is not None
        self._process.stdin.write(_line({"write": _portable(values)}))
        await self._process.stdin.drain()


@contextlib.asynccontextmanager
async def node_opcua(
    nodes: Iterable[PeerNode],
    folder: Path,
    *,
    secure: bool = False,
    users: Mapping[str, str] | None = None,
    limits: Mapping[str, int] | None = None,
    continuation_points: int = 10,
) -> AsyncIterator[Peer]:
    """node-opcua's server.

    folder  for its certificates
    secure  Basic256Sha256, Sign and SignAndEncrypt, instead of None
    limits  its operationLimits: maxNodesPerBrowse, maxNodesPerRead …
    """
    setup = {
        "namespace": NAMESPACE,
        "nodes": _portable_nodes(nodes),
        "folder": str(folder),
        "secure": secure,
        "users": users,
        "limits": limits or {},
        "continuationPoints": continuation_points,
    }
    place = await asyncio.to_thread(installed, PEERS / "opcua")
    async with _running([node(), "server.js"], place, setup) as peer:
        yield peer


@contextlib.asynccontextmanager
async def gopcua(
    nodes: Iterable[PeerNode], *, port: int, ports: Sequence[int] = ()
) -> AsyncIterator[Peer]:
    """gopcua's server on a port; ports are those that a client may think it is at."""
    program = await asyncio.to_thread(built, PEERS / "gopcua")
    setup = {
        "port": port,
        "ports": list(ports),
        "namespace": NAMESPACE,
        "nodes": _portable_nodes(nodes),
    }
    async with _running([str(program)], PEERS, setup) as peer:
        yield peer


@contextlib.asynccontextmanager
async def _running(command: Sequence[str], place: Path, setup: object) -> AsyncIterator[Peer]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=place, limit=LONGEST_LINE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(_line(setup))
        async with asyncio.timeout(START_LIMIT_S):
            while not (line := await process.stdout.readline()).startswith(b"{"):
                assert line, "the server ended before it began; see its output above"
        yield Peer(process, json.loads(line))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _line(content: object) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _portable_nodes(nodes: Iterable[PeerNode]) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(one), **_portable({"value": one.value})} for one in nodes]


def _portable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Whole numbers past 2^53 as text, which no JSON reader cuts."""
    return {
        name: str(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53
        else value
        for name, value in values.items()
    }
