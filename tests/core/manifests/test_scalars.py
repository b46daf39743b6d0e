"""Plain scalars mean what go-yaml v2, and so Kubernetes, makes of them."""

from __future__ import annotations

import pytest

from pumpjack_core.manifests.scalars import Scalar, resolve

# Text and what sigs.k8s.io/yaml v1.6 turned it into.
SEEN: dict[str, Scalar] = {
    "true": True,
    "yes": True,
    "y": True,
    "ON": True,
    "tRUE": "tRUE",
    "no": False,
    "n": False,
    "Off": False,
    "~": None,
    "null": None,
    "Null": None,
    "7": 7,
    "+7": 7,
    "-7": -7,
    "1_000": 1000,
    "017": 15,
    "0o17": 15,
    "08": 8.0,
    "09.5": 9.5,
    "0x1F": 31,
    "0b11": 3,
    "-0b1": -1,
    "0x": "0x",
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 1.8446744073709552e19,
    "1.5": 1.5,
    ".5": 0.5,
    "5.": 5.0,
    "1e3": 1000.0,
    "1E-3": 0.001,
    "+.5": 0.5,
    "1e400": "1e400",
    ".5_5": 0.55,
    "._5": "._5",
    "1e+": "1e+",
    "_1": "_1",
    "1:30": "1:30",
    "2001-01-01": "2001-01-01",
    "2001-01-01T00:00:00Z": "2001-01-01T00:00:00Z",
    "123abc": "123abc",
    "inf": "inf",
    "nan": "nan",
    ".": ".",
    "holding:40001": "holding:40001",
}


@pytest.mark.parametrize(("text", "value"), SEEN.items())
def test_a_plain_scalar_is_what_kubernetes_makes_of_it(text: str, value: Scalar) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)
