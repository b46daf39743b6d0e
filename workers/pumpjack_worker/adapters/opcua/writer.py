# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""Writes to nodes, and reads back what they then hold. OPC 10000-4, section 5.10.4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from asyncua import ua
from msgspec import Struct

from pumpjack_core.errors import AddressError, DeviceError, NotConnected, Unanswered, WriteRefused
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Permit
from pumpjack_worker.adapters.opcua.address import parse_address
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.failures import SESSION_GONE, ServiceFault, status_text
from pumpjack_worker.adapters.opcua.items import node_id
from pumpjack_worker.adapters.opcua.status import CODE_MASK, SEVERITY_SHIFT
from pumpjack_worker.adapters.setting import Raw, raw_of, setting_of

_VALUE, _DATA_TYPE, _ACCESS_LEVEL, _USER_ACCESS_LEVEL = 13, 14, 17, 18
"""Attributes, OPC 10000-6, A.1."""
_CURRENT_WRITE = 2
"""Bit of an access level, OPC 10000-3, section 8.57."""
_TYPES = {
    1: "bool",
    2: "int8",
    3: "uint8",
    4: "int16",
    5: "uint16",
    6: "int32",
    7: "uint32",
    8: "int64",
    9: "uint64",
    10: "float32",
    11: "float64",
}
"""Built-in types that are one number, by their node id in namespace 0."""
_NOT_BEGUN = frozenset(
    {
        *(0x803B0000, 0x803C0000, 0x803D0000),  # BadNotWritable, BadOutOfRange, BadNotSupported
        *(
            0x801F0000,
            0x80730000,
            0x80740000,
        ),  # BadUserAccessDenied, WriteNotSupported, TypeMismatch
        *(
            0x80330000,
            0x80340000,
            0x80350000,
        ),  # BadNodeIdInvalid, NodeIdUnknown, AttributeIdInvalid
        *(0x80360000, 0x80370000),  # BadIndexRangeInvalid, BadIndexRangeNoData
        *(0x80380000, 0x80390000),  # BadDataEncodingInvalid, BadDataEncodingUnsupported
        *(0x80E60000, 0x800B0000),  # BadSecurityModeInsufficient, BadServiceUnsupported
        *(0x800F0000, 0x80100000),  # BadNothingToDo, BadTooManyOperations
        *(0x80070000, 0x80B80000),  # BadDecodingError, BadRequestTooLarge
        *(0x80250000, 0x80270000),  # BadSessionIdInvalid, BadSessionNotActivated
    }
)
"""Status codes of checks that come before the writing, OPC 10000-4, 5.10.4.4: nothing was written
for certain. After any other bad one (BadTimeout, BadInternalError …) it may have been."""
_WAYS_OUT = {
    0x803B0000: "the node cannot be written to; look at its AccessLevel",  # BadNotWritable
    0x801F0000: "the login of the connection's Secret may not write it",  # BadUserAccessDenied
    0x80740000: "compare the tag's dataType with the node's",  # BadTypeMismatch
    0x803C0000: "the server's own limits are narrower than the tag's",  # BadOutOfRange
    0x80340000: "compare the address with the server's tree",  # BadNodeIdUnknown
}
_OTHERWISE = "look into the server's log"
_PRECISION = 1e-6


class _Node(Struct, frozen=True):
    """What a node says of itself. number: of its built-in type, a key of _TYPES."""

    node: Any
    number: int


class Writer:
    """Commands to one server. namespaces: of the server, as it last told them."""

    def __init__(self, peer: str, namespaces: Callable[[], Sequence[str]]) -> None:
        self._peer = peer
        self._namespaces = namespaces

    async def write(self, channel: Channel, tag: Tag, value: float, permit: Permit) -> None:
        """As Adapter.write()."""
        setting = setting_of(tag, value)
        text = (tag.write.address if tag.write is not None else "") or tag.address
        try:
            found = await self._ask(channel, self._node(text, tag.data_type), text)
        except (AddressError, ServiceFault) as error:
            raise WriteRefused(f"{self._peer}: {text}: {error}") from error
        raw = self._in_type(found, setting.raw, text)
        request = ua.WriteRequest()
        wish = ua.WriteValue()
        wish.NodeId, wish.AttributeId = found.node, ua.AttributeIds.Value
        # Without status and times: many servers refuse to have these written.
        content = ua.Variant(raw, ua.VariantType(found.number))
        wish.Value = ua.DataValue(content, StatusCode=None)
        request.Parameters.NodesToWrite = [wish]
        permit()
        try:
            answer = await channel.tell(request, ua.WriteResponse)
        except ServiceFault as fault:
            raise self._trouble(text, fault.status) from fault
        results = [int(one.value) for one in answer.Results or ()]
        if len(results) != 1:
            raise Unanswered(f"{self._peer} gave {len(results)} answers to one write of {text}")
        if results[0] >> SEVERITY_SHIFT >= 2:
            raise self._trouble(text, results[0])

    async def read_back(self, channel: Channel, tag: Tag) -> float:
        """As Adapter.read_back()."""
        try:
            node = self._node(tag.address, tag.data_type)
            (found,) = await _read(channel, node, (_VALUE,))
        except (AddressError, ServiceFault) as error:
            message = f"{self._peer}: {tag.address}: {error}"
            raise DeviceError(message, reason="NoValue") from error
        status, variant = _status(found), found.Value
        number = None if variant is None or variant.is_array else variant.Value
        if status >> SEVERITY_SHIFT >= 2 or not isinstance(number, bool | int | float):
            why = status_text(status) if status >> SEVERITY_SHIFT >= 2 else "it is no number"
            raise DeviceError(
                f"{tag.address} at {self._peer} has no value: {why}", reason="NoValue"
            )
        return float(number) * tag.scale + tag.offset

    def _node(self, text: str, data_type: str) -> Any:
        return node_id(parse_address(text, data_type), self._namespaces())

    async def _ask(self, channel: Channel, node: Any, text: str) -> _Node:
        """What is to be known of a node before it is written."""
        attributes = (_DATA_TYPE, _USER_ACCESS_LEVEL, _ACCESS_LEVEL, _VALUE)
        kind, ours, all_, value = await _read(channel, node, attributes)
        if _status(kind) >> SEVERITY_SHIFT >= 2:
            raise self._refusal(text, _status(kind))
        for level in (ours, all_):
            bits = level.Value.Value if level.Value is not None else None
            if isinstance(bits, int) and not bits & _CURRENT_WRITE:
                denied = level is ours
                raise self._refusal(text, 0x801F0000 if denied else 0x803B0000)
        number = _built_in(kind.Value.Value if kind.Value is not None else None)
        if number is None and value.Value is not None and not value.Value.is_array:
            number = int(value.Value.VariantType.value)  # a subtype, such as an enumeration
        if number not in _TYPES:
            raise WriteRefused(f"{self._peer}: {text} is no single number and cannot be written")
        return _Node(node, number)

    def _in_type(self, found: _Node, raw: Raw, text: str) -> Raw:
        kind = _TYPES[found.number]
        what = f"{float(raw):g}"
        given = raw_of(float(raw), kind, what=f"{self._peer}: {text}: {what}")
        if abs(float(given) - float(raw)) > _PRECISION * max(1.0, abs(float(raw))):
            raise WriteRefused(
                f"{self._peer}: {text} is {kind} and cannot hold {what}; set the tag's dataType "
                "to the node's"
            )
        return given

    def _trouble(self, text: str, status: int) -> DeviceError:
        """What a server's answer to a write means."""
        code = status & CODE_MASK
        if code not in _NOT_BEGUN:
            return Unanswered(
                f"{self._peer}: nobody knows whether {text} was written: {status_text(code)}"
            )
        return self._refusal(text, code)

    def _refusal(self, text: str, status: int) -> DeviceError:
        """Nothing was written, and why."""
        code = status & CODE_MASK
        if code in SESSION_GONE:
            return NotConnected(f"{self._peer} has forgotten the session", reason="SessionLost")
        way_out = _WAYS_OUT.get(code, _OTHERWISE)
        return WriteRefused(f"{self._peer} refuses to write {text}: {status_text(code)}; {way_out}")


async def _read(channel: Channel, node: Any, attributes: Sequence[int]) -> list[Any]:
    """Attributes of a node as they are now, not as somebody has kept them."""
    request = ua.ReadRequest()
    request.Parameters.MaxAge = 0
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
    for attribute in attributes:
        wish = ua.ReadValueId()
        wish.NodeId, wish.AttributeId = node, attribute
        request.Parameters.NodesToRead.append(wish)
    results = list((await channel.ask(request, ua.ReadResponse)).Results or ())
    if len(results) != len(attributes):
        raise channel.fail_garbled(f"{len(results)} answers for {len(attributes)} attributes")
    return results


def _status(value: Any) -> int:
    return 0 if value.StatusCode is None else int(value.StatusCode.value)


def _built_in(data_type: Any) -> int | None:
    """Number of a built-in type, from a DataType attribute."""
    if not isinstance(data_type, ua.NodeId) or data_type.NamespaceIndex != 0:
        return None
    number = data_type.Identifier
    return int(number) if isinstance(number, int) and number in _TYPES else None
