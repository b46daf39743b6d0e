"""Problem documents (RFC 9457): every refusal is one, with a sentence and the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pumpjack_core.errors import AuthError
from pumpjack_core.log import get_logger
from pumpjack_gateway.answers import Problem
from pumpjack_gateway.store import QueryTooLong, StoreUnavailable, UnknownTenant

MEDIA_TYPE = "application/problem+json"
_TYPES = "https://pumpjack.dev/problems/"
_log = get_logger("gateway.rest")


class Refusal(Exception):
    """A request that is not served; becomes a problem document.

    members  more of the document than every problem has (RFC 9457, 3.2)
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def too_many(wait_s: float) -> Refusal:
    """Beyond the rate."""
    seconds = max(1, math.ceil(wait_s))
    return Refusal(
        429,
        "RATE_LIMITED",
        f"too many requests; the next one is served in {seconds} s",
        {"Retry-After": str(seconds)},
    )


def problem_response(
    status: int,
    code: str,
    detail: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    members: Mapping[str, object] | None = None,
) -> Response:
    """A problem document as an answer."""
    slug = code.lower().replace("_", "-")
    problem = Problem(
        type=_TYPES + slug,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        instance=path,
    )
    document = msgspec.to_builtins(problem) | dict(members or {})
    return Response(
        msgspec.json.encode(document), status, dict(headers or {}), media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Turn every error of the application into a problem document."""

    @app.exception_handler(Refusal)
    def refused(request: Request, error: Refusal) -> Response:
        return problem_response(
            error.status,
            error.code,
            str(error),
            request.url.path,
            error.headers,
            members=error.members,
        )

    @app.exception_handler(AuthError)
    def unknown_person(request: Request, error: AuthError) -> Response:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return problem_response(401, error.code, str(error), request.url.path, challenge)

    @app.exception_handler(UnknownTenant)
    def unknown_tenant(request: Request, error: UnknownTenant) -> Response:
        return problem_response(403, "UNKNOWN_TENANT", str(error), request.url.path)

    @app.exception_handler(QueryTooLong)
    def too_long(request: Request, error: QueryTooLong) -> Response:
        return problem_response(
            503, "QUERY_TOO_LONG", str(error), request.url.path, {"Retry-After": "2"}
        )

    @app.exception_handler(StoreUnavailable)
    def unavailable(request: Request, error: StoreUnavailable) -> Response:
        return problem_response(
            503, "STORE_UNAVAILABLE", str(error), request.url.path, {"Retry-After": "2"}
        )

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(422, "BAD_REQUEST", _sentence(error), request.url.path)

    @app.exception_handler(HTTPException)
    def by_the_framework(request: Request, error: HTTPException) -> Response:
        code, detail = _FRAMEWORK.get(error.status_code, ("BAD_REQUEST", str(error.detail)))
        return problem_response(error.status_code, code, detail, request.url.path, error.headers)


def unexpected(path: str, error: Exception) -> Response:
    """The answer to a request at which the gateway itself failed."""
    _log.error("a request failed", path=path, exc_info=error)
    return problem_response(
        500,
        "INTERNAL",
        "the gateway failed at this request; its log says why. Try again, and if it stays so, "
        "report it",
        path,
    )


_FRAMEWORK = {
    404: ("NOT_FOUND", "there is nothing at this address; /docs lists what there is"),
    405: ("METHOD_NOT_ALLOWED", "this address does not take this method; see Allow, and /docs"),
}


def _sentence(error: RequestValidationError) -> str:
    """Each fault as `place: what`, without the values: they may be secrets."""
    faults = [
        f"{'.'.join(str(step) for step in fault['loc'][1:]) or 'body'}: {fault['msg']}"
        for fault in error.errors()
    ]
    return "; ".join(faults[:5]) + "; /docs shows what is right"
