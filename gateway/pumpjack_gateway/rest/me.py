"""/api/scada/me: who is signed in, and what they may do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from pumpjack_core.clock import US_PER_S
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.may import NEEDED, MeAnswer
from pumpjack_gateway.rest.openapi import answer, common
from pumpjack_gateway.rest.requests import json_response, parts_of, signed_in
from pumpjack_gateway.times import time_of

router = APIRouter(prefix="/api/scada", tags=["people"])

_EXAMPLE: dict[str, Any] = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "subject": "ann",
    "email": "ann@example.com",
    "tenantId": "permian",
    "role": "operator",
    "expiresAt": "2026-01-31T18:30:00.000000Z",
    "may": ["acknowledge", "shelve", "unshelve", "reset", "command", "approve"],
}


@router.get(
    "/me",
    summary="Who is signed in, and what they may do",
    responses={
        200: answer(MeAnswer, "What the token says", _EXAMPLE),
        **common(403, 404, 503),
    },
)
async def me(request: Request, who: Annotated[Principal, Depends(signed_in)]) -> Response:
    """The token's tenant, person, role and end.

    It may be sent again, with a new end, as long as it is the same person's. Whether a connection
    or a tag allows a command is told with its tag.
    """
    return json_response(
        MeAnswer(
            as_of=time_of(parts_of(request).clock.now_us()),
            subject=who.subject,
            email=who.email,
            tenant_id=who.tenant_id,
            role=who.role.name,
            expires_at=time_of(int(who.expires_s * US_PER_S)),
            may=[right for right, role in NEEDED.items() if who.role >= role],
        )
    )
