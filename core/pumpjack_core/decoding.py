"""JSON that others wrote, decoded so that whatever it is, it can only be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")


def decoder(kind: type[T]) -> Callable[[bytes | str], T]:
    """A function that decodes JSON as this type. It raises msgspec.DecodeError and nothing else.

    msgspec alone lets out RecursionError for what is nested too deeply, also in a field that the
    type does not have, and UnicodeDecodeError for text that is not UTF-8.
    """
    return checked(msgspec.json.Decoder(kind))


def checked(json: msgspec.json.Decoder[T]) -> Callable[[bytes | str], T]:
    """The same of a decoder: for unions, which are no type[T]."""
    decode = json.decode

    def decode_checked(text: bytes | str) -> T:
        try:
            return decode(text)
        except RecursionError as error:
            raise msgspec.DecodeError("it is nested too deeply") from error
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError("it is not UTF-8") from error

    return decode_checked
