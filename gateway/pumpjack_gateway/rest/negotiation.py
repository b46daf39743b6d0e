"""What a request's headers ask for: a content coding, a media type, an entity tag. Pure."""

from __future__ import annotations

from collections.abc import Collection

_PREFERRED = ("br", "gzip")


def coding(accept_encoding: str, there_are: Collection[str]) -> str:
    """The smallest coding that is there and accepted, else "identity" (RFC 9110, 12.5.3).

    >>> coding("gzip, br;q=0", ["identity", "gzip", "br"])
    'gzip'
    """
    accepted = dict(_weighted(accept_encoding))
    for name in _PREFERRED:
        if name in there_are and accepted.get(name, accepted.get("*", 0.0)) > 0:
            return name
    return "identity"


def wants_page(accept: str) -> bool:
    """Whether a browser asks for a page, and not a program for data (RFC 9110, 12.5.1)."""
    return any(name == "text/html" and weight > 0 for name, weight in _weighted(accept))


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether the client has this representation already (RFC 9110, 13.1.2: weak comparison)."""
    if if_none_match.strip() == "*":
        return True
    return any(each.strip().removeprefix("W/") == etag for each in if_none_match.split(","))


def _weighted(header: str) -> list[tuple[str, float]]:
    """Each of a list with its q, 1 where none is told and 0 where it is no number."""
    found = []
    for item in header.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name:
            found.append((name, weight))
    return found
