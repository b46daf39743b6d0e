"""What the loop asks of tenancy: whose a namespace is, and logins for its workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator.namespaces import Refusal


class Owners(Protocol):
    """Says whose a namespace is."""

    async def load(self) -> None:
        """Read what was recorded; once, before the first tenant()."""
        ...

    async def tenant(
        self, namespace: str, labels: Mapping[str, str], labelled: Collection[str]
    ) -> str | Refusal:
        """Whose a namespace is. labelled: tenants that some namespace is labelled with."""
        ...


class Tenants(Protocol):
    """Makes what a tenant's workers log in with."""

    @property
    def secret_name(self) -> str | None:
        """Name of the Secret that it keeps in each namespace, None: it keeps none."""
        ...

    def problem(self, tenant: str) -> str | None:
        """What does not go well with its logins, though its workers run: a sentence."""
        ...

    def forget(self, namespace: str) -> None:
        """Somebody may have changed the Secret in a namespace; look at it the next time."""
        ...

    async def take_back(self, namespace: str) -> None:
        """A namespace is nobody's, or another's now; the Secret in it shall open nothing."""
        ...

    async def ensure_tenant(self, namespace: str, tenant: str) -> str:
        """Make roles, users and the Secret of a namespace; returns the version of the logins.

        Safe to repeat, and quick when nothing is to be done.
        """
        ...

    async def retire(self, tenant: str, connection_id: str) -> None:
        """A connection was deleted: its silence is no failure. Raises StorageError."""
        ...


class ByLabel:
    """Owners that records nothing: the label counts."""

    async def load(self) -> None:
        """There is nothing to read."""

    async def tenant(
        self, namespace: str, labels: Mapping[str, str], _labelled: Collection[str]
    ) -> str | Refusal:
        """As the label says."""
        tenant = labels.get(TENANT_LABEL)
        if tenant:
            return tenant
        return Refusal(f"namespace {namespace} bears no label {TENANT_LABEL}, so it is not served")


class NoLogins:
    """Tenants of a platform that makes the Secret by itself."""

    secret_name: str | None = None

    def problem(self, _tenant: str) -> str | None:
        """Nothing is known of them."""
        return None

    def forget(self, _namespace: str) -> None:
        """There is nothing to forget."""

    async def take_back(self, _namespace: str) -> None:
        """Nothing was given."""

    async def ensure_tenant(self, _namespace: str, _tenant: str) -> str:
        """Nothing is made."""
        return ""

    async def retire(self, _tenant: str, _connection_id: str) -> None:
        """Nobody is told."""
