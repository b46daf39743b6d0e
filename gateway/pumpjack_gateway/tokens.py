"""Signed tokens for the demo and for `pumpjack token`. Real sites get theirs from their issuer."""

from __future__ import annotations

import time

from joserfc import jwt
from joserfc.jwk import OctKey

from pumpjack_core.errors import AuthError

SECRET_MIN_BYTES = 32
"""RFC 7518, 3.2: an HS256 key is at least as long as the hash."""


def shared_key(secret: str | bytes) -> OctKey:
    """The key of an HS256 issuer. Raises AuthError when it is too short to be safe."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < SECRET_MIN_BYTES:
        raise AuthError(
            f"the shared secret has {len(raw)} bytes; HS256 needs at least {SECRET_MIN_BYTES}, "
            "for example the output of: openssl rand -hex 32"
        )
    return OctKey.import_key(raw)


def mint(
    secret: str | bytes,
    *,
    tenant_id: str,
    role: str,
    subject: str,
    issuer: str,
    audience: str,
    lifetime_s: float,
    email: str | None = None,
) -> str:
    """Sign a token (HS256) with the claims that the gateway reads by default.

    >>> token = mint("x" * 32, tenant_id="permian", role="viewer", subject="ann",
    ...              issuer="demo", audience="pumpjack", lifetime_s=3600)
    """
    now_s = int(time.time())
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": now_s,
        "exp": int(now_s + lifetime_s),
        "tenantId": tenant_id,
        "role": role,
    }
    if email is not None:
        claims["email"] = email
    return jwt.encode({"alg": "HS256"}, claims, shared_key(secret))
