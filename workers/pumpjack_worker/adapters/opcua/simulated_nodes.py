"""Nodes of a simulated server, put into asyncua's address space directly: cheap for many."""

# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, no-any-return, call-arg, assignment"
from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from asyncua import ua
from asyncua.server.address_space import AddressSpace, AttributeValue, NodeData
from msgspec import Struct

TYPES: dict[str, ua.VariantType] = {
    "bool": ua.VariantType.Boolean,
    "int8": ua.VariantType.SByte,
    "uint8": ua.VariantType.Byte,
    "int16": ua.VariantType.Int16,
    "uint16": ua.VariantType.UInt16,
    "int32": ua.VariantType.Int32,
    "uint32": ua.VariantType.UInt32,
    "int64": ua.VariantType.Int64,
    "uint64": ua.VariantType.UInt64,
    "float32": ua.VariantType.Float,
    "float64": ua.VariantType.Double,
    "text": ua.VariantType.String,
    "datetime": ua.VariantType.DateTime,
}
NAMESPACE = "urn:pumpjack:simulator:field"
"""The namespace of its nodes, index 2: `ns=2;s=…`."""
NAMESPACE_INDEX = 2
_READ, _WRITE, _HISTORY = 1, 2, 4
_FOLDER_TYPE = ua.NodeId(ua.ObjectIds.FolderType)
_VARIABLE_TYPE = ua.NodeId(ua.ObjectIds.BaseDataVariableType)
_ANALOG_TYPE = ua.NodeId(ua.ObjectIds.AnalogItemType)
_PROPERTY_TYPE = ua.NodeId(ua.ObjectIds.PropertyType)
_OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)


class SimulatedNode(Struct, frozen=True):
    """A variable.

    data_type  a key of TYPES
    value      its first value; None: BadWaitingForInitialData until it is written
    path       folders below Objects that it stands in
    unit, low, high  EngineeringUnits and EURange, which make it an AnalogItem
    writable   whether clients may set its value
    readable   without it, who asks for its value is refused
    history    whether its values are kept and can be read back
    """

    data_type: str = "float64"
    value: Any = 0
    path: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    description: str = ""
    readable: bool = True
    writable: bool = False
    history: bool = False


def variant(data_type: str, value: Any) -> ua.Variant:
    """A value of a type, an array where it is a list."""
    kind = TYPES[data_type]
    if kind in (ua.VariantType.Float, ua.VariantType.Double, ua.VariantType.String):
        return ua.Variant(value, kind)
    if kind == ua.VariantType.Boolean and not isinstance(value, list):
        return ua.Variant(bool(value), kind)
    return ua.Variant(value, kind)


def time_of(us: int) -> datetime.datetime:
    """Microseconds since the epoch as asyncua has times."""
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=us)


def lay_out(space: AddressSpace, nodes: Mapping[str, SimulatedNode], now_us: int) -> None:
    """Put nodes, and the folders that they stand in, into an address space."""
    folders: dict[tuple[str, ...], NodeData] = {(): space[_OBJECTS]}
    for text, node in nodes.items():
        _variable(
            space, ua.NodeId.from_string(text), node, _folder(space, folders, node.path), now_us
        )


def _folder(
    space: AddressSpace, folders: dict[tuple[str, ...], NodeData], path: tuple[str, ...]
) -> NodeData:
    if path not in folders:
        node_id = ua.NodeId("/".join(("", *path)), NAMESPACE_INDEX)
        parent = _folder(space, folders, path[:-1])
        folders[path] = _add(
            space,
            node_id,
            path[-1],
            parent,
            node_class=ua.NodeClass.Object,
            type_definition=_FOLDER_TYPE,
            reference=ua.ObjectIds.Organizes,
        )
    return folders[path]


def _variable(
    space: AddressSpace, node_id: ua.NodeId, node: SimulatedNode, parent: NodeData, now_us: int
) -> None:
    analog = bool(node.unit) or node.high is not None
    name = str(node_id.Identifier).rpartition("/")[2].rpartition(".")[2]
    data = _add(
        space,
        node_id,
        name,
        parent,
        node_class=ua.NodeClass.Variable,
        type_definition=_ANALOG_TYPE if analog else _VARIABLE_TYPE,
        reference=ua.ObjectIds.HasComponent,
    )
    at = time_of(now_us)
    if node.value is None:
        first = ua.DataValue(
            StatusCode=ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData),
            SourceTimestamp=at,
            ServerTimestamp=at,
        )
    else:
        value = variant(node.data_type, node.value)
        first = ua.DataValue(value, SourceTimestamp=at, ServerTimestamp=at)
    _describe_variable(data, first, node)
    if node.unit:
        unit = ua.EUInformation(
            NamespaceUri="http://www.opcfoundation.org/UA/units/un/cefact",
            UnitId=-1,
            DisplayName=ua.LocalizedText(node.unit),
            Description=ua.LocalizedText(node.unit),
        )
        _property(space, data, "EngineeringUnits", unit, ua.ObjectIds.EUInformation)
    if node.low is not None and node.high is not None:
        _property(space, data, "EURange", ua.Range(node.low, node.high), ua.ObjectIds.Range)


def _describe_variable(data: NodeData, first: ua.DataValue, node: SimulatedNode) -> None:
    access = (_READ if node.readable else 0) | (_HISTORY if node.history else 0)
    access |= _WRITE if node.writable else 0
    kind = TYPES[node.data_type]
    _attributes(
        data,
        (ua.AttributeIds.DataType, ua.Variant(ua.NodeId(kind.value), ua.VariantType.NodeId)),
        (ua.AttributeIds.ValueRank, ua.Variant(-1, ua.VariantType.Int32)),
        (ua.AttributeIds.AccessLevel, ua.Variant(access, ua.VariantType.Byte)),
        (ua.AttributeIds.UserAccessLevel, ua.Variant(access, ua.VariantType.Byte)),
        (ua.AttributeIds.Historizing, ua.Variant(node.history, ua.VariantType.Boolean)),
        (ua.AttributeIds.MinimumSamplingInterval, ua.Variant(0.0, ua.VariantType.Double)),
    )
    if node.description:
        _attributes(
            data, (ua.AttributeIds.Description, ua.Variant(ua.LocalizedText(node.description)))
        )
    data.attributes[ua.AttributeIds.Value] = AttributeValue(first)


def _property(space: AddressSpace, parent: NodeData, name: str, value: Any, data_type: int) -> None:
    node_id = ua.NodeId(f"{parent.nodeid.Identifier!s}/{name}", NAMESPACE_INDEX)
    data = _add(
        space,
        node_id,
        name,
        parent,
        node_class=ua.NodeClass.Variable,
        type_definition=_PROPERTY_TYPE,
        reference=ua.ObjectIds.HasProperty,
        name_namespace=0,
    )
    _attributes(
        data,
        (ua.AttributeIds.DataType, ua.Variant(ua.NodeId(data_type), ua.VariantType.NodeId)),
        (ua.AttributeIds.ValueRank, ua.Variant(-1, ua.VariantType.Int32)),
        (ua.AttributeIds.AccessLevel, ua.Variant(_READ, ua.VariantType.Byte)),
        (ua.AttributeIds.UserAccessLevel, ua.Variant(_READ, ua.VariantType.Byte)),
        (ua.AttributeIds.Value, ua.Variant(value, ua.VariantType.ExtensionObject)),
    )


def _add(
    space: AddressSpace,
    node_id: ua.NodeId,
    name: str,
    parent: NodeData,
    *,
    node_class: ua.NodeClass,
    type_definition: ua.NodeId,
    reference: int,
    name_namespace: int = NAMESPACE_INDEX,
) -> NodeData:
    data = NodeData(node_id)
    browse_name = ua.QualifiedName(name, name_namespace)
    display_name = ua.LocalizedText(name)
    _attributes(
        data,
        (ua.AttributeIds.NodeId, ua.Variant(node_id, ua.VariantType.NodeId)),
        (ua.AttributeIds.NodeClass, ua.Variant(node_class, ua.VariantType.Int32)),
        (ua.AttributeIds.BrowseName, ua.Variant(browse_name, ua.VariantType.QualifiedName)),
        (ua.AttributeIds.DisplayName, ua.Variant(display_name, ua.VariantType.LocalizedText)),
    )
    kind = ua.ReferenceDescription()
    kind.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
    kind.IsForward = True
    kind.NodeId = type_definition
    kind.NodeClass = (
        ua.NodeClass.VariableType
        if node_class == ua.NodeClass.Variable
        else ua.NodeClass.ObjectType
    )
    child = ua.ReferenceDescription()
    child.ReferenceTypeId = ua.NodeId(reference)
    child.IsForward = True
    child.NodeId = node_id
    child.NodeClass = node_class
    child.BrowseName = browse_name
    child.DisplayName = display_name
    child.TypeDefinition = type_definition
    back = ua.ReferenceDescription()
    back.ReferenceTypeId = child.ReferenceTypeId
    back.IsForward = False
    back.NodeId = parent.nodeid
    data.references += [kind, back]
    parent.references.append(child)
    space[node_id] = data
    return data


def _attributes(data: NodeData, *values: tuple[int, ua.Variant]) -> None:
    for attribute, value in values:
        data.attributes[attribute] = AttributeValue(ua.DataValue(value))
