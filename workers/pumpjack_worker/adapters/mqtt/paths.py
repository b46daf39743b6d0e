"""Where a value stands in a JSON document: JSONPath (RFC 9535), compiled once. No I/O.

Plain paths, which name one place ($.a.b[0]['c']), are walked directly; python-jsonpath, which is
imported only when it is needed, does the rest, and tests hold the two together.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from pumpjack_core.errors import AddressError

if TYPE_CHECKING:
    from jsonpath import JSONPath

MISSING: Final = object()
"""What stands where nothing stands."""
_STUMBLES = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, re.error)
"""What the library raises beside its own errors, as for 1e400 or an endless nesting."""
_STEP = r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(0|-?[1-9][0-9]{0,8})\]|\['([^'\\\x00-\x1f]*)'\]"
_STEPS = re.compile(_STEP)
_PLAIN = re.compile(rf"\$(?:{_STEP})*")


class Path:
    """A compiled path.

    key    the name, where the path is one member of the outermost object ($.name)
    steps  names and positions from the outermost value on; None: the library finds it
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = _steps(text)
        self._query: JSONPath | None = None
        if self.steps is None:
            self._query = _compile(text)
        first = self.steps[0] if self.steps is not None and len(self.steps) == 1 else None
        self.key = first if isinstance(first, str) else None

    @property
    def is_one(self) -> bool:
        """Whether it can never find more than one value."""
        return self._query is None or self._query.singular_query()

    def one(self, document: Any) -> Any:
        """The value there, MISSING where there is none. Only for a path that is_one."""
        if self.steps is None:
            found = self.all(document)
            return found[0] if found else MISSING
        value = document
        try:
            for step in self.steps:
                if type(value) is not (dict if type(step) is str else list):
                    return MISSING
                value = value[cast(Any, step)]
        except LookupError:
            return MISSING
        return value

    def all(self, document: Any) -> list[Any]:
        """All values that it finds, in their order. Raises ValueError where there is no end."""
        if self._query is None:
            value = self.one(document)
            return [] if value is MISSING else [value]
        if type(document) is str:  # the library would take text for JSON and look into it
            return []
        from jsonpath import JSONPathError

        try:
            return list(self._query.findall(document))
        except (JSONPathError, *_STUMBLES) as error:
            raise ValueError(f"{self.text} cannot be followed: {error.args[0]}") from error


@lru_cache(maxsize=10_000)
def compile_path(text: str) -> Path:
    """Compile a path. Raises AddressError with a sentence about what is wrong."""
    return Path(text)


def _steps(text: str) -> tuple[str | int, ...] | None:
    if _PLAIN.fullmatch(text) is None:
        return None
    return tuple(
        int(position) if position else (name or quoted)
        for name, position, quoted in _STEPS.findall(text)
    )


def _compile(text: str) -> JSONPath:
    from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError

    try:
        found = JSONPathEnvironment(strict=True).compile(text)
    except (JSONPathError, *_STUMBLES) as error:
        raise AddressError(
            f"{text!r} is no JSONPath ({error.args[0]}); write for example $.casing.value or "
            "$.wells[0]['tubing pressure']"
        ) from error
    if not isinstance(found, JSONPath):
        raise AddressError(f"{text!r} joins several paths; write one for each tag")
    return found
