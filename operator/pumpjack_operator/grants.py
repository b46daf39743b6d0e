"""What to tell the platform team where the operator may not touch the Secrets of a namespace."""

from __future__ import annotations

import re

from pumpjack_core.errors import PumpjackError
from pumpjack_operator.api_errors import Refused

FORBIDDEN = 403
_ACCOUNT = re.compile(r'User "system:serviceaccount:([^:"]+):([^"]+)" cannot .*resource "secrets"')


def sentence(namespace: str, error: PumpjackError) -> str:
    """The error as a user reads it; where a grant is missing, with the command that grants."""
    said = str(error)
    if not isinstance(error, Refused) or error.code != FORBIDDEN:
        return said
    command = _command(namespace, error.said)
    if command is None:
        return said
    return f"the operator may not keep the logins' Secret in namespace {namespace}; {command}"


def unseen(namespace: str, why: str) -> str | None:
    """That devices' Secrets cannot be seen, from why they cannot be watched; None: another trouble.

    It is soon over then, or in the log.
    """
    command = _command(namespace, why)
    if command is None:
        return None
    return (
        f"the operator may not see the devices' Secrets in namespace {namespace}, so the worker "
        f"logs in to its device with none; {command}"
    )


def _command(namespace: str, said: str) -> str | None:
    """Who grants what an API server said to be missing, and how.

    The role's name is the chart's (templates/operator/rbac-tenants.yaml).
    """
    account = _ACCOUNT.search(said)
    if account is None or f'in the namespace "{namespace}"' not in said:
        return None
    home, name = account.groups()
    return (
        "the platform team lists it in tenants.<id>.namespaces of the chart, or runs: "
        f"kubectl -n {namespace} create rolebinding {name} --clusterrole={home}-{name}-tenants "
        f"--serviceaccount={home}:{name}"
    )
