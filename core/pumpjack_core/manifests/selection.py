"""Which connections a mapping selects. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pumpjack_core.manifests.objects import ScadaConnection, TagMapping
from pumpjack_core.manifests.problems import did_you_mean

_MOST_COMPARED = 200
"""Names that a mistyped one is compared with: each takes some 10 µs, for each mapping."""


def pairs_of(
    connections: Sequence[ScadaConnection], mappings: Sequence[TagMapping]
) -> list[tuple[ScadaConnection, TagMapping]]:
    """Every mapping with every connection that it selects, older connections and mappings first."""
    by_name: dict[tuple[str, str], list[ScadaConnection]] = defaultdict(list)
    by_label: dict[tuple[str, str, str], list[ScadaConnection]] = defaultdict(list)
    for connection in connections:
        about = connection.metadata
        by_name[about.namespace, about.name].append(connection)
        for key, value in about.labels.items():
            by_label[about.namespace, key, value].append(connection)
    found = []
    for mapping in mappings:
        namespace, spec = mapping.metadata.namespace, mapping.spec
        if spec.connection_ref is not None:
            near = by_name.get((namespace, spec.connection_ref.name), [])
            found += [(connection, mapping) for connection in near]
        elif spec.connection_selector is not None:
            asked = spec.connection_selector.match_labels.items()
            # only those with the label that the fewest have are looked at
            near = min((by_label.get((namespace, *label), []) for label in asked), key=len)
            found += [(one, mapping) for one in near if asked <= one.metadata.labels.items()]
    return sorted(found, key=lambda pair: (pair[0].metadata.age_key, pair[1].metadata.age_key))


def unmatched(mapping: TagMapping, names: Sequence[str]) -> str:
    """Why a mapping serves no connection. names: of the connections of its namespace."""
    namespace = mapping.metadata.namespace
    if mapping.spec.connection_ref is not None:
        name = mapping.spec.connection_ref.name
        near = did_you_mean(name, names) if len(names) <= _MOST_COMPARED else ""
        return f"there is no ScadaConnection {namespace}/{name}{near}"
    selector = mapping.spec.connection_selector
    labels = selector.match_labels if selector is not None else {}
    wanted = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"no ScadaConnection in namespace {namespace} has the labels {wanted}"
