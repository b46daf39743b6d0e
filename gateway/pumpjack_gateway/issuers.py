"""Whose tokens are trusted, and where in them the tenant and the role are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pumpjack_core.errors import ManifestError

Algorithm = Literal["HS256", "RS256", "ES256"]
SETTING = "PUMPJACK_JWT_ISSUERS"


class ClaimPath(Struct, frozen=True):
    """Where a claim is: the name of a top-level claim, or a JSON pointer (RFC 6901) with "/"."""

    path: str

    def find(self, claims: Mapping[str, Any]) -> object:
        """The claim's value, None when it is not there."""
        if not self.path.startswith("/"):
            return claims.get(self.path)
        value: object = claims
        for step in self.path[1:].split("/"):
            if not isinstance(value, Mapping):
                return None
            value = value.get(step.replace("~1", "/").replace("~0", "~"))
        return value

    def __str__(self) -> str:
        return self.path


class Claims(Struct, frozen=True):
    """Where tenant, role and e-mail are."""

    tenant: ClaimPath = ClaimPath("tenantId")
    role: ClaimPath = ClaimPath("role")
    email: ClaimPath = ClaimPath("email")


class Issuer(Struct, frozen=True):
    """One issuer. Exactly one of secret (HS256) and jwks (RS256, ES256) is set.

    issuer      must equal the claim iss
    audiences   one of them must be in the claim aud
    jwks        path of a file, or an https:// URL
    leeway_s    how far clocks may differ
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[Algorithm, ...]
    secret: str | None = None
    jwks: str | None = None
    leeway_s: int = 10
    claims: Claims = Claims()

    def __repr__(self) -> str:
        return f"Issuer({self.issuer!r}, {self.algorithms})"


class _ClaimsDocument(Struct, frozen=True, forbid_unknown_fields=True):
    tenantId: str = "tenantId"  # noqa: N815 - the names are those of the claims
    role: str = "role"
    email: str = "email"


class _IssuerDocument(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    issuer: str
    audience: str | list[str]
    algorithms: list[Algorithm]
    secret: str | None = None
    jwks: str | None = None
    leeway_seconds: int = 10
    claims: _ClaimsDocument = _ClaimsDocument()


def parse_issuers(text: str | bytes) -> tuple[Issuer, ...]:
    """Issuers as JSON. Raises ManifestError naming the place.

    [{"issuer": "https://id.example.com/", "audience": "pumpjack", "algorithms": ["RS256"],
      "jwks": "https://id.example.com/jwks.json", "claims": {"role": "/realm_access/roles"}}]
    """
    try:
        documents = msgspec.json.decode(text, type=list[_IssuerDocument])
    except msgspec.MsgspecError as error:
        raise ManifestError(f"{SETTING}: {error}") from error
    issuers = tuple(_issuer(document) for document in documents)
    names = [issuer.issuer for issuer in issuers]
    for name in names:
        if names.count(name) > 1:
            raise ManifestError(f"{SETTING}: the issuer {name!r} is there twice; keep one")
    return issuers


def _issuer(document: _IssuerDocument) -> Issuer:
    audiences = [document.audience] if isinstance(document.audience, str) else document.audience
    issuer = Issuer(
        issuer=document.issuer,
        audiences=tuple(audiences),
        algorithms=tuple(document.algorithms),
        secret=document.secret,
        jwks=document.jwks,
        leeway_s=document.leeway_seconds,
        claims=Claims(
            ClaimPath(document.claims.tenantId),
            ClaimPath(document.claims.role),
            ClaimPath(document.claims.email),
        ),
    )
    check(issuer)
    return issuer


def check(issuer: Issuer) -> None:
    """Refuse an issuer that could not be safe. Raises ManifestError naming it."""
    place = f"{SETTING}, issuer {issuer.issuer!r}"
    if not issuer.issuer or not issuer.audiences or not all(issuer.audiences):
        raise ManifestError(f"{place}: issuer and audience must not be empty")
    if not issuer.algorithms:
        raise ManifestError(f"{place}: name at least one algorithm")
    if not 0 <= issuer.leeway_s <= 60:
        raise ManifestError(f"{place}: leewaySeconds must be between 0 and 60")
    if "HS256" in issuer.algorithms:
        if len(issuer.algorithms) > 1 or issuer.secret is None or issuer.jwks is not None:
            raise ManifestError(
                f"{place}: HS256 stands alone, with a secret and no jwks; one issuer cannot use a "
                "shared secret and public keys"
            )
    elif issuer.jwks is None or issuer.secret is not None:
        raise ManifestError(f"{place}: RS256 and ES256 need jwks (a file or a URL) and no secret")
    elif "://" in issuer.jwks and not issuer.jwks.startswith(("https://", "http://127.0.0.1:")):
        raise ManifestError(f"{place}: jwks must be a file or an https:// URL")
