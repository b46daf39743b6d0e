"""The contract once more, on the event loop that a worker has in production."""

from __future__ import annotations

import asyncio

import pytest

from tests.workers.adapters.contract import FaultContract, ReadingContract, WritingContract

pytestmark = pytest.mark.filterwarnings("ignore:.*event_loop_policy")


@pytest.fixture(scope="module")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    uvloop = pytest.importorskip("uvloop", reason="no-uvloop-on-this-platform")
    policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
    return policy


class TestSimulatedDevice(ReadingContract, FaultContract, WritingContract):
    """With the fixture rig of conftest.py."""
