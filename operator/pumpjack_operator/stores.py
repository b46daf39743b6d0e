"""Where database and Redis are, as the operator and as workers reach them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_operator.specs.wanted import AUTHORITIES_DIR, DATABASE_CA, REDIS_CA


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
