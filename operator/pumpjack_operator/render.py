"""One connection's children, as manifests: pure, what runs is a function of what is asked."""

from __future__ import annotations

from pumpjack_operator.specs.config_maps import config_maps
from pumpjack_operator.specs.journal_claim import journal_claim
from pumpjack_operator.specs.network_policy import network_policy
from pumpjack_operator.specs.service import service
from pumpjack_operator.specs.service_account import service_account
from pumpjack_operator.specs.stateful_set import stateful_set
from pumpjack_operator.specs.wanted import Manifest, Wanted


def render(wanted: Wanted) -> tuple[Manifest, ...]:
    """The children in the order in which they are applied: the pod last, closed in before it runs.

    Raises ManifestError when there are more tags than a worker can be told.
    """
    claim = journal_claim(wanted)
    return (
        service_account(wanted),
        network_policy(wanted),
        service(wanted),
        *config_maps(wanted),
        *((claim,) if claim is not None else ()),
        stateful_set(wanted),
    )
