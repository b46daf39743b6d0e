"""Examples of answers about alarms, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_NAME: dict[str, Any] = {
    "alarmId": "9b1c6f4e7a574d4c9a580b7a3b2f8d11",
    "connectionId": "permian-ops/pad7-plc",
    "wellId": "pad7-3",
    "tagName": "tubing_pressure",
    "condition": "hihi",
    "priority": 1,
}
ALARM: dict[str, Any] = _NAME | {
    "state": "unacknowledged",
    "active": True,
    "acknowledged": False,
    "latched": False,
    "suppressed": False,
    "outOfService": False,
    "shelvedUntil": None,
    "shelvedBy": None,
    "since": "2026-01-31T06:30:00.000000Z",
    "activeSince": "2026-01-31T06:30:00.000000Z",
    "value": 2431.5,
    "limit": 2400.0,
    "unit": "psi",
    "message": "Tubing pressure very high",
    "consequence": "The flowline's relief valve lifts",
    "response": "Open the choke; if it stays, shut the well in",
    "acknowledgedBy": None,
    "acknowledgedAt": None,
    "comment": "",
    "version": 7,
    "eventNo": 4711,
    "declared": True,
    "confirmed": True,
}
EVENT: dict[str, Any] = _NAME | {
    "eventNo": 4711,
    "at": "2026-01-31T06:30:00.000000Z",
    "recordedAt": "2026-01-31T06:30:00.041000Z",
    "kind": "raised",
    "actor": "",
    "comment": "",
    "value": 2431.5,
    "limit": 2400.0,
    "detail": {},
    "state": "unacknowledged",
}
ALARMS = {"asOf": "2026-01-31T06:30:01.000000Z", "alarms": [ALARM], "nextCursor": None}
EVENTS = {"asOf": "2026-01-31T06:30:01.000000Z", "events": [EVENT], "nextCursor": None}
COUNTS = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "eventNo": 4711,
    "counts": {
        "toHandle": 12,
        "unacknowledged": 11,
        "byPriority": {"1": 1, "2": 3, "3": 8, "4": 0},
        "unacknowledgedByPriority": {"1": 1, "2": 3, "3": 7, "4": 0},
        "byState": {"unacknowledged": 11, "acknowledged": 1, "shelved": 2},
        "raisedIn10Min": 11,
        "flood": {
            "since": "2026-01-31T06:30:00.000000Z",
            "groups": [
                {
                    "connectionId": "permian-ops/pad7-plc",
                    "wellId": "pad7-3",
                    "firstOut": _NAME["alarmId"],
                    "since": "2026-01-31T06:29:58.000000Z",
                    "total": 12,
                    "unacknowledged": 11,
                    "byPriority": {"1": 1, "2": 3, "3": 8},
                    "alarms": [{"alarmId": _NAME["alarmId"], "version": 7}],
                }
            ],
        },
    },
}
FIGURES = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "start": "2026-01-30T06:00:00Z",
    "end": "2026-01-31T06:00:00Z",
    "figures": {
        "alarms": 96,
        "averagePer10Min": 0.6667,
        "peakPer10Min": 14,
        "above10Share": 0.006944,
        "floodShare": 0.008102,
        "floods": 1,
        "mostFrequent": [{"alarm": _NAME, "raised": 31, "share": 0.3229}],
        "chattering": [{"alarm": _NAME, "raised": 31, "mostPerMinute": 5}],
        "standing": [
            {"alarm": _NAME, "activeSince": "2026-01-29T01:12:00Z", "state": "acknowledged"}
        ],
        "priorities": {
            "1": {"alarms": 1, "share": 0.0104},
            "2": {"alarms": 5, "share": 0.0521},
            "3": {"alarms": 15, "share": 0.1562},
            "4": {"alarms": 75, "share": 0.7812},
        },
        "shifts": [
            {
                "start": "2026-01-30T06:00:00Z",
                "end": "2026-01-30T18:00:00Z",
                "alarms": 60,
                "averagePer10Min": 0.8333,
                "peakPer10Min": 14,
            }
        ],
    },
    "definitions": {"averagePer10Min": "alarms divided by the period in units of 10 minutes; …"},
}
