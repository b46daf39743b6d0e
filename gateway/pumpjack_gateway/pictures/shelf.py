"""The templates that there are: ours, and those of the platform's own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from pumpjack_core.errors import ManifestError
from pumpjack_core.log import get_logger
from pumpjack_gateway.pictures.answers import PictureAnswer
from pumpjack_gateway.pictures.problems import PictureError
from pumpjack_gateway.pictures.svg import clean
from pumpjack_gateway.pictures.template import Template, check, parse

OURS = Path(__file__).parents[1] / "templates"
FILE_MAX_BYTES = 1 << 20
_log = get_logger("gateway.pictures")


class Picture(Struct, frozen=True):
    """One template as it is answered. body: a PictureAnswer as JSON; etag: of the body, quoted."""

    template: Template
    body: bytes
    etag: str


class Shelf:
    """Templates by name."""

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        self._pictures = pictures

    def find(self, name: str) -> Picture | None:
        """The template of a type of well."""
        return self._pictures.get(name)

    def list(self) -> list[Picture]:
        """All, by name."""
        return [self._pictures[name] for name in sorted(self._pictures)]


def read_shelf(own: str) -> Shelf:
    """Ours and those of the folder own ("" for none), which may replace ours.

    One that cannot be used is named in the log and left out. Raises ManifestError when the folder
    is not there.
    """
    pictures = {path.stem: read_picture(path) for path in sorted(OURS.glob("*.json"))}
    if not own:
        return Shelf(pictures)
    folder = Path(own)
    if not folder.is_dir():
        raise ManifestError(f"PUMPJACK_TEMPLATES_DIR: there is no folder {own}")
    for path in sorted(folder.glob("*.json")):
        try:
            pictures[path.stem] = read_picture(path)
        except PictureError as error:
            _log.error("a process picture is left out", file=str(path), why=str(error))
    return Shelf(pictures)


def read_picture(path: Path) -> Picture:
    """A template and its drawing. Raises PictureError."""
    template = parse(_read(path))
    if template.template != path.stem:
        raise PictureError(
            f"its template is {template.template!r}, and its file {path.name}; they must be equal"
        )
    if Path(template.picture).name != template.picture or not template.picture.endswith(".svg"):
        raise PictureError("picture must be the name of an .svg in the same folder")
    try:
        drawing = clean(_read(path.with_name(template.picture)))
    except PictureError as error:
        raise PictureError(f"{template.picture}: {error}") from error
    check(template, drawing)
    body = msgspec.json.encode(PictureAnswer(**structs.asdict(template), svg=drawing.text))
    return Picture(template, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if len(raw) > FILE_MAX_BYTES:
            raise PictureError(f"{path.name} is larger than {FILE_MAX_BYTES} bytes")
        return raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise PictureError(f"{path.name} cannot be read: {error}") from error
