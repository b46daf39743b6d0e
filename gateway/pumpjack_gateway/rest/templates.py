"""/api/scada/templates: process pictures, and what they show of a well."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from pumpjack_gateway.auth import Principal
from pumpjack_gateway.pictures.answers import PictureAnswer, TemplatesAnswer, TemplateSummary
from pumpjack_gateway.rest.negotiation import is_known
from pumpjack_gateway.rest.openapi import answer, common, problem
from pumpjack_gateway.rest.problems import Refusal
from pumpjack_gateway.rest.requests import json_response, parts_of, signed_in
from pumpjack_gateway.times import time_of

router = APIRouter(prefix="/api/scada/templates", tags=["wells"])
Who = Annotated[Principal, Depends(signed_in)]
Name = Annotated[
    str,
    Path(description="the type of a well", min_length=1, max_length=63, pattern=r"^[a-z0-9-]+$"),
]

_LIST: dict[str, Any] = {
    "asOf": "2026-01-31T06:30:01.000000Z",
    "templates": [{"template": "rod-pump", "version": 1, "title": "Rod pump"}],
}
_EXAMPLE: dict[str, Any] = {
    "template": "rod-pump",
    "version": 1,
    "title": "Rod pump",
    "picture": "rod-pump.svg",
    "views": {"surface": [4.0, 3.0, 434.0, 308.0]},
    "roles": {
        "tubing_pressure": {"label": "Tubing", "unit": "psi", "digits": 0, "required": True},
        "run_status": {"label": "State", "states": {"0": "STOPPED", "1": "RUNNING"}},
    },
    "bind": [
        {"el": "v-tubing_pressure", "as": "value", "role": "tubing_pressure"},
        {"el": "s-run_status", "as": "state", "role": "run_status"},
        {"el": "c-dynamometer", "as": "card", "card": "dynamometer"},
    ],
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 590">…</svg>',
}


@router.get(
    "",
    summary="The process pictures that there are",
    responses={200: answer(TemplatesAnswer, "By name", _LIST), **common(403, 404, 503)},
)
async def templates(request: Request, who: Who) -> Response:  # noqa: ARG001 - must be signed in
    """A well's type names the picture that it is drawn with."""
    parts = parts_of(request)
    found = [each.template for each in parts.pictures.list()]
    return json_response(
        TemplatesAnswer(
            as_of=time_of(parts.clock.now_us()),
            templates=[TemplateSummary(each.template, each.version, each.title) for each in found],
        )
    )


@router.get(
    "/{name}",
    summary="A process picture: its drawing, its roles, and what shows which",
    responses={
        200: answer(PictureAnswer, "The template", _EXAMPLE),
        304: {"description": "It is the one that If-None-Match names"},
        **common(403, 404, 503),
        404: problem("NO_SUCH_TEMPLATE"),
    },
)
async def template(request: Request, who: Who, name: Name) -> Response:  # noqa: ARG001
    """The drawing holds no script, no style and no address: it may be put into a page."""
    found = parts_of(request).pictures.find(name)
    if found is None:
        raise Refusal(
            404,
            "NO_SUCH_TEMPLATE",
            f"there is no process picture {name!r}; /api/scada/templates lists them",
        )
    headers = {"ETag": found.etag, "Cache-Control": "private, no-cache"}
    if is_known(request.headers.get("if-none-match", ""), found.etag):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type="application/json")
