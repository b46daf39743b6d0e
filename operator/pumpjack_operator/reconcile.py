"""One connection: from what is asked to what is there. Level-based: safe to repeat at any time."""

from __future__ import annotations

from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.config import WorkerConfig, worker_config
from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.resolve import RefusedConnection, ResolvedConnection
from pumpjack_operator import drift, facts_of
from pumpjack_operator.access import refusal, write_refusal
from pumpjack_operator.api_errors import Conflict, JournalUnchanged, NotFound, Refused
from pumpjack_operator.children import Children
from pumpjack_operator.cluster import Key, SeenConnection
from pumpjack_operator.deletion import Releases
from pumpjack_operator.describe import ConnectionKnown
from pumpjack_operator.device_services import DeviceServices
from pumpjack_operator.events import Events
from pumpjack_operator.facts_of import Trouble
from pumpjack_operator.kinds import STATEFUL_SET
from pumpjack_operator.names import child_name
from pumpjack_operator.platform import Platform
from pumpjack_operator.render import render
from pumpjack_operator.reports import Reports
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.specs.stateful_set import STORES_ANNOTATION
from pumpjack_operator.specs.wanted import Behind, Wanted
from pumpjack_operator.statuses import Statuses
from pumpjack_operator.store import ChildId, Store
from pumpjack_operator.unreadable import UnreadableTags


class Logins:
    """What is known of the logins in each namespace: their version, and what is wrong with them."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    def set_problem(self, namespace: str, problem: str | None) -> None:
        """What is wrong with them, None: nothing."""
        if problem is None:
            self.problems.pop(namespace, None)
        else:
            self.problems[namespace] = problem


class _Done(Struct, frozen=True):
    """What a connection was brought to, and the versions at which its children are that."""

    resolved: ResolvedConnection
    uid: str
    secret: str | None
    stores: str
    service: Behind | None
    children: dict[ChildId, int]


class Reconciler:
    """Reconciles connections; reconcile() is called for one key at a time."""

    def __init__(
        self,
        *,
        store: Store,
        resolutions: Resolutions,
        children: Children,
        statuses: Statuses,
        reports: Reports,
        unreadable: UnreadableTags,
        releases: Releases,
        events: Events,
        logins: Logins,
        services: DeviceServices,
        platform: Platform,
        clock: Clock,
    ) -> None:
        self._store = store
        self._resolutions = resolutions
        self._children = children
        self._statuses = statuses
        self._reports = reports
        self._unreadable = unreadable
        self._releases = releases
        self._events = events
        self._logins = logins
        self._services = services
        self._platform = platform
        self._clock = clock
        self._done: dict[Key, _Done] = {}
        self._trouble: dict[Key, Trouble] = {}

    async def reconcile(self, key: Key) -> bool:
        """Bring children and status to what they should be; returns whether anything was written.

        Raises ApiError when it has to be tried again; the status says why, where it can.
        """
        if self._store.is_ending(key.namespace):
            self._forget(key)
            return False  # everything in it goes, and nothing can be made
        seen = self._store.connection(key)
        if seen is None:
            known = key in self._done
            self._forget(key)
            return await self._releases.release(key, known=known)
        if seen.ending or not self._is_resolved(seen):
            return False  # it goes, or it comes again when its tenant was resolved
        self._follow(key)
        try:
            wrote = await self._bring(seen)
            if seen.object is not None and seen.object.spec.journal.storage != "pvc":
                wrote = await self._releases.unused_journal(key) or wrote
        except JournalUnchanged:
            await self._write_status(key)
            raise
        except Refused as error:
            if error.ending:
                return False
            self._refused(seen, error)
            await self._write_status(key)
            raise
        return await self._write_status(key) or wrote

    def _refused(self, seen: SeenConnection, error: Refused) -> None:
        """Say it in the status, and by an Event once for each child."""
        before = self._trouble.get(seen.key)
        self._trouble[seen.key] = Trouble(not_applied=error.sentence, child=error.child)
        if before is None or before.child != error.child:
            self._events.about_connection(seen, "NotApplied", error.sentence, warning=True)

    def status_differs(self, key: Key) -> bool:
        """Whether a look would write the status: what a worker says may change nothing."""
        seen = self._store.connection(key)
        return seen is not None and self._statuses.connection_differs(seen, self._known(seen))

    def wanted_hash(self, key: Key) -> str:
        """Hash of the configuration that a connection's worker should run, "" for none."""
        resolved = self._resolutions.connection(key)
        return self._config(resolved).hash if isinstance(resolved, ResolvedConnection) else ""

    async def _bring(self, seen: SeenConnection) -> bool:
        """Apply, repair and prune the children; what stands in the way goes to the status."""
        key = seen.key
        resolved = self._resolutions.connection(key)
        if seen.object is None:
            # what runs was right once: it goes on until the spec can be read
            self._trouble[key] = Trouble(refused=seen.problem)
            return False
        if (why := self._refusal(seen, resolved)) is not None:
            self._trouble[key] = Trouble(refused=why)
            self._done.pop(key, None)
            return await self._children.bring(seen, ()) > 0
        if not isinstance(resolved, ResolvedConnection):
            return False  # its namespace is somebody's by now, and the tenant is resolved again
        return await self._run(seen, resolved)

    def _is_resolved(self, seen: SeenConnection) -> bool:
        """Whether the tags that are known are those of the connection as it is now."""
        resolved = self._resolutions.connection(seen.key)
        # by what it says: one that was made again within the second may be equal, and not the same
        return seen.object is None or (resolved is not None and resolved.connection == seen.object)

    def _refusal(
        self, seen: SeenConnection, resolved: ResolvedConnection | RefusedConnection | None
    ) -> str | None:
        """Why no worker may run, None when one may, or nobody knows yet."""
        why = self._store.why_not_served(seen.key.namespace)
        if why is not None or seen.object is None or not isinstance(resolved, ResolvedConnection):
            return why
        return refusal(seen.object, resolved.tenant, self._platform)

    async def _run(self, seen: SeenConnection, resolved: ResolvedConnection) -> bool:
        """Have a worker run it."""
        key = seen.key
        stores = self._stores(key)
        if stores is None:
            self._done.pop(key, None)
            self._trouble[key] = Trouble(not_applied=self._no_logins(key))
            return False
        if not self._services.follow(seen):
            return False  # it comes again when it is known what is behind the device's name
        asked = (resolved, seen.uid, self._secret(seen), stores, self._services.behind(seen))
        before = self._versions(key)
        if self._done.get(key) == _Done(*asked, before):
            return False
        self._done.pop(key, None)  # what is asked now may fail, and be taken back
        try:
            manifests = render(self._wanted(*asked))
        except ManifestError as error:
            self._trouble[key] = Trouble(not_applied=str(error))
            return False
        try:
            wrote = await self._children.bring(seen, manifests) > 0
        except JournalUnchanged as error:
            self._trouble[key] = Trouble(journal=error.said)
            if not error.for_good:
                raise
            wrote = True
        else:
            self._trouble.pop(key, None)
        # not what is there now: it may have been changed or deleted behind what was looked at
        if (right := self._children.right(key.namespace, manifests)) is not None:
            self._done[key] = _Done(*asked, before | right)
        return wrote

    def _wanted(
        self,
        resolved: ResolvedConnection,
        uid: str,
        secret: str | None,
        stores: str,
        service: Behind | None,
    ) -> Wanted:
        return Wanted(
            resolved.connection,
            uid,
            self._config(resolved),
            self._platform,
            secret=secret,
            service=service,
            stores_version=stores,
        )

    def _config(self, resolved: ResolvedConnection) -> WorkerConfig:
        return worker_config(
            tenant_id=resolved.tenant,
            connection_id=resolved.connection.metadata.id,
            spec=resolved.connection.spec,
            allowed_networks=self._platform.device_networks(resolved.tenant),
            tags=resolved.tags,
            writes=resolved.connection.spec.writes.enabled
            and self._write_refusal(resolved) is None,
        )

    def _write_refusal(self, of: ResolvedConnection | RefusedConnection | None) -> str | None:
        if not isinstance(of, ResolvedConnection):
            return None
        return write_refusal(of.connection, of.tenant, self._platform)

    def _secret(self, seen: SeenConnection) -> str | None:
        """Name of the device's Secret where it is known to be of the right type."""
        ref = seen.object.spec.credentials_secret_ref if seen.object is not None else None
        if ref is None or not self._store.has_secret(Key(seen.key.namespace, ref.name)):
            return None
        return ref.name

    def _stores(self, key: Key) -> str | None:
        """Version of the logins; while it cannot be known, that which the worker has."""
        version = self._logins.versions.get(key.namespace)
        if version is not None:
            return version
        live = self._store.children(key).get((STATEFUL_SET.kind, child_name(key.name)))
        if live is None:
            return None
        template = drift.unpacked(live.content).get("spec", {}).get("template", {})
        annotations = template.get("metadata", {}).get("annotations") or {}
        return str(annotations.get(STORES_ANNOTATION, ""))

    def _no_logins(self, key: Key) -> str:
        why = self._logins.problems.get(key.namespace, "they are being made")
        return f"the worker has no logins to the database and Redis yet: {why}"

    def _versions(self, key: Key) -> dict[ChildId, int]:
        return {id_: child.version for id_, child in self._store.children(key).items()}

    def _known(self, seen: SeenConnection) -> ConnectionKnown:
        key = seen.key
        resolved = self._resolutions.connection(key)
        ref = seen.object.spec.credentials_secret_ref if seen.object is not None else None
        wanted_hash = self.wanted_hash(key)
        return facts_of.known_of(
            seen,
            resolved,
            mappings=self._resolutions.mappings_of(key),
            wanted_hash=wanted_hash,
            trouble=self._trouble.get(key, Trouble()),
            logins_problem=self._logins.problems.get(key.namespace),
            writes_refused=self._write_refusal(resolved),
            has_secret=(
                None if ref is None else self._store.has_secret(Key(key.namespace, ref.name))
            ),
            pod=self._store.pod(key),
            report=self._reports.get(key),
            unreadable=self._unreadable.of(key, wanted_hash),
            now_us=self._clock.now_us(),
        )

    async def _write_status(self, key: Key) -> bool:
        seen = self._store.connection(key)  # as it is now: it may have changed meanwhile
        if seen is None:
            return False
        try:
            return await self._statuses.write_connection(seen, self._known(seen))
        except (NotFound, Conflict):
            return False  # it was deleted, or another bears its name: the watch says so

    def _follow(self, key: Key) -> None:
        """Ask the worker how it is, while it runs."""
        pod = self._store.pod(key)
        running = pod is not None and pod.state.state == "running"
        self._reports.follow(key, pod.address if pod is not None and running else "")

    def _forget(self, key: Key) -> None:
        self._done.pop(key, None)
        self._trouble.pop(key, None)
        self._services.leave(key)
        self._reports.follow(key, "")
        self._unreadable.forget(key)
