"""Every error that Pumpjack raises on purpose.

PumpjackError                a sentence for a person: what happened, where, what to do
├── ManifestError            a manifest or a configuration file is wrong; names file and field
├── AddressError             a tag's address cannot be read in its protocol's syntax
├── DeviceError              talking to a device failed; carries the reason that readings get
│   ├── NotConnected         no session with the device; connect() again
│   ├── HostNotAllowed       the platform does not let this tenant reach that address
│   ├── WriteRefused         nothing was written, and the message says who said no, and why
│   └── Unanswered           a write went out, and nobody knows whether the device has done it
├── JournalError             the journal cannot do what was asked
│   ├── JournalFull          no room, or no disk; nothing was written
│   └── JournalDamaged       the file is not a readable journal; it was set aside
├── StorageError             the database cannot do what was asked
│   ├── StorageUnavailable   the database is away, restarting or full; the same call may do later
│   └── UnsupportedDatabase  the server is too old, or lacks what a level needs
├── AuthError                a token was refused; carries the code that the client is told
└── SetupError               this machine, as it is, does not let it run: a busy port, a full disk
"""

from __future__ import annotations

from collections.abc import Iterator


class PumpjackError(Exception):
    """A sentence for a person: what happened, where, and what to do."""


class ManifestError(PumpjackError):
    """A manifest or a configuration file is wrong. Names the file and the field."""


class AddressError(PumpjackError):
    """A tag's address cannot be read in its protocol's syntax. Says what would be right."""


class DeviceError(PumpjackError):
    """Talking to a device failed.

    reason: one CamelCase word for status, metrics and logs (Refused, Timeout, NameNotFound …).
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotConnected(DeviceError):
    """There is no session with the device; connect() again after a back-off."""


class HostNotAllowed(DeviceError):
    """The platform does not let this tenant reach that address."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="HostNotAllowed")


class WriteRefused(DeviceError):
    """Nothing was written: the device said no, or it was not asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="WriteRefused")


class Unanswered(DeviceError):
    """A write went out and nothing that came back says for certain that it was not done."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="Unanswered")


class JournalError(PumpjackError):
    """The journal cannot do what was asked."""


class JournalFull(JournalError):
    """The journal has reached its size or its disk is full. Nothing was written or overwritten."""


class JournalDamaged(JournalError):
    """The file is not a readable journal. It was set aside under the name in the message."""


class StorageError(PumpjackError):
    """The database cannot do what was asked."""


class StorageUnavailable(StorageError):
    """The database is away, restarting, overloaded or full. The same call may succeed later."""


class UnsupportedDatabase(StorageError):
    """The database server is too old or lacks what the level needs; says which version would do."""


class AuthError(PumpjackError):
    """A token was refused. code is what the client is told (AUTH_FAILED, TOKEN_EXPIRED …)."""

    def __init__(self, message: str, *, code: str = "AUTH_FAILED") -> None:
        super().__init__(message)
        self.code = code


class SetupError(PumpjackError):
    """The machine, as it is, does not let it run. Names the port, the folder or the option."""


def leaves(group: BaseExceptionGroup[PumpjackError]) -> Iterator[PumpjackError]:
    """The errors of a group and of the groups within it, in their order."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
