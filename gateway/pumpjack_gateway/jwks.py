"""An issuer's keys: a shared secret, or a JSON Web Key Set (RFC 7517) from a file or a URL."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path
from typing import Protocol

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, RSAKey

from pumpjack_core.clock import Clock
from pumpjack_core.errors import AuthError, ManifestError
from pumpjack_core.log import get_logger
from pumpjack_gateway.issuers import Issuer
from pumpjack_gateway.tokens import shared_key

REFRESH_PAUSE_S = 60.0
"""An unknown key id makes us ask the issuer again, but not more often than this."""
RETRY_PAUSE_S = 5.0
"""After a failure, while there are no keys or only old ones."""
KEYS_MAX_AGE_S = 3600.0
"""A key that the issuer withdrew is refused after this long at the latest."""
FETCH_LIMIT_S = 5.0
FETCH_MAX_BYTES = 1 << 20

_KEY_TYPES: dict[str, type[Key]] = {"RS256": RSAKey, "ES256": ECKey}
_log = get_logger("gateway.jwks")


class KeySource(Protocol):
    """Where an issuer's keys come from."""

    async def find(self, kid: object, algorithm: str) -> Key:
        """The key that must have signed a token. Raises AuthError when there is none."""
        ...


class SharedSecret:
    """One HS256 secret."""

    def __init__(self, issuer: Issuer) -> None:
        try:
            self._key = shared_key(issuer.secret or "")
        except AuthError as error:
            raise ManifestError(f"issuer {issuer.issuer!r}: {error}") from error

    async def find(self, kid: object, algorithm: str) -> Key:  # noqa: ARG002
        """The one key; a key id is of no matter."""
        return self._key


class KeySetSource:
    """A key set that is fetched when needed, kept, and fetched again for a key id not in it."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        assert issuer.jwks is not None
        self._place = issuer.jwks
        self._clock = clock
        self._keys: list[Key] = []
        self._fetched_at: float | None = None
        self._not_before = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: object, algorithm: str) -> Key:
        """The key with this id that fits the algorithm."""
        if self._is_older_than(KEYS_MAX_AGE_S):
            await self._refresh()
        key = self._pick(kid, algorithm)
        if key is None:
            await self._refresh()
            key = self._pick(kid, algorithm)
        if key is None:
            raise AuthError(
                "the token is signed with a key that its issuer does not publish; sign in again"
                if self._keys
                else "the issuer's keys cannot be had now, so no token of it can be checked; "
                "try again in a minute"
            )
        return key

    def _pick(self, kid: object, algorithm: str) -> Key | None:
        """Without a key id only a set with one fitting key is clear enough."""
        kind = _KEY_TYPES[algorithm]
        fitting = [
            key
            for key in self._keys
            if isinstance(key, kind)
            and key.get("use") in (None, "sig")
            and key.get("alg") in (None, algorithm)
        ]
        if kid is not None:
            fitting = [key for key in fitting if key.get("kid") == kid]
        return fitting[0] if len(fitting) == 1 or (kid is not None and fitting) else None

    def _is_older_than(self, age_s: float) -> bool:
        return self._fetched_at is None or self._clock.monotonic() - self._fetched_at > age_s

    async def _refresh(self) -> None:
        """Fetch the set, unless that was tried within the pause. A failure keeps the old keys."""
        async with self._lock:
            now = self._clock.monotonic()
            if now < self._not_before:
                return
            self._not_before = now + RETRY_PAUSE_S
            try:
                async with asyncio.timeout(FETCH_LIMIT_S):
                    self._keys = parse_keys(await asyncio.to_thread(_read, self._place))
                self._fetched_at = now
                self._not_before = now + REFRESH_PAUSE_S
            except (OSError, TimeoutError, ValueError) as error:
                _log.warning("the issuer's keys were not read", place=self._place, why=str(error))


def parse_keys(document: bytes) -> list[Key]:
    """The public keys of a key set; kinds that we cannot use are left out. Raises ValueError."""
    try:
        entries = msgspec.json.decode(document)["keys"]
        found = [entry for entry in entries if entry.get("kty") in ("RSA", "EC")]
        return [JWKRegistry.import_key(entry) for entry in found]
    except (KeyError, TypeError, AttributeError, JoseError, msgspec.MsgspecError) as error:
        raise ValueError(f"this is no JSON Web Key Set: {error}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead away from https."""

    def redirect_request(self, *_: object) -> None:
        """Follow none; the answer is then an HTTPError, which is an OSError."""


_opener = urllib.request.build_opener(_NoRedirect)


def _read(place: str) -> bytes:
    if "://" not in place:
        return Path(place).read_bytes()
    request = urllib.request.Request(place, headers={"Accept": "application/json"})  # noqa: S310
    with _opener.open(request, timeout=FETCH_LIMIT_S) as answer:
        document: bytes = answer.read(FETCH_MAX_BYTES + 1)
    if len(document) > FETCH_MAX_BYTES:
        raise ValueError(f"the key set is larger than {FETCH_MAX_BYTES} bytes")
    return document


def key_source(issuer: Issuer, clock: Clock) -> KeySource:
    """Where this issuer's keys come from."""
    return SharedSecret(issuer) if issuer.secret is not None else KeySetSource(issuer, clock)
