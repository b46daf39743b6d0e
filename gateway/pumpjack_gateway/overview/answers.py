"""What REST answers of all wells: both what is encoded and the schema of the OpenAPI."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pumpjack_gateway.well_facts import TagFacts


class OverviewWell(Struct, frozen=True, rename="camel"):
    """A well that is read now; "" where nobody told.

    keys           the tags that the overview shows: those that were told, at most six of which the
                   first three are columns; else by name the first three that are neither a state
                   nor on or off
    since          when it was read first; null where its worker has not said it yet
    connectionIds  those that read its tags
    tags           how many tags it has
    """

    well_id: str
    title: str
    type: str
    pad: str
    route: str
    time_zone: str
    since: datetime | None
    keys: list[TagFacts]
    connection_ids: list[str]
    tags: int


class OverviewAnswer(Struct, frozen=True, rename="camel"):
    """The wells of the tenant, by id. as_of: when the database was read."""

    as_of: datetime
    wells: list[OverviewWell]
