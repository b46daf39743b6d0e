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
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_core.storage.roles import writer_role
from pumpjack_operator.names import MANAGER
from pumpjack_operator.specs.wanted import AUTHORITIES_DIR, DATABASE_CA, REDIS_CA, Manifest

RECORD_LABEL = {"pumpjack.dev/record": "tenant"}
RECORD_TYPE = "pumpjack.dev/tenant-logins"
COPY_TYPE = "pumpjack.dev/stores"
ROTATE_ANNOTATION = "pumpjack.dev/rotate"
"""On the record; any value that it did not have before makes new passwords."""
SUPPLIED_REDIS_URL = "redis-url"
"""Key of the record under which the platform gives a user of its own, where Redis lets us make
none."""
_PASSWORD_BYTES = 32
_MANAGED = {"app.kubernetes.io/managed-by": MANAGER}


class Stores(Struct, frozen=True):
    """Where the stores are, as the operator and as workers reach them.

    database_url         with the login that may make tenants (pumpjack_operator)
    worker_database_url  without a login; a pooler may stand between
    redis_urls           each server, with a login that may use ACL; none: the platform makes users
    worker_redis_url     without a login
    authorities          file name to certificates (PEM) that workers check the stores' against
    """

    database_url: str
    worker_database_url: str
    redis_urls: tuple[str, ...]
    worker_redis_url: str
    authorities: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Without the logins."""
        return f"Stores({place(self.worker_database_url)}, {place(self.worker_redis_url)})"


class Logins(Struct, frozen=True):
    """A tenant's passwords.

    version     another one each time that they are made
    rotated     value of the annotation that they were made for, "" for the first ones
    applied     version that the database is known to have
    redis_url   the platform's own user, "" where we make it
    """

    version: str
    database_password: str
    redis_password: str
    rotated: str = ""
    applied: str = ""
    redis_url: str = ""

    def __repr__(self) -> str:
        """Without the passwords."""
        return f"Logins(version={self.version!r}, applied={self.applied!r})"


def read(environment: Mapping[str, str]) -> Stores:
    """Where the stores are, from the environment. Raises ManifestError for what is missing.

    PUMPJACK_DATABASE_URL         with the operator's login
    PUMPJACK_REDIS_URL            with the operator's login
    PUMPJACK_REDIS_URLS           instead of it all servers, with blanks between them, where users
                                  are made on several
    PUMPJACK_WORKER_DATABASE_URL  where workers go by a pooler
    PUMPJACK_WORKER_REDIS_URL     where workers go by another name
    """
    try:
        database, live = environment["PUMPJACK_DATABASE_URL"], environment["PUMPJACK_REDIS_URL"]
    except KeyError as error:
        raise ManifestError(f"{error.args[0]} is not set; the chart sets it") from None
    worker_database, database_ca = _for_workers(
        environment.get("PUMPJACK_WORKER_DATABASE_URL") or database, "sslrootcert", DATABASE_CA
    )
    worker_live, live_ca = _for_workers(
        environment.get("PUMPJACK_WORKER_REDIS_URL") or live, "ssl_ca_certs", REDIS_CA
    )
    return Stores(
        database,
        worker_database,
        tuple((environment.get("PUMPJACK_REDIS_URLS") or live).split()),
        worker_live,
        (*database_ca, *live_ca),
    )


def _for_workers(url: str, option: str, file_name: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A URL for workers, and the file of authorities that it needs in their pods.

    Files of the system are in every image; others come with the copy of the logins.
    """
    parts = urlsplit(without_login(url))
    query = dict(parse_qsl(parts.query))
    path = query.get(option, "")
    if not path or path.startswith("/etc/ssl/"):
        return without_login(url), ()
    try:
        authorities = Path(path).read_text()
    except OSError as error:
        raise ManifestError(f"{path} of {option} cannot be read: {error.strerror}") from error
    query[option] = f"{AUTHORITIES_DIR}/{file_name}"
    rest = urlencode(query, safe="/:")
    return f"{without_login(url).partition('?')[0]}?{rest}", ((file_name, authorities),)


def fresh_logins(rotated: str = "", *, redis_url: str = "") -> Logins:
    """New passwords."""
    token = secrets.token_urlsafe
    return Logins(
        secrets.token_hex(8),
        token(_PASSWORD_BYTES),
        token(_PASSWORD_BYTES),
        rotated,
        redis_url=redis_url,
    )


def wanted_logins(
    found: Logins | None,
    asked: str,
    fresh: Callable[..., Logins] = fresh_logins,
) -> Logins:
    """Those that there are, unless there are none or others are asked for."""
    if found is None:
        return fresh(asked)
    if asked and asked != found.rotated:
        made = fresh(asked, redis_url=found.redis_url)
        return msgspec.structs.replace(made, applied=found.applied)
    return found


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
    if resource_version is not None:
        metadata["resourceVersion"] = resource_version
    values = {
        "version": logins.version,
        "database-password": logins.database_password,
        "redis-password": logins.redis_password,
        "rotated": logins.rotated,
        "applied": logins.applied,
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
            values.get(SUPPLIED_REDIS_URL, "").strip(),
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


def with_login(url: str, user: str, password: str) -> str:
    """A URL with this login. Passwords are of letters, digits, - and _.

    >>> with_login("rediss://live.example:6380/0", "pj_7_w", "secret")
    'rediss://pj_7_w:secret@live.example:6380/0'
    >>> with_login("postgresql:///wells?host=/run/pg", "pj_7_w", "secret")
    'postgresql://pj_7_w:secret@/wells?host=/run/pg'
    """
    scheme, _, rest = without_login(url).partition("://")
    return f"{scheme}://{user}:{password}@{rest}"


def without_login(url: str) -> str:
    """A URL without its login.

    >>> without_login("postgresql://admin:secret@db:5432/wells")
    'postgresql://db:5432/wells'
    """
    parts = urlsplit(url)
    rest = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"


def place(url: str) -> str:
    """Where a URL leads, without its login: for messages."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _secret(metadata: dict[str, Any], kind: str, values: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind,
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
