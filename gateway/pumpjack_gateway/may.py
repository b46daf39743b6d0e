"""What a person may do by their role: one list, for the doors and for the buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from pumpjack_gateway.alarms.store import Action
from pumpjack_gateway.auth import Role

Right = Action | Literal["command", "approve"]

NEEDED: Mapping[Right, Role] = MappingProxyType(
    {
        "acknowledge": Role.operator,
        "shelve": Role.operator,
        "unshelve": Role.operator,
        "reset": Role.operator,
        "command": Role.operator,
        "approve": Role.operator,
        "out-of-service": Role.engineer,
        "in-service": Role.engineer,
    }
)
"""The least role; each may do all that the lower ones may."""


class MeAnswer(Struct, frozen=True, rename="camel"):
    """Who the token is for, and what its holder may do. expiresAt: when it ends."""

    as_of: datetime
    subject: str
    email: str | None
    tenant_id: str
    role: str
    expires_at: datetime
    may: list[Right]
