"""A hole that is not on record yet, in a file of its own: whoever is killed meanwhile has told it.

The disk is full just then, so the file has its room from the start: one sector, which is written
over in place. That needs no more room but where files are never written over (btrfs, ZFS).
"""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

import msgspec

from pumpjack_core.log import get_logger
from pumpjack_worker.pipeline.durable import sync_folder
from pumpjack_worker.pipeline.hole import Loss

NAME = "journal.hole"
SECTOR_BYTES = 512
_log = get_logger("worker.journal")


class HoleFile:
    """The file in a journal's folder. Blocking; whoever has the journal open owns it."""

    def __init__(self, folder: Path) -> None:
        """Make it where it is not there. On a disk that is full already there is none."""
        self._path = folder / NAME
        try:
            if not self._path.exists() or self._path.stat().st_size < SECTOR_BYTES:
                self._write(b"", os.O_CREAT)
                sync_folder(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            _log.warning(f"{self._path} cannot be made: {error}")

    def read(self) -> Loss | None:
        """What was lost and is not on record, None for nothing, or where it does not read."""
        with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
            seal, _, text = self._path.read_bytes().rstrip(b"\0").partition(b" ")
            if text and int(seal, 16) == zlib.crc32(text):
                return msgspec.json.decode(text, type=Loss)
        return None

    def write(self, loss: Loss | None) -> bool:
        """Keep it; None once it is on record. Whether it is on disk when this returns."""
        text = b"" if loss is None else msgspec.json.encode(loss)
        try:
            self._write(b"%08x %s" % (zlib.crc32(text), text) if text else b"", 0)
        except OSError as error:
            _log.warning(f"{self._path} cannot be written: {error}; the hole is told by the log")
            return False
        return True

    def _write(self, content: bytes, flags: int) -> None:
        handle = os.open(self._path, os.O_WRONLY | flags, 0o644)
        try:
            os.pwrite(handle, content.ljust(SECTOR_BYTES, b"\0"), 0)
            os.fsync(handle)
        finally:
            os.close(handle)
