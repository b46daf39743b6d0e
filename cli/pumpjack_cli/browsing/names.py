"""Names of tags from where things stand on a device: valid, unique, and like the device's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MOST_CHARACTERS = 128
"""Of a tag's name, as crds/tagmappings.pumpjack.dev.yaml says."""
HEAD_KEPT = 40
"""Of a name that is too long, the middle goes: its end says what it is."""
Path = tuple[str, ...]

_UNUSABLE = re.compile(r"[^A-Za-z0-9_.-]+")


def word(part: str) -> str:
    """One step of a path in the letters that a name may have.

    >>> word("Gas °C (outlet)")
    'Gas_C_outlet'
    """
    plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
    return _UNUSABLE.sub("_", plain).strip("_.")


def shared_steps(paths: Iterable[Path]) -> int:
    """How many steps at the beginning of all paths no name needs to repeat.

    What is left of each path begins with a letter, unless none of its steps does.
    """
    common: Path | None = None
    lettered: list[bool] = []
    for path in paths:
        parents = path[:-1]
        if common is None:
            common, lettered = parents, [True] * (len(parents) + 1)
        same = 0
        while same < min(len(common), len(parents)) and common[same] == parents[same]:
            same += 1
        common = common[:same]
        for at in range(same + 1):
            lettered[at] = lettered[at] and _begins_with_letter(path[at:])
    usable = [at for at in range(len(common or ()) + 1) if lettered and lettered[at]]
    return max(usable, default=0)


class Names:
    """Gives each path a name that no other has."""

    def __init__(self, shared: int) -> None:
        self._shared = shared
        self._given: set[str] = set()
        self._repeated: dict[str, int] = {}

    def of(self, path: Path) -> str:
        """The next name; of equal ones the second gets _2."""
        words = [found for found in map(word, path[self._shared :]) if found]
        name = ".".join(words) or "tag"
        if not name[0].isalpha():
            name = f"tag_{name}"
        return self._unique(_cut(name, MOST_CHARACTERS))

    def _unique(self, name: str) -> str:
        found = name
        while found in self._given:
            number = self._repeated[name] = self._repeated.get(name, 1) + 1
            suffix = f"_{number}"
            found = _cut(name, MOST_CHARACTERS - len(suffix)) + suffix
        self._given.add(found)
        return found


def _begins_with_letter(path: Path) -> bool:
    first = next(filter(None, map(word, path)), "")
    return first[:1].isalpha()


def _cut(name: str, most: int) -> str:
    if len(name) <= most:
        return name
    return f"{name[:HEAD_KEPT]}..{name[HEAD_KEPT + 2 - most :]}"
