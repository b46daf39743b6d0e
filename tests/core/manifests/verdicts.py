"""Manifests and the verdict that they get, offline and from a real API server alike.

A case is a manifest, whether it is accepted, and for those that are refused the path of the
problem and a part of the sentence that the user reads. Each file beside this one has the cases of
one subject, as ACCEPTED and REFUSED.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.core.manifests import (
    verdicts_of_alarms,
    verdicts_of_documents,
    verdicts_of_keys,
    verdicts_of_limits,
    verdicts_of_protocols,
    verdicts_of_wells,
)
from tests.core.manifests.case import Case

PARTS = (
    verdicts_of_documents,
    verdicts_of_keys,
    verdicts_of_limits,
    verdicts_of_protocols,
    verdicts_of_alarms,
    verdicts_of_wells,
)


def joined(*tables: Mapping[str, Case]) -> dict[str, Case]:
    """One table of all; a name that stands twice would hide a case, so it is an error."""
    whole: dict[str, Case] = {}
    for table in tables:
        if twice := whole.keys() & table.keys():
            raise ValueError(f"Two cases have the name {sorted(twice)}: give one another name.")
        whole |= table
    return whole


ACCEPTED = joined(*(part.ACCEPTED for part in PARTS))
REFUSED = joined(*(part.REFUSED for part in PARTS))
CASES = joined(ACCEPTED, REFUSED)
