# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, misc"
"""Asking a server for a subscription, for its limits, and for what its nodes hold now."""

from __future__ import annotations

import contextlib
import datetime
import math
from collections.abc import Sequence
from typing import Any

from asyncua import ua
from msgspec import Struct

from pumpjack_core.manifests.types import Opcua
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.decode import Changes, Malformed
from pumpjack_worker.adapters.opcua.failures import TOO_MUCH_AT_ONCE, ServiceFault
from pumpjack_worker.adapters.opcua.items import Limits
from pumpjack_worker.adapters.opcua.messages import read_values
from pumpjack_worker.adapters.opcua.session import SESSION_LIVES_S

MOST_NOTIFICATIONS = 10_000
"""Values in one message; more come in the next at once."""
MOST_READS = 1_000
VALUE_ATTRIBUTE = 13
_NAMESPACES, _STATE, _ITEMS, _READS, _HISTORY = 2255, 2259, 11714, 11705, 12165
"""Server_NamespaceArray, Server_ServerStatus_State and the OperationLimits, OPC 10000-5."""


class Subscribed(Struct, frozen=True):
    """A subscription as the server granted it."""

    number: int
    publishing_s: float
    keep_alive_s: float


async def subscribe(channel: Channel, spec: Opcua) -> Subscribed:
    """A new subscription. Raises NotConnected, ServiceFault."""
    publishing_s = seconds(spec.publishing_interval)
    keep_alive = max(1, math.ceil(seconds(spec.keep_alive) / publishing_s))
    request = ua.CreateSubscriptionRequest()
    params = request.Parameters
    params.RequestedPublishingInterval = publishing_s * 1000.0
    params.RequestedMaxKeepAliveCount = keep_alive
    params.RequestedLifetimeCount = max(3 * keep_alive, math.ceil(SESSION_LIVES_S / publishing_s))
    params.MaxNotificationsPerPublish = MOST_NOTIFICATIONS
    params.PublishingEnabled = True
    answer = (await channel.ask(request, ua.CreateSubscriptionResponse)).Parameters
    number, granted_s = answer.SubscriptionId, answer.RevisedPublishingInterval / 1000.0
    if not math.isfinite(granted_s):
        raise channel.fail_garbled(f"a publishing interval of {granted_s}")
    count = max(1, answer.RevisedMaxKeepAliveCount)
    wanted = max(1, math.ceil(seconds(spec.keep_alive) / granted_s)) if granted_s > 0 else count
    if count > wanted:
        # The server publishes more rarely than asked: so many keep-alives would take too long.
        change = ua.ModifySubscriptionRequest()
        change.Parameters.SubscriptionId = number
        change.Parameters.RequestedPublishingInterval = granted_s * 1000.0
        change.Parameters.RequestedMaxKeepAliveCount = wanted
        change.Parameters.RequestedLifetimeCount = max(
            3 * wanted, math.ceil(SESSION_LIVES_S / granted_s)
        )
        change.Parameters.MaxNotificationsPerPublish = MOST_NOTIFICATIONS
        changed = (await channel.ask(change, ua.ModifySubscriptionResponse)).Parameters
        count = max(1, changed.RevisedMaxKeepAliveCount)
    return Subscribed(number, granted_s, (granted_s or publishing_s) * count)


async def still_there(channel: Channel) -> None:
    """Ask for as good as nothing. Raises NotConnected, ServiceFault."""
    await channel.ask(_read_request([ua.NodeId(_STATE)], VALUE_ATTRIBUTE), ua.ReadResponse)


async def end(channel: Channel, number: int) -> None:
    """Have the server drop a subscription, if it still has it. Raises NotConnected."""
    request = ua.DeleteSubscriptionsRequest()
    request.Parameters.SubscriptionIds = [number]
    with contextlib.suppress(ServiceFault):
        await channel.ask(request, ua.DeleteSubscriptionsResponse)


async def transfer(channel: Channel, number: int) -> bool:
    """Take over a subscription of a session that is no more; False: that cannot be."""
    request = ua.TransferSubscriptionsRequest()
    request.Parameters.SubscriptionIds = [number]
    request.Parameters.SendInitialValues = False
    try:
        answer = await channel.ask(request, ua.TransferSubscriptionsResponse)
    except ServiceFault:
        return False
    results = answer.Parameters.Results or ()
    return len(results) == 1 and not int(results[0].StatusCode.value) >> 31


async def limits_of(channel: Channel) -> Limits:
    """What the server says of itself. Raises NotConnected; what it does not say is 0."""
    nodes = [ua.NodeId(number) for number in (_NAMESPACES, _ITEMS, _READS, _HISTORY)]
    try:
        request = _read_request(nodes, VALUE_ATTRIBUTE)
        request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
        results = (await channel.ask(request, ua.ReadResponse)).Results or ()
    except ServiceFault:
        return Limits()
    found = [one.Value.Value if one.Value else None for one in results]
    if len(found) != len(nodes):
        raise channel.fail_garbled(f"{len(found)} answers for {len(nodes)} nodes")
    numbers = [one if isinstance(one, int) and one > 0 else 0 for one in found]
    names = found[0] if isinstance(found[0], list) else []
    return Limits(numbers[1], numbers[2], numbers[3], tuple(str(name) for name in names))


async def read_now(
    channel: Channel,
    nodes: Sequence[tuple[int, Any]],
    limits: Limits,
    *,
    attribute: int = VALUE_ATTRIBUTE,
) -> list[Changes]:
    """What nodes (handle, node id) have now, in portions that the server takes."""
    at_once = min(limits.reads or MOST_READS, MOST_READS)
    found: list[Changes] = []
    while nodes:
        portion = nodes[:at_once]
        request = _read_request([node for _, node in portion], attribute)
        try:
            body = await channel.ask_bytes(request)
        except ServiceFault as fault:
            if fault.status not in TOO_MUCH_AT_ONCE or at_once == 1:
                raise
            at_once = max(1, at_once // 2)
            continue
        try:
            found.append(read_values(body, [handle for handle, _ in portion]))
        except Malformed as error:
            raise channel.fail_garbled(str(error)) from error
        nodes = nodes[len(portion) :]
    return found


def _read_request(nodes: Sequence[Any], attribute: int) -> Any:
    request = ua.ReadRequest()
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    for node in nodes:
        wish = ua.ReadValueId()
        wish.NodeId = node
        wish.AttributeId = attribute
        request.Parameters.NodesToRead.append(wish)
    return request


def time_of(us: int) -> datetime.datetime:
    """Microseconds since the epoch as asyncua has times."""
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=us)
