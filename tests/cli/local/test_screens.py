"""The links that `up` and `demo` print, and the browser that `demo --open` opens."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from pumpjack_cli.local import screens
from pumpjack_cli.local.access import SECRET_NAME
from pumpjack_cli.local.datadir import DataDir

REST = "http://127.0.0.1:4000"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path / "data")
    data.prepare()
    data.remember_tenants({"permian-ops": "permian"})
    return data


def test_a_link_signs_in_the_tenants_operator_for_twelve_hours(data: DataDir) -> None:
    secret = data.secret(SECRET_NAME)
    link = urlsplit(screens.link(data, REST, "permian", subject="me"))
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{REST}/"
    name, _, token = link.fragment.partition("=")
    claims = jwt.decode(token, OctKey.import_key(secret)).claims
    assert (name, claims["tenantId"], claims["role"], claims["sub"]) == (
        "token",
        "permian",
        "operator",
        "me",
    )
    assert claims["exp"] - claims["iat"] == 12 * 3600


def test_the_token_is_where_no_server_sees_it(data: DataDir) -> None:
    data.secret(SECRET_NAME)
    link = urlsplit(screens.link(data, REST, "permian", subject="me"))
    assert link.query == ""
    assert link.path == "/"


def test_where_the_screens_are_not_built_it_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "are_built", lambda: False)
    assert "make screens" in "\n".join(screens.lines({"permian": f"{REST}/#token=x"}))


def test_each_tenant_has_its_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "are_built", lambda: True)
    printed = screens.lines({"bakken": f"{REST}/#token=b", "permian": f"{REST}/#token=p"})
    assert [line.strip() for line in printed if "#token" in line] == [
        f"{REST}/#token=b",
        f"{REST}/#token=p",
    ]


def test_the_browser_is_started_with_a_file_that_leads_on_and_is_the_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}.part && mv {seen}.part {seen}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    assert screens.open_in_browser(f"{REST}/#token=a.b.c", tmp_path) is None
    until = time.monotonic() + 30
    while not seen.exists():
        assert time.monotonic() < until, "the browser was not started"
        time.sleep(0.01)
    asked = seen.read_text()
    assert asked.startswith("file://")
    assert "a.b.c" not in asked
    door = tmp_path / screens.DOOR
    assert f'url={REST}/#token=a.b.c"' in door.read_text()
    assert stat.S_IMODE(door.stat().st_mode) == 0o600


def test_without_a_desktop_no_browser_takes_over_the_terminal(tmp_path: Path) -> None:
    why = screens.open_in_browser(f"{REST}/#token=x", tmp_path, {})
    assert why is not None
    assert "open the link yourself" in why
    assert not (tmp_path / screens.DOOR).exists()
