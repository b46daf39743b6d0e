# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, assignment, no-untyped-call, comparison-overlap"
"""One secure channel over one TCP connection: frames, requests and their answers.

asyncua's SecureConnection cuts, signs and encrypts; its socket protocol is not used: it waits for
ever for the rest of what is no frame, it logs requests with the passwords in them, and it takes
the server's receive buffer for its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.crypto.security_policies import SecurityPolicy
from asyncua.crypto.uacrypto import InvalidSignature
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_from_binary,
    struct_from_binary,
    struct_to_binary,
    uatcp_to_binary,
)

from pumpjack_core.errors import NotConnected, Unanswered
from pumpjack_worker.adapters.opcua.failures import (
    BAD_REQUEST_TOO_LARGE,
    ServiceFault,
    transport_failure,
)
from pumpjack_worker.adapters.opcua.messages import SERVICE_FAULT

HEADER_BYTES = 8
BUFFER_BYTES = 65_535
MOST_CHUNK_BYTES = 1 << 24
"""Larger than any server cuts them; a header that says more is no header."""
MOST_MESSAGE_BYTES = 64 << 20
MOST_CHUNKS = 4_096
MOST_DECODED_BYTES = 4 << 20
"""Of an answer that asyncua decodes, some 10 MB/s: longer ones would hold up close()."""
LEAST_BUFFER_BYTES = 8_192
"""What every server takes in a chunk, OPC 10000-6, section 7.1.2.3."""
LIFETIME_MS = 600_000
"""How long the keys of a channel are asked to hold."""
RENEW_AT = 0.75
"""Part of that time after which new ones are asked for, OPC 10000-4, section 5.6.2."""
CHUNK_OVERHEAD_BYTES = 128
"""Headers, padding and signature of a chunk, at most."""
_TYPES = (b"MSG", b"OPN", b"CLO", b"ACK", b"ERR")
_ENDS = (b"F", b"C", b"A")


@cache
def quiet_asyncua() -> None:
    """What asyncua has to say is said by the errors that it raises; its traces help nobody."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class Channel(asyncio.Protocol):
    """Asks one server. on_lost is called once, when the connection is no more.

    lost      why it is no more; None: it is there
    asked_at  when something was last asked [s, the loop's time]
    """

    def __init__(
        self, peer: str, policy: SecurityPolicy, *, timeout_s: float, on_lost: Callable[[], None]
    ) -> None:
        quiet_asyncua()
        self._peer = peer
        self._timeout_s = timeout_s
        self._on_lost = on_lost
        self._limits = TransportLimits(
            MOST_CHUNK_BYTES, BUFFER_BYTES, MOST_CHUNKS, MOST_MESSAGE_BYTES
        )
        self._most_bytes = 0
        self._most_chunks = 0
        self._connection = SecureConnection(policy, self._limits)
        self._policy = policy
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._opening: ua.OpenSecureChannelParameters | None = None
        self._number = 0
        self._token: Any = ua.NodeId()
        self.lost: NotConnected | None = None
        self.asked_at = 0.0
        self.renew_after_s = LIFETIME_MS / 1000 * RENEW_AT

    # What is asked

    async def open(self, url: str) -> None:
        """Say hello and open the channel. Raises NotConnected or ServiceFault."""
        hello = ua.Hello()
        hello.EndpointUrl = url
        hello.ReceiveBufferSize = hello.SendBufferSize = BUFFER_BYTES
        hello.MaxMessageSize, hello.MaxChunkCount = MOST_MESSAGE_BYTES, MOST_CHUNKS
        answer = self._expect(0)
        self._write(uatcp_to_binary(ua.MessageType.Hello, hello))
        await self.answer(answer, "hello", self._timeout_s)
        await self._open(ua.SecurityTokenRequestType.Issue)

    async def renew(self) -> None:
        """Agree on new keys. Raises NotConnected or ServiceFault."""
        await self._open(ua.SecurityTokenRequestType.Renew)
        self._revolve()

    async def ask(self, request: Any, answer: type[Any], *, timeout_s: float | None = None) -> Any:
        """Send a request and return the answer. Raises NotConnected or ServiceFault."""
        patience_s = self._timeout_s if timeout_s is None else timeout_s
        body = await self.answer(
            self.send(request, hint_s=patience_s), type(request).__name__, patience_s
        )
        return self._decoded(body, answer, type(request).__name__)

    async def tell(self, request: Any, answer: type[Any]) -> Any:
        """Send a request that changes something, once, and return the answer.

        Raises ServiceFault, NotConnected when nothing was sent, Unanswered when no answer came; the
        connection stays.
        """
        service = type(request).__name__
        waiting = self.send(request, hint_s=self._timeout_s)
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await waiting
            return self._decoded(body, answer, service)
        except TimeoutError:
            raise Unanswered(
                f"{self._peer} did not answer to {service} within {self._timeout_s:g} s"
            ) from None
        except NotConnected as error:
            raise Unanswered(f"the session ended before {service} was answered: {error}") from error

    def _decoded(self, body: bytes, answer: type[Any], service: str) -> Any:
        if len(body) > MOST_DECODED_BYTES:
            raise self.fail_garbled(f"{len(body)} bytes in answer to {service}")
        try:
            response = struct_from_binary(answer, Buffer(body))
        except (ua.UaError, NotEnoughData, ValueError, TypeError, AttributeError) as error:
            raise self.fail_garbled(f"the answer to {service}: {error}") from error
        status = int(response.ResponseHeader.ServiceResult.value)
        if status >> 31:
            raise ServiceFault(status, service)
        return response

    async def ask_bytes(self, request: Any) -> bytes:
        """Send a request and return the bytes of the answer. Raises NotConnected, ServiceFault."""
        body: bytes = await self.answer(self.send(request), type(request).__name__)
        return body

    def send(self, request: Any, *, hint_s: float = 0.0) -> asyncio.Future[bytes]:
        """Send a request whose answer may take any time: the bytes of the answer.

        The future fails with ServiceFault or NotConnected.
        """
        return self._send(request, ua.MessageType.SecureMessage, hint_s)

    async def answer(
        self, answer: asyncio.Future[Any], what: str, timeout_s: float | None = None
    ) -> Any:
        """Wait for an answer; without one in time the connection counts as lost."""
        patience_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(patience_s):
                return await answer
        except TimeoutError:
            error = NotConnected(
                f"{self._peer} did not answer to {what} within {patience_s:g} s; check that the "
                "device is on, and the way to it",
                reason="Timeout",
            )
            self.abort(error)
            raise error from None

    def authenticate(self, token: Any) -> None:
        """Speak for this session from now on."""
        self._token = token

    def close(self) -> None:
        """Say goodbye and end the connection."""
        with contextlib.suppress(NotConnected):
            self._send(ua.CloseSecureChannelRequest(), ua.MessageType.SecureClose, 0.0).cancel()
        self._fail(NotConnected(f"{self._peer}: the session was closed", reason="Closed"))
        if self._transport is not None:
            self._transport.close()

    def abort(self, error: NotConnected) -> None:
        """End the connection at once, for this reason."""
        self._fail(error)
        if self._transport is not None:
            self._transport.abort()

    def fail_garbled(self, what: str) -> NotConnected:
        """End the connection because what came is no OPC UA; returns the error to raise."""
        error = NotConnected(
            f"{self._peer} sent what is no OPC UA ({what}); check that this port is the server's",
            reason="Garbled",
        )
        self.abort(error)
        return error

    async def _open(self, kind: ua.SecurityTokenRequestType) -> None:
        params = ua.OpenSecureChannelParameters()
        params.ClientProtocolVersion = 0
        params.RequestType = kind
        params.SecurityMode = self._policy.Mode
        params.RequestedLifetime = LIFETIME_MS
        params.ClientNonce = os.urandom(self._policy.secure_channel_nonce_length)
        request = ua.OpenSecureChannelRequest()
        request.Parameters = params
        self._opening = params
        answer = self._send(request, ua.MessageType.SecureOpen, self._timeout_s)
        await self.answer(answer, "OpenSecureChannel", self._timeout_s)

    def _send(self, request: Any, kind: bytes, hint_s: float) -> asyncio.Future[bytes]:
        if self.lost is not None:
            raise self.lost
        header = request.RequestHeader
        header.AuthenticationToken = self._token
        self.asked_at = asyncio.get_running_loop().time()
        header.Timestamp = datetime.datetime.now(datetime.UTC)
        header.TimeoutHint = int(hint_s * 1000)
        self._number += 1
        header.RequestHandle = number = self._number
        self._revolve()
        body = struct_to_binary(request)
        self._check_size(len(body), type(request).__name__)
        message = self._connection.message_to_binary(body, message_type=kind, request_id=number)
        answer = self._expect(number)
        self._write(message)
        return answer

    def _check_size(self, size: int, service: str) -> None:
        """A server hangs up on what is too long for it; who asks can ask for less at once."""
        chunks = -(-size // (self._limits.max_send_buffer - CHUNK_OVERHEAD_BYTES))
        if 0 < self._most_bytes < size or 0 < self._most_chunks < chunks:
            raise ServiceFault(BAD_REQUEST_TOO_LARGE, service)

    def _revolve(self) -> None:
        if self._connection.next_security_token.TokenId != 0:
            self._connection.revolve_tokens()

    def _expect(self, number: int) -> asyncio.Future[Any]:
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        return answer

    def _write(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)

    # What comes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection is there."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type

    def connection_lost(self, error: Exception | None) -> None:
        """The TCP connection is no more."""
        why = f" ({error})" if error else ""
        self._fail(NotConnected(f"{self._peer} closed the connection{why}", reason="Closed"))

    def data_received(self, data: bytes) -> None:
        """Cut what came into chunks."""
        self._buffer += data
        while len(self._buffer) >= HEADER_BYTES and self.lost is None:
            size = int.from_bytes(self._buffer[4:8], "little")
            known = self._buffer[:3] in _TYPES and self._buffer[3:4] in _ENDS
            if not known or not HEADER_BYTES <= size <= MOST_CHUNK_BYTES:
                self.fail_garbled(repr(bytes(self._buffer[:24])))
                return
            if len(self._buffer) < size:
                return
            chunk = bytes(self._buffer[:size])
            del self._buffer[:size]
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        buffer = Buffer(chunk)
        try:
            header = header_from_binary(buffer)
            message = self._connection.receive_from_header_and_body(header, buffer)
            if isinstance(message, ua.ErrorMessage):
                self.abort(
                    transport_failure(self._peer, int(message.Error.value), message.Reason or "")
                )
            elif isinstance(message, ua.Acknowledge):
                self._acknowledged(message)
            elif message is not None:
                self._answered(message, is_open=header.MessageType == ua.MessageType.SecureOpen)
        except (
            ua.UaError,
            NotEnoughData,
            InvalidSignature,
            ValueError,
            TypeError,
            AttributeError,
        ) as error:
            self.fail_garbled(f"{type(error).__name__}: {error}")

    def _acknowledged(self, message: ua.Acknowledge) -> None:
        # asyncua takes the server's numbers for its own.
        self._limits.max_recv_buffer = MOST_CHUNK_BYTES
        self._limits.max_message_size = MOST_MESSAGE_BYTES
        self._limits.max_chunk_count = MOST_CHUNKS
        self._limits.max_send_buffer = min(message.ReceiveBufferSize, BUFFER_BYTES)
        if 0 not in self._waiting or message.ReceiveBufferSize < LEAST_BUFFER_BYTES:
            self.fail_garbled(f"an acknowledgement of {message.ReceiveBufferSize} bytes a chunk")
            return
        self._most_bytes, self._most_chunks = message.MaxMessageSize, message.MaxChunkCount
        self._settle(0, message)

    def _answered(self, message: ua.Message, *, is_open: bool) -> None:
        body = message.body()
        content = bytes(body)
        kind = nodeid_from_binary(body)
        number = message.request_id()
        if kind.Identifier == SERVICE_FAULT and kind.NamespaceIndex == 0:
            header = struct_from_binary(ua.ResponseHeader, body)
            waiting = self._waiting.pop(number, None)
            if waiting is not None and not waiting.done():
                waiting.set_exception(ServiceFault(int(header.ServiceResult.value), "request"))
                waiting.exception()  # taken: nobody may be waiting
            return
        if is_open and self._opening is not None:
            response = struct_from_binary(ua.OpenSecureChannelResponse, Buffer(content))
            params, self._opening = self._opening, None
            self._connection.set_channel(
                response.Parameters, params.RequestType, params.ClientNonce
            )
            lifetime_ms = response.Parameters.SecurityToken.RevisedLifetime or LIFETIME_MS
            self.renew_after_s = lifetime_ms / 1000 * RENEW_AT
        self._settle(number, content)

    def _settle(self, number: int, content: Any) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)

    def _fail(self, error: NotConnected) -> None:
        if self.lost is not None:
            return
        self.lost = error
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # taken: nobody may be waiting
        self._on_lost()
