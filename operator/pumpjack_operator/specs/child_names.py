"""Which names children have: another name is none of the operator's, whatever labels it bears."""

from __future__ import annotations

from pumpjack_operator.kinds import CLAIM, CONFIG_MAP
from pumpjack_operator.names import child_name
from pumpjack_operator.specs.config_maps import connection_map, part_map
from pumpjack_operator.specs.journal_claim import journal_name


def is_childs_name(kind: str, name: str, connection: str) -> bool:
    """Whether an object of this name can have been made for a connection.

    >>> is_childs_name("StatefulSet", "scada-pad7", "pad7")
    True
    >>> is_childs_name("ConfigMap", "scada-pad7-tags-12", "pad7")
    True
    >>> is_childs_name("ConfigMap", "scada-pad7-copy", "pad7")
    False
    """
    child = child_name(connection)
    if kind == CLAIM.kind:
        return name == journal_name(child)
    if kind == CONFIG_MAP.kind:
        number = name.rpartition("-")[2]
        is_part = number.isdecimal() and name == part_map(child, int(number))
        return is_part or name == connection_map(child)
    return name == child
