"""What is wrong with a manifest, and where: a sentence, a field path, a file and a line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

Severity = Literal["error", "warning", "note"]
Path = tuple[str | int, ...]
"""Keys and positions from the root of an object: ("spec", "tags", 3, "range")."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN_CHARACTERS = 60


class Finding(Struct, frozen=True):
    """Something about one value of an object.

    message  a sentence without the path
    quote    whether quotes around the value, as it is written, are the way out
    """

    path: Path
    message: str
    severity: Severity = "error"
    quote: bool = False


class Problem(Struct, frozen=True):
    """A finding with its place.

    file     as the user named it, - for standard input, "" when the object came from no file
    line     from 1; 0 when it is not known
    object   "ScadaConnection permian-ops/pad-a", "" when the document names no object
    path     "spec.tags[3].range", "" for the whole object
    """

    severity: Severity
    file: str
    line: int
    object: str
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.object, self.path, self.message) if part)


def path_text(path: Path) -> str:
    """Write a path as Kubernetes does.

    >>> path_text(("spec", "tags", 3, "range"))
    'spec.tags[3].range'
    """
    text = ""
    for step in path:
        if isinstance(step, int) or not _PLAIN_KEY.fullmatch(step):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """End of a sentence that names the nearest known word, "" when none is near.

    >>> did_you_mean("pollIntervall", ["pollInterval", "protocol"])
    '; did you mean pollInterval?'
    """
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""


def listed(words: Sequence[object]) -> str:
    """Words for a sentence: "a, b or c"."""
    texts = [str(word) for word in words]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} or {texts[-1]}"


def shown(value: Any) -> str:
    """A value for a sentence, as YAML would write it, long ones cut.

    >>> shown("no"), shown(True), shown(None)
    ('"no"', 'true', 'null')
    """
    match value:
        case dict():
            text = "an object"
        case list():
            text = "a list"
        case str():
            cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
            text = '"' + cut.replace("\n", "\\n") + '"'
        case bool():
            text = "true" if value else "false"
        case None:
            text = "null"
        case float():
            text = f"{value:.15g}"
        case _:
            text = str(value)
    return text
