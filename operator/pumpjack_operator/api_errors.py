"""What the API server may answer, told apart by what is to be done.

ApiError                  what was asked, and the server's own words
├── NotFound       404    it is not there (any more)
├── Conflict       409    it exists already, or was changed meanwhile: read again
├── Expired        410    the resource version is too old: list again
├── Refused        4xx    asked again it would be refused again: a quota, a webhook, RBAC, a rule
│   └── JournalUnchanged  the volume of a journal stays what it is
└── Unavailable           429, 5xx, no answer: ask again later
"""

from __future__ import annotations

import re
from typing import Any

from pumpjack_core.errors import PumpjackError


class ApiError(PumpjackError):
    """The API server did not do what was asked.

    code     HTTP status, 0 without an answer
    reason   Kubernetes' word for it (AlreadyExists, Forbidden …)
    said     what the server says, without what was asked
    """

    def __init__(self, asked: str, said: str, *, code: int = 0, reason: str = "") -> None:
        super().__init__(f"{asked}: {said}")
        self.said = said
        self.code = code
        self.reason = reason


class NotFound(ApiError):
    """It is not there (any more)."""


class Conflict(ApiError):
    """It exists already, or was changed meanwhile."""


class Expired(ApiError):
    """The resource version is too old; list again."""


class Refused(ApiError):
    """Asked again in the same way, it would be refused again, until somebody does something."""

    ending: bool = False
    """The namespace is being deleted, so nothing new is made in it."""
    child: str = ""
    """Kind and name of the child that was to be made or changed."""

    @property
    def sentence(self) -> str:
        """What was refused, and by whom, in the server's words."""
        return f"the API server does not take {self.child or 'a child'}: {self.said}"


class JournalUnchanged(Refused):
    """A volume that is there cannot become what the connection asks for; its worker runs on."""

    for_good: bool = False
    """No volume ever can, so that there is nothing to try again."""


class Unavailable(ApiError):
    """The server is away or busy. after_s: when it wants to be asked again, None: it did not say"""

    after_s: float | None = None


_UNREADABLE = re.compile(r"unable to convert unstructured object|failed to convert new object")
_BY_WEBHOOK = re.compile(r"admission webhook .* denied the request|failed calling webhook ")
_BY_CODE: dict[int, type[ApiError]] = {404: NotFound, 409: Conflict, 410: Expired, 429: Unavailable}


def error_of(asked: str, code: int, answer: Any, retry_after: str | None) -> ApiError:
    """The error for an answer.

    answer: the Status object as decoded, or anything else when there was none.
    """
    status = answer if isinstance(answer, dict) else {}
    said = str(status.get("message") or f"HTTP {code}")
    kind = _BY_CODE.get(code) or (Unavailable if code >= 500 else Refused)
    if _BY_WEBHOOK.search(said):
        kind = Refused  # whatever code the webhook chose, and where none could be reached: 500
    if _UNREADABLE.search(said):
        kind = Refused  # server-side apply answers 500 to a value that is none, as cpu: 1.2.3
    error = kind(asked, said, code=code, reason=str(status.get("reason") or ""))
    if isinstance(error, Unavailable) and retry_after and retry_after.isdigit():
        error.after_s = float(retry_after)
    if isinstance(error, Refused):
        causes = (status.get("details") or {}).get("causes") or ()
        error.ending = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    return error
