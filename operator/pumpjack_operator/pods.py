"""How a worker's pod is, from its spec and status. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pumpjack_operator.facts import Pod

CONTAINER = "worker"


def pod_state(status: Mapping[str, Any]) -> Pod:
    """Running when the worker's container runs, else why it does not, in Kubernetes' words."""
    worker = _worker(status)
    if "running" in (worker.get("state") or {}) and status.get("phase") == "Running":
        return Pod("running")
    return Pod("pending", next(_reasons(status, worker), ""))


def worker_exit(status: Mapping[str, Any]) -> int | None:
    """Exit code of the worker, None while it runs or has not run."""
    ended = (_worker(status).get("state") or {}).get("terminated")
    return None if ended is None else int(ended.get("exitCode", 0))


def has_claim(spec: Mapping[str, Any]) -> bool:
    """Whether the pod mounts a volume that outlives it: its journal."""
    return any("persistentVolumeClaim" in volume for volume in spec.get("volumes") or ())


def _worker(status: Mapping[str, Any]) -> Mapping[str, Any]:
    for one in status.get("containerStatuses") or ():
        if one.get("name") == CONTAINER:
            found: Mapping[str, Any] = one
            return found
    return {}


def _reasons(status: Mapping[str, Any], worker: Mapping[str, Any]) -> Iterator[str]:
    """What a person would look at first, first."""
    state = worker.get("state") or {}
    for part in (state.get("waiting"), state.get("terminated")):
        if part:
            yield _text(part.get("reason"), part.get("message"))
    if status.get("reason"):
        yield _text(status.get("reason"), status.get("message"))
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("type") == "PodScheduled":
            yield _text(condition.get("reason"), condition.get("message"))


def _text(reason: str | None, message: str | None) -> str:
    return ": ".join(part for part in (reason, message) if part)
