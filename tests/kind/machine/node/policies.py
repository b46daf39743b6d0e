"""Enforces the cluster's NetworkPolicies on this node, by nftables.

kind's own node has kindnet for it. This one asks kubectl for policies, pods and namespaces, writes
one table from them, and does so again whenever one of them changes. A new pod is let through until
its address is known, some tenths of a second. IPv4, one node, only the standard library.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rules import table

WATCHED = ("networkpolicies", "pods", "namespaces")
GATHER_S = 0.05
"""Many changes at once are one."""
LOOK_AGAIN_S = 30.0
"""Even when no watch says that anything changed."""
CALL_LIMIT_S = 20.0


async def main() -> None:
    """Watch and apply until the process ends; a failure is told and tried again."""
    changed = asyncio.Event()
    applied = ""
    async with asyncio.TaskGroup() as tasks:
        for kind in WATCHED:
            tasks.create_task(_watch(kind, changed))
        while True:
            changed.clear()
            applied = await _apply(applied)
            try:
                await asyncio.wait_for(changed.wait(), LOOK_AGAIN_S)
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass


async def _apply(applied: str) -> str:
    """Load the table where it differs from the one applied; gives the one in force."""
    try:
        told = await _run("kubectl", "get", ",".join(WATCHED), "-A", "-o", "json")
        wanted: str = table(_by_kind(json.loads(told)["items"]))
        if wanted != applied:
            await _run("nft", "-f", "-", given=wanted)
            print(wanted, flush=True)
    except (OSError, ValueError, TimeoutError) as error:
        print(f"policies were not applied: {error}", file=sys.stderr, flush=True)
        return applied
    return wanted


def _by_kind(items: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    return {
        kind: [item for item in items if item["kind"] == kind]
        for kind in ("NetworkPolicy", "Pod", "Namespace")
    }


async def _watch(kind: str, changed: asyncio.Event) -> None:
    """Each line is a change; kubectl's watch ends now and then."""
    while True:
        process = await asyncio.create_subprocess_exec(
            *("kubectl", "get", kind, "-A", "--watch", "--output", "name"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        while await process.stdout.readline():
            changed.set()
        await process.wait()
        await asyncio.sleep(1)


async def _run(*command: str, given: str = "") -> bytes:
    """A program's output. Raises ValueError with its complaint, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(CALL_LIMIT_S):
        out, complaint = await process.communicate(given.encode())
    if process.returncode != 0:
        raise ValueError(f"{command[0]} failed: {complaint.decode()[-500:]}")
    return out


if __name__ == "__main__":
    os.environ.setdefault("KUBECONFIG", "/etc/kubernetes/admin.conf")
    asyncio.run(main())
