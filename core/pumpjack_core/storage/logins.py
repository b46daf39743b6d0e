"""Passwords of the logins that the migrations make without one.

    python -m pumpjack_core.storage.logins

PUMPJACK_DATABASE_URL  as a superuser, or the database's owner with CREATEROLE
PUMPJACK_LOGINS_DIR    a folder with one file a login, named like it; in it the password

The server is given verifiers, so that no password is in its log.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pumpjack_core.errors import ManifestError, PumpjackError
from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.roles import (
    GATEWAY_ROLE,
    MAINTAIN_ROLE,
    OPERATOR_ROLE,
    scram_verifier,
)

LOGINS = (GATEWAY_ROLE, MAINTAIN_ROLE, OPERATOR_ROLE)
LEAST_CHARACTERS = 16
TIMEOUT_S = 30.0


def read(folder: Path) -> dict[str, str]:
    """Login to password. Raises ManifestError for a login or a password that cannot be right."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        found = {path.name: path.read_text().strip() for path in files}
    except OSError as error:
        raise ManifestError(f"{folder} cannot be read: {error.strerror}") from error
    for login, password in found.items():
        if login not in LOGINS:
            raise ManifestError(f"{login} is no login of Pumpjack; they are {', '.join(LOGINS)}")
        if len(password) < LEAST_CHARACTERS:
            raise ManifestError(
                f"the password of {login} is shorter than {LEAST_CHARACTERS} characters; "
                "make a random one"
            )
    return found


async def set_passwords(url: str, passwords: Mapping[str, str]) -> None:
    """Give each login its password. Safe to repeat. Raises StorageError."""
    async with connect(url, timeout_s=TIMEOUT_S) as connection:
        for login, password in passwords.items():
            assert login in LOGINS, "an identifier cannot be a parameter"
            # a verifier is of letters, digits and +/=$:- only
            await connection.execute(f"ALTER ROLE {login} PASSWORD '{scram_verifier(password)}'")


def main() -> int:
    """Set what the environment names; the exit code."""
    try:
        try:
            url, folder = os.environ["PUMPJACK_DATABASE_URL"], os.environ["PUMPJACK_LOGINS_DIR"]
        except KeyError as error:
            raise ManifestError(f"the environment lacks {error}") from None
        passwords = read(Path(folder))
        asyncio.run(set_passwords(url, passwords))
    except PumpjackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"passwords were set: {', '.join(passwords)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
