"""What to tell the platform team where the operator may not touch the Secrets of a namespace."""

from __future__ import annotations

import re

from pumpjack_core.errors import PumpjackError
from pumpjack_operator.api_errors import Refused

FORBIDDEN = 403
_ACCOUNT = re.compile(r'User "system:serviceaccount:([^:"]+):([^"]+)" cannot .*resource "secrets"')


def sentence(namespace: str, error: PumpjackError) -> str:
    """The error as a user reads it; where a grant is missing, with the command that grants.

    The role's name is the chart's (templates/operator/rbac-tenants.yaml).
    """
    said = str(error)
    if not isinstance(error, Refused) or error.code != FORBIDDEN:
        return said
    account = _ACCOUNT.search(error.said)
    if account is None or f'in the namespace "{namespace}"' not in error.said:
        return said
    home, name = account.groups()
    return (
        f"the operator may not keep the logins' Secret in namespace {namespace}; the platform team "
        f"lists it in tenants.<id>.namespaces of the chart, or runs: kubectl -n {namespace} create "
        f"rolebinding {name} --clusterrole={home}-{name}-tenants --serviceaccount={home}:{name}"
    )
