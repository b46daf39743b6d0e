"""Who is asking: checks a token and says tenant, subject and role (RFC 7519, RFC 8725).

Every issuer pins its algorithms and its audience. The issuer that a token names only chooses
whose keys must have signed it; nothing else of a token is read before its signature holds.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry
from msgspec import Struct

from pumpjack_core.clock import US_PER_S, Clock
from pumpjack_core.errors import AuthError
from pumpjack_gateway.issuers import Issuer
from pumpjack_gateway.jwks import KeySource, key_source

TOKEN_MAX_BYTES = 16_384
TENANT_MAX_CHARS = 63
SUBJECT_MAX_CHARS = 255
FARTHEST_EXPIRY_S = 4_102_444_800.0  # 2100-01-01: later ones are cut, so that timers can hold them
EXPIRED = "TOKEN_EXPIRED"

# A tenant is the value of a Kubernetes label; that also keeps Redis keys unambiguous (no colon).
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


class Role(IntEnum):
    """What a person may do; each may do all that the lower ones may."""

    viewer = 1
    operator = 2
    engineer = 3
    admin = 4


class Principal(Struct, frozen=True):
    """Who is asking.

    expires_s  when the token ends, seconds since the epoch (leeway included)
    """

    tenant_id: str
    subject: str
    role: Role
    email: str | None
    issuer: str
    expires_s: float

    def same_person(self, other: Principal) -> bool:
        """Whether both are one person of one tenant, by one issuer."""
        return (self.issuer, self.tenant_id, self.subject) == (
            other.issuer,
            other.tenant_id,
            other.subject,
        )


class _Unverified(Struct):
    iss: Any = None


class Verifier:
    """Checks tokens of the configured issuers."""

    def __init__(self, issuers: Sequence[Issuer], clock: Clock) -> None:
        self._clock = clock
        self._issuers: dict[str, tuple[Issuer, KeySource]] = {
            issuer.issuer: (issuer, key_source(issuer, clock)) for issuer in issuers
        }

    async def verify(self, token: str) -> Principal:
        """Check everything. Raises AuthError with a code and a sentence, never with the token."""
        issuer, keys = self._issuer_of(token)
        claims = await _signed_claims(token, issuer, keys)
        _check_registered(claims, issuer, int(self._clock.now_us() // US_PER_S))
        return _principal(claims, issuer)

    def _issuer_of(self, token: str) -> tuple[Issuer, KeySource]:
        if len(token) > TOKEN_MAX_BYTES:
            raise AuthError(f"the token is longer than {TOKEN_MAX_BYTES} bytes; sign in again")
        name = _claimed_issuer(token)
        found = self._issuers.get(name)
        if found is None:
            raise AuthError(
                f"the token's issuer {_shown(name)} is not one that this gateway trusts; "
                "sign in with the right one, or have it added to the gateway's issuers"
            )
        return found


async def _signed_claims(token: str, issuer: Issuer, keys: KeySource) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=issuer.algorithms, strict_check_header=False)
    try:
        parsed = jws.extract_compact(token.encode(), registry=registry)
        headers = parsed.headers()
        registry.get_alg(str(headers.get("alg")))
        key = await keys.find(headers.get("kid"), str(headers["alg"]))
        if not jws.validate_compact(parsed, key, registry=registry):
            raise AuthError("the token's signature is not the issuer's; sign in again")
        claims = msgspec.json.decode(parsed.payload)
    except UnsupportedAlgorithmError as error:
        raise AuthError(
            f"the token is not signed the way its issuer is set up for "
            f"({' or '.join(issuer.algorithms)}); sign in again"
        ) from error
    except (JoseError, ValueError, TypeError) as error:
        raise AuthError(f"the token cannot be checked ({_reason(error)}); sign in again") from error
    if not isinstance(claims, dict):
        raise AuthError("the token holds no claims; sign in again")
    return claims


def _check_registered(claims: dict[str, Any], issuer: Issuer, now_s: int) -> None:
    for name in ("aud", "exp", "sub"):
        if claims.get(name) in (None, "", []):
            raise AuthError(f"the token has no {name}; its issuer must put one in")
    registry = JWTClaimsRegistry(
        now=now_s,
        leeway=issuer.leeway_s,
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "values": list(issuer.audiences)},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(claims)
    except ExpiredTokenError as error:
        raise AuthError("the token has expired; sign in again", code=EXPIRED) from error
    except JoseError as error:
        claim = getattr(error, "claim", "")
        raise AuthError(_CLAIM_SENTENCES.get(claim, _reason(error))) from error
    except (OverflowError, TypeError) as error:
        raise AuthError("a time in the token is no date; its issuer is set up wrongly") from error


_CLAIM_SENTENCES = {
    "aud": "the token is for another audience, not for this gateway; ask for one for it",
    "nbf": "the token is not valid yet; check the clocks of issuer and gateway",
    "iat": "the token was issued in the future; check the clocks of issuer and gateway",
    "exp": "the token's exp is no time; its issuer is set up wrongly",
    "sub": "the token's sub is no text; its issuer is set up wrongly",
}


def _principal(claims: dict[str, Any], issuer: Issuer) -> Principal:
    tenant = issuer.claims.tenant.find(claims)
    if tenant is None or tenant == "":
        raise AuthError(
            f"the token names no tenant (claim {issuer.claims.tenant}); have its issuer add it"
        )
    if not isinstance(tenant, str) or _TENANT.fullmatch(tenant) is None:
        raise AuthError(
            f"the token's tenant (claim {issuer.claims.tenant}) is no tenant id: "
            f"1 to {TENANT_MAX_CHARS} letters, digits, '-', '_' or '.', as in a Kubernetes label"
        )
    email = issuer.claims.email.find(claims)
    subject = claims["sub"]
    if len(subject) > SUBJECT_MAX_CHARS:
        raise AuthError(f"the token's sub is longer than {SUBJECT_MAX_CHARS} characters")
    return Principal(
        tenant_id=tenant,
        subject=subject,
        role=_role(issuer.claims.role.find(claims), str(issuer.claims.role)),
        email=email[:SUBJECT_MAX_CHARS] if isinstance(email, str) else None,
        issuer=issuer.issuer,
        expires_s=float(min(claims["exp"], FARTHEST_EXPIRY_S)) + issuer.leeway_s,
    )


def _role(claimed: object, path: str) -> Role:
    """The highest role among those claimed; issuers give one name or a list of them."""
    names = claimed if isinstance(claimed, list) else [claimed]
    known = [Role[name] for name in names if isinstance(name, str) and name in Role.__members__]
    if not known:
        raise AuthError(
            f"the token has no role that this gateway knows (claim {path}; "
            f"one of {', '.join(Role.__members__)}); have its issuer add one"
        )
    return max(known)


def _claimed_issuer(token: str) -> str:
    """The issuer that an unchecked token names, only to choose whose keys must fit."""
    parts = token.split(".")
    if len(parts) != 3:
        raise AuthError("this is no token: a JWT has three parts with dots between")
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        name = msgspec.json.decode(raw, type=_Unverified).iss
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise AuthError("this is no token: its middle part is not JSON") from error
    if not isinstance(name, str) or not name:
        raise AuthError("the token has no iss; its issuer must put one in")
    return name


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "…")


def _reason(error: Exception) -> str:
    """What the library says, without any part of the token."""
    return error.error.replace("_", " ") if isinstance(error, JoseError) else "it is malformed"
