"""What an entry of the audit log may hold: what others wrote, bounded, and such as jsonb takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

TEXT_MAX_CHARS = 1_024
ITEMS_MAX = 200
DEPTH_MAX = 5
_CUT = "…"
_REPLACEMENT = "\ufffd"
_UNPRINTABLE = (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
# Line breaks and tabs are text; NUL and lone surrogates no database takes.
_CLEAN = {code: _REPLACEMENT for code in _UNPRINTABLE if chr(code) not in "\t\n\r"}
T = TypeVar("T")


def kept(value: T, depth: int = DEPTH_MAX) -> T:
    """The value with its texts cut and cleaned, and its collections cut; numbers stay."""
    return _kept(value, depth)  # type: ignore[return-value]


def _kept(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | list | tuple) and depth == 0:
        return _CUT
    if isinstance(value, Mapping):
        return {
            _text(str(name)): _kept(item, depth - 1)
            for name, item in list(value.items())[:ITEMS_MAX]
        }
    if isinstance(value, list | tuple):
        return [_kept(item, depth - 1) for item in value[:ITEMS_MAX]]
    return value


def _text(text: str) -> str:
    if len(text) > TEXT_MAX_CHARS:
        text = text[: TEXT_MAX_CHARS - 1] + _CUT
    return text.translate(_CLEAN)
