"""A real OpenID Connect provider, and a person who signs in there as a browser would."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.peers.node import installed, node

PEER = Path(__file__).parents[1] / "peers" / "oidc"
CLIENT = "pumpjack-screens"
REDIRECT = "http://127.0.0.1:4000/sign-in"
ORIGIN = "http://127.0.0.1:4000"


@contextmanager
def provider(redirect: str = REDIRECT, origin: str = ORIGIN) -> Iterator[str]:
    """Its issuer, while it runs."""
    process = subprocess.Popen(
        [node(), "server.js", redirect, origin],
        cwd=installed(PEER),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:"), "the provider did not start"
        yield issuer
    finally:
        process.kill()
        process.wait(10)


async def sign_in(
    issuer: str, person: str, *, resource: str | None = None, redirect: str = REDIRECT
) -> dict[str, Any]:
    """The code flow with PKCE (RFC 7636), forms and all; what the token endpoint answers."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    asked = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": redirect,
        "scope": "openid profile email",
        "state": "a-state",
        "nonce": "a-nonce",
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    } | ({} if resource is None else {"resource": resource})
    async with httpx.AsyncClient(timeout=60) as browser:
        endpoints = (await browser.get(f"{issuer}/.well-known/openid-configuration")).json()
        answer = await browser.get(endpoints["authorization_endpoint"], params=asked)
        while not (place := answer.headers.get("location", "")).startswith(redirect):
            if answer.is_redirect:
                answer = await browser.get(urljoin(str(answer.url), place))
            else:
                answer = await _fill_in(browser, answer, person)
        said = parse_qs(urlsplit(place).query)
        assert said["state"] == ["a-state"], said
        given = await browser.post(
            endpoints["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": said["code"][0],
                "redirect_uri": redirect,
                "client_id": CLIENT,
                "code_verifier": verifier,
            },
            headers={"Origin": ORIGIN},
        )
    assert given.status_code == 200, given.text
    assert given.headers["access-control-allow-origin"] == ORIGIN
    tokens: dict[str, Any] = given.json()
    return tokens


async def _fill_in(browser: httpx.AsyncClient, page: httpx.Response, person: str) -> httpx.Response:
    """Send the page's form: who it is, or that they agree."""
    action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
    assert action is not None, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    return await browser.post(
        urljoin(str(page.url), html.unescape(action[1])),
        data=hidden | {"login": person, "password": "any"},
    )
