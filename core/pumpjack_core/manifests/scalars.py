"""What a plain YAML scalar means to Kubernetes.

Kubernetes reads YAML with go-yaml v2, which is neither YAML 1.1 nor 1.2 nor PyYAML: 1e3 is a
number, 0o17 and 017 are octal, on and no are booleans, 1:30 is text, a date stays text. A wrong
guess here is a wrong verdict. Source: go.yaml.in/yaml/v2, resolve.go.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

NULL_TAG, BOOL_TAG, INT_TAG, FLOAT_TAG, STR_TAG = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str")
)

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST_OF_A_NUMBER = frozenset("+-.0123456789")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOT_FIRST = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)"
    r"|(?P<d>0|[1-9][0-9]*))"
)
_BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1


def resolve(text: str) -> Scalar:
    """Value of a plain (unquoted) scalar.

    >>> resolve("1e3"), resolve("no"), resolve("1:30"), resolve("017")
    (1000.0, False, '1:30', 15)
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST_OF_A_NUMBER:
        return text
    if text[0] == "." and not _DOT_FIRST.fullmatch(text):
        return text
    plain = text.replace("_", "")
    integer = _INTEGER.fullmatch(plain)
    if integer is not None and integer.lastgroup is not None:
        base = integer.lastgroup
        value = int(integer["sign"] + integer[base], _BASES[base])
        if _LEAST <= value <= _MOST:
            return value
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        return text if math.isinf(number) else number
    return text


def resolve_tagged(text: str, tag: str) -> Scalar:
    """Value of a scalar with an explicit tag (!!str 5). Raises ValueError when they disagree."""
    if tag not in (NULL_TAG, BOOL_TAG, INT_TAG, FLOAT_TAG):
        return text
    value = resolve(text)
    if tag == FLOAT_TAG and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    kinds: dict[str, type | tuple[type, ...]] = {
        NULL_TAG: type(None),
        BOOL_TAG: bool,
        INT_TAG: int,
        FLOAT_TAG: float,
    }
    if not isinstance(value, kinds[tag]) or (tag == INT_TAG and isinstance(value, bool)):
        raise ValueError(f"{text!r} is no {tag.rpartition(':')[2]}")
    return value
