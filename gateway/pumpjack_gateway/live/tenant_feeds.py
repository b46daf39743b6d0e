"""What is shown of a whole tenant runs while somebody looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Screen = TypeVar("Screen")
Screen_contra = TypeVar("Screen_contra", contravariant=True)


class Feed(Protocol[Screen_contra]):
    """One tenant's, told to screens."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody looks or waits."""
        ...

    async def join(self, screen: Screen_contra) -> None:
        """Show everything to a client, and then what changes. Returns when it was told."""
        ...

    def leave(self, screen: Screen_contra) -> None:
        """Show it no more."""
        ...

    async def run(self) -> None:
        """Until cancelled."""
        ...


class TenantFeeds(Generic[Screen]):
    """Starts a feed with its first client, and ends it with its last.

    name  of what is shown, for the tasks
    make  a tenant's feed
    """

    def __init__(self, name: str, make: Callable[[str], Feed[Screen]]) -> None:
        self._name = name
        self._make = make
        self._feeds: dict[str, tuple[Feed[Screen], asyncio.Task[None]]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Own the feeds' tasks until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None

    async def join(self, screen: Screen, tenant_id: str) -> None:
        """Show a client all there is of the tenant. Cancelling leaves nothing behind."""
        feed = self._feed(tenant_id)
        try:
            await feed.join(screen)
        finally:
            self._end_if_idle(tenant_id, feed)

    def leave(self, screen: Screen, tenant_id: str) -> None:
        """Show it no more."""
        known = self._feeds.get(tenant_id)
        if known is not None:
            known[0].leave(screen)
            self._end_if_idle(tenant_id, known[0])

    def _feed(self, tenant_id: str) -> Feed[Screen]:
        known = self._feeds.get(tenant_id)
        if known is not None:
            return known[0]
        assert self._tasks is not None, "the gateway does not run"
        feed = self._make(tenant_id)
        task = self._tasks.create_task(feed.run(), name=f"{self._name} feed of {tenant_id}")
        self._feeds[tenant_id] = (feed, task)
        return feed

    def _end_if_idle(self, tenant_id: str, feed: Feed[Screen]) -> None:
        if feed.is_idle and self._feeds.get(tenant_id, (None,))[0] is feed:
            _, task = self._feeds.pop(tenant_id)
            task.cancel()
