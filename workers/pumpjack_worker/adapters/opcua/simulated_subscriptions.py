"""The subscriptions of a simulated server: asyncua's, kept to the standard, with faults on demand.

asyncua's server (2.1) forgets a notification once it was republished, answers an empty one for
those that it does not have, does not tell of a full queue, and leaves a transferred subscription
waiting for the publish requests of the old connection. Here it does what OPC 10000-4 says.
"""

# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, no-any-return, call-arg, assignment"
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.subscription_service import SubscriptionService

OVERFLOW_BITS = 0x480
"""InfoType DataValue and its Overflow bit, OPC 10000-4, 7.39."""


@dataclass
class Faults:
    """What is wrong at the moment.

    items_per_call   most monitored items in one CreateMonitoredItems; None: any number
    lost_kept        how many of the next notifications are lost on the way and can be sent again
    lost_for_good    how many after these are lost and cannot
    transfers        whether a subscription can be taken over by another session
    """

    items_per_call: int | None = None
    lost_kept: int = 0
    lost_for_good: int = 0
    transfers: bool = True


class Subscription(InternalSubscription):
    """One subscription."""

    faults: Faults

    def _pop_publish_result(self) -> ua.PublishResult:
        result = super()._pop_publish_result()
        if not result.NotificationMessage.NotificationData:
            return result
        if self.faults.lost_kept:
            self.faults.lost_kept -= 1
            return super()._pop_publish_result()
        if self.faults.lost_for_good:
            self.faults.lost_for_good -= 1
            self._not_acknowledged_results.pop(result.NotificationMessage.SequenceNumber)
            return super()._pop_publish_result()
        return result

    def republish(self, nb: int) -> ua.NotificationMessage:
        """The notification again, as often as it is asked for."""
        result = self._not_acknowledged_results.get(nb)
        if result is None:
            raise ServiceError(ua.StatusCodes.BadMessageNotAvailable)
        return result.NotificationMessage

    @property
    def unacknowledged(self) -> list[int]:
        """Sequence numbers that the client did not acknowledge."""
        return list(self._not_acknowledged_results)

    async def _enqueue_event(
        self, mid: int, eventdata: Any, size: int, queue: dict[int, list[Any]]
    ) -> None:
        waiting = queue.get(mid, ())
        full = size != 0 and len(waiting) >= size
        await super()._enqueue_event(mid, eventdata, size, queue)
        if full and isinstance(eventdata, ua.MonitoredItemNotification):
            oldest = queue[mid][0]
            code = oldest.Value.StatusCode.value | OVERFLOW_BITS
            marked = replace(oldest.Value, StatusCode=ua.StatusCode(code))
            queue[mid][0] = ua.MonitoredItemNotification(oldest.ClientHandle, marked)


class Subscriptions(SubscriptionService):
    """All subscriptions of a server."""

    subscriptions: dict[int, Subscription]

    def __init__(self, server: InternalServer, faults: Faults) -> None:
        super().__init__(server.aspace, server)
        self._faults = faults

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        session_id: ua.NodeId,
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        """As asyncua does, with our Subscription."""
        self._sub_id_counter += 1
        number = self._sub_id_counter
        result = ua.CreateSubscriptionResult(
            SubscriptionId=number,
            RevisedPublishingInterval=params.RequestedPublishingInterval,
            RevisedLifetimeCount=self._clamp_lifetime_count(params.RequestedLifetimeCount),
            RevisedMaxKeepAliveCount=self._clamp_keep_alive_count(
                params.RequestedMaxKeepAliveCount
            ),
        )
        made = Subscription(
            result,
            self.aspace,
            callback,
            session_id,
            request_callback=request_callback,
            delete_callback=lambda: self.subscriptions.pop(number, None),
            publishing_enabled=params.PublishingEnabled,
        )
        made.faults = self._faults
        await made.start()
        self.subscriptions[number] = made
        return result

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        """Refuses more in one call than the server is set to take."""
        most = self._faults.items_per_call
        if most is not None and len(params.ItemsToCreate) > most:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        return await super().create_monitored_items(params)

    def republish(self, params: ua.RepublishParameters) -> ua.NotificationMessage:
        """Raises BadSubscriptionIdInvalid for a subscription that is not there."""
        found = self.subscriptions.get(params.SubscriptionId)
        if found is None:
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
        return found.republish(params.RetransmitSequenceNumber)

    async def transfer_subscriptions(
        self,
        params: ua.TransferSubscriptionsParameters,
        session_id: ua.NodeId,
        callback: Callable[..., Any],
    ) -> list[ua.TransferResult]:
        """The new session's publish requests serve what was transferred."""
        if not self._faults.transfers:
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        results = await super().transfer_subscriptions(params, session_id, callback)
        processor = callback.__self__
        for number in params.SubscriptionIds:
            found = self.subscriptions.get(int(number))
            if found is not None:
                found.pub_request_callback = processor.get_publish_request
        return results
