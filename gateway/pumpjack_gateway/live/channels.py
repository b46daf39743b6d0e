"""Channels of the feed beside the readings: subscribed while somebody wants what is on them.

Nothing here awaits. After a loss each channel is subscribed again, and whoever wants it is told:
what was published between was missed.
"""

from __future__ import annotations

from typing import Any, Protocol

import hiredis

from pumpjack_core.log import get_logger
from pumpjack_gateway.live.link import Link

AGAIN_S = 2.0
"""After Redis has refused a subscription."""
_log = get_logger("gateway.channels")


class Ear(Protocol):
    """Who wants a channel. No method may block or raise."""

    def hear(self, payload: bytes) -> None:
        """Something was published."""
        ...

    def tune_in(self) -> None:
        """The channel is subscribed from now on; what came before was missed."""
        ...


class _Channel:
    __slots__ = ("ears", "retry_s", "subscribed")

    def __init__(self) -> None:
        self.ears: set[Ear] = set()
        self.subscribed = False
        self.retry_s = 0.0


class Channels:
    """Which channels are wanted, and by whom."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channels: dict[bytes, _Channel] = {}

    def open(self, name: str, ear: Ear) -> None:
        """Let an ear hear a channel from now on."""
        key = name.encode()
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel()
            channel.ears.add(ear)
            self._subscribe(key, channel)
            return
        channel.ears.add(ear)
        if channel.subscribed:
            ear.tune_in()

    def close(self, name: str, ear: Ear) -> None:
        """Let it hear the channel no more."""
        key = name.encode()
        channel = self._channels.get(key)
        if channel is None:
            return
        channel.ears.discard(ear)
        if not channel.ears:
            del self._channels[key]
            self._link.send("UNSUBSCRIBE", key, then=_ignore)

    def hears(self, name: str) -> bool:
        """Whether a channel is subscribed now."""
        channel = self._channels.get(name.encode())
        return channel is not None and channel.subscribed

    # What the hub calls

    def on_up(self) -> None:
        """The feed is there: subscribe again."""
        for key, channel in self._channels.items():
            self._subscribe(key, channel)

    def on_down(self) -> None:
        """The feed is lost."""
        for channel in self._channels.values():
            channel.subscribed = False

    def on_message(self, name: bytes, payload: bytes) -> None:
        """Pass on what was published."""
        channel = self._channels.get(name)
        if channel is not None:
            for ear in tuple(channel.ears):
                try:
                    ear.hear(payload)
                except Exception as error:  # of one tenant; the link is everybody's
                    _log.error(
                        "a message could not be heard", channel=name.decode(), why=repr(error)
                    )

    def retry(self, now_s: float) -> None:
        """Ask again for what was refused. now_s: monotonic."""
        for key, channel in self._channels.items():
            if not channel.subscribed and self._link.is_up and now_s >= channel.retry_s:
                channel.retry_s = now_s + AGAIN_S
                self._subscribe(key, channel)

    def _subscribe(self, key: bytes, channel: _Channel) -> None:
        def subscribed(answer: Any) -> None:
            channel.subscribed = not isinstance(answer, Exception)
            if isinstance(answer, hiredis.ReplyError):
                _log.error("Redis refuses a channel", channel=key.decode(), why=str(answer))
            elif channel.subscribed:
                for ear in tuple(channel.ears):
                    ear.tune_in()

        self._link.send("SUBSCRIBE", key, then=subscribed)


def _ignore(_answer: Any) -> None:
    """The answer to UNSUBSCRIBE says nothing that matters."""
