# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""Answers that hold values, as bytes: what stands around the values. OPC 10000-6, section 5.2."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.common.utils import Buffer

from pumpjack_worker.adapters.opcua.decode import (
    BROKEN,
    NOTHING,
    Changes,
    Malformed,
    joined,
    noted_values,
    plain_values,
)

PUBLISH_RESPONSE, REPUBLISH_RESPONSE, DATA_CHANGE, STATUS_CHANGE = 829, 835, 811, 820
READ_RESPONSE, HISTORY_READ_RESPONSE, HISTORY_DATA, SERVICE_FAULT = 634, 667, 658, 397
"""Numeric node ids of the binary encodings, namespace 0."""


@dataclass(frozen=True, slots=True)
class History:
    """Values of one node from its history. more: where the server left off, empty at the end."""

    status: int
    more: bytes
    values: Changes


@dataclass(frozen=True, slots=True)
class Notification:
    """One message of a subscription.

    sequence        its number; of a keep-alive: the number of the next message
    is_keep_alive   nothing is in it
    changes         where and how many bytes of values, undecoded: (start, end) in body
    status          what became of the subscription, where that is told
    """

    subscription: int
    sequence: int
    is_keep_alive: bool
    body: bytes = field(repr=False)
    changes: tuple[tuple[int, int], ...] = ()
    status: int | None = None
    more: bool = False
    available: tuple[int, ...] = ()


def read_publish(body: bytes) -> Notification:
    """What a PublishResponse holds, its values not yet decoded. Raises Malformed."""
    try:
        at, status = _response_header(body, PUBLISH_RESPONSE)
        if status >> 31:
            raise Malformed(f"a publish response has the status 0x{status:08X}")
        (subscription,) = struct.unpack_from("<I", body, at)
        at, available = _uint32s(body, at + 4)
        more = body[at] != 0
        return _message(body, at + 1, subscription, more=more, available=available)
    except BROKEN as error:
        raise Malformed(f"a publish response cannot be read: {error}") from error


def read_republish(body: bytes, subscription: int) -> Notification:
    """What a RepublishResponse holds. Raises Malformed."""
    try:
        at, status = _response_header(body, REPUBLISH_RESPONSE)
        if status >> 31:
            raise Malformed(f"a republish response has the status 0x{status:08X}")
        return _message(body, at, subscription)
    except BROKEN as error:
        raise Malformed(f"a republish response cannot be read: {error}") from error


def read_changes(notification: Notification) -> Changes:
    """The values of a message as columns. Raises Malformed."""
    try:
        parts = [noted_values(notification.body, start) for start, _ in notification.changes]
    except BROKEN as error:
        raise Malformed(f"values of a notification cannot be read: {error}") from error
    if len(parts) == 1:
        return parts[0]
    return joined(parts)


def read_values(body: bytes, handles: Sequence[int]) -> Changes:
    """What a ReadResponse holds, of the items with these handles. Raises Malformed."""
    try:
        at, _status = _response_header(body, READ_RESPONSE)
        return plain_values(body, at, handles)[0]
    except BROKEN as error:
        raise Malformed(f"a read response cannot be read: {error}") from error


def read_history(body: bytes, handles: Sequence[int]) -> list[History]:
    """What a HistoryReadResponse holds, of the items with these handles. Raises Malformed."""
    try:
        at, _status = _response_header(body, HISTORY_READ_RESPONSE)
        (count,) = struct.unpack_from("<i", body, at)
        at += 4
        found: list[History] = []
        for handle in handles[: max(count, 0)]:
            status, length = struct.unpack_from("<Ii", body, at)
            at += 8
            more = body[at : at + max(length, 0)]
            at, kind = _node_id(body, at + max(length, 0))
            encoding = body[at]
            at += 1
            changes = NOTHING
            if encoding:
                (length,) = struct.unpack_from("<i", body, at)
                at += 4
                if kind == HISTORY_DATA:
                    (n,) = struct.unpack_from("<i", body, at)
                    if n > length:
                        raise Malformed("a history is longer than the message that holds it")
                    changes, _ = plain_values(body, at, [handle] * max(n, 0))
                at += max(length, 0)
            found.append(History(status, more, changes))
    except BROKEN as error:
        raise Malformed(f"a history cannot be read: {error}") from error
    return found


def _message(
    body: bytes,
    at: int,
    subscription: int,
    *,
    more: bool = False,
    available: tuple[int, ...] = (),
) -> Notification:
    sequence, _published, count = struct.unpack_from("<IqI", body, at)
    at += 16
    changes: list[tuple[int, int]] = []
    status = None
    for _ in range(0 if count == 0xFFFFFFFF else count):
        at, kind = _node_id(body, at)
        encoding = body[at]
        at += 1
        if encoding == 0:
            continue
        (length,) = struct.unpack_from("<i", body, at)
        at += 4
        end = at + max(length, 0)
        if end > len(body):
            raise Malformed("a notification is longer than the message that holds it")
        if kind == DATA_CHANGE:
            changes.append((at, end))
        elif kind == STATUS_CHANGE:
            (status,) = struct.unpack_from("<I", body, at)
        at = end
    empty = not changes and status is None and count in (0, 0xFFFFFFFF)
    return Notification(
        subscription, sequence, empty, body, tuple(changes), status, more, available
    )


def _response_header(body: bytes, expected: int) -> tuple[int, int]:
    """Where the response header ends, and the status in it."""
    at, kind = _node_id(body, 0)
    if kind not in (expected, SERVICE_FAULT):
        raise Malformed(f"an answer of another kind ({kind}) came")
    (status,) = struct.unpack_from("<I", body, at + 12)
    at += 16
    if body[at]:  # diagnostics, which nobody asked for
        buffer = Buffer(body, at)
        ua.ua_binary.struct_from_binary(ua.DiagnosticInfo, buffer)
        at = buffer.cur_pos
    else:
        at += 1
    (strings,) = struct.unpack_from("<i", body, at)
    at += 4
    for _ in range(strings):
        (length,) = struct.unpack_from("<i", body, at)
        at += 4 + max(length, 0)
    at, _kind = _node_id(body, at)
    encoding = body[at]
    at += 1
    if encoding:
        (length,) = struct.unpack_from("<i", body, at)
        at += 4 + max(length, 0)
    return at, status


def _node_id(body: bytes, at: int) -> tuple[int, int]:
    """Where a node id ends, and its number (-1 for what is no number of namespace 0)."""
    form = body[at]
    if form == 0:
        return at + 2, body[at + 1]
    if form == 1:
        namespace, number = struct.unpack_from("<BH", body, at + 1)
        return at + 4, number if namespace == 0 else -1
    if form == 2:
        namespace, number = struct.unpack_from("<HI", body, at + 1)
        return at + 7, number if namespace == 0 else -1
    buffer = Buffer(body, at)
    ua.ua_binary.nodeid_from_binary(buffer)
    return buffer.cur_pos, -1


def _uint32s(body: bytes, at: int) -> tuple[int, tuple[int, ...]]:
    (count,) = struct.unpack_from("<i", body, at)
    if count <= 0:
        return at + 4, ()
    return at + 4 + 4 * count, struct.unpack_from(f"<{count}I", body, at + 4)
