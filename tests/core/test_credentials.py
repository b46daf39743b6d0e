"""What a device's Secret holds, read from where it is mounted."""

from __future__ import annotations

import pytest

from pumpjack_core import credentials
from pumpjack_core.credentials import NO_CREDENTIALS, Credentials
from pumpjack_core.errors import NotConnected


def test_a_connection_without_a_secret_has_no_credentials():
    assert credentials.read(None) is NO_CREDENTIALS


def test_every_key_of_a_secret_is_read(tmp_path):
    for name in credentials.KEYS:
        (tmp_path / name).write_text(f"the {name}")
    assert credentials.read(tmp_path) == Credentials(
        "the username", "the password", b"the ca.crt", b"the tls.crt", b"the tls.key"
    )


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_end_of_the_line_is_no_part_of_a_password(tmp_path, end):
    (tmp_path / "password").write_bytes(f" a b {end}".encode())
    assert credentials.read(tmp_path).password == " a b "


def test_a_changed_secret_is_read_anew(tmp_path):
    (tmp_path / "password").write_text("old")
    credentials.read(tmp_path)
    (tmp_path / "password").write_text("new")
    assert credentials.read(tmp_path).password == "new"


def test_a_secret_that_is_not_mounted_is_told(tmp_path):
    with pytest.raises(NotConnected, match="not mounted") as caught:
        credentials.read(tmp_path / "missing")
    assert caught.value.reason == "Credentials"


def test_a_certificate_without_its_key_is_told(tmp_path):
    (tmp_path / "tls.crt").write_text("certificate")
    with pytest.raises(NotConnected, match=r"only one of tls\.crt and tls\.key"):
        credentials.read(tmp_path)


def test_a_password_that_is_no_text_is_told_without_showing_it(tmp_path):
    (tmp_path / "password").write_bytes(b"\xffhunter2")
    with pytest.raises(NotConnected, match="password of the Secret is no UTF-8") as caught:
        credentials.read(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_not_shown_when_credentials_are_printed():
    shown = repr(Credentials(username="worker", password="hunter2", key=b"PRIVATE"))
    assert shown == "Credentials(username, password, key)"
