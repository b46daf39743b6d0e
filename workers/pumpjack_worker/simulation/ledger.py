"""What a simulated device served, written down: the truth that end-to-end tests compare with."""

from __future__ import annotations

from typing import TextIO

from msgspec import Struct

HEADER = "served_us,changed_us,well_id,tag_name,value\n"


class Served(Struct, frozen=True):
    """One value that went out in an answer.

    served_us   when [µs since the epoch, UTC]
    changed_us  since when the device had shown that value
    value       in the tag's unit, as a client reads it; NaN for a float of a dead sensor
    """

    served_us: int
    changed_us: int
    well_id: str
    tag_name: str
    value: float


class Ledger:
    """Keeps what was served in entries, or writes it to a file as CSV with HEADER."""

    def __init__(self, file: TextIO | None = None) -> None:
        self.entries: list[Served] = []
        self._file = file
        if file is not None:
            file.write(HEADER)

    def write(self, one: Served) -> None:
        """Take down one value."""
        if self._file is None:
            self.entries.append(one)
            return
        self._file.write(
            f"{one.served_us},{one.changed_us},{one.well_id},{one.tag_name},{one.value!r}\n"
        )
