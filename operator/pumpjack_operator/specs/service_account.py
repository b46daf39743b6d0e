"""The worker's account: it may do nothing, and has no token."""

from __future__ import annotations

from pumpjack_operator.specs.wanted import Manifest, Wanted, metadata


def service_account(wanted: Wanted) -> Manifest:
    """An account of its own, so that nothing granted to `default` reaches a worker."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(wanted),
        "automountServiceAccountToken": False,
    }
