"""What was found, on disk until all of it is known: names and counts need a second look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import msgspec

from pumpjack_worker.adapters.browsing import Found

TEXT = "text"
MOST_ADDRESS_CHARACTERS = 512


class Spool:
    """Things in the order in which they were found. Use as a context; it leaves no file."""

    def __init__(self) -> None:
        self.tags = 0
        self.others = 0
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile(prefix="pumpjack-browse-")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, found: Found) -> None:
        """Keep one thing."""
        if why_no_tag(found):
            self.others += 1
        else:
            self.tags += 1
        self._file.write(self._encoder.encode(found) + b"\n")

    def everything(self) -> Iterator[Found]:
        """All that was kept. One reader at a time."""
        self._file.seek(0)
        decoder = msgspec.json.Decoder(Found)
        for line in self._file:
            yield decoder.decode(line)


def why_no_tag(found: Found) -> str:
    """Why something cannot be a tag, "" when it can."""
    if found.data_type == TEXT:
        return "text, which cannot be stored yet"
    if not 0 < len(found.address) <= MOST_ADDRESS_CHARACTERS:
        return f"an address of more than {MOST_ADDRESS_CHARACTERS} characters"
    if "{{" in found.address or "}}" in found.address:
        return "an address that would be taken for a template"
    return ""
