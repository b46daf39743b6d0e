"""/healthz, /readyz and /metrics: how the gateway is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from pumpjack_gateway.answers import Healthy, Ready
from pumpjack_gateway.rest.openapi import answer
from pumpjack_gateway.rest.requests import json_response, parts_of

router = APIRouter(tags=["the gateway itself"])
_NO_TOKEN = "No token is needed; let only the platform reach it."  # noqa: S105 - a sentence


@router.get(
    "/healthz",
    summary="Whether the process runs",
    description=_NO_TOKEN,
    responses={200: answer(Healthy, "It runs", {"ok": True})},
)
async def healthz() -> Response:
    """Answer as long as the event loop turns."""
    return json_response(Healthy(ok=True))


@router.get(
    "/readyz",
    summary="Whether everything is there that it needs",
    description=_NO_TOKEN,
    responses={
        200: answer(Ready, "Ready", {"ready": True, "down": []}),
        503: answer(
            Ready, "Not ready; names what is down", {"ready": False, "down": ["the live feed"]}
        ),
    },
)
async def readyz(request: Request) -> Response:
    """Ask the database and the feed."""
    down = await parts_of(request).ready()
    return json_response(Ready(ready=not down, down=down), 503 if down else 200)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    description=_NO_TOKEN,
    response_class=Response,
    responses={
        200: {
            "description": "Text format 0.0.4",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
async def metrics(request: Request) -> Response:
    """All metrics."""
    parts = parts_of(request)
    size, used = parts.store.connections
    parts.metrics.pool_size.set(size)
    parts.metrics.pool_used.set(used)
    parts.metrics.database_up.set(parts.store.is_up)
    return Response(parts.metrics.text(), media_type="text/plain; version=0.0.4")
