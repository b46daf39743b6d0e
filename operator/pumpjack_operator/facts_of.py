"""Facts and status of a connection, put together from what is known. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from pumpjack_core import networks
from pumpjack_core.manifests.device import device
from pumpjack_core.manifests.resolve import RefusedConnection, RejectedTag, ResolvedConnection
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.protocols import PROTOCOLS, Manner
from pumpjack_operator.cluster import SeenConnection, SeenPod
from pumpjack_operator.describe import ConnectionKnown
from pumpjack_operator.facts import Facts, Pod, Report, Unreadable
from pumpjack_operator.names import child_name

STALE_INTERVALS = 3


class Trouble(Struct, frozen=True):
    """What stands in the way of a worker.

    refused      it may not run
    not_applied  it cannot, or not as it should; child: what the API server does not take
    journal      it runs with another volume than is asked for
    """

    refused: str | None = None
    not_applied: str | None = None
    child: str = ""
    journal: str | None = None


def known_of(
    seen: SeenConnection,
    resolved: ResolvedConnection | RefusedConnection | None,
    *,
    mappings: int,
    wanted_hash: str,
    trouble: Trouble,
    logins_problem: str | None = None,
    writes_refused: str | None = None,
    has_secret: bool | None,
    pod: SeenPod | None,
    report: Report | None,
    unreadable: tuple[Unreadable, ...] = (),
    now_us: int,
) -> ConnectionKnown:
    """Everything that the status of a connection is made of.

    mappings: how many select it; has_secret: whether the Secret that it names is there;
    unreadable: the tags of its present configuration that its worker cannot read.
    """
    spec = seen.object.spec if seen.object is not None else None
    rejected = resolved.rejected if resolved is not None else ()
    tags = resolved.tags if isinstance(resolved, ResolvedConnection) else None
    mapped = len(tags) if tags is not None else 0
    rejected = (*rejected, *by_worker(str(seen.key), unreadable))
    mapped -= sum(not one.part for one in unreadable)
    ref = spec.credentials_secret_ref if spec is not None else None
    interval_s = min(
        (tag.interval_s if not tag.stale_s else tag.stale_s / STALE_INTERVALS for tag in tags.tags),
        default=1.0,
    ) if tags is not None else 1.0  # fmt: skip
    facts = Facts(
        wanted_hash=wanted_hash,
        now_us=now_us,
        suspended=spec is not None and spec.suspend,
        refused=trouble.refused,
        not_applied=trouble.not_applied,
        journal_problem=trouble.journal,
        logins_problem=logins_problem,
        writes_refused=writes_refused,
        secret_missing=ref.name if ref is not None and has_secret is False else None,
        mappings=mappings,
        mapped=max(0, mapped),
        rejected=len(rejected),
        in_part=sum(one.is_read for one in rejected),
        first_rejected=f"{rejected[0].tag}: {rejected[0].reason}" if rejected else "",
        pod=pod.state if pod is not None else _absent(seen),
        report=report,
        by_exception=spec is not None and PROTOCOLS[spec.protocol].manner is Manner.REPORTED,
        interval_s=interval_s,
    )
    return ConnectionKnown(
        generation=seen.generation,
        facts=facts,
        endpoint=endpoint(spec) if spec is not None else "",
        worker=child_name(seen.key.name) if trouble.refused is None else None,
        rejected=rejected,
    )


def _absent(seen: SeenConnection) -> Pod:
    child = child_name(seen.key.name)
    return Pod(
        message="Kubernetes has not made it yet; if it stays so, what refuses it is said by "
        f"kubectl -n {seen.key.namespace} describe statefulset {child}"
    )


def by_worker(of: str, tags: Iterable[Unreadable]) -> tuple[RejectedTag, ...]:
    """The tags that the worker of a connection (namespace/name) cannot read, or not use whole."""
    return tuple(RejectedTag(of, one.mapping, one.tag, one.reason, one.part) for one in tags)


def endpoint(spec: ScadaConnectionSpec) -> str:
    """Host and port of the device."""
    try:
        host, port = device(spec)
    except ValueError:
        return spec.opcua.endpoint[:300] if spec.opcua is not None else ""
    return networks.endpoint(host, port)
