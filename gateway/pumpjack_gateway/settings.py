"""Every setting of the gateway, once: its variable, default and unit.

Each is read from the environment as PUMPJACK_<FIELD IN CAPITALS>. Those marked as secret may
also be read from a file that PUMPJACK_<FIELD>_FILE names. Lists are separated by commas.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_gateway.alarms.webhooks import Webhook, parse_webhooks
from pumpjack_gateway.issuers import Issuer, check, parse_issuers
from pumpjack_gateway.site import Oidc, Site, check_site

PREFIX = "PUMPJACK_"
SECRETS = frozenset(
    {"database_url", "redis_url", "jwt_secret", "jwt_issuers", "cursor_secret", "webhooks"}
)
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_REQUIRED = ("database_url", "redis_url")
_OTHERS = ("CONFIG_DIR", "JOURNAL_DIR", "STATUS_ADDRESS")
"""Settings of other programs of Pumpjack, which may share the environment."""
_OURS = (
    "REST_",
    "WS_",
    "COMMAND_",
    "JWT_",
    "RATE_",
    "CLIENT_",
    "CORS_",
    "ORIGIN",
    "CURSOR_",
    "TOKEN_",
    "SCREENS",
    "WEB_SOCKET_",
    "OIDC_",
    "TEMPLATES_",
)


class Settings(Struct, frozen=True, kw_only=True):
    """How the gateway runs.

    database_url                  as the login pumpjack_gateway
    rest_address, ws_address      host:port
    jwt_issuers                   JSON, see issuers.py; or, for the demo, one shared secret:
    jwt_secret                    at least 32 bytes; with jwt_issuer and jwt_audience
    origins                       web pages that may use the gateway: https://screens.example.com;
                                  programs that send no Origin need none
    token_in_url                  accept ?token=… on the WebSocket (it ends up in proxies' logs)
    cursor_secret                 the same on every replica, else cursors end with the process
    webhooks                      JSON, see alarms/webhooks.py: where tenants' alarms are sent
    tls_cert_file, tls_key_file   serve https and wss
    screens, screens_dir          serve the operators' screens; another folder of built files
    web_socket_url                where screens find the WebSocket, wss://wells.example.com/ws; when
                                  empty the host that they came from, on the port of ws_address
    oidc_issuer, oidc_client_id   sign people in there (code flow, PKCE); one of jwt_issuers
    oidc_scopes                   that are asked for, with spaces between
    oidc_origins                  what else of it screens may call: https://oauth2.example.com
    token_sign_in                 let people paste a token; when not set: only with jwt_secret
    templates_dir                 a folder of process pictures beside ours, see docs/screens.md
    raw_kept_days                 readings older than this are only there as aggregates
    rest_rate_…, ws_rate_…        token buckets: per second, and how many at once
    command_rate_…                the same of commands, asked for or decided on
    rest_rows_max                 most rows of one answer
    ws_clients_max, ws_clients_per_tenant_max, ws_wells_per_client_max   limits of connections
    ws_auth_limit_s               until then a client must have sent its token
    ws_message_max_bytes          longest message of a client
    ws_write_high_bytes, ws_write_low_bytes   above high a client is conflated, until below low
    ws_write_most_bytes           above it a client is closed as a slow consumer
    ws_slow_limit_s               a client that is slow for longer is closed
    ws_ping_s, ws_ping_limit_s    a client that does not answer a ping in time is gone
    facts_fresh_s                 what wells are called is read again after so long, while wanted
    """

    database_url: str
    redis_url: str
    database_pool_max: int = 10
    database_limit_s: float = 10.0
    rest_address: str = "127.0.0.1:4000"
    ws_address: str = "127.0.0.1:4001"
    jwt_issuers: str = ""
    jwt_secret: str = ""
    jwt_issuer: str = "pumpjack-demo"
    jwt_audience: str = "pumpjack"
    origins: tuple[str, ...] = ()
    token_in_url: bool = False
    cursor_secret: str = ""
    webhooks: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    screens: bool = True
    screens_dir: str = ""
    web_socket_url: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_scopes: str = "openid profile email"
    oidc_origins: tuple[str, ...] = ()
    token_sign_in: bool | None = None
    templates_dir: str = ""
    raw_kept_days: float = 90.0
    rest_rate_user_per_s: float = 20.0
    rest_rate_user_burst: float = 60.0
    rest_rate_tenant_per_s: float = 200.0
    rest_rate_tenant_burst: float = 600.0
    command_rate_user_per_s: float = 0.5
    command_rate_user_burst: float = 10.0
    command_rate_tenant_per_s: float = 5.0
    command_rate_tenant_burst: float = 50.0
    rest_rows_max: int = 5000
    ws_rate_user_per_s: float = 20.0
    ws_rate_user_burst: float = 100.0
    ws_rate_tenant_per_s: float = 2_000.0
    ws_rate_tenant_burst: float = 30_000.0
    ws_clients_max: int = 15_000
    ws_clients_per_tenant_max: int = 12_000
    ws_wells_per_client_max: int = 500
    ws_auth_limit_s: float = 5.0
    ws_message_max_bytes: int = 65_536
    ws_write_high_bytes: int = 131_072
    ws_write_low_bytes: int = 32_768
    ws_write_most_bytes: int = 2_097_152
    ws_slow_limit_s: float = 30.0
    ws_ping_s: float = 20.0
    ws_ping_limit_s: float = 20.0
    facts_fresh_s: float = 10.0
    log_level: str = "INFO"

    def issuers(self) -> tuple[Issuer, ...]:
        """Whose tokens are trusted. Raises ManifestError when there is none."""
        found = self.known_issuers()
        if not found:
            raise ManifestError(
                f"no issuer of tokens is set: give {PREFIX}JWT_ISSUERS (see issuers.py), "
                f"or for a demo {PREFIX}JWT_SECRET with at least 32 bytes"
            )
        return found

    def known_issuers(self) -> tuple[Issuer, ...]:
        """The same; none is no error here. Raises ManifestError."""
        found = parse_issuers(self.jwt_issuers) if self.jwt_issuers else ()
        if self.jwt_secret:
            demo = Issuer(
                issuer=self.jwt_issuer,
                audiences=(self.jwt_audience,),
                algorithms=("HS256",),
                secret=self.jwt_secret,
            )
            check(demo)
            found += (demo,)
        return found

    def site(self) -> Site:
        """What screens are told of their gateway."""
        oidc = None
        if self.oidc_issuer:
            oidc = Oidc(self.oidc_issuer, self.oidc_client_id, self.oidc_scopes)
        pasted = bool(self.jwt_secret) if self.token_sign_in is None else self.token_sign_in
        return Site(
            https=bool(self.tls_cert_file),
            web_socket_url=self.web_socket_url,
            oidc=oidc,
            oidc_origins=self.oidc_origins,
            token_sign_in=pasted,
        )

    def webhook_list(self) -> tuple[Webhook, ...]:
        """Where tenants' alarms are sent. Raises ManifestError."""
        return parse_webhooks(self.webhooks)

    def __repr__(self) -> str:
        return f"Settings({self.rest_address}, {self.ws_address})"


def address(text: str) -> tuple[str, int]:
    """host:port as a pair; [::1]:4000 for IPv6. Raises ManifestError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ManifestError(f"{text!r} is no address; write host:port, for example 127.0.0.1:4000")
    return host.strip("[]"), int(port)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises ManifestError naming the variable and what would be right."""
    _refuse_unknown(environment)
    given: dict[str, Any] = {}
    for field, kind in get_type_hints(Settings).items():
        text = _text(field, environment)
        if text is not None:
            given[field] = _converted(field, kind, text)
    for field in _REQUIRED:
        if field not in given:
            raise ManifestError(f"{_variable(field)} is not set; the gateway cannot run without")
    settings = Settings(**given)
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    for field, value in msgspec.structs.asdict(settings).items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not value > 0:
            raise ManifestError(f"{_variable(field)} must be more than 0, not {value}")
    if (
        not settings.ws_write_low_bytes
        < settings.ws_write_high_bytes
        < settings.ws_write_most_bytes
    ):
        raise ManifestError(
            f"{PREFIX}WS_WRITE_LOW_BYTES, …_HIGH_BYTES and …_MOST_BYTES must grow in this order"
        )
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        raise ManifestError(f"{PREFIX}TLS_CERT_FILE and {PREFIX}TLS_KEY_FILE go together")
    for origin in settings.origins:
        if "://" not in origin or origin.endswith("/"):
            raise ManifestError(
                f"{PREFIX}ORIGINS: {origin!r} is no origin; write https://host or https://host:port"
            )
    if settings.oidc_issuer and not settings.oidc_client_id:
        raise ManifestError(f"{PREFIX}OIDC_ISSUER needs {PREFIX}OIDC_CLIENT_ID beside it")
    if settings.oidc_client_id and not settings.oidc_issuer:
        raise ManifestError(f"{PREFIX}OIDC_CLIENT_ID needs {PREFIX}OIDC_ISSUER beside it")
    check_site(settings.site(), [each.issuer for each in settings.known_issuers()])
    address(settings.rest_address)
    address(settings.ws_address)
    if not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise ManifestError(f"{PREFIX}DATABASE_URL: write postgresql://login@host:port/database")
    if settings.log_level not in _LOG_LEVELS:
        raise ManifestError(f"{PREFIX}LOG_LEVEL must be one of {', '.join(_LOG_LEVELS)}")


def _variable(field: str) -> str:
    return PREFIX + field.upper()


def _text(field: str, environment: Mapping[str, str]) -> str | None:
    variable = _variable(field)
    if field in SECRETS and (path := environment.get(f"{variable}_FILE")) is not None:
        if variable in environment:
            raise ManifestError(f"{variable} and {variable}_FILE are both set; keep one")
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ManifestError(f"{variable}_FILE: {error}") from error
    return environment.get(variable)


def _converted(field: str, kind: object, text: str) -> object:
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    converters: dict[object, Callable[[str], object]] = {
        str: str,
        int: int,
        float: float,
        bool: _truth,
        bool | None: _truth,
    }
    try:
        return converters[kind](text)
    except ValueError as error:
        raise ManifestError(f"{_variable(field)}: {text!r} is no {_KIND_NAMES[kind]}") from error


_KIND_NAMES: dict[object, str] = {
    int: "whole number",
    float: "number",
    bool: "truth value (true or false)",
    bool | None: "truth value (true or false)",
}


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A setting that is misspelt must not be silently the default."""
    known = [field.upper() for field in get_type_hints(Settings)]
    known += [f"{field.upper()}_FILE" for field in SECRETS]
    for variable in environment:
        name = variable.removeprefix(PREFIX)
        if name == variable or name in known or name in _OTHERS:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if near:
            raise ManifestError(
                f"{variable} is no setting of the gateway; is {PREFIX}{near[0]} meant?"
            )
        if name.startswith(_OURS):
            raise ManifestError(
                f"{variable} is no setting of the gateway; they are listed in "
                "gateway/pumpjack_gateway/settings.py"
            )
