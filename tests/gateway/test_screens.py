"""The screens as a browser gets them from the gateway."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import NO_REDIS, running
from tests.gateway.screens import token

pytestmark = pytest.mark.servers
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
INDEX = (
    "<!doctype html><title>Pumpjack</title><script type=module src=/assets/main-abc.js></script>"
)
SCRIPT = "console.log('pumpjack');\n" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What `make screens` leaves."""
    folder = tmp_path / "screens"
    (folder / "assets").mkdir(parents=True)
    (folder / "icons").mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "sw.js").write_text("self.oninstall = null;")
    (folder / "manifest.webmanifest").write_text("{}")
    (folder / "icons" / "pumpjack.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    script = folder / "assets" / "main-abc.js"
    script.write_text(SCRIPT)
    script.with_suffix(".js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    script.with_suffix(".js.br").write_bytes(b"as brotli would have it")
    (tmp_path / "secret.txt").write_text("nobody's")
    return folder


@pytest.fixture
async def gateway(built: Path) -> AsyncIterator[Gateway]:
    async with running(NO_REDIS, screens_dir=str(built)) as gateway:
        yield gateway


def browser(gateway: Gateway, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{gateway.rest_port}",
        headers={"Accept": PAGE, "Accept-Encoding": "identity"} | headers,
        timeout=60,
    )


def policy_of(answer: httpx.Response) -> dict[str, list[str]]:
    parts = answer.headers["content-security-policy"].split("; ")
    return {part.split()[0]: part.split()[1:] for part in parts}


async def test_every_address_of_the_screens_is_the_one_page(gateway: Gateway) -> None:
    async with browser(gateway) as client:
        for path in ("/", "/wells/pad7-3", "/trends?pens=a/b", "/wells/pad%2F3/tags", "/sign-in"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, INDEX), path
            assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_page_may_load_only_what_is_ours(gateway: Gateway) -> None:
    async with browser(gateway) as client:
        answer = await client.get("/")
    assert policy_of(answer) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", f"ws://127.0.0.1:{gateway.ws_port}"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


async def test_a_page_is_asked_for_again_and_costs_nothing_while_it_is_the_same(
    gateway: Gateway, built: Path
) -> None:
    async with browser(gateway) as client:
        first = await client.get("/")
        assert first.headers["cache-control"] == "no-cache"
        known = {"If-None-Match": f'W/"other", {first.headers["etag"]}'}
        again = await client.get("/alarms", headers=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        (built / "index.html").write_text(INDEX.replace("abc", "def"))
        assert (await client.get("/", headers=known)).status_code == 200


async def test_a_kept_page_is_not_used_under_another_address(gateway: Gateway) -> None:
    # Its policy names the WebSocket's address, and that is another one then.
    async with browser(gateway) as client:
        known = {"If-None-Match": (await client.get("/")).headers["etag"]}
        there = await client.get("/", headers=known | {"Host": "wells.example:4000"})
    assert there.status_code == 200
    assert f"ws://wells.example:{gateway.ws_port}" in policy_of(there)["connect-src"]


async def test_files_whose_name_says_their_content_are_kept_for_good(gateway: Gateway) -> None:
    async with browser(gateway) as client:
        asset = await client.get("/assets/main-abc.js")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"] == "text/javascript; charset=utf-8"
        for path, kind in (
            ("/sw.js", "text/javascript; charset=utf-8"),
            ("/manifest.webmanifest", "application/manifest+json"),
            ("/icons/pumpjack.svg", "image/svg+xml"),
        ):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
            assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "used"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
        ("br;q=nonsense", None),
    ],
)
async def test_what_was_compressed_beforehand_is_sent_to_those_that_take_it(
    gateway: Gateway, accepted: str, used: str | None
) -> None:
    async with browser(gateway) as client:
        request = client.build_request(
            "GET", "/assets/main-abc.js", headers={"Accept-Encoding": accepted}
        )
        answer = await client.send(request, stream=True)
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == used
    assert "Accept-Encoding" in answer.headers["vary"]
    assert int(answer.headers["content-length"]) == len(raw)
    plain = {"gzip": gzip.decompress, "br": lambda _: SCRIPT.encode(), None: bytes}[used](raw)
    assert plain.decode() == SCRIPT


async def test_head_tells_what_get_would(gateway: Gateway) -> None:
    async with browser(gateway) as client:
        for path in ("/", "/wells/pad7-3", "/assets/main-abc.js"):
            whole, head = await client.get(path), await client.head(path)
            assert head.content == b""
            for name in ("content-length", "etag", "content-type", "content-security-policy"):
                assert head.headers[name] == whole.headers[name], (path, name)


async def test_programs_that_ask_for_data_get_no_page(gateway: Gateway) -> None:
    async with browser(gateway, Accept="application/json") as client:
        assert (await client.get("/wells/pad7-3")).json()["code"] == "NOT_FOUND"
    async with browser(gateway) as client:
        for path in (
            *("/api", "/api/scada/nothing", "/assets/old-123.js", "/screens/other.json"),
            *("/docs/x", "/metrics/x", "/healthz/x"),
        ):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
        assert (await client.get("/api/scada/wells")).status_code == 401
        wrong = await client.post("/")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
        assert (await client.post("/wells/pad7-3")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "//secret.txt",
        "/..\\secret.txt",
        "/secret.txt%00.js",
        "/assets/linked.js",
    ],
)
async def test_no_path_leads_out_of_the_folder(gateway: Gateway, built: Path, path: str) -> None:
    (built / "assets" / "linked.js").symlink_to(built.parent / "secret.txt")
    os.utime(built / "index.html")

    def ask() -> tuple[int, bytes]:
        # As it is written: other clients would tidy the path up.
        connection = http.client.HTTPConnection("127.0.0.1", gateway.rest_port, timeout=60)
        connection.putrequest("GET", path)
        connection.endheaders()
        answer = connection.getresponse()
        found = (answer.status, answer.read())
        connection.close()
        return found

    status, body = await asyncio.to_thread(ask)
    assert status == 404
    assert b"nobody's" not in body


async def test_without_built_files_a_page_says_what_to_do(built: Path) -> None:
    index = built / "index.html"
    index.unlink()
    async with running(NO_REDIS, screens_dir=str(built)) as gateway, browser(gateway) as client:
        for path in ("/", "/alarms"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert "<code>make screens</code>" in answer.text
            assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/docs")).status_code == 200
        index.write_text(INDEX)  # built meanwhile: no restart is needed
        assert (await client.get("/")).text == INDEX


async def test_a_gateway_without_screens_serves_data_only(built: Path) -> None:
    async with running(NO_REDIS, screens_dir=str(built), screens=False) as gateway:
        async with browser(gateway) as client:
            for path in ("/", "/alarms", "/screens/config.json"):
                assert (await client.get(path)).json()["code"] == "NOT_FOUND"


async def test_the_screens_are_told_where_the_websocket_is(gateway: Gateway) -> None:
    async with browser(gateway) as client:
        answer = await client.get("/screens/config.json")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "version": "0.1.0",
            "webSocketUrl": f"ws://127.0.0.1:{gateway.ws_port}/",
            "oidc": None,
            "tokenSignIn": True,
        }
        named = await client.get("/screens/config.json", headers={"Host": "well-pc:4000"})
        assert named.json()["webSocketUrl"] == f"ws://well-pc:{gateway.ws_port}/"
        six = {"Host": "[::1]:4000"}
        assert (await client.get("/screens/config.json", headers=six)).json()[
            "webSocketUrl"
        ] == f"ws://[::1]:{gateway.ws_port}/"
        # No policy can name an address of IPv6, so it names the scheme.
        assert policy_of(await client.get("/", headers=six))["connect-src"] == ["'self'", "ws:"]
        evil = {"Host": "x; script-src *"}
        assert policy_of(await client.get("/", headers=evil))["script-src"] == ["'self'"]


async def test_behind_a_proxy_with_tls_the_websocket_is_where_the_setting_says(
    built: Path,
) -> None:
    where = "wss://wells.example.com/ws"
    async with running(NO_REDIS, screens_dir=str(built), web_socket_url=where) as gateway:
        async with browser(gateway, Host="wells.example.com") as client:
            config = (await client.get("/screens/config.json")).json()
            assert config["webSocketUrl"] == where
            reached = policy_of(await client.get("/"))["connect-src"]
            assert reached == ["'self'", "wss://wells.example.com"]


async def test_no_metric_holds_what_a_url_held(gateway: Gateway) -> None:
    secret = token()
    async with browser(gateway) as client:
        assert (await client.get(f"/wells/{secret}?token={secret}")).status_code == 200
        metrics = (await client.get("/metrics")).text
    assert secret not in metrics
    assert 'route="/{screen:path}"' in metrics


async def test_pages_of_the_gateway_itself_may_use_its_websocket(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url, screens_dir="/nowhere") as gateway:
        for host in ("127.0.0.1", "localhost", "[::1]"):
            assert await came_in(gateway, f"http://{host}:{gateway.rest_port}")
        for origin in (
            f"http://127.0.0.1:{gateway.rest_port + 1}",
            f"https://127.0.0.1:{gateway.rest_port}",
            f"http://evil.example:{gateway.rest_port}",
            f"http://127.0.0.1.evil.example:{gateway.rest_port}",
            "null",
        ):
            assert not await came_in(gateway, origin), origin


async def came_in(gateway: Gateway, origin: str) -> bool:
    """Whether a page of this origin gets a WebSocket."""
    status = await asyncio.to_thread(_knock, gateway.ws_port, origin)
    assert status in (101, 403)
    return status == 101


def _knock(port: int, origin: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "GET",
        "/ws",
        headers={
            "Origin": origin,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    status = connection.getresponse().status
    connection.close()
    return status
