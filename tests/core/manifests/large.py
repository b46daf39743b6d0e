"""A mapping as large as it gets: 500 tags with 9 alarms each."""

from __future__ import annotations

from typing import Any

LEVELS = {"hihi": 100.0, "hi": 90.0, "lo": 20.0, "lolo": 10.0}
OTHERS: dict[str, dict[str, Any]] = {
    "rate": {"limit": 5.0, "deadband": 1.0, "per": "5m"},
    "state": {"states": [0, 2]},
    "bad_quality": {},
    "stale": {},
}


def as_large_as_it_gets(*, texts: int, alarms: int = 9) -> dict[str, Any]:
    """texts: characters of message, consequence and response of each alarm together.

    alarms: how many each tag has.
    """
    return {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "TagMapping",
        "metadata": {"name": "large"},
        "spec": {
            "wellId": "w",
            "connectionRef": {"name": "plc"},
            "tags": [_tag(number, texts // 3, alarms) for number in range(500)],
        },
    }


def _tag(number: int, each: int, alarms: int) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        name: {"limit": limit, "deadband": 1.0} for name, limit in LEVELS.items()
    }
    kinds |= OTHERS | {"deviation": {"limit": 6.0, "from": _name((number + 1) % 500)}}
    usual = {"priority": 2, "onDelay": "5s", "offDelay": "30s"}
    words = dict.fromkeys(("message", "consequence", "response"), "x" * each)
    return {
        "name": _name(number),
        "address": f"holding:{40001 + 2 * number}",
        "unit": "psi",
        "range": {"min": 0.0, "max": 5000.0},
        "alarms": [
            {"condition": name, **usual, **more, **words}
            for name, more in list(kinds.items())[:alarms]
        ],
    }


def _name(number: int) -> str:
    return f"pressure_of_stage_{number:03}"
