"""The data folder of `pumpjack up`: what it keeps, who holds it, its secrets.

lock               held while running; says which process holds it and where it listens
children.lock      held by the children, shared (child.py)
secrets/           generated at first use, mode 0600: the token secret, database passwords
secrets/devices/SLUG/  what the Secret of a connection holds (pumpjack_core.credentials), 0600
tenants.json       namespace to tenant, as first seen: a namespace never changes its tenant
config/SLUG/       what each worker is told (pumpjack_core.config)
journals/SLUG/     each worker's journal
logs/NAME.log      of each child
postgres/ valkey/  the embedded stores
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from pumpjack_cli.local.child import CHILDREN_LOCK
from pumpjack_core.errors import SetupError

DEFAULT = Path(".pumpjack")
SECRET_BYTES = 32
MAX_SLUG = 120
LOCK_LIMIT_S = 1.0  # the tether of a killed run may look at it at this moment
LEFTOVERS_LIMIT_S = 60.0
LOOK_S = 0.1


class Running(Struct, frozen=True, omit_defaults=True):
    """What the lock says of the process that holds it.

    rest, websocket   URLs of the gateway, empty until it listens
    """

    pid: int
    rest: str = ""
    websocket: str = ""
    tenants: tuple[str, ...] = ()


def slug(connection_id: str) -> str:
    """A file name for a connection: namespace_name, cut with a hash where it is long.

    Kubernetes names hold no underscore, so two connections never share one.
    """
    name = connection_id.replace("/", "_")
    if len(name) <= MAX_SLUG:
        return name
    return f"{name[:MAX_SLUG]}-{hashlib.sha256(connection_id.encode()).hexdigest()[:12]}"


class DataDir:
    """The folder and what is in it. Made with its parents at first use."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def logs(self) -> Path:
        """Logs of the children."""
        return self.root / "logs"

    def config(self, connection_id: str) -> Path:
        """What the worker of a connection is told."""
        return self.root / "config" / slug(connection_id)

    def journal(self, connection_id: str) -> Path:
        """Folder of a connection's journal."""
        return self.root / "journals" / slug(connection_id)

    @property
    def devices(self) -> Path:
        """What the Secrets of connections hold, a folder each."""
        return self.root / "secrets" / "devices"

    def credentials(self, connection_id: str) -> Path:
        """Folder with the files of a connection's Secret."""
        return self.devices / slug(connection_id)

    def device_state(self, connection_id: str) -> Path:
        """What a connection's adapter keeps: its certificate and whom it trusts."""
        return self.journal(connection_id) / "device"

    def prepare(self) -> None:
        """Make the folders. Raises SetupError when that is not possible."""
        try:
            for name, mode in (
                ("", 0o711),
                ("logs", 0o700),
                ("config", 0o700),
                ("journals", 0o700),
            ):
                (self.root / name).mkdir(mode=mode, parents=True, exist_ok=True)
            probe = self.root / f".write-{os.getpid()}"
            probe.write_bytes(b"\0" * 4096)
            probe.unlink()
        except OSError as error:
            raise cannot_use(self.root, error) from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[Lock]:
        """Hold the folder. Raises SetupError naming the process that holds it already."""
        path = self.root / "lock"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise cannot_use(self.root, error) from error
        if not _flock(file, LOCK_LIMIT_S):
            os.close(file)
            holder = _read_lock(path)
            who = f"process {holder.pid}" if holder else "another process"
            raise SetupError(
                f"{self.root} is in use by {who}; stop that one, or give another folder "
                "with --data-dir"
            )
        try:
            held = Lock(file)
            held.say(Running(os.getpid()))
            yield held
            os.ftruncate(file, 0)
        finally:
            os.close(file)

    def wait_for_leftovers(self) -> None:
        """Wait until the children of a run that was killed have stored what they had and ended.

        Call while holding the lock. Raises SetupError when they do not end.
        """
        file = os.open(self.root / CHILDREN_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _flock(file, LEFTOVERS_LIMIT_S):
                raise SetupError(
                    f"processes of an earlier run from {self.root} do not end; look for them with "
                    f"`ps ax | grep pumpjack_cli.local` and end them"
                )
        finally:
            os.close(file)

    def running(self) -> Running | None:
        """Who runs from this folder now, None when nobody does."""
        path = self.root / "lock"
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_lock(path)
        finally:
            os.close(file)
        return None

    def secret(self, name: str) -> str:
        """A secret of 64 hex digits, made at first use. Raises SetupError."""
        path = self.root / "secrets" / name
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                _write_once(path, secrets.token_hex(SECRET_BYTES))
        except OSError as error:
            raise cannot_use(self.root, error) from error
        return self.existing_secret(name)

    def existing_secret(self, name: str) -> str:
        """A secret that is there. Raises SetupError when it is not, or when it is damaged."""
        path = self.root / "secrets" / name
        try:
            text = path.read_text().strip()
        except FileNotFoundError:
            raise SetupError(
                f"{path} does not exist; start `pumpjack up` or `pumpjack demo` once, "
                "or name its folder with --data-dir"
            ) from None
        except OSError as error:
            raise SetupError(f"{path} cannot be read: {error.strerror}") from error
        if len(text) < SECRET_BYTES:
            raise SetupError(f"{path} is damaged; delete it, and a new secret is made")
        return text

    def remember_tenants(self, seen: Mapping[str, str]) -> None:
        """Record the tenant of each namespace. Raises SetupError when one has changed."""
        path = self.root / "tenants.json"
        known = self.tenants()
        for namespace, tenant in seen.items():
            if known.setdefault(namespace, tenant) != tenant:
                raise SetupError(
                    f"namespace {namespace} belongs to tenant {known[namespace]} and cannot be "
                    f"given to {tenant}: its readings would change hands. Use another namespace, "
                    f"or start with another --data-dir"
                )
        try:
            part = path.with_suffix(".part")
            part.write_bytes(msgspec.json.encode(known))
            part.replace(path)
        except OSError as error:
            raise cannot_use(self.root, error) from error

    def tenants(self) -> dict[str, str]:
        """Namespace to tenant, of all that ever ran from this folder."""
        path = self.root / "tenants.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            raise SetupError(f"{path} cannot be read ({error}); delete it if it is damaged") from (
                error
            )


class Lock:
    """The held lock."""

    def __init__(self, file: int) -> None:
        self._file = file

    def say(self, running: Running) -> None:
        """Write where we are reached into the lock."""
        content = msgspec.json.encode(running)
        os.pwrite(self._file, content, 0)
        os.ftruncate(self._file, len(content))


def cannot_use(folder: Path, error: OSError) -> SetupError:
    """A folder that cannot be written, as a sentence."""
    return SetupError(
        f"{folder} cannot be used for data: {error.strerror or error}"
        f"{f' ({error.filename})' if error.filename else ''}; make room or set its rights, "
        "or give another folder with --data-dir"
    )


def _flock(file: int, limit_s: float) -> bool:
    """Lock a file exclusively; False when others hold it for longer than the limit."""
    limit = time.monotonic() + limit_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                return False
            time.sleep(LOOK_S)
        else:
            return True


def _read_lock(path: Path) -> Running | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None


def _write_once(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all, and never over another."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, text.encode())
        os.fsync(file)
    finally:
        os.close(file)
    try:
        os.link(part, path)
    finally:
        part.unlink()
