"""What `pumpjack validate` has to say about manifests: problems, and what would be read. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from msgspec import Struct

from pumpjack_cli.address_checks import unusable_addresses
from pumpjack_core.credentials import SECRET_TYPE
from pumpjack_core.errors import AddressError
from pumpjack_core.manifests.load import Loaded
from pumpjack_core.manifests.objects import TENANT_LABEL, ScadaConnection, Secret, TagMapping
from pumpjack_core.manifests.problems import Path, Problem, did_you_mean, path_text
from pumpjack_core.manifests.resolve import RejectedTag, Resolution, resolve
from pumpjack_core.manifests.well_of import PART


class ConnectionSummary(Struct, frozen=True):
    """What one connection would read. tenant is None when the given files do not tell it."""

    connection: str
    tenant: str | None
    wells: tuple[str, ...]
    accepted: int
    rejected: int


class Verdict(Struct, frozen=True):
    """The whole answer; valid when no problem is an error."""

    valid: bool
    objects: dict[str, int]
    connections: tuple[ConnectionSummary, ...]
    problems: tuple[Problem, ...]


def judge(loaded: Loaded) -> Verdict:
    """Resolve what was loaded and gather everything that is wrong with it."""
    tenants = loaded.tenants
    namespaces = {connection.metadata.namespace for connection in loaded.connections}
    # A namespace whose tenant is not known here stands for itself, so that its tags resolve.
    fallbacks = {name: f"namespace {name}" for name in namespaces - tenants.keys()}
    resolution = resolve(loaded.connections, loaded.mappings, {**fallbacks, **tenants})
    rejected = [tag for mapping in resolution.mappings for tag in mapping.rejected]
    rejected += unusable_addresses(resolution)
    problems = [
        *loaded.problems,
        *_rejection_problems(loaded, rejected),
        *_mapping_problems(loaded, resolution),
        *_namespace_problems(loaded, fallbacks),
        *(problem for _, problem in secret_problems(loaded)),
        *_time_path_problems(loaded),
        *_read_only_problems(resolution, loaded),
    ]
    return Verdict(
        valid=not any(problem.severity == "error" for problem in problems),
        objects={
            "connections": len(loaded.connections),
            "mappings": len(loaded.mappings),
            "namespaces": len(loaded.namespaces),
        },
        connections=tuple(_summaries(resolution, rejected, tenants)),
        problems=tuple(sorted(problems, key=lambda at: (at.file == "", at.file, at.line))),
    )


def _rejection_problems(loaded: Loaded, rejected: list[RejectedTag]) -> Iterator[Problem]:
    """One problem for each tag and reason, however many connections it is about."""
    grouped: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for tag in rejected:
        grouped[tag.mapping, tag.tag, tag.reason, tag.part].append(tag.connection)
    places = {mapping.metadata.id: _part_places(mapping) for mapping in loaded.mappings}
    for (mapping, name, reason, part), connections in grouped.items():
        first, others = connections[0], len(connections) - 1
        which = f"connection {first}" + (f" and {others} others" if others else "")
        if part.startswith(PART):
            message = f"{reason} ({which}; its tags are read all the same)"
        elif part:
            message = f"{reason} (tag {name} of {which}, which is read all the same)"
        else:
            message = f"tag {name} is not read from {which}: {reason}"
        path: Path = ("spec", *places[mapping][name, part])
        yield Problem("error", *_at(loaded, "TagMapping", mapping, path), message)


def _part_places(mapping: TagMapping) -> dict[tuple[str, str], Path]:
    """Tag and part of it, "" for the whole, to its path below spec."""
    found: dict[tuple[str, str], Path] = {
        ("well", f"{PART}{field}"): ("well", field)
        for field in ("title", "pad", "route", "timeZone", "roles", "keyTags")
    }
    for at, tag in enumerate(mapping.spec.tags):
        found[tag.name, ""] = ("tags", at)
        found[tag.name, "write"] = ("tags", at, "write")
        found[tag.name, "stateNames"] = ("tags", at, "stateNames")
        for number, alarm in enumerate(tag.alarms):
            found[tag.name, f"alarm {alarm.condition}"] = ("tags", at, "alarms", number)
    return found


def _mapping_problems(loaded: Loaded, resolution: Resolution) -> Iterator[Problem]:
    for served in resolution.mappings:
        if served.problem is not None:
            by_name = served.mapping.spec.connection_ref is not None
            path = ("spec", "connectionRef" if by_name else "connectionSelector")
            message = f"its tags are not read: {served.problem}"
            place = _at(loaded, "TagMapping", served.mapping.metadata.id, path)
            yield Problem("warning", *place, message)
    for resolved in resolution.connections:
        if not resolved.tags and not resolved.rejected:
            message = "no TagMapping names or selects it, so nothing is read from it"
            place = _at(loaded, "ScadaConnection", resolved.connection.metadata.id, ())
            yield Problem("warning", *place, message)


def _namespace_problems(loaded: Loaded, unknown: Mapping[str, str]) -> Iterator[Problem]:
    given = {namespace.metadata.name for namespace in loaded.namespaces}
    for name in sorted(unknown):
        if name in given:
            message = f"has no label {TENANT_LABEL}, so its connections will not be served"
            place = _at(loaded, "Namespace", name, ("metadata", "labels"))
            yield Problem("warning", *place, message)
        else:
            message = (
                f"namespace {name} is in none of these files, so its tenant is not known; "
                "claims of other namespaces on its wells were not compared"
            )
            yield Problem("note", "", 0, "", "", message)


def _time_path_problems(loaded: Loaded) -> Iterator[Problem]:
    """JSONPaths of times that no worker could use."""
    for connection in loaded.connections:
        mqtt = connection.spec.mqtt
        if mqtt is None or mqtt.time_path is None:
            continue
        from pumpjack_worker.adapters.mqtt.paths import compile_path

        try:
            compile_path(mqtt.time_path)
        except AddressError as error:
            path = ("spec", "mqtt", "timePath")
            place = _at(loaded, "ScadaConnection", connection.metadata.id, path)
            yield Problem("error", *place, str(error))


def _read_only_problems(resolution: Resolution, loaded: Loaded) -> Iterator[Problem]:
    """Connections with writable tags that allow no writes."""
    for resolved in resolution.connections:
        writable = [tag.name for tag in resolved.tags.tags if tag.write is not None]
        if writable and not resolved.connection.spec.writes.enabled:
            more = f" and {len(writable) - 1} more" if len(writable) > 1 else ""
            message = (
                f"commands may not write {writable[0]}{more}, though a mapping declares it; set "
                "writes.enabled to true to let them"
            )
            place = _at(loaded, "ScadaConnection", resolved.connection.metadata.id, ("spec",))
            yield Problem("note", *place, message)


def secret_of(loaded: Loaded, connection: ScadaConnection) -> Secret | None:
    """The Secret that a connection names, None where it names none or the files do not hold it."""
    named = connection.spec.credentials_secret_ref
    namespace = connection.metadata.namespace
    wanted = f"{namespace}/{named.name}" if named is not None else None
    return next((secret for secret in loaded.secrets if secret.metadata.id == wanted), None)


def secret_problems(loaded: Loaded) -> Iterator[tuple[str, Problem]]:
    """Connections whose Secret cannot be used, by id, and why; one that is not here is a warning.

    On a cluster it may have been made by others; `pumpjack up` has no other place to look.
    """
    for connection in loaded.connections:
        named = connection.spec.credentials_secret_ref
        if named is None:
            continue
        identity, found = connection.metadata.id, secret_of(loaded, connection)
        place = _at(loaded, "ScadaConnection", identity, ("spec", "credentialsSecretRef", "name"))
        wanted = f"{connection.metadata.namespace}/{named.name}"
        if found is None:
            neighbours = [
                secret.metadata.name
                for secret in loaded.secrets
                if secret.metadata.namespace == connection.metadata.namespace
            ]
            message = (
                f"Secret {wanted} is in none of these files{did_you_mean(named.name, neighbours)}"
            )
            yield identity, Problem("warning", *place, message)
        elif found.type != SECRET_TYPE:
            message = f"Secret {wanted} is of type {found.type}; it must be {SECRET_TYPE}"
            yield identity, Problem("error", *place, message)


def _at(loaded: Loaded, kind: str, name: str, path: Path) -> tuple[str, int, str, str]:
    """File, line, object and path of a problem."""
    place = loaded.places[kind, name]
    return place.file, place.line(path), f"{kind} {name}", path_text(path)


def _summaries(
    resolution: Resolution, rejected: list[RejectedTag], tenants: Mapping[str, str]
) -> Iterator[ConnectionSummary]:
    lost = Counter(tag.connection for tag in rejected if not tag.is_read)
    for resolved in resolution.connections:
        metadata = resolved.connection.metadata
        before = sum(not tag.is_read for tag in resolved.rejected)
        accepted = len(resolved.tags) + before - lost[metadata.id]
        yield ConnectionSummary(
            connection=metadata.id,
            tenant=tenants.get(metadata.namespace),
            wells=resolved.tags.wells,
            accepted=accepted,
            rejected=lost[metadata.id],
        )
