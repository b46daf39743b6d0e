"""Requests to the Kubernetes API: raw dicts over aiohttp; typed models would cost ten times that.

Every call has a timeout, and fails with an error of api_errors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import aiohttp
import msgspec

from pumpjack_operator.api_answers import Page, Trouble
from pumpjack_operator.api_errors import ApiError, Unavailable, error_of
from pumpjack_operator.kinds import Kind
from pumpjack_operator.login import Login
from pumpjack_operator.names import MANAGER

Object = dict[str, Any]
_T = TypeVar("_T")
TIMEOUT_S = 20.0
CONNECT_S = 5.0
MOST_CONNECTIONS = 64
"""Of requests; watches come on top, one for each kind and one for each tenant's namespace."""
_CLOSED = "used outside of async with"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"


class Api:
    """One API server.

    calls     how often each verb was used on each resource, as RBAC names both
    failed    how often one did not go well, with the HTTP status, 0 without an answer
    troubled  the watches that do not know the present state, by what they watch
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._session: aiohttp.ClientSession | None = None
        self._watches: aiohttp.ClientSession | None = None
        """Each watch holds a connection for minutes; they must not take those of the requests."""
        self.calls: Counter[tuple[str, str]] = Counter()
        self.failed: Counter[tuple[str, str, int]] = Counter()
        self.troubled: dict[Hashable, Trouble] = {}

    async def __aenter__(self) -> Api:
        self._session = self._open_session(MOST_CONNECTIONS)
        self._watches = self._open_session(0)
        return self

    def _open_session(self, limit: int) -> aiohttp.ClientSession:
        """limit: of connections at once, 0 for none."""
        tls = self._login.tls if self._login.tls is not None else True
        connector = aiohttp.TCPConnector(limit=limit, ssl=tls)
        return aiohttp.ClientSession(connector=connector, headers={"User-Agent": MANAGER})

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in (self._session, self._watches):
            if session is not None:
                await session.close()

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        """One object."""
        return await self._ask("get", kind, "GET", kind.path(namespace, name))

    async def list_page(
        self,
        kind: Kind,
        namespace: str | None,
        params: Mapping[str, str],
        *,
        accept: str = _JSON,
    ) -> Page:
        """One page of a list."""
        path = kind.path(namespace)
        return await self._ask(
            "list", kind, "GET", path, params=params, accept=accept, answer_type=Page
        )

    async def apply(self, kind: Kind, manifest: Object) -> Object:
        """Make one object what the manifest says, whoever had set it otherwise before."""
        about = manifest["metadata"]
        return await self._ask(
            "patch",
            kind,
            "PATCH",
            kind.path(about.get("namespace"), about["name"]),
            params={"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"},
            body=manifest,
            content_type=_APPLY,
        )

    async def apply_status(
        self, kind: Kind, namespace: str, name: str, uid: str, status: Any
    ) -> Object:
        """Set the whole status of an object. Raises Conflict when another bears its name now."""
        body = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": name, "namespace": namespace, "uid": uid},
            "status": status,
        }
        return await self._ask(
            "patch",
            kind,
            "PATCH",
            kind.path(namespace, name, "status"),
            params={"fieldManager": MANAGER, "force": "true"},
            body=body,
            content_type=_APPLY,
            sub="status",
        )

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Object) -> Object:
        """Change some fields; null removes one."""
        return await self._ask(
            "patch",
            kind,
            "PATCH",
            kind.path(namespace, name),
            params={"fieldManager": MANAGER},
            body=patch,
            content_type=_MERGE,
        )

    async def create(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        """Make an object. Raises Conflict when there is one of that name."""
        params = {"fieldManager": MANAGER}
        return await self._ask(
            "create", kind, "POST", kind.path(namespace), params=params, body=body
        )

    async def replace(self, kind: Kind, body: Object) -> Object:
        """Replace an object. Raises Conflict when it was changed since body was read."""
        about = body["metadata"]
        path = kind.path(about.get("namespace"), about["name"])
        params = {"fieldManager": MANAGER}
        return await self._ask("update", kind, "PUT", path, params=params, body=body)

    async def delete(
        self, kind: Kind, namespace: str, name: str, uid: str, *, orphan: bool = False
    ) -> None:
        """Delete the object of this uid, its own children in the background or, orphaned, not.

        Raises NotFound, and Conflict when another bears its name now.
        """
        how = "Orphan" if orphan else "Background"
        body = {"propagationPolicy": how, "preconditions": {"uid": uid}}
        await self._ask("delete", kind, "DELETE", kind.path(namespace, name), body=body)

    @contextlib.asynccontextmanager
    async def watch(
        self,
        kind: Kind,
        namespace: str | None,
        params: Mapping[str, str],
        *,
        silence_s: float,
        accept: str = _JSON,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Lines of a watch, each a JSON object, as the server sends them.

        Ends with the server's timeoutSeconds, or with Unavailable after silence_s without a word.
        """
        self.calls["watch", kind.resource] += 1
        try:
            async with self._open_watch(
                kind.resource, kind.path(namespace), params, silence_s=silence_s, accept=accept
            ) as lines:
                yield lines
        except ApiError as error:
            self.failed["watch", kind.resource, error.code] += 1
            raise

    @contextlib.asynccontextmanager
    async def _open_watch(
        self,
        resource: str,
        path: str,
        params: Mapping[str, str],
        *,
        silence_s: float,
        accept: str,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        asked = f"watch {resource}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        assert self._watches is not None, _CLOSED
        try:
            async with self._watches.get(
                self._login.server + path,
                params={**params, "watch": "true", "allowWatchBookmarks": "true"},
                headers={**self._login.headers(), "Accept": accept},
                timeout=timeout,
            ) as answer:
                if answer.status >= 400:
                    raise await _failure(asked, answer)
                yield _lines(answer.content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(asked, _words(error)) from error

    async def _ask(
        self,
        verb: str,
        kind: Kind,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        sub: str = "",
        answer_type: type[_T] = Object,  # type: ignore[assignment]
    ) -> _T:
        resource = f"{kind.resource}/{sub}" if sub else kind.resource
        self.calls[verb, resource] += 1
        try:
            return await self._answer(
                f"{verb} {path}",
                method,
                path,
                params=params,
                body=body,
                headers={"Accept": accept, **({"Content-Type": content_type} if body else {})},
                answer_type=answer_type,
            )
        except ApiError as error:
            self.failed[verb, resource, error.code] += 1
            raise

    async def _answer(
        self,
        asked: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None,
        body: Any,
        headers: Mapping[str, str],
        answer_type: type[_T],
    ) -> _T:
        assert self._session is not None, _CLOSED
        try:
            async with self._session.request(
                method,
                self._login.server + path,
                params=params,
                data=None if body is None else msgspec.json.encode(body),
                headers={**headers, **self._login.headers()},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_S),
            ) as answer:
                if answer.status >= 400:
                    raise await _failure(asked, answer)
                return msgspec.json.decode(await answer.read(), type=answer_type)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise Unavailable(asked, _words(error)) from error


async def _failure(asked: str, answer: aiohttp.ClientResponse) -> ApiError:
    try:
        status = msgspec.json.decode(await answer.read())
    except msgspec.DecodeError:
        status = None
    return error_of(asked, answer.status, status, answer.headers.get("Retry-After"))


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; StreamReader's own are bounded by its buffer."""
    rest = bytearray()
    async for chunk in content.iter_any():
        rest += chunk
        *lines, last = rest.split(b"\n")
        rest = bytearray(last)
        for line in lines:
            if line:
                yield bytes(line)
        await asyncio.sleep(0)  # a long list of events leaves room for others


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "the API server did not answer in time"
    return f"the API server cannot be reached: {error}"
