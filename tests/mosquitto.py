"""A real mosquitto for the tests, on a free loopback port, in a folder of its own.

    async with Mosquitto() as broker:
        connect to broker.host, broker.port
        await broker.publish("pads/7/casing", "812.5")
        await broker.publish_lines("pads/7/casing", ["1", "2", "3"])
        await broker.stop()             # SIGTERM: persistent sessions are saved
        await broker.start()            # on the same port, with the same sessions
        await broker.kill()             # SIGKILL: what was not saved is gone

    Mosquitto(users={"worker": "secret"}, acl="user worker\\ntopic read pads/#")
    Mosquitto(certificates=made, server=made.expired, client_certificates=True)

With persistence, sessions and their messages are saved when it is stopped, and never else.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

from pumpjack_cli.local.addresses import free_ports
from tests.broker_certificates import BrokerCertificates, Pair

APT_LIMIT_S = 180
START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
PUBLISH_LIMIT_S = 60.0
FREE_PORT_TRIES = 5
_PROGRAMS = ("mosquitto", "mosquitto_passwd", "mosquitto_pub", "mosquitto_sub")
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@functools.cache
def program(name: str) -> str:
    """Path of one of mosquitto's programs; installed by apt where that is possible, else skips."""
    assert name in _PROGRAMS
    found = shutil.which(name, path=_PATH)
    if found is None:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            pytest.skip("peer-missing: mosquitto: apt install mosquitto mosquitto-clients")
        for command in (["update"], ["install", "-y", "mosquitto", "mosquitto-clients"]):
            subprocess.run(
                ["apt-get", "-qq", *command], capture_output=True, timeout=APT_LIMIT_S, check=False
            )
        found = shutil.which(name, path=_PATH)
    if found is None:
        pytest.skip(f"peer-missing: {name}: apt cannot install mosquitto mosquitto-clients")
    return found


class Mosquitto:
    """One broker.

    users                name to password; none: everybody may come
    acl                  what of an ACL file; none: everybody may read and write everything
    certificates         TLS with these; server is the broker's own, certificates.server if None
    client_certificates  whether clients must show certificates.client
    persistence          whether sessions and retained messages survive stop() and start()
    max_queued           messages kept for a session that is away, 0: any number
    max_inflight         messages sent to a client and not acknowledged; 0: any number
    extra                more lines for its configuration
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        acl: str | None = None,
        certificates: BrokerCertificates | None = None,
        server: Pair | None = None,
        client_certificates: bool = False,
        persistence: bool = False,
        max_queued: int = 0,
        max_inflight: int = 20,
        extra: Sequence[str] = (),
    ) -> None:
        self._users = users or {}
        self._acl = acl
        self._certificates = certificates
        self._server = server or (certificates.server if certificates else None)
        self._client_certificates = client_certificates
        self._settings = [
            f"max_queued_messages {max_queued}",
            f"max_inflight_messages {max_inflight}",
            f"persistence {str(persistence).lower()}",
            "autosave_interval 0",
            "log_type all",
            "log_timestamp_format %H:%M:%S",
            *extra,
        ]
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        program("mosquitto")
        self._folder = tempfile.TemporaryDirectory(prefix="pj-mosquitto-")
        try:
            await self._begin()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def folder(self) -> Path:
        """Where its files are."""
        assert self._folder is not None, "use it with `async with`"
        return Path(self._folder.name)

    @property
    def pid(self) -> int:
        """Process id, to look at its CPU."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it said."""
        return (self.folder / "log").read_text(errors="replace")

    async def start(self) -> None:
        """Start again, on the same port. Harmless when it runs."""
        if self._process is not None:
            return
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program("mosquitto"), "-c", self.folder / "conf", stdout=log, stderr=log
            )
        async with asyncio.timeout(START_LIMIT_S):
            while not await self._answers():
                if self._process.returncode is not None:
                    self._process = None
                    raise RuntimeError(f"mosquitto ended: {self.log[-500:]}")
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop as a service manager does; what persists is saved."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End at once; what was not saved is lost."""
        await self._end(signal.SIGKILL)

    async def publish(
        self, topic: str, payload: str | bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish one message with mosquitto_pub, as the first of users."""
        content = payload.encode() if isinstance(payload, str) else payload
        how = ["-s"] if content else ["-n"]
        await self._publish(
            [*how, "-t", topic, "-q", str(qos), *(["-r"] if retain else [])], content
        )

    async def publish_lines(self, topic: str, lines: Sequence[str], *, qos: int = 1) -> None:
        """Publish a message for each line, on one connection."""
        content = "".join(f"{line}\n" for line in lines).encode()
        await self._publish(["-l", "-t", topic, "-q", str(qos)], content)

    def client_arguments(self) -> list[str]:
        """What mosquitto_pub and mosquitto_sub are told to reach it, as the first of users."""
        arguments = ["-h", self.host, "-p", str(self.port)]
        for name, password in list(self._users.items())[:1]:
            arguments += ["-u", name, "-P", password]
        if self._certificates is not None:
            own = self._certificates.client
            arguments += ["--cafile", str(self._certificates.ca)]
            arguments += ["--cert", str(own.certificate), "--key", str(own.key)]
        return arguments

    async def _publish(self, arguments: Sequence[str], content: bytes) -> None:
        command = [program("mosquitto_pub"), *self.client_arguments(), "-V", "5", *arguments]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(PUBLISH_LIMIT_S):
                said, _ = await process.communicate(content)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise RuntimeError(f"mosquitto_pub: {said.decode(errors='replace')}")

    async def _begin(self) -> None:
        for tries_left in reversed(range(FREE_PORT_TRIES)):
            self._configure(free_ports(1)[0])
            try:
                await self.start()
            except RuntimeError:
                if not tries_left or "Address already in use" not in self.log:
                    raise
            else:
                return

    def _configure(self, port: int) -> None:
        self.port = port
        lines = [
            "user root",  # else it cannot read the folder when the tests run as root
            f"listener {port} {self.host}",
            f"persistence_location {self.folder}/",
            *self._settings,
            *self._login_lines(),
            *self._tls_lines(),
        ]
        (self.folder / "conf").write_text("\n".join(lines) + "\n")

    def _login_lines(self) -> list[str]:
        lines = [f"allow_anonymous {str(not self._users).lower()}"]
        if self._users:
            passwords = self.folder / "passwords"
            passwords.touch(mode=0o600)
            for name, password in self._users.items():
                subprocess.run(
                    [program("mosquitto_passwd"), "-b", passwords, name, password],
                    check=True,
                    capture_output=True,
                )
            lines.append(f"password_file {passwords}")
        if self._acl is not None:
            (self.folder / "acl").write_text(self._acl)
            (self.folder / "acl").chmod(0o600)
            lines.append(f"acl_file {self.folder}/acl")
        return lines

    def _tls_lines(self) -> list[str]:
        if self._certificates is None or self._server is None:
            return []
        return [
            f"cafile {self._certificates.ca}",
            f"certfile {self._server.certificate}",
            f"keyfile {self._server.key}",
            f"require_certificate {str(self._client_certificates).lower()}",
        ]

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.transport.abort()
        return True

    async def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
