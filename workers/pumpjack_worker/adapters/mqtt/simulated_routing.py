"""Who gets a message in the simulator's broker: sessions, subscriptions, retained messages.

Without sockets: a client's connection is a Link, and simulated_client makes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pumpjack_worker.adapters.mqtt.simulated_session import (
    NEVER_S,
    Message,
    Outgoing,
    Session,
    Subscription,
)
from pumpjack_worker.adapters.mqtt.simulated_topics import Filter, FilterTree, matches

MOST_SESSIONS = 1_000
MOST_RETAINED = 100_000
QUOTA_EXCEEDED, TAKEN_OVER = 0x97, 0x8E


class Link(Protocol):
    """A client's connection."""

    def wake(self) -> None:
        """Its session has something to send."""

    def send_once(self, outgoing: Outgoing) -> None:
        """Send a message with QoS 0, or drop it when the client is too slow for it."""

    def end(self, reason: int) -> None:
        """Say why (a reason code of MQTT 5) and close."""


@dataclass
class _Member:
    """One session's part in a filter."""

    session: Session
    subscription: Subscription


@dataclass
class _Group:
    """A shared subscription: each message goes to one of its members, in turn."""

    filter: Filter
    members: dict[str, _Member] = field(default_factory=dict)
    turn: int = 0

    def choose(self, connected: Callable[[str], bool]) -> _Member:
        """The next one that is connected; the next one, when none is."""
        order = list(self.members)
        self.turn = (self.turn + 1) % len(order)
        order = order[self.turn :] + order[: self.turn]
        return self.members[next(filter(connected, order), order[0])]


def _silent(_text: str) -> None:
    """Tell nobody."""


class Routing:
    """Sessions by client id, and what they are subscribed to.

    tell    told in a sentence when a session had to be ended with what waited in it
    links   the connections of those who are there, by client id
    """

    def __init__(self, tell: Callable[[str], None] = _silent) -> None:
        self.tell = tell
        self.on_publish: Callable[[str, bytes], None] | None = None
        self.links: dict[str, Link] = {}
        self.sessions: dict[str, Session] = {}
        self.retained: dict[str, Message] = {}
        self._tree: FilterTree[_Member | _Group] = FilterTree()
        self._expiries: dict[str, asyncio.TimerHandle] = {}

    def enter(
        self, client_id: str, link: Link, *, clean: bool, expiry_s: float, window: int
    ) -> Session | None:
        """A client comes: its session, a new one when clean. None when there are too many.

        Who is connected under this id is sent away. Whether the session was there before is
        whether it was in sessions and not clean.
        """
        there = self.links.pop(client_id, None)
        if there is not None:
            there.end(TAKEN_OVER)
        expiry = self._expiries.pop(client_id, None)
        if expiry is not None:
            expiry.cancel()
        session = self.sessions.get(client_id)
        ended_with_it = there is not None and session is not None and session.expiry_s <= 0
        if session is not None and (clean or ended_with_it):
            self.end_session(session)
            session = None
        if session is None:
            if len(self.sessions) >= MOST_SESSIONS:
                return None
            session = self.sessions[client_id] = Session(client_id)
        session.expiry_s = expiry_s
        session.begin(window)
        self.links[client_id] = link
        return session

    def leave(self, session: Session, link: Link) -> None:
        """A client's connection ended; its session is kept for expiry_s."""
        if self.links.get(session.client_id) is not link:
            return  # another connection has the session
        del self.links[session.client_id]
        if session.expiry_s <= 0:
            self.end_session(session)
        elif session.expiry_s < NEVER_S:
            later = asyncio.get_running_loop().call_later
            self._expiries[session.client_id] = later(session.expiry_s, self.end_session, session)

    def end_session(self, session: Session) -> None:
        """Forget a session. What waited for it in a shared subscription goes to another member."""
        self.sessions.pop(session.client_id, None)
        self._expiries.pop(session.client_id, None)
        for one in list(session.subscriptions):
            self.unsubscribe(session, one)
        for outgoing in session.left_over():
            group = outgoing.group and self._group(outgoing.group)
            if group:
                self._deliver(group.choose(self.links.__contains__).session, outgoing)

    def close(self) -> None:
        """End everything; no timer stays."""
        for expiry in self._expiries.values():
            expiry.cancel()
        self._expiries.clear()
        self.links.clear()
        self.sessions.clear()

    def subscribe(self, session: Session, subscription: Subscription, retain_handling: int) -> None:
        """Add or replace a subscription, and send what is retained there.

        retain_handling: 0 send it, 1 only for a new subscription, 2 not (MQTT 5, 3.8.3.1).
        """
        wanted = subscription.filter
        is_new = wanted not in session.subscriptions
        session.subscriptions[wanted] = subscription
        member = _Member(session, subscription)
        if wanted.group is not None:
            group = self._group(wanted) or _Group(wanted)
            group.members[session.client_id] = member
            self._tree.put(wanted.levels, wanted, group)
            return
        self._tree.put(wanted.levels, session.client_id, member)
        if retain_handling == 0 or (retain_handling == 1 and is_new):
            for message in list(self.retained.values()):
                if matches(wanted.levels, message.topic):
                    self._deliver(session, _outgoing(message, subscription, retained=True))

    def unsubscribe(self, session: Session, wanted: Filter) -> bool:
        """Take a subscription back; False when there was none."""
        if session.subscriptions.pop(wanted, None) is None:
            return False
        group = self._group(wanted)
        if group is not None:
            group.members.pop(session.client_id, None)
            if not group.members:
                self._tree.remove(wanted.levels, wanted)
        else:
            self._tree.remove(wanted.levels, session.client_id)
        return True

    def publish(self, message: Message) -> None:
        """Give a message to all who subscribed to its topic; from now on it is theirs."""
        if self.on_publish is not None:
            self.on_publish(message.topic, message.payload)
        if message.retain:
            self._retain(message)
        chosen: dict[str, tuple[Session, Outgoing]] = {}
        for found in self._tree.matching(message.topic):
            if isinstance(found, _Group):
                member = found.choose(self.links.__contains__)
                outgoing = _outgoing(message, member.subscription, group=found.filter)
                self._deliver(member.session, outgoing)
                continue
            outgoing = _outgoing(message, found.subscription)
            before = chosen.get(found.session.client_id)
            if before is not None:  # two filters of one client: one message
                outgoing = _merged(before[1], outgoing)
            chosen[found.session.client_id] = (found.session, outgoing)
        for session, outgoing in chosen.values():
            self._deliver(session, outgoing)

    def _deliver(self, session: Session, outgoing: Outgoing) -> None:
        link = self.links.get(session.client_id)
        if outgoing.qos == 0:
            if link is not None:
                link.send_once(outgoing)
            return
        if session.keep(outgoing):
            if link is not None:
                link.wake()
            return
        self.tell(
            f"the session of {session.client_id} ended: {session.waiting:,} messages waited in it, "
            "and there is no room for more; its client gets a new session, and so knows of the loss"
        )
        self.links.pop(session.client_id, None)
        if link is not None:
            link.end(QUOTA_EXCEEDED)
        self.end_session(session)

    def _retain(self, message: Message) -> None:
        if not message.payload:
            self.retained.pop(message.topic, None)
        elif message.topic in self.retained or len(self.retained) < MOST_RETAINED:
            self.retained[message.topic] = message
        else:
            self.tell(f"{message.topic} is not retained: {MOST_RETAINED:,} topics are")

    def _group(self, wanted: Filter) -> _Group | None:
        if wanted.group is None:
            return None
        found = self._tree.get(wanted.levels, wanted)
        return found if isinstance(found, _Group) else None


def _outgoing(
    message: Message,
    subscription: Subscription,
    *,
    retained: bool = False,
    group: Filter | None = None,
) -> Outgoing:
    return Outgoing(
        message,
        min(message.qos, subscription.qos),
        retained,
        (subscription.identifier,) if subscription.identifier else (),
        group,
    )


def _merged(one: Outgoing, other: Outgoing) -> Outgoing:
    return Outgoing(
        one.message,
        max(one.qos, other.qos),
        one.retain or other.retain,
        one.identifiers + other.identifiers,
    )
