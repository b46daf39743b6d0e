"""What a mapping says of its well, as the worker of one connection tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.alarms import Flaw
from pumpjack_core.manifests.objects import Metadata, ScadaConnection, TagMapping
from pumpjack_core.manifests.problems import did_you_mean
from pumpjack_core.manifests.tag_of import well_id_of
from pumpjack_core.manifests.templates import fill
from pumpjack_core.tags import WellFacts

PART = "well."
"""What parts of spec.well begin with, as Flaw names them."""
_LONGEST = {"title": 128, "pad": 63, "route": 63}
"""Characters once labels are filled in."""
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MOST_NAMED = 200
"""Names that a mistyped one is compared with."""


def facts_of(
    mapping: TagMapping, connection: ScadaConnection, names: AbstractSet[str]
) -> tuple[WellFacts | None, list[Flaw]]:
    """What a mapping says of the well that it makes of a connection, and what of it is wrong.

    names: the tags of that well, whichever mapping declares them. A flaw costs only the fact that
    it is in. None where nothing is said. Raises ManifestError when wellId can be no well.
    """
    said = mapping.spec.well
    if said is None:
        return None, []
    well_id = well_id_of(mapping, connection)
    flaws: list[Flaw] = []
    facts = WellFacts(
        well_id,
        title=_filled("title", said.title, connection.metadata, flaws),
        type=said.type or "",
        pad=_filled("pad", said.pad, connection.metadata, flaws),
        route=_filled("route", said.route, connection.metadata, flaws),
        time_zone=_zone(said.time_zone or "", flaws),
        roles={role: tag for role, tag in said.roles.items() if _can_play(role, tag, names, flaws)},
        key_tags=tuple(
            dict.fromkeys(tag for tag in said.key_tags if _is_there("keyTags", tag, names, flaws))
        ),
    )
    return (None if facts == WellFacts(well_id) else facts), flaws


def merged(facts: Sequence[WellFacts]) -> tuple[WellFacts, ...]:
    """One for each well: of each fact the first that says something."""
    found: dict[str, WellFacts] = {}
    for later in facts:
        first = found.setdefault(later.well_id, later)
        if first is not later:
            more = {
                name: getattr(later, name)
                for name in WellFacts.__struct_fields__
                if not getattr(first, name)
            }
            found[later.well_id] = msgspec.structs.replace(first, **more)
    return tuple(found.values())


def _filled(field: str, template: str | None, connection: Metadata, flaws: list[Flaw]) -> str:
    try:
        text = fill(template or "", connection)
    except ManifestError as error:
        flaws.append(Flaw(PART + field, str(error)))
        return ""
    if len(text) > _LONGEST[field]:
        what = f"it has {len(text)} characters once its labels are filled in; "
        flaws.append(Flaw(PART + field, f"{what}{_LONGEST[field]} at most will do"))
        return ""
    return text


def _zone(name: str, flaws: list[Flaw]) -> str:
    if not name or _is_zone(name):
        return name
    what = f'"{name}" is no time zone; write for example America/Chicago'
    flaws.append(Flaw(f"{PART}timeZone", what))
    return ""


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones
        return not available_timezones()  # a machine that knows none can refuse none
    return True


def _can_play(role: str, tag: str, names: AbstractSet[str], flaws: list[Flaw]) -> bool:
    if not _ROLE.fullmatch(role):
        what = f'"{role}" is no role: small letters, digits and _, a letter first, 63 at most'
        flaws.append(Flaw(f"{PART}roles", what))
        return False
    return _is_there("roles", tag, names, flaws)


def _is_there(field: str, tag: str, names: AbstractSet[str], flaws: list[Flaw]) -> bool:
    if tag in names:
        return True
    near = did_you_mean(tag, sorted(names)) if len(names) <= _MOST_NAMED else ""
    what = f"{tag} is no tag of the well that any connection reads{near}"
    flaws.append(Flaw(PART + field, what))
    return False
