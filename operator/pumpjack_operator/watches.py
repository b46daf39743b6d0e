"""What is watched in the whole cluster. Secrets are not: see serving.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from pumpjack_core.errors import SetupError
from pumpjack_operator import seen, sinks
from pumpjack_operator.api import Api
from pumpjack_operator.kinds import CHILDREN, CONNECTION, MAPPING, NAMESPACE, POD
from pumpjack_operator.names import MANAGER
from pumpjack_operator.reflect import Reflector, Watched
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.store import ChildId, Store

OWN_LABEL = f"app.kubernetes.io/managed-by={MANAGER}"
POD_LABEL = "app.kubernetes.io/name=pumpjack-worker"
LISTED_LIMIT_S = 300.0


def reflectors(
    api: Api,
    store: Store,
    resolutions: Resolutions,
    *,
    add: sinks.Add,
    forget_child: Callable[[str, ChildId], None],
    forget_status: Callable[[str], None],
    relist_s: float,
) -> list[Reflector]:
    """Watches that feed store and queue.

    forget_child, forget_status: are told of each child, connection and mapping that is gone
    """
    watched: list[tuple[Watched, Any]] = [
        (Watched(NAMESPACE), sinks.NamespaceSink(store, add)),
        (Watched(CONNECTION), sinks.ConnectionSink(store, resolutions, add, forget_status)),
        (Watched(MAPPING), sinks.MappingSink(store, resolutions, add, forget_status)),
        (Watched(POD, labels=POD_LABEL), sinks.PodSink(store, add)),
    ]
    watched += [
        (Watched(kind, labels=OWN_LABEL), sinks.ChildSink(store, add, kind.kind, forget_child))
        for kind in CHILDREN.values()
    ]
    return [
        Reflector(api, what, sink, key=seen.key_of, relist_s=relist_s) for what, sink in watched
    ]


async def all_listed(reflectors: Iterable[Reflector], api: Api) -> None:
    """Wait until everything was listed once. Raises SetupError when that takes too long."""
    try:
        async with asyncio.timeout(LISTED_LIMIT_S):
            for reflector in reflectors:
                await reflector.listed.wait()
    except TimeoutError:
        why = "; ".join(dict.fromkeys(one.why for one in api.troubled.values()))
        raise SetupError(
            f"the cluster could not be listed within {LISTED_LIMIT_S:.0f} s: "
            f"{why or 'the API server is too slow'}"
        ) from None
