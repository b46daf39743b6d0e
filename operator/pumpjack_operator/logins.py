"""A tenant's logins to database and Redis: how they are kept, and what its workers are given.

The record of a tenant's logins is a Secret in the operator's own namespace; each namespace of the
tenant has a copy as URLs. Passwords are random and kept, not derived from one key that would open
every tenant at once, and not read back from a tenant's namespace, where the tenant may write.
Everything here is a function of values.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_core.storage.roles import writer_role
from pumpjack_operator.names import MANAGER
from pumpjack_operator.specs.wanted import Manifest
from pumpjack_operator.stores import Stores, with_login

RECORD_LABEL = {"pumpjack.dev/record": "tenant"}
RECORD_TYPE = "pumpjack.dev/tenant-logins"
COPY_TYPE = "pumpjack.dev/stores"
ROTATE_ANNOTATION = "pumpjack.dev/rotate"
"""On the record; any value that it did not have before makes new passwords."""
SUPPLIED_REDIS_URL = "redis-url"
"""Key of the record under which the platform gives a user of its own, where Redis lets us make
none."""
CLOSED_LABEL = "pumpjack.dev/logins"
"""On the record, with the value "closed": the tenant left, and nobody can log in as it."""
_PASSWORD_BYTES = 32
_MANAGED = {"app.kubernetes.io/managed-by": MANAGER}


class Logins(Struct, frozen=True):
    """A tenant's passwords.

    version     another one each time that they are made
    rotated     value of the annotation that they were made for, "" for the first ones
    applied     version that the database is known to have
    alone       version for which sessions with an earlier password were ended
    redis_url   the platform's own user, "" where we make it
    closed      the tenant left: nobody can log in
    """

    version: str
    database_password: str
    redis_password: str
    rotated: str = ""
    applied: str = ""
    alone: str = ""
    redis_url: str = ""
    closed: bool = False

    def __repr__(self) -> str:
        """Without the passwords."""
        return f"Logins(version={self.version!r}, applied={self.applied!r})"


def fresh_logins(rotated: str = "", *, redis_url: str = "") -> Logins:
    """New passwords."""
    token, version = secrets.token_urlsafe, secrets.token_hex(8)
    return Logins(
        version,
        token(_PASSWORD_BYTES),
        token(_PASSWORD_BYTES),
        rotated,
        alone=version,
        redis_url=redis_url,
    )


def wanted_logins(
    found: Logins | None,
    asked: str,
    fresh: Callable[..., Logins] = fresh_logins,
) -> Logins:
    """Those that there are, unless there are none, they are closed, or others are asked for."""
    if found is None:
        return fresh(asked)
    if found.closed:
        return fresh(asked, redis_url=found.redis_url)
    if asked and asked != found.rotated:
        made = fresh(asked, redis_url=found.redis_url)
        return msgspec.structs.replace(made, applied=found.applied, alone=found.alone)
    return found


def closed_logins(found: Logins) -> Logins:
    """The same of a tenant that left."""
    return msgspec.structs.replace(found, applied="", alone="", closed=True)


def record_name(tenant: str) -> str:
    """Name of a tenant's record: a hash, because tenants may have upper case letters and _."""
    return f"pumpjack-tenant-{hashlib.sha256(tenant.encode()).hexdigest()[:20]}"


def record_manifest(
    own_namespace: str, tenant: str, logins: Logins, *, resource_version: str | None = None
) -> Manifest:
    """The record. resource_version: only where it is still that one."""
    metadata: dict[str, Any] = {
        "name": record_name(tenant),
        "namespace": own_namespace,
        "labels": {**RECORD_LABEL, **_MANAGED, TENANT_LABEL: tenant},
    }
    if logins.closed:
        metadata["labels"][CLOSED_LABEL] = "closed"
    if resource_version is not None:
        metadata["resourceVersion"] = resource_version
    values = {
        "version": logins.version,
        "database-password": logins.database_password,
        "redis-password": logins.redis_password,
        "rotated": logins.rotated,
        "applied": logins.applied,
        "alone": logins.alone,
    }
    return _secret(metadata, RECORD_TYPE, values)


def read_record(manifest: Manifest) -> tuple[Logins, str]:
    """Logins, and the value of the annotation that asks for others.

    Raises ManifestError for a record that lacks something.
    """
    metadata = manifest["metadata"]
    try:
        values = {
            key: base64.b64decode(value).decode()
            for key, value in (manifest.get("data") or {}).items()
        }
        logins = Logins(
            values["version"],
            values["database-password"],
            values["redis-password"],
            values.get("rotated", ""),
            values.get("applied", ""),
            values.get("alone", ""),
            values.get(SUPPLIED_REDIS_URL, "").strip(),
            closed=(metadata.get("labels") or {}).get(CLOSED_LABEL) == "closed",
        )
    except (KeyError, ValueError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else "is not readable"
        raise ManifestError(
            f"Secret {metadata['namespace']}/{metadata['name']} {what}; delete it, and new logins "
            "are made"
        ) from None
    return logins, (metadata.get("annotations") or {}).get(ROTATE_ANNOTATION, "")


def copy_manifest(
    name: str, namespace: str, tenant: str, logins: Logins, stores: Stores
) -> Manifest:
    """What the workers of a namespace are given: the Secret with both URLs."""
    user = writer_role(tenant)
    redis_url = logins.redis_url or with_login(stores.worker_redis_url, user, logins.redis_password)
    values = {
        "database-url": with_login(stores.worker_database_url, user, logins.database_password),
        "redis-url": redis_url,
        **dict(stores.authorities),
    }
    return _secret(
        {"name": name, "namespace": namespace, "labels": dict(_MANAGED)}, COPY_TYPE, values
    )


def emptied_copy(name: str, namespace: str, stores: Stores) -> Manifest:
    """What stays where the tenant left: no logins. A worker that still drains has read its own."""
    metadata = {"name": name, "namespace": namespace, "labels": dict(_MANAGED)}
    return _secret(metadata, COPY_TYPE, dict(stores.authorities))


def has_logins(copy: Manifest | None) -> bool:
    """Whether a namespace's Secret is a copy that opens something."""
    if copy is None or copy.get("type") != COPY_TYPE:
        return False
    return not {"database-url", "redis-url"}.isdisjoint(copy.get("data") or {})


def stores_version(copy: Manifest) -> str:
    """16 hex digits that change when the Secret does. The passwords in it are too long to guess."""
    return hashlib.sha256(msgspec.json.encode(copy["data"], order="sorted")).hexdigest()[:16]


def is_copied(stored: Manifest | None, copy: Manifest) -> bool:
    """Whether a namespace has this copy."""
    if stored is None or stored.get("type") != copy["type"]:
        return False
    data = stored.get("data") or {}
    return all(data.get(key) == value for key, value in copy["data"].items())


def copy_problem(stored: Manifest | None) -> str | None:
    """Why a Secret that stands where the copy belongs cannot become it."""
    if stored is None or (stored.get("type") == COPY_TYPE and not stored.get("immutable")):
        return None
    metadata = stored["metadata"]
    return (
        f"Secret {metadata['namespace']}/{metadata['name']} was not made by the operator, or was "
        "made immutable, and stands where the logins to the stores belong; delete it, and the "
        "operator makes its own"
    )


def _secret(metadata: dict[str, Any], kind: str, values: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
