"""The screens as an installed application: opened without a gateway, and through a new build."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.gateway.conftest import NO_REDIS, running
from tests.screens.axe import violations
from tests.screens.chromium import Screens
from tests.screens.field import CHECKOUT, Field, build_screens

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
BUILT = CHECKOUT / "gateway/pumpjack_gateway/screens"
NOTHING_KNOWN = "Nothing is known of the wells"


async def installed(page: Page) -> None:
    """Wait until the service worker keeps the files of the page, and answers for it."""
    await page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          if (navigator.serviceWorker.controller === null)
            await new Promise((resolve) =>
              navigator.serviceWorker.addEventListener("controllerchange", resolve));
        }"""
    )


async def kept(page: Page) -> list[str]:
    """Addresses of everything that the worker keeps."""
    found: list[str] = await page.evaluate(
        """async () => {
          const found = [];
          for (const name of await caches.keys())
            for (const one of await (await caches.open(name)).keys()) found.push(one.url);
          return found;
        }"""
    )
    return found


async def taken_over(page: Page, build: str) -> bool:
    """Wait until a build's worker is the one that answers; whether it became so in a minute."""
    done: bool = await page.evaluate(
        """async (build) => {
          for (let look = 0; look < 600; look++) {
            const names = await caches.keys();
            const {active, installing, waiting} = await navigator.serviceWorker.ready;
            const isRunning = active.state === "activated" && !installing && !waiting;
            if (isRunning && names.some((name) => name.endsWith(build))) return true;
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
          return false;
        }""",
        build,
    )
    return done


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A copy of the built screens that a test may change."""
    build_screens()
    return shutil.copytree(
        BUILT, tmp_path / "screens", ignore=shutil.ignore_patterns("*.gz", "*.br")
    )


def newer_build(folder: Path) -> None:
    """The same screens, as another build names their files; those of the build before are gone."""
    worker = (folder / "sw.js").read_text()
    files: dict[str, str] = json.loads(re.search(r'\{"/assets/.*?\}', worker)[0])  # type: ignore[index]
    names = {
        name: f"{name[:-3]}-new.js"
        for path in files
        if path.endswith(".js") and (name := path.rpartition("/")[2])
    }
    for path in (*folder.glob("assets/*.js"), folder / "index.html", folder / "sw.js"):
        text = path.read_text()
        for old, new in names.items():
            text = text.replace(old, new)
        path.unlink()
        (path.parent / names.get(path.name, path.name)).write_text(text)
    for address, digest in files.items():
        name = address.rpartition("/")[2]
        now = (folder / address[1:]).with_name(names.get(name, name)).read_bytes()
        worker = worker.replace(digest, hashlib.sha256(now).hexdigest())
    for old, new in names.items():
        worker = worker.replace(old, new)
    (folder / "sw.js").write_text(re.sub(r"[0-9a-f]{16}(?=[\"'`])", "f" * 16, worker, count=1))


async def test_a_browser_offers_to_install_the_screens(built: Path, screens: Screens) -> None:
    async with running(NO_REDIS, screens_dir=str(built)) as gateway:
        person = await screens.person(f"http://127.0.0.1:{gateway.rest_port}/")
        await installed(person.page)
        devtools = await person.context.new_cdp_session(person.page)
        manifest = await devtools.send("Page.getAppManifest")
        assert manifest["errors"] == []
        found = await devtools.send("Page.getInstallabilityErrors")
        # A window without history is what Playwright opens, and no fault of the page.
        errors = {one["errorId"] for one in found["installabilityErrors"]}
        assert errors <= {"in-incognito"}
        for icon in json.loads(manifest["data"])["icons"]:
            answer = await person.page.request.get(
                f"http://127.0.0.1:{gateway.rest_port}{icon['src']}"
            )
            assert answer.headers["content-type"] == icon["type"]
            body = await answer.body()
            assert len(body) < 20_000
            if icon["type"] == "image/png":
                width = int(icon["sizes"].partition("x")[0])
                assert body[16:24] == width.to_bytes(4, "big") * 2


async def test_opened_without_the_gateway_it_says_that_nothing_is_known(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/wells/permian-a2/control"))
    page = person.page
    choke = page.get_by_role("region", name="Choke", exact=True)
    await expect(choke.get_by_text("%").first).to_be_visible()
    await installed(page)
    await person.context.set_offline(True)
    await page.reload()
    await expect(page.get_by_role("region", name="Offline")).to_contain_text(NOTHING_KNOWN)
    await expect(page.get_by_text("permian", exact=True).first).to_be_visible()
    await expect(choke).to_have_count(0)
    await expect(page.get_by_text("psi")).to_have_count(0)
    assert await violations(page) == []

    anew = await person.context.new_page()  # as from its icon: nobody is signed in
    await anew.goto(field.rest + "/alarms")
    await expect(anew.get_by_role("region", name="Offline")).to_contain_text(NOTHING_KNOWN)
    await expect(anew.get_by_role("heading", name="Pumpjack")).to_be_visible()
    assert await violations(anew) == []

    await person.context.set_offline(False)
    await expect(choke.get_by_text("%").first).to_be_visible()
    await expect(page.get_by_role("region", name="Offline")).to_have_count(0)
    await expect(anew.get_by_label("token")).to_be_visible()
    assert person.problems == []


async def test_nothing_that_the_gateway_answers_with_is_kept(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/connections"))
    page = person.page
    await installed(page)
    for path in ("/", "/alarms", "/wells/permian-a2/control", "/trends?pens=permian-a2/choke"):
        await page.goto(field.rest + path)
        await expect(page.get_by_role("heading", level=1)).to_be_attached()
    files = json.loads(
        re.search(r'\{"/assets/.*?\}', (BUILT / "sw.js").read_text())[0]  # type: ignore[index]
    )
    paths = {url.removeprefix(field.rest) for url in await kept(page)}
    assert paths
    assert paths <= set(files)
    assert not any(re.match("/(api|screens)", path) for path in paths)


async def test_a_new_build_is_there_at_the_next_navigation_and_open_windows_keep_theirs(
    built: Path, screens: Screens
) -> None:
    async with running(NO_REDIS, screens_dir=str(built)) as gateway:
        here = f"http://127.0.0.1:{gateway.rest_port}"
        person = await screens.person(f"{here}/sign-in")
        page = person.page
        await installed(page)
        old = await person.context.new_page()
        await old.goto(f"{here}/sign-in")
        await expect(old.get_by_role("heading", name="Pumpjack")).to_be_visible()
        newer_build(built)

        await page.reload()
        await expect(page.locator('head script[src$="-new.js"]')).to_have_count(1)
        assert await taken_over(page, "f" * 16)
        assert len(await page.evaluate("caches.keys()")) == 2

        # A page that was never opened in this window, whose file the gateway has no more.
        await old.evaluate(
            "history.pushState(null, '', '/kit'); dispatchEvent(new Event('popstate'))"
        )
        await expect(old.get_by_role("heading", name="Kit")).to_be_visible()

        await person.context.set_offline(True)
        await page.reload()
        await expect(page.locator('head script[src$="-new.js"]')).to_have_count(1)
        await expect(page.get_by_role("region", name="Offline")).to_contain_text(NOTHING_KNOWN)
