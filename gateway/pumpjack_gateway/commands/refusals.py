"""Why a command is not made, approved or shown: codes for programs, sentences for people."""

from __future__ import annotations

from pumpjack_core.errors import PumpjackError

STATUS = {
    "ROLE_TOO_LOW": 403,
    "TAG_READ_ONLY": 403,
    "WRITES_OFF": 403,
    "SECOND_PERSON": 403,
    "NO_SUCH_WELL": 404,
    "NO_SUCH_TAG": 404,
    "NO_SUCH_COMMAND": 404,
    "DEVICE_OFFLINE": 409,
    "COMMAND_RUNNING": 409,
    "KEY_USED": 409,
    "NOTHING_TO_DECIDE": 409,
    "OUT_OF_LIMITS": 422,
    "BAD_REQUEST": 422,
    "RATE_LIMITED": 429,
}
"""Code to HTTP status."""

_OF_THE_DATABASE = {
    "PJ020": "KEY_USED",
    "PJ021": "COMMAND_RUNNING",
    "PJ022": "SECOND_PERSON",
    "PJ023": "NOTHING_TO_DECIDE",
    "PJ024": "NO_SUCH_TAG",
    "PJ025": "TAG_READ_ONLY",
    "PJ026": "WRITES_OFF",
    "PJ027": "OUT_OF_LIMITS",
    "PJ028": "RATE_LIMITED",
    "PJ029": "ROLE_TOO_LOW",
    "PJ031": "BAD_REQUEST",
    "PJ032": "NO_SUCH_COMMAND",
}
_WAYS_OUT = {
    "COMMAND_RUNNING": "wait until it has ended",
    "TAG_READ_ONLY": "declare what may be written in its TagMapping (write)",
    "WRITES_OFF": "set spec.writes.enabled of the connection, where the platform allows it",
}
WAIT_S = 10.0
"""After too many commands of a tenant."""


class Refused(PumpjackError):
    """Nothing was written. status as in HTTP; retry_s: when to come back, where that helps."""

    def __init__(self, code: str, sentence: str, retry_s: float | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = STATUS[code]
        self.retry_s = retry_s


def of_the_database(code: str, problem: str) -> Refused:
    """What the database's functions say, with a way out (migrations/0024)."""
    known = _OF_THE_DATABASE.get(code, "BAD_REQUEST")
    way_out = _WAYS_OUT.get(known)
    sentence = f"{problem}; {way_out}" if way_out else problem
    return Refused(known, sentence, WAIT_S if known == "RATE_LIMITED" else None)
