"""Every way in which a token can be wrong, and the few in which it is right."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from pumpjack_core.errors import AuthError, ManifestError
from pumpjack_gateway.auth import Principal, Role, Verifier
from pumpjack_gateway.issuers import parse_issuers
from pumpjack_gateway.tokens import mint
from tests.gateway.clocks import HandClock

SECRET = "a shared secret of at least 32 bytes"
DEMO = {"issuer": "demo", "audience": "pumpjack", "algorithms": ["HS256"], "secret": SECRET}
NOW_S = 1_800_000_000


def claims(**changes: Any) -> dict[str, Any]:
    """Right claims with some of them changed; ... leaves one out."""
    right: dict[str, Any] = {
        "iss": "demo",
        "aud": "pumpjack",
        "sub": "ann",
        "exp": NOW_S + 3600,
        "tenantId": "permian",
        "role": "viewer",
    }
    merged = right | changes
    return {name: value for name, value in merged.items() if value is not ...}


def signed(payload: dict[str, Any], *, secret: str = SECRET, alg: str = "HS256") -> str:
    return jwt.encode({"alg": alg}, payload, OctKey.import_key(secret), algorithms=[alg])


def unsigned(payload: dict[str, Any], header: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, payload))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def verifier(*issuers: dict[str, Any], clock: HandClock | None = None) -> Verifier:
    listed = parse_issuers(json.dumps(issuers or (DEMO,)))
    return Verifier(listed, clock or HandClock(wall_s=NOW_S))


async def refusal(token: str, check: Verifier | None = None) -> AuthError:
    with pytest.raises(AuthError) as caught:
        await (check or verifier()).verify(token)
    assert token not in str(caught.value) or not token
    return caught.value


async def test_a_right_token_says_who_is_asking() -> None:
    assert await verifier().verify(signed(claims(email="ann@example.com"))) == Principal(
        tenant_id="permian",
        subject="ann",
        role=Role.viewer,
        email="ann@example.com",
        issuer="demo",
        expires_s=NOW_S + 3610,
    )


async def test_a_minted_token_is_accepted() -> None:
    token = mint(
        SECRET,
        tenant_id="bakken",
        role="operator",
        subject="joe",
        issuer="demo",
        audience="pumpjack",
        lifetime_s=60,
    )
    issuers = parse_issuers(json.dumps([DEMO]))
    from pumpjack_core.clock import SystemClock

    who = await Verifier(issuers, SystemClock()).verify(token)
    assert (who.tenant_id, who.role, who.subject) == ("bakken", Role.operator, "joe")


def test_nothing_is_minted_with_a_short_secret() -> None:
    with pytest.raises(AuthError, match="at least 32"):
        mint(
            "short",
            tenant_id="t",
            role="viewer",
            subject="s",
            issuer="i",
            audience="a",
            lifetime_s=1,
        )


BAD_CLAIMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no aud": ({"aud": ...}, "AUTH_FAILED", "no aud"),
    "an empty aud": ({"aud": []}, "AUTH_FAILED", "no aud"),
    "another aud": ({"aud": "billing"}, "AUTH_FAILED", "another audience"),
    "an aud of the wrong type": ({"aud": 7}, "AUTH_FAILED", "audience"),
    "no exp": ({"exp": ...}, "AUTH_FAILED", "no exp"),
    "an expired exp": ({"exp": NOW_S - 11}, "TOKEN_EXPIRED", "expired"),
    "an exp that is a text": ({"exp": "tomorrow"}, "AUTH_FAILED", "exp is no time"),
    "an exp that is true": ({"exp": True}, "AUTH_FAILED", "exp is no time"),
    "nbf in the future": ({"nbf": NOW_S + 60}, "AUTH_FAILED", "not valid yet"),
    "iat in the future": ({"iat": NOW_S + 60}, "AUTH_FAILED", "in the future"),
    "no sub": ({"sub": ...}, "AUTH_FAILED", "no sub"),
    "a sub that is a number": ({"sub": 7}, "AUTH_FAILED", "sub is no text"),
    "a sub without end": ({"sub": "a" * 256}, "AUTH_FAILED", "longer than 255"),
    "no iss": ({"iss": ...}, "AUTH_FAILED", "no iss"),
    "an unknown iss": ({"iss": "https://evil.example"}, "AUTH_FAILED", "not one that"),
    "an iss that is a list": ({"iss": ["demo"]}, "AUTH_FAILED", "no iss"),
    "no tenant": ({"tenantId": ...}, "AUTH_FAILED", "names no tenant"),
    "an empty tenant": ({"tenantId": ""}, "AUTH_FAILED", "names no tenant"),
    "a tenant that is too long": ({"tenantId": "a" * 64}, "AUTH_FAILED", "no tenant id"),
    "a tenant that is a number": ({"tenantId": 7}, "AUTH_FAILED", "no tenant id"),
    "a tenant that is a list": ({"tenantId": ["permian"]}, "AUTH_FAILED", "no tenant id"),
    "a tenant with a colon": ({"tenantId": "permian:pad7"}, "AUTH_FAILED", "no tenant id"),
    "a tenant that is a pattern": ({"tenantId": "*"}, "AUTH_FAILED", "no tenant id"),
    "a tenant with a line end": ({"tenantId": "permian\n"}, "AUTH_FAILED", "no tenant id"),
    "no role": ({"role": ...}, "AUTH_FAILED", "no role"),
    "an unknown role": ({"role": "root"}, "AUTH_FAILED", "no role"),
}


@pytest.mark.parametrize(("changes", "code", "words"), BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_a_token_is_refused_with(changes: dict[str, Any], code: str, words: str) -> None:
    error = await refusal(signed(claims(**changes)))
    assert error.code == code
    assert words in str(error)


NO_TOKENS = {
    "nothing": "",
    "a word": "hello",
    "two parts": "a.b",
    "three parts of nonsense": "a.b.c",
    "four parts": "a.b.c.d",
    "letters of another alphabet": "ы.ы.ы",
    "half a surrogate": "\ud800.\ud800.\ud800",
    "a token without end": "a" * 20_000,
    "JSON that is no object": "e30." + base64.urlsafe_b64encode(b"[]").decode().rstrip("=") + ".",
}


@pytest.mark.parametrize("token", NO_TOKENS.values(), ids=NO_TOKENS)
async def test_what_is_no_token_is_refused(token: str) -> None:
    assert (await refusal(token)).code == "AUTH_FAILED"


async def test_a_token_without_a_signature_is_refused() -> None:
    error = await refusal(unsigned(claims(), {"alg": "none"}))
    assert "not signed the way" in str(error)


async def test_a_token_signed_with_another_secret_is_refused() -> None:
    error = await refusal(signed(claims(), secret="another secret of at least 32 by"))
    assert "signature" in str(error)


async def test_a_token_of_another_algorithm_of_the_same_family_is_refused() -> None:
    error = await refusal(signed(claims(), alg="HS512"))
    assert "not signed the way" in str(error)


async def test_a_changed_token_is_refused() -> None:
    header, _, signature = signed(claims()).split(".")
    other = unsigned(claims(tenantId="bakken"), {}).split(".")[1]
    assert "signature" in str(await refusal(f"{header}.{other}.{signature}"))


async def test_a_role_may_be_one_of_a_list_deep_inside_and_the_highest_counts() -> None:
    issuer = DEMO | {"claims": {"role": "/realm_access/roles", "tenantId": "https://pj/tenant"}}
    token = signed(
        claims(
            tenantId=...,
            role=...,
            realm_access={"roles": ["viewer", "uma_authorization", "engineer"]},
            **{"https://pj/tenant": "permian"},
        )
    )
    who = await verifier(issuer).verify(token)
    assert (who.role, who.tenant_id) == (Role.engineer, "permian")


async def test_a_far_expiry_is_one_that_a_timer_can_hold() -> None:
    who = await verifier().verify(signed(claims(exp=10**400)))
    assert who.expires_s < 5e9


class Published:
    """An issuer with key pairs whose set is a file."""

    def __init__(self, folder: Path, *keys: RSAKey | ECKey) -> None:
        self.path = folder / "jwks.json"
        self.publish(*keys)

    def publish(self, *keys: RSAKey | ECKey) -> None:
        entries = [key.as_dict(private=False) for key in keys]
        self.path.write_text(json.dumps({"keys": entries}))

    def document(self, algorithm: str) -> dict[str, Any]:
        return {
            "issuer": "demo",
            "audience": "pumpjack",
            "algorithms": [algorithm],
            "jwks": str(self.path),
        }


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


MAKERS: dict[str, Callable[[str], RSAKey | ECKey]] = {
    "RS256": rsa,
    "ES256": lambda kid: ECKey.generate_key("P-256", {"kid": kid}),
}


@pytest.mark.parametrize("algorithm", MAKERS)
async def test_a_published_key_checks_a_token(algorithm: str, tmp_path: Path) -> None:
    key = MAKERS[algorithm]("k1")
    check = verifier(Published(tmp_path, key).document(algorithm))
    token = jwt.encode({"alg": algorithm, "kid": "k1"}, claims(), key)
    assert (await check.verify(token)).subject == "ann"


async def test_the_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    """The confusion of RFC 8725, 2.1: HS256 with the public key's text as the secret."""
    key = rsa("k1")
    check = verifier(Published(tmp_path, key).document("RS256"))
    body = unsigned(claims(), {"alg": "HS256", "kid": "k1"}).rstrip(".")
    digest = hmac.new(key.as_pem(private=False), body.encode(), "sha256").digest()
    forged = f"{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert "not signed the way" in str(await refusal(forged, check))


async def test_an_unknown_key_is_asked_for_once_a_minute_at_most(tmp_path: Path) -> None:
    clock = HandClock(wall_s=NOW_S)
    old, new = rsa("old"), rsa("new")
    published = Published(tmp_path, old)
    check = verifier(published.document("RS256"), clock=clock)
    first = jwt.encode({"alg": "RS256", "kid": "old"}, claims(), old)
    rotated = jwt.encode({"alg": "RS256", "kid": "new"}, claims(), new)
    await check.verify(first)
    published.publish(old, new)

    assert "does not publish" in str(await refusal(rotated, check))
    clock.forward(61)
    assert (await check.verify(rotated)).subject == "ann"


async def test_a_withdrawn_key_is_refused_after_an_hour(tmp_path: Path) -> None:
    clock = HandClock(wall_s=NOW_S)
    old = rsa("old")
    published = Published(tmp_path, old)
    check = verifier(published.document("RS256"), clock=clock)
    token = jwt.encode({"alg": "RS256", "kid": "old"}, claims(exp=NOW_S + 9999), old)
    await check.verify(token)
    published.publish(rsa("new"))
    clock.forward(3601)
    assert "does not publish" in str(await refusal(token, check))


async def test_keys_that_cannot_be_had_are_said_and_tried_again(tmp_path: Path) -> None:
    clock = HandClock(wall_s=NOW_S)
    key = rsa("k1")
    published = Published(tmp_path, key)
    published.path.unlink()
    check = verifier(published.document("RS256"), clock=clock)
    token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims(), key)
    assert "cannot be had" in str(await refusal(token, check))
    published.publish(key)
    clock.forward(6)
    assert (await check.verify(token)).subject == "ann"


async def test_a_token_without_key_id_fits_only_a_set_of_one(tmp_path: Path) -> None:
    one, two = rsa("one"), rsa("two")
    token = jwt.encode({"alg": "RS256"}, claims(), one)
    check = verifier(Published(tmp_path, one).document("RS256"))
    assert (await check.verify(token)).subject == "ann"
    check = verifier(Published(tmp_path, one, two).document("RS256"))
    assert "does not publish" in str(await refusal(token, check))


BAD_ISSUERS = {
    "a short secret": (DEMO | {"secret": "short"}, "at least 32"),
    "HS256 beside RS256": (DEMO | {"algorithms": ["HS256", "RS256"]}, "stands alone"),
    "HS256 with public keys": (DEMO | {"jwks": "https://x"}, "stands alone"),
    "RS256 without keys": (DEMO | {"algorithms": ["RS256"]}, "need jwks"),
    "none as algorithm": (DEMO | {"algorithms": ["none"]}, "Invalid enum value"),
    "no algorithm": (DEMO | {"algorithms": []}, "at least one"),
    "no audience": (DEMO | {"audience": []}, "must not be empty"),
    "an empty audience": (DEMO | {"audience": ""}, "must not be empty"),
    "keys over http": (
        {"issuer": "i", "audience": "a", "algorithms": ["RS256"], "jwks": "http://x/jwks"},
        "https",
    ),
    "a leeway of an hour": (DEMO | {"leewaySeconds": 3600}, "leewaySeconds"),
    "a misspelt key": (DEMO | {"audiance": "x"}, "audiance"),
}


@pytest.mark.parametrize(("document", "words"), BAD_ISSUERS.values(), ids=BAD_ISSUERS)
def test_an_issuer_that_cannot_be_safe_is_refused(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        verifier(document)


def test_an_issuer_listed_twice_is_refused() -> None:
    with pytest.raises(ManifestError, match="twice"):
        verifier(DEMO, DEMO)
