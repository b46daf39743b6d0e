"""Pods of workers that are not there: objects of the API server, and one endpoint for all.

Each pod has the same address, at which one server answers as a worker does that reads its device.
So the operator asks as often, and reads and compares as much, as with workers of their own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from pumpjack_operator.names import child_name, labels
from pumpjack_operator.specs.wanted import STATUS_PORT
from tests.operator.cluster import Namespace, answered

ADDRESS = "127.0.0.77"
"""Of all pods; another than that of workers which may run on this machine."""
START_S = 10.0


def answer() -> bytes:
    """What a worker says that reads its device."""
    now = datetime.now(UTC).isoformat()
    found = {"state": "connected", "configHash": "0" * 64, "readAt": now, "storedAt": now,
             "journalOldestS": 0.4, "journalBatches": 1, "rejected": []}  # fmt: skip
    return msgspec.json.encode(found)


@contextmanager
def endpoint() -> Iterator[Callable[[], int]]:
    """Answers at ADDRESS from a thread; yields how often it was asked."""
    asked = 0
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def status(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=answer(), content_type="application/json")

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/status", status)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, ADDRESS, STATUS_PORT).start()
        ready.set()
        await over.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    if not ready.wait(START_S):
        raise SystemExit(f"cannot listen on {ADDRESS}:{STATUS_PORT}, where the pods are to answer")
    try:
        yield lambda: asked
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def run_pods(wells: Namespace, names: list[str]) -> float:
    """Make a running pod for each connection; returns how long it took [s]."""
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: _run_pod(wells, name), names))
    return time.monotonic() - began


def _run_pod(wells: Namespace, name: str) -> None:
    pod = f"{child_name(name)}-0"
    manifest = {
        "metadata": {"name": pod, "labels": labels(name)},
        "spec": {
            "containers": [{"name": "worker", "image": "x"}],
            "serviceAccountName": child_name(name),
            "automountServiceAccountToken": False,
        },
    }
    answered(wells.client.post(wells.path("pods"), json=manifest))
    running = {"name": "worker", "image": "x", "imageID": "x", "ready": True, "restartCount": 0,
               "state": {"running": {}}}  # fmt: skip
    status = {"phase": "Running", "podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}],
              "containerStatuses": [running]}  # fmt: skip
    answered(
        wells.client.patch(
            wells.path("pods", pod) + "/status",
            json={"status": status},
            headers={"Content-Type": "application/merge-patch+json"},
        )
    )
