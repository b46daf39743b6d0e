"""Sign-ins as the audit log has them: who, by which issuer, from where."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from pumpjack_gateway.auth import Principal

REMEMBERED_MAX = 20_000
_SHOWN_CHARS = 200


def origin(peer: str | None, headers: Mapping[str, str]) -> dict[str, object]:
    """From where something was asked. forwardedFor is what a proxy, or the client, claims."""
    found: dict[str, object] = {"address": peer or "unknown"}
    claimed = headers.get("x-forwarded-for") or headers.get("X-Forwarded-For")
    if claimed:
        found["forwardedFor"] = claimed[:_SHOWN_CHARS]
    return found


def identity(who: Principal) -> dict[str, object]:
    """Who it is beyond the name, for the audit log."""
    found: dict[str, object] = {"issuer": who.issuer, "role": who.role.name}
    if who.email is not None:
        found["email"] = who.email
    return found


class SignIns:
    """Which tokens were used here before: REST has no session, so the first use is the sign-in."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, str, float], None] = OrderedDict()

    def is_first(self, who: Principal) -> bool:
        """Whether this token is used for the first time; those used long ago are forgotten."""
        key = (who.tenant_id, who.issuer, who.subject, who.expires_s)
        first = key not in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)
        return first
