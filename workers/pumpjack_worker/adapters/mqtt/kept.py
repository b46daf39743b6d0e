"""What is kept beside the journal about the session at the broker: one small file.

The broker keeps the subscriptions of a session, so what was subscribed before a restart must be
known to be taken back when it is no longer wanted.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from pumpjack_core.log import get_logger

FILE = "mqtt-session.json"
_log = get_logger("worker.mqtt")


class Kept(Struct, frozen=True, omit_defaults=True):
    """One session at one broker.

    broker, client_id  whose session it is
    session            our number for it, in hexadecimal digits
    filters            what may be subscribed in it
    gap_since_us       the broker forgot the session before it, and that is not journaled yet: when
                       the last message before that came [µs since epoch, UTC], 0: not known
    """

    broker: str
    client_id: str
    session: str
    filters: tuple[str, ...] = ()
    gap_since_us: int | None = None


class SessionFile:
    """Reads and writes it; without a folder it is kept in memory only."""

    def __init__(self, folder: Path | None, broker: str, client_id: str) -> None:
        self._path = None if folder is None else folder / FILE
        self._broker = broker
        self._client_id = client_id
        self._kept: Kept | None = None
        self._on_disk: Kept | None = None
        self._read = False

    def read(self) -> Kept | None:
        """What is kept of this broker and client id, None where there is nothing."""
        if not self._read:
            self._read = True
            self._kept = self._on_disk = self._load()
        return self._kept

    def write(self, kept: Kept) -> None:
        """Keep this. A disk that does not take it is told in the log, and tried again next time."""
        self.read()
        self._kept = kept
        if self._path is None or kept == self._on_disk:
            return
        part = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(msgspec.json.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            _log.warning(f"the MQTT session cannot be remembered over a restart: {error}")
            if self._on_disk is None or self._on_disk.session != kept.session:
                self._remove(part)
        else:
            self._on_disk = kept

    def _remove(self, part: Path) -> None:
        """Better no file than one about another session: the journal's memos name this one."""
        assert self._path is not None
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._on_disk = None

    def _load(self) -> Kept | None:
        if self._path is None:
            return None
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning(f"{self._path} cannot be read, the MQTT session is taken as new: {error}")
            return None
        if (kept.broker, kept.client_id) != (self._broker, self._client_id):
            return None
        return kept
