"""Examples of what /api/scada/control takes and answers, for its description."""

from __future__ import annotations

from typing import Any

_ID = "5f1c6f4e-7a57-4d4c-9a58-0b7a3b2f8d11"
_COMMAND: dict[str, Any] = {
    "commandId": _ID,
    "wellId": "pad7-3",
    "tagName": "pump_speed",
    "connectionId": "permian-ops/pad7-plc",
    "unit": "spm",
    "value": 7.5,
    "written": 7.5,
    "readBack": 7.5,
    "state": "verified",
    "running": False,
    "message": "read back: 7.5 spm",
    "reason": "fluid level is down after the workover",
    "approval": "none",
    "requestedBy": "ann",
    "requestedRole": "operator",
    "requestedAt": "2026-01-31T06:30:00.000000Z",
    "decidedBy": None,
    "decidedAt": None,
    "comment": "",
    "expiresAt": "2026-01-31T06:30:10.000000Z",
    "sentAt": "2026-01-31T06:30:00.012000Z",
    "doneAt": "2026-01-31T06:30:00.087000Z",
    "idempotencyKey": "0b0c0c1e-63a5-4f0e-8b1e-2d1b3cf6b5a9",
    "changeNo": 4716,
}
_STEPS = [
    {
        "changeNo": 4712 + number,
        "at": f"2026-01-31T06:30:00.0{number}0000Z",
        "state": state,
        "actor": actor,
        "message": message,
    }
    for number, (state, actor, message) in enumerate(
        (
            ("requested", "ann", "asked for by ann"),
            ("validated", "", "it may be written, and is within its limits"),
            ("approved", "", "no second person is needed"),
            ("sent", "worker", "its worker has taken it and sends it to the device"),
            ("verified", "worker", "read back: 7.5 spm"),
        )
    )
]
ANSWER = {"asOf": "2026-01-31T06:30:01.000000Z", "command": _COMMAND, "steps": _STEPS}
PAGE = {"asOf": "2026-01-31T06:30:01.000000Z", "commands": [_COMMAND], "nextCursor": None}
TAGS = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "wellId": "pad7-3",
    "tags": [
        {
            "wellId": "pad7-3",
            "tagName": "pump_speed",
            "connectionId": "permian-ops/pad7-plc",
            "description": "",
            "unit": "spm",
            "low": 0.0,
            "high": 12.0,
            "states": [],
            "stateNames": {},
            "approval": "none",
            "off": None,
            "running": None,
        }
    ],
}
ASKED = {
    "wellId": "pad7-3",
    "tagName": "pump_speed",
    "value": 7.5,
    "reason": "fluid level is down after the workover",
    "idempotencyKey": "0b0c0c1e-63a5-4f0e-8b1e-2d1b3cf6b5a9",
}
