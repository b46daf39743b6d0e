from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_gateway.settings import address, from_environment
from pumpjack_gateway.site import Oidc

SECRET = "x" * 32
LEAST = {
    "PUMPJACK_DATABASE_URL": "postgresql://h/d",
    "PUMPJACK_REDIS_URL": "redis://h",
    "PUMPJACK_JWT_SECRET": SECRET,
}


def test_the_least_that_is_needed_is_enough() -> None:
    settings = from_environment(LEAST)
    assert settings.rest_address == "127.0.0.1:4000"
    assert settings.issuers()[0].algorithms == ("HS256",)


def test_each_kind_of_value_is_read() -> None:
    settings = from_environment(
        LEAST
        | {
            "PUMPJACK_ORIGINS": "https://a.example, https://b.example",
            "PUMPJACK_TOKEN_IN_URL": "true",
            "PUMPJACK_WS_SLOW_LIMIT_S": "7.5",
            "PUMPJACK_WS_CLIENTS_MAX": "12",
        }
    )
    assert settings.origins == ("https://a.example", "https://b.example")
    assert (settings.token_in_url, settings.ws_slow_limit_s, settings.ws_clients_max) == (
        True,
        7.5,
        12,
    )


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("y" * 32 + "\n")
    given = {key: value for key, value in LEAST.items() if key != "PUMPJACK_JWT_SECRET"}
    settings = from_environment(given | {"PUMPJACK_JWT_SECRET_FILE": str(path)})
    assert settings.jwt_secret == "y" * 32


BAD = {
    "no database": ({"PUMPJACK_DATABASE_URL": None}, "PUMPJACK_DATABASE_URL is not set"),
    "a misspelt setting": ({"PUMPJACK_WS_ADRESS": "x:1"}, "is PUMPJACK_WS_ADDRESS meant"),
    "a setting of ours that is none": ({"PUMPJACK_JWT_KEYS": "x"}, "no setting of the gateway"),
    "a port that is none": ({"PUMPJACK_REST_ADDRESS": "localhost"}, "write host:port"),
    "a port beyond all": ({"PUMPJACK_REST_ADDRESS": "localhost:70000"}, "write host:port"),
    "a number that is a word": ({"PUMPJACK_WS_CLIENTS_MAX": "many"}, "no whole number"),
    "a truth that is none": ({"PUMPJACK_TOKEN_IN_URL": "perhaps"}, "true or false"),
    "a limit of nothing": ({"PUMPJACK_WS_SLOW_LIMIT_S": "0"}, "more than 0"),
    "an origin with a path": ({"PUMPJACK_ORIGINS": "https://a.example/"}, "no origin"),
    "half of TLS": ({"PUMPJACK_TLS_CERT_FILE": "x"}, "go together"),
    "marks in the wrong order": ({"PUMPJACK_WS_WRITE_LOW_BYTES": "999999999"}, "must grow"),
    "a secret twice": ({"PUMPJACK_JWT_SECRET_FILE": "x"}, "both set"),
    "a secret's file that is not there": (
        {"PUMPJACK_JWT_SECRET": None, "PUMPJACK_JWT_SECRET_FILE": "/none"},
        "PUMPJACK_JWT_SECRET_FILE",
    ),
}


@pytest.mark.parametrize(("changes", "words"), BAD.values(), ids=BAD)
def test_a_wrong_setting_is_refused(changes: dict[str, str | None], words: str) -> None:
    merged = {key: value for key, value in (LEAST | changes).items() if value is not None}
    with pytest.raises(ManifestError, match=words):
        from_environment(merged)


OIDC = {
    "PUMPJACK_JWT_ISSUERS": '[{"issuer": "https://id.example.com/", "audience": "pumpjack", '
    '"algorithms": ["RS256"], "jwks": "https://id.example.com/jwks"}]',
    "PUMPJACK_OIDC_ISSUER": "https://id.example.com/",
    "PUMPJACK_OIDC_CLIENT_ID": "pumpjack-screens",
}


def test_screens_are_told_how_people_sign_in() -> None:
    site = from_environment(LEAST | OIDC).site()
    assert site.oidc == Oidc("https://id.example.com/", "pumpjack-screens", "openid profile email")


def test_tokens_are_pasted_only_where_they_are_signed_with_a_secret_or_it_is_wanted() -> None:
    with_issuer = {key: value for key, value in (LEAST | OIDC).items() if "SECRET" not in key}
    assert from_environment(LEAST).site().token_sign_in
    assert not from_environment(with_issuer).site().token_sign_in
    wanted = {"PUMPJACK_TOKEN_SIGN_IN": "true"}
    assert from_environment(with_issuer | wanted).site().token_sign_in
    unwanted = {"PUMPJACK_TOKEN_SIGN_IN": "false"}
    assert not from_environment(LEAST | unwanted).site().token_sign_in


BAD_SCREENS = {
    "an issuer without a client": ({"PUMPJACK_OIDC_CLIENT_ID": None}, "CLIENT_ID beside it"),
    "a client without an issuer": ({"PUMPJACK_OIDC_ISSUER": None}, "OIDC_ISSUER beside it"),
    "an issuer in the clear": ({"PUMPJACK_OIDC_ISSUER": "http://id.example.com/"}, "no https"),
    "an issuer with more in it": (
        {"PUMPJACK_OIDC_ISSUER": "https://id.example.com; script-src *"},
        "no https",
    ),
    "an issuer that is trusted under another name": (
        {"PUMPJACK_OIDC_ISSUER": "https://id.example.com"},
        "equal to the letter",
    ),
    "scopes that give no identity": ({"PUMPJACK_OIDC_SCOPES": "email"}, "openid must be"),
    "an address of the WebSocket that is none": (
        {"PUMPJACK_WEB_SOCKET_URL": "https://wells.example.com/ws"},
        "write wss://",
    ),
    "an address of the WebSocket with more in it": (
        {"PUMPJACK_WEB_SOCKET_URL": "wss://wells.example.com; script-src *"},
        "write wss://",
    ),
    "an origin of the issuer with a path": (
        {"PUMPJACK_OIDC_ORIGINS": "https://oauth2.example.com/token"},
        "no origin",
    ),
}


@pytest.mark.parametrize(("changes", "words"), BAD_SCREENS.values(), ids=BAD_SCREENS)
def test_what_screens_could_not_work_with_is_refused(
    changes: dict[str, str | None], words: str
) -> None:
    merged = {key: value for key, value in (LEAST | OIDC | changes).items() if value is not None}
    with pytest.raises(ManifestError, match=words):
        from_environment(merged)


def test_settings_of_the_worker_beside_ours_are_no_error() -> None:
    others = {
        "PUMPJACK_CONFIG_DIR": "/x",
        "PUMPJACK_JOURNAL_DIR": "/x",
        "PUMPJACK_STATUS_ADDRESS": "x:1",
    }
    from_environment(LEAST | others)


def test_no_issuer_at_all_is_refused() -> None:
    without = {key: value for key, value in LEAST.items() if key != "PUMPJACK_JWT_SECRET"}
    with pytest.raises(ManifestError, match="no issuer"):
        from_environment(without).issuers()


def test_a_secret_is_not_shown() -> None:
    settings = from_environment(LEAST)
    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.issuers())


def test_an_address_may_be_of_ipv6() -> None:
    assert address("[::1]:4000") == ("::1", 4000)
