"""What a client sends as JSON: bounded, strict, refused with a sentence."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from fastapi import Request

from pumpjack_core.decoding import decoder
from pumpjack_gateway.rest.problems import Refusal

BODY_MAX_BYTES = 262_144
T = TypeVar("T")


async def body_of(request: Request, kind: type[T]) -> T:
    """The request's body as a struct. Raises Refusal: 413 when too long, 422 when it is none."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise Refusal(
                413, "TOO_LARGE", f"a body has at most {BODY_MAX_BYTES} bytes; send it in parts"
            )
    try:
        return decoder(kind)(bytes(body))
    except msgspec.MsgspecError as error:
        raise Refusal(
            422, "BAD_REQUEST", f"the body is not right: {error}; /docs shows what is right"
        ) from error


def described_body(kind: type, example: object) -> dict[str, Any]:
    """For openapi_extra: a required JSON body of a struct that rest/openapi.py knows."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
