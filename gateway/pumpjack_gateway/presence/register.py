"""Who is at which well of a tenant, here and at other gateways. Pure: no clock, no I/O."""

from __future__ import annotations

from itertools import islice

from pumpjack_gateway.presence.messages import Person, Roster

GONE_S = 12.0
"""A gateway that was not heard for so long is gone, and with it those who were there."""
PEOPLE_MAX = 100
"""Of one well; who came later is not told of."""
ROSTER_MAX = 2_000
"""Of one gateway; what another one is told."""
GATEWAYS_MAX = 200


class _Other:
    """Another gateway. revision: of what is known of it; None: something was missed."""

    __slots__ = ("heard_s", "revision", "wells")

    def __init__(self, heard_s: float) -> None:
        self.heard_s = heard_s
        self.revision: int | None = None
        self.wells: dict[str, list[Person]] = {}


class Register:
    """One tenant's.

    news  wells where somebody came or went since it was last emptied
    """

    def __init__(self) -> None:
        self.news: set[str] = set()
        self._here: dict[str, dict[str, Person]] = {}
        self._others: dict[str, _Other] = {}

    # Those who are here

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here."""
        return not self._here

    def arrive(self, well_id: str, person: Person) -> None:
        """Somebody is at a well."""
        self._here.setdefault(well_id, {})[person.client_id] = person
        self.news.add(well_id)

    def depart(self, well_id: str, client_id: str) -> None:
        """Somebody is there no more."""
        people = self._here.get(well_id, {})
        if people.pop(client_id, None) is not None:
            self.news.add(well_id)
        if not people:
            self._here.pop(well_id, None)

    def here(self, well_id: str) -> list[Person]:
        """Those who are at a well here, as other gateways are told."""
        return list(islice(self._here.get(well_id, {}).values(), PEOPLE_MAX))

    def all_here(self) -> dict[str, list[Person]]:
        """The same of all wells."""
        told: dict[str, list[Person]] = {}
        number = 0
        for well_id in self._here:
            if number >= ROSTER_MAX:
                break
            told[well_id] = self.here(well_id)
            number += len(told[well_id])
        return told

    # Other gateways

    def hear(self, roster: Roster, now_s: float) -> bool:
        """Take in what another gateway says; whether something of it was missed."""
        other = self._other(roster.gateway_id, now_s)
        if other is None:
            return False
        if roster.whole:
            self.news |= other.wells.keys() | roster.wells.keys()
            other.wells = {}
        elif other.revision is None or roster.revision != other.revision + 1:
            other.revision = None
            return True
        for well_id, people in roster.wells.items():
            self.news.add(well_id)
            if people:
                other.wells[well_id] = people
            else:
                other.wells.pop(well_id, None)
        other.revision = roster.revision
        return False

    def hear_beat(self, gateway_id: str, revision: int, now_s: float) -> bool:
        """Another gateway lives; whether something of it was missed."""
        other = self._other(gateway_id, now_s)
        return other is not None and other.revision != revision

    def expire(self, now_s: float) -> None:
        """Forget gateways that were not heard for long."""
        for gateway_id, other in list(self._others.items()):
            if now_s - other.heard_s >= GONE_S:
                self.news |= other.wells.keys()
                del self._others[gateway_id]

    def _other(self, gateway_id: str, now_s: float) -> _Other | None:
        other = self._others.get(gateway_id)
        if other is None:
            if len(self._others) >= GATEWAYS_MAX:
                return None
            other = self._others[gateway_id] = _Other(now_s)
        other.heard_s = now_s
        return other

    # All

    def people(self, well_id: str) -> list[Person]:
        """All who are at a well, whoever came first before."""
        found = self.here(well_id)
        for other in self._others.values():
            found += other.wells.get(well_id, ())
        found.sort(key=lambda person: (person.since, person.client_id))
        return found[:PEOPLE_MAX]
