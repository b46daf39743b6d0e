"""The built files of the screens, held in memory: what is not among them cannot be asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_core.log import get_logger

BUILT_SCREENS = Path(__file__).parent / "screens"
"""Where `make screens` puts them."""
INDEX = "/index.html"
ASSETS = "/assets/"
"""Beneath it a name holds its content's hash, so that a file never changes."""
_ENCODINGS = {".br": "br", ".gz": "gzip"}
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_log = get_logger("gateway.screens")


class ScreenFile(Struct, frozen=True):
    """One file. bodies: by content coding, "identity" always; digest: of the file itself."""

    media_type: str
    bodies: Mapping[str, bytes]
    digest: str
    immutable: bool


class ScreenFiles:
    """The files of a folder by URL path, read again after it was built again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: tuple[int, ...] | None = None
        self._files: Mapping[str, ScreenFile] = {}

    def find(self, path: str) -> ScreenFile | None:
        """The file at a path of a URL, /index.html; None where there is none."""
        self._look()
        return self._files.get(path)

    def _look(self) -> None:
        built = _mark(self._folder / INDEX[1:])
        if built == self._built:
            return
        try:
            self._files = _read(self._folder) if built is not None else {}
        except OSError as error:
            # Being built at this moment: the next request looks again.
            _log.warning("the screens cannot be read", folder=str(self._folder), why=str(error))
            return
        self._built = built


def _mark(index: Path) -> tuple[int, ...] | None:
    try:
        stat = index.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _read(folder: Path) -> dict[str, ScreenFile]:
    bodies: dict[str, dict[str, bytes]] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or not file.is_file():
            continue
        coding = _ENCODINGS.get(file.suffix, "identity")
        named = file if coding == "identity" else file.with_suffix("")
        path = "/" + named.relative_to(folder).as_posix()
        bodies.setdefault(path, {})[coding] = file.read_bytes()
    return {
        path: ScreenFile(
            media_type=_MEDIA_TYPES.get(Path(path).suffix, "application/octet-stream"),
            bodies=kept,
            digest=hashlib.sha256(kept["identity"]).hexdigest(),
            immutable=path.startswith(ASSETS),
        )
        for path, kept in bodies.items()
        if "identity" in kept
    }
