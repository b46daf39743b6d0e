"""Which connection of manifests a person means by --connection."""

from __future__ import annotations

from collections.abc import Iterable

from pumpjack_core.errors import SetupError
from pumpjack_core.manifests.problems import did_you_mean


def named(identities: Iterable[str], wanted: str | None) -> list[str]:
    """Those of namespace/name with this name or identity; all for None.

    Raises SetupError when there is none, with the one that may be meant.

    >>> named(["permian-ops/pad-a", "bakken-ops/b1"], "pad-a")
    ['permian-ops/pad-a']
    """
    known = list(identities)
    if not known:
        raise SetupError("the manifests declare no connection; check them: pumpjack validate")
    found = [one for one in known if wanted in (None, one, one.partition("/")[2])]
    if not found:
        words = known if "/" in str(wanted) else [one.partition("/")[2] for one in known]
        hint = did_you_mean(str(wanted), words)
        declared = ", ".join(known)
        raise SetupError(
            f"the manifests declare no connection {wanted!r}"
            + (f"{hint} They declare {declared}" if hint else f"; they declare {declared}")
        )
    return found
