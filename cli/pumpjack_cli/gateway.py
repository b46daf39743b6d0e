"""The gateway that a command asks over REST: the one of this machine, or another by its address."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from pumpjack_core.errors import AuthError, PumpjackError

LIMIT_S = 20.0
LOCAL_TOKEN_S = 3600.0

TenantOption = Annotated[
    str | None,
    typer.Option(
        metavar="TENANT",
        help="Whose wells, of the local gateway; not needed when it has one tenant.",
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        envvar="PUMPJACK_TOKEN",
        metavar="TOKEN",
        help="Sign in with this token instead of a local one.",
        show_default=False,
    ),
]
RestOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="REST address; the local gateway's when not given."),
]
DataDirOption = Annotated[
    Path, typer.Option(metavar="FOLDER", help="That of `pumpjack up` or `demo`.")
]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Sign in to the local gateway under this name; your login's when not given.",
    ),
]
DEFAULT_DIR = Path(".pumpjack")


class Refused(PumpjackError):
    """The gateway's problem document. code is for programs, the text for people."""

    def __init__(self, status: int, code: str, detail: str, document: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.document = document


class Gateway:
    """Its REST side, as one person."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def get(self, path: str, **query: object) -> Any:
        """GET below /api/scada. Parameters that are None are left out.

        Raises AuthError for a token that is refused, Refused, or PumpjackError where nothing
        answers.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask(path + (f"?{urlencode(given, doseq=True)}" if given else ""), None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """POST a JSON body below /api/scada. Raises as get does."""
        return self._ask(path, json.dumps(body).encode())

    def _ask(self, path: str, body: bytes | None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the URL is the user's own
            f"{self._url}/api/scada/{path}",
            body,
            headers={
                "Authorization": f"Bearer {self._token()}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error.code, error.read()) from None
        except (OSError, ValueError) as error:
            raise PumpjackError(
                f"no gateway answers at {self._url} ({getattr(error, 'reason', error)}); start "
                "`pumpjack up` or `pumpjack demo`, or give its address with --rest"
            ) from error


def find(
    folder: Path,
    tenant: str | None,
    token: str | None,
    rest: str | None,
    *,
    role: str = "viewer",
    name: str | None = None,
) -> Gateway:
    """The gateway named, or the local one, with a token of this role. Raises SetupError."""
    from pumpjack_cli.local.access import local_token
    from pumpjack_cli.local.datadir import DataDir
    from pumpjack_cli.local.reached import only_tenant, running

    data = DataDir(folder)
    url = rest or running(data).rest
    if token is not None:
        return Gateway(url, lambda: token)
    made = local_token(
        data,
        tenant_id=tenant or only_tenant(data),
        role=role,
        lifetime_s=LOCAL_TOKEN_S,
        subject=name or login_name(),
    )
    return Gateway(url, lambda: made)


def login_name() -> str:
    """Who runs this, as this machine knows them."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "local-user"


def _refused(status: int, body: bytes) -> PumpjackError:
    """The problem document (RFC 9457) as an error."""
    try:
        problem = json.loads(body)
        detail, code = str(problem["detail"]), str(problem.get("code", ""))
    except (ValueError, KeyError, TypeError):
        shown = body[:200].decode(errors="replace")
        return PumpjackError(f"the gateway answered {status}: {shown}")
    if status == 401:
        return AuthError(f"the gateway refused the token: {detail}", code=code)
    return Refused(status, code, detail, problem)
