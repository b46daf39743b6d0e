"""Signing in with a company's account, at a provider that others wrote."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import NO_REDIS, running
from tests.gateway.oidc import CLIENT, provider, sign_in
from tests.gateway.test_rest import Api

pytestmark = [pytest.mark.servers, pytest.mark.peers]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider() as issuer:
        yield issuer


def settings(issuer: str, *audiences: str) -> dict[str, Any]:
    """Those of a gateway that trusts the provider, and nobody else."""
    trusted = {
        "issuer": issuer,
        "audience": list(audiences),
        "algorithms": ["RS256"],
        "jwks": f"{issuer}/jwks",
    }
    return {
        "jwt_secret": "",
        "jwt_issuers": json.dumps([trusted]),
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
    }


@pytest.fixture
async def gateway(issuer: str) -> AsyncIterator[Gateway]:
    async with running(NO_REDIS, **settings(issuer, "pumpjack")) as gateway:
        yield gateway


async def test_the_screens_are_told_where_to_sign_in_and_offer_no_token(
    gateway: Gateway, issuer: str
) -> None:
    client = Api(gateway, None).client
    config = (await client.get("/screens/config.json")).json()
    assert config["oidc"] == {
        "issuer": issuer,
        "clientId": CLIENT,
        "scopes": "openid profile email",
    }
    assert config["tokenSignIn"] is False


async def test_whoever_signs_in_there_is_let_in_as_what_they_are(
    gateway: Gateway, issuer: str
) -> None:
    tokens = await sign_in(issuer, "ann")
    me = await Api(gateway, tokens["access_token"]).get("me")
    assert {name: me[name] for name in ("subject", "tenantId", "role", "email")} == {
        "subject": "ann",
        "tenantId": "permian",
        "role": "operator",
        "email": "ann@permian.example",
    }


async def test_a_token_for_another_audience_is_refused(gateway: Gateway, issuer: str) -> None:
    tokens = await sign_in(issuer, "ann", resource="urn:payroll")
    problem = await Api(gateway, tokens["access_token"]).problem("/api/scada/me")
    assert (problem["status"], problem["code"]) == (401, "AUTH_FAILED")
    assert "another audience" in problem["detail"]


async def test_an_id_token_is_let_in_only_where_its_audience_is_named(
    gateway: Gateway, issuer: str
) -> None:
    # For providers whose access tokens only they can read: the screens send this one then.
    tokens = await sign_in(issuer, "ann", resource="urn:opaque")
    problem = await Api(gateway, tokens["access_token"]).problem("/api/scada/me")
    assert "this is no token" in problem["detail"]
    problem = await Api(gateway, tokens["id_token"]).problem("/api/scada/me")
    assert "another audience" in problem["detail"]
    async with running(NO_REDIS, **settings(issuer, "pumpjack", CLIENT)) as named:
        assert (await Api(named, tokens["id_token"]).get("me"))["role"] == "operator"


async def test_an_account_without_a_tenant_is_told_what_is_missing(
    gateway: Gateway, issuer: str
) -> None:
    tokens = await sign_in(issuer, "nobody")
    problem = await Api(gateway, tokens["access_token"]).problem("/api/scada/me")
    assert "names no tenant (claim tenantId)" in problem["detail"]


async def test_the_pages_may_reach_the_provider(issuer: str, tmp_path: Any) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    more = {"screens_dir": str(tmp_path), "oidc_origins": ("https://oauth2.example.com",)}
    async with running(NO_REDIS, **settings(issuer, "pumpjack"), **more) as gateway:
        policy = (await Api(gateway, None).client.get("/")).headers["content-security-policy"]
    reached = next(part for part in policy.split("; ") if part.startswith("connect-src"))
    assert reached.split() == [
        "connect-src",
        "'self'",
        f"ws://127.0.0.1:{gateway.ws_port}",
        issuer,
        "https://oauth2.example.com",
    ]
