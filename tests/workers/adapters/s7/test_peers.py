"""Reading the server of snap7, in C, which others wrote and controllers' makers test with."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults import FaultProxy
from tests.peers.python import installed
from tests.workers.adapters.contract import FaultContract, ReadingContract, WritingContract
from tests.workers.adapters.s7.rig import BLOCK, MEMORY, OUTPUTS, S7Rig

pytestmark = pytest.mark.peers
SERVER = Path(__file__).parents[3] / "peers" / "s7" / "server.py"
AREAS = f"DB 12 {BLOCK.hex()}\nMK 0 {MEMORY.hex()}\nPA 0 {OUTPUTS.hex()}\n"


class TestSnap7(ReadingContract, FaultContract, WritingContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[S7Rig]:
        packages = installed("python-snap7==2.1.0")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(SERVER)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(packages)},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(AREAS.encode())
            process.stdin.close()
            async with asyncio.timeout(30):
                port = int(await process.stdout.readline())
            async with FaultProxy(("127.0.0.1", port)) as proxy:
                yield S7Rig(proxy)
        finally:
            process.kill()
            await process.wait()
