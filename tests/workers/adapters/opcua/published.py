"""Publish responses as a server sends them."""

# mypy: disable-error-code="attr-defined, arg-type, assignment"
from __future__ import annotations

from collections.abc import Sequence

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary


def item(handle: int, value: ua.DataValue) -> ua.MonitoredItemNotification:
    """A value of a monitored item."""
    return ua.MonitoredItemNotification(handle, value)


def published(
    items: Sequence[ua.MonitoredItemNotification], *, subscription: int = 5, sequence: int = 1
) -> bytes:
    """The bytes of a publish response with these values."""
    response = ua.PublishResponse()
    result = response.Parameters
    result.SubscriptionId = subscription
    result.AvailableSequenceNumbers = [sequence]
    result.NotificationMessage.SequenceNumber = sequence
    notification = ua.DataChangeNotification()
    notification.MonitoredItems = list(items)
    result.NotificationMessage.NotificationData = [notification]
    result.Results = [ua.StatusCode()]
    body: bytes = struct_to_binary(response)
    return body
