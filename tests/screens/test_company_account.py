"""A person signs in with a company's account, in a real browser at a provider that others wrote."""

from __future__ import annotations

import json

import asyncpg
import pytest
from playwright.async_api import Page, expect

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant
from tests.gateway.conftest import running
from tests.gateway.oidc import CLIENT, provider
from tests.screens.chromium import Screens
from tests.screens.field import build_screens

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]


async def at_the_provider(page: Page, person: str) -> None:
    """Fill in its forms: who it is, and that they agree."""
    await page.get_by_placeholder("Enter any login").fill(person)
    await page.get_by_placeholder("and password").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def test_the_account_leads_to_the_page_that_was_asked_for(
    valkey: EmbeddedValkey, empty_database: str, screens: Screens
) -> None:
    build_screens()
    await migrate(empty_database)
    admin = await asyncpg.connect(empty_database)
    await ensure_tenant(admin, "permian")
    await admin.close()
    (port,) = free_ports(1)
    here = f"http://127.0.0.1:{port}"
    with provider(redirect=f"{here}/sign-in", origin=here) as issuer:
        trusted = {"issuer": issuer, "audience": "pumpjack", "algorithms": ["RS256"]}
        async with running(
            valkey.url,
            empty_database.replace("postgres@", "pumpjack_gateway@"),
            rest_address=f"127.0.0.1:{port}",
            jwt_secret="",
            jwt_issuers=json.dumps([trusted | {"jwks": f"{issuer}/jwks"}]),
            oidc_issuer=issuer,
            oidc_client_id=CLIENT,
        ):
            person = await screens.person(f"{here}/alarms")
            page = person.page
            await expect(page.get_by_text("token", exact=False)).to_have_count(0)
            await page.get_by_role("button", name="Sign in with your company account").click()
            await at_the_provider(page, "ann")
            await expect(page.get_by_text("ann@permian.example").first).to_be_visible()
            await expect(page).to_have_url(f"{here}/alarms")
            # What the provider's own pages lack, such as an icon, is said without an address.
            said = [text for text in person.problems if "Failed to load resource" not in text]
            assert said == []
