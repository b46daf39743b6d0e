"""Which connection reads which tags: mappings applied to connections (design, section 4).

Pure, and independent of the order of its input. Every tag of a mapping ends, for every connection
that the mapping serves, either in that connection's table or among the rejected with a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import Struct

from pumpjack_core.config import WorkerConfig, worker_config
from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.alarms import Flaw, alarms_without
from pumpjack_core.manifests.objects import TENANT_LABEL, ScadaConnection, TagMapping
from pumpjack_core.manifests.selection import pairs_of, unmatched
from pumpjack_core.manifests.tag_of import PartlyUsed, tag_of
from pumpjack_core.manifests.well_of import facts_of, merged
from pumpjack_core.tags import MOST_REJECTIONS, NotMapped, Rejections, Tag, TagTable, WellFacts


class RejectedTag(Struct, frozen=True):
    """A tag that a connection does not read, or a part of one that cannot be used.

    connection, mapping  namespace/name
    tag                  its name in the mapping; "well" for what the mapping says of the well
    reason               a sentence that says what to do; of a part it begins with the part
    part                 "alarm hi", "write", "stateNames", "well.keyTags": only that is not used,
                         the tag is read all the same; "" for the whole tag
    """

    connection: str
    mapping: str
    tag: str
    reason: str
    part: str = ""

    @property
    def is_read(self) -> bool:
        """Whether the tag is read all the same."""
        return bool(self.part)


class ResolvedConnection(Struct, frozen=True):
    """A connection with the tags that its worker reads, and those that it may not."""

    connection: ScadaConnection
    tenant: str
    tags: TagTable
    rejected: tuple[RejectedTag, ...]


class RefusedConnection(Struct, frozen=True):
    """A connection that no worker may run, with the reason; its tags are all rejected."""

    connection: ScadaConnection
    reason: str
    rejected: tuple[RejectedTag, ...]


class ResolvedMapping(Struct, frozen=True):
    """What became of a mapping.

    connections  ids of the connections that it serves
    accepted     number of tags that are read, over all its connections
    problem      why it serves no connection, None when it serves one
    """

    mapping: TagMapping
    connections: tuple[str, ...]
    accepted: int
    rejected: tuple[RejectedTag, ...]
    problem: str | None


class Resolution(Struct, frozen=True):
    """The outcome; each part is sorted by namespace and name."""

    connections: tuple[ResolvedConnection, ...]
    refused: tuple[RefusedConnection, ...]
    mappings: tuple[ResolvedMapping, ...]


Claims = tuple[Tag | PartlyUsed | str, ...]
"""For each tag of a mapping: what a connection would read, or why it cannot, a sentence."""


def claims(connection: ScadaConnection, mapping: TagMapping) -> Claims:
    """What a mapping asks of one connection, before others are asked."""
    found: list[Tag | PartlyUsed | str] = []
    names = {mapped.name for mapped in mapping.spec.tags}
    for mapped in mapping.spec.tags:
        try:
            found.append(tag_of(mapped, mapping, connection, names))
        except ManifestError as error:
            found.append(str(error))
    return tuple(found)


def resolve(
    connections: Sequence[ScadaConnection],
    mappings: Sequence[TagMapping],
    tenants: Mapping[str, str],
    claims_of: Callable[[ScadaConnection, TagMapping], Claims] = claims,
) -> Resolution:
    """Apply mappings to connections.

    tenants: namespace to tenant. A connection in a namespace without one is refused. Of several
    claims on one tag of one well of a tenant, over all its namespaces, that of the older
    connection wins, then that of the older mapping; without a creationTimestamp the first by
    namespace and name. claims_of: claims(), for a caller that remembers what it answered.
    """
    pairs = pairs_of(connections, mappings)
    accepted: dict[tuple[str, str], list[Tag]] = {}
    rejected: dict[tuple[str, str], list[RejectedTag]] = {}
    winners: dict[tuple[str, str, str], tuple[str, str]] = {}
    for connection, mapping in pairs:
        pair = (connection.metadata.id, mapping.metadata.id)
        accepted[pair], rejected[pair] = [], []
        tenant = tenants.get(connection.metadata.namespace)
        if not tenant:
            reason = _no_tenant(connection.metadata.namespace)
            rejected[pair] += [RejectedTag(*pair, tag.name, reason) for tag in mapping.spec.tags]
            continue
        asked = claims_of(connection, mapping)
        for mapped, claim in zip(mapping.spec.tags, asked, strict=True):
            if isinstance(claim, str):
                rejected[pair].append(RejectedTag(*pair, mapped.name, claim))
                continue
            tag, flaws = _tag_and_flaws(claim)
            winner = winners.setdefault((tenant, tag.well_id, tag.name), pair)
            if winner is not pair:
                rejected[pair].append(RejectedTag(*pair, mapped.name, _claimed(tag, winner)))
                continue
            accepted[pair].append(tag)
            rejected[pair] += _in_part(tag, flaws, pair)
        if rejected[pair]:
            _drop_references(accepted[pair], rejected[pair], pair)
    facts = _facts(pairs, tenants, winners, accepted, rejected)
    return _outcome(connections, mappings, tenants, accepted, rejected, facts=facts)


def worker_configs(
    resolution: Resolution,
    networks: Mapping[str, Sequence[str]],
    written: AbstractSet[str] = frozenset(),
) -> dict[str, WorkerConfig]:
    """What each worker is told to run, by connection id.

    networks: tenant to the CIDRs that the platform lets it reach; a tenant that is not in it
    reaches none. written: the connections that commands may be written to.
    """
    return {
        resolved.connection.metadata.id: worker_config(
            tenant_id=resolved.tenant,
            connection_id=resolved.connection.metadata.id,
            spec=resolved.connection.spec,
            allowed_networks=tuple(networks.get(resolved.tenant, ())),
            tags=resolved.tags,
            writes=resolved.connection.metadata.id in written,
        )
        for resolved in resolution.connections
    }


def _tag_and_flaws(claim: Tag | PartlyUsed) -> tuple[Tag, tuple[Flaw, ...]]:
    return (claim.tag, claim.flaws) if isinstance(claim, PartlyUsed) else (claim, ())


def _in_part(tag: Tag, flaws: Iterable[Flaw], pair: tuple[str, str]) -> list[RejectedTag]:
    return [
        RejectedTag(*pair, tag.name, f"{flaw.part}: {flaw.reason}", flaw.part) for flaw in flaws
    ]


def _drop_references(tags: list[Tag], rejected: list[RejectedTag], pair: tuple[str, str]) -> None:
    """Take out of alarms what names a tag that is not read, and say so."""
    read = {tag.name for tag in tags}
    for at, tag in enumerate(tags):
        alarms, flaws = alarms_without(tag.alarms, read)
        if flaws:
            tags[at] = msgspec.structs.replace(tag, alarms=alarms)
            rejected += _in_part(tag, flaws, pair)


def _facts(
    pairs: Iterable[tuple[ScadaConnection, TagMapping]],
    tenants: Mapping[str, str],
    winners: Iterable[tuple[str, str, str]],
    accepted: Mapping[tuple[str, str], list[Tag]],
    rejected: Mapping[tuple[str, str], list[RejectedTag]],
) -> dict[str, list[WellFacts]]:
    """What is said of the wells of each connection, by those whose tags it reads.

    winners: (tenant, well, tag) of all that is read.
    """
    said = [(connection, mapping) for connection, mapping in pairs if mapping.spec.well is not None]
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for tenant, well_id, name in winners if said else ():
        names[tenant, well_id].add(name)
    found: dict[str, list[WellFacts]] = defaultdict(list)
    for connection, mapping in said:
        pair = (connection.metadata.id, mapping.metadata.id)
        if not accepted[pair]:
            continue  # why not is said of each tag
        of_well = names[tenants[connection.metadata.namespace], accepted[pair][0].well_id]
        facts, flaws = facts_of(mapping, connection, of_well)
        if facts is not None:
            found[pair[0]].append(facts)
        rejected[pair] += [
            RejectedTag(*pair, "well", f"{flaw.part}: {flaw.reason}", flaw.part) for flaw in flaws
        ]
    return found


def _no_tenant(namespace: str) -> str:
    return (
        f"namespace {namespace} belongs to no tenant; "
        f"the platform must label it {TENANT_LABEL}: <tenant>"
    )


def _claimed(tag: Tag, winner: tuple[str, str]) -> str:
    connection, mapping = winner
    return (
        f"well {tag.well_id} has its {tag.name} already, from connection {connection} by mapping "
        f"{mapping}, which is older or first by name; rename the tag or remove one of the two"
    )


def _outcome(
    connections: Sequence[ScadaConnection],
    mappings: Sequence[TagMapping],
    tenants: Mapping[str, str],
    accepted: Mapping[tuple[str, str], list[Tag]],
    rejected: Mapping[tuple[str, str], list[RejectedTag]],
    *,
    facts: Mapping[str, Sequence[WellFacts]],
) -> Resolution:
    """Group what each pair of connection and mapping got; pairs stand in order of age."""
    of_connection: dict[str, list[tuple[str, str]]] = defaultdict(list)
    of_mapping: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair in accepted:
        of_connection[pair[0]].append(pair)
        of_mapping[pair[1]].append(pair)

    def lost(pairs: Iterable[tuple[str, str]]) -> tuple[RejectedTag, ...]:
        return tuple(tag for pair in pairs for tag in rejected[pair])

    resolved, refused = [], []
    for connection in sorted(connections, key=lambda connection: connection.metadata.id):
        pairs = of_connection[connection.metadata.id]
        tenant = tenants.get(connection.metadata.namespace)
        if not tenant:
            reason = _no_tenant(connection.metadata.namespace)
            refused.append(RefusedConnection(connection, reason, lost(pairs)))
            continue
        table = TagTable(
            tuple(tag for pair in pairs for tag in accepted[pair]),
            merged(facts.get(connection.metadata.id, ())),
            _rejections(lost(pairs)),
        )
        resolved.append(ResolvedConnection(connection, tenant, table, lost(pairs)))
    names = defaultdict(list)
    for connection in connections:
        names[connection.metadata.namespace].append(connection.metadata.name)
    served = []
    for mapping in sorted(mappings, key=lambda mapping: mapping.metadata.id):
        pairs = of_mapping[mapping.metadata.id]
        served.append(
            ResolvedMapping(
                mapping=mapping,
                connections=tuple(sorted(pair[0] for pair in pairs)),
                accepted=sum(len(accepted[pair]) for pair in pairs),
                rejected=lost(pairs),
                problem=None if pairs else unmatched(mapping, names[mapping.metadata.namespace]),
            )
        )
    return Resolution(tuple(resolved), tuple(refused), tuple(served))


def _rejections(rejected: Sequence[RejectedTag]) -> Rejections:
    """As the worker is told them, for the screens."""
    return Rejections(
        len(rejected),
        sum(one.is_read for one in rejected),
        tuple(NotMapped(one.tag, one.mapping, one.reason) for one in rejected[:MOST_REJECTIONS]),
    )
