"""The audit log of a tenant: who did what, in a chain of hashes that shows what was done to it.

Each row carries its number, the hash of the row before it, and the SHA-256 of that hash and its own
text (migrations/0019). What the chain alone cannot tell is one that was rewritten from some row to
its end; for that, compare with a head that was kept elsewhere: the gateway logs them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
from msgspec import Struct

START = bytes(32)
"""What the first row of a tenant has for the hash of the one before."""
PROBLEMS_LIMIT = 100
CLOCKS_APART = timedelta(hours=1)
"""How far the clocks of the database and of whoever verifies may be apart."""
_ROWS_AT_ONCE = 2_000
_COLUMNS = """
    audit_id, audit_no, tenant_id, at, (extract(epoch FROM at) * 1000000)::bigint AS us,
    actor, action, outcome, detail::text AS detail, prev_hash, hash
"""


class Row(Struct, frozen=True):
    """One row as it stands. us: microseconds since the epoch; detail: the database's text of it."""

    audit_no: int
    tenant_id: str
    us: int
    actor: str
    action: str
    outcome: str
    detail: str
    prev_hash: bytes
    hash: bytes

    @property
    def text(self) -> str:
        """What is hashed: each field after its length in bytes, as pumpjack.audit_text() does."""
        number, us = str(self.audit_no), str(self.us)
        fields = (self.tenant_id, number, us, self.actor, self.action, self.outcome, self.detail)
        return "".join(f"{len(field.encode())}:{field}" for field in fields)

    @property
    def own_hash(self) -> bytes:
        """What hash has to be."""
        return hashlib.sha256(self.prev_hash + self.text.encode()).digest()


class Head(Struct, frozen=True):
    """A place in the chain: number of the row, and its hash."""

    audit_no: int
    hash: bytes

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read N:HASH, as it is logged. Raises ValueError with what is wrong.

        >>> Head.parse("12:" + "ab" * 32).audit_no
        12
        """
        match = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no head; one is a number, a colon and 64 hex digits")
        return cls(int(match[1]), bytes.fromhex(match[2]))

    def __str__(self) -> str:
        return f"{self.audit_no}:{self.hash.hex()}"


class Kept(Struct, frozen=True):
    """A head that was kept elsewhere. at: when its row was written; None where nobody noted it."""

    head: Head
    at: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Kept:
        """Read N:HASH@TIME, as the gateway logs it, or N:HASH. Raises ValueError.

        >>> Kept.parse("12:" + "ab" * 32 + "@2026-01-31T06:30:00Z").at.year
        2026
        """
        head, _, time = text.strip().partition("@")
        if not time:
            return cls(Head.parse(head))
        try:
            at = datetime.fromisoformat(time)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise ValueError(f"{time!r} is no time of a head; one is 2026-01-31T06:30:00Z")
        return cls(Head.parse(head), at)


class Verdict(Struct, frozen=True):
    """What was found in one tenant's chain.

    rows      how many are there
    anchor    where retention cut it off, None if it never did
    head      its end as it is
    problems  each a sentence; none: nothing was changed, removed or cut off
    notes     what could not be compared
    """

    tenant_id: str
    rows: int
    anchor: Head | None
    head: Head
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Entry(Struct, frozen=True):
    """One row for people to read. at: aware."""

    audit_no: int
    at: datetime
    tenant_id: str
    actor: str
    action: str
    outcome: str
    detail: dict[str, object]


class _Cut(Struct, frozen=True, rename="camel"):
    """The detail of a row audit.cut: the last row that went."""

    audit_no: int
    hash: str


class _Chain:
    """Follows the rows from where the chain begins. Pure."""

    def __init__(self, begin: Head, anchored: bool) -> None:
        self.last = begin
        self.rows = 0
        self.problems: list[str] = []
        self._anchored = anchored
        self._cuts: set[Head] = set()

    def follow(self, row: Row) -> None:
        number, before = row.audit_no, self.last
        if number <= before.audit_no:
            self.say(f"row {number} is there more than once, or should have gone with a cut")
        elif number > before.audit_no + 1:
            self.say(f"{_span(before.audit_no + 1, number - 1)} removed")
        elif row.prev_hash != before.hash and self.rows == 0 and self._anchored:
            self.say(f"row {number} does not follow on what was cut off")
        elif row.prev_hash != before.hash:
            self.say(f"row {number} does not follow on the row before it: one of them was changed")
        if row.own_hash != row.hash:
            self.say(f"row {number} is not what it was: it was changed")
        elif row.action == "audit.cut":
            self._note_cut(row)
        self.last = Head(number, row.hash)
        self.rows += 1

    def finish(self, head: Head | None, anchor: Head | None) -> None:
        if head is None:
            if self.rows:
                self.say("the record of where the chain ends is gone")
        elif head.audit_no > self.last.audit_no:
            self.say(f"{_span(self.last.audit_no + 1, head.audit_no)} cut off at the end")
        elif head != self.last:
            self.say(f"the chain should end with row {head.audit_no}, and ends otherwise")
        if anchor is not None and anchor not in self._cuts:
            self.say(
                f"the rows up to {anchor.audit_no} went without a row that says so: "
                "it was not pumpjack maintain that removed them"
            )

    def say(self, sentence: str) -> None:
        if len(self.problems) < PROBLEMS_LIMIT:
            self.problems.append(sentence)

    def _note_cut(self, row: Row) -> None:
        try:
            cut = msgspec.json.decode(row.detail, type=_Cut)
            self._cuts.add(Head(cut.audit_no, bytes.fromhex(cut.hash)))
        except (msgspec.ValidationError, ValueError):
            self.say(f"row {row.audit_no} tells of a cut, and not of which")


def follow(
    rows: Iterable[Row], *, tenant_id: str, head: Head | None, anchor: Head | None = None
) -> Verdict:
    """Judge rows that are all of a tenant's, in order of their numbers. Pure."""
    chain = _Chain(anchor or Head(0, START), anchor is not None)
    for row in rows:
        chain.follow(row)
    chain.finish(head, anchor)
    return Verdict(tenant_id, chain.rows, anchor, chain.last, tuple(chain.problems))


async def verify(
    connection: asyncpg.Connection,
    tenant_id: str,
    kept: Head | Kept | None = None,
    *,
    audit_days: int | None = None,
) -> Verdict:
    """Read a tenant's whole chain and say what was done to it.

    kept: an end of the chain that was kept elsewhere. audit_days: for how long entries are kept,
    as somebody knows who does not trust the database; None: as its settings say. connection: of
    pumpjack_operator or of a superuser. The hashes are computed here, not by functions of the
    database.
    """
    if isinstance(kept, Head):
        kept = Kept(kept)
    head = kept.head if kept is not None else None
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        anchors = await connection.fetch(
            "SELECT audit_no, hash FROM pumpjack.audit_anchor WHERE tenant_id = $1"
            " ORDER BY audit_no DESC LIMIT 1",
            tenant_id,
        )
        anchor = Head(anchors[0]["audit_no"], anchors[0]["hash"]) if anchors else None
        ends = await connection.fetch(
            "SELECT audit_no, hash FROM pumpjack.audit_head WHERE tenant_id = $1", tenant_id
        )
        end = Head(ends[0]["audit_no"], ends[0]["hash"]) if ends else None
        chain = _Chain(anchor or Head(0, START), anchor is not None)
        there: bytes | None = None
        async for row in _rows(connection, tenant_id):
            chain.follow(row)
            if head is not None and row.audit_no == head.audit_no:
                there = row.hash
        chain.finish(end, anchor)
        if end is None and anchor is None and not chain.rows:
            await _miss(connection, tenant_id, chain)
        if audit_days is None:
            audit_days = await connection.fetchval("SELECT audit_days FROM pumpjack.settings")
        notes = _compare(chain, kept, there, anchor, timedelta(days=audit_days or 0))
    return Verdict(tenant_id, chain.rows, anchor, chain.last, tuple(chain.problems), tuple(notes))


async def tenants(connection: asyncpg.Connection) -> list[str]:
    """Tenants that have an audit log, or had to have one: all of it may have been removed."""
    rows = await connection.fetch(
        "SELECT tenant_id FROM pumpjack.audit_head UNION SELECT tenant_id FROM pumpjack.audit_logs"
        " UNION SELECT tenant_id FROM pumpjack.audit_anchor"
        " UNION SELECT tenant_id FROM pumpjack.tenants_status() WHERE tags > 0 ORDER BY 1"
    )
    return [row["tenant_id"] for row in rows]


async def entries(
    connection: asyncpg.Connection,
    tenant_id: str,
    *,
    limit: int = 50,
    before: int | None = None,
    action: str = "",
) -> list[Entry]:
    """The newest first, those below the number before; action: how their action begins."""
    rows = await connection.fetch(
        "SELECT audit_no, at, tenant_id, actor, action, outcome, detail::text AS detail"
        " FROM pumpjack.audit_logs"
        " WHERE tenant_id = $1 AND audit_no < $2 AND starts_with(action, $3)"
        " ORDER BY audit_no DESC LIMIT $4",
        tenant_id,
        2**63 - 1 if before is None else before,
        action,
        limit,
    )
    return [Entry(**{**dict(row), "detail": msgspec.json.decode(row["detail"])}) for row in rows]


async def _miss(connection: asyncpg.Connection, tenant_id: str, chain: _Chain) -> None:
    """Nothing is there at all. A worker that starts is on record, so something had to be."""
    connections = await connection.fetchval(
        "SELECT connections FROM pumpjack.tenants_status() WHERE tenant_id = $1 AND tags > 0",
        tenant_id,
    )
    if connections:
        chain.say(
            f"nothing is there, though what its {connections} connections read had to be put on "
            "record: the whole log was removed"
        )


async def _rows(connection: asyncpg.Connection, tenant_id: str) -> AsyncIterator[Row]:
    place = (-(2**63), 0)
    while True:
        page = await connection.fetch(
            f"SELECT {_COLUMNS} FROM pumpjack.audit_logs"  # noqa: S608 - columns of this module
            " WHERE tenant_id = $1 AND (audit_no, audit_id) > ($2, $3)"
            " ORDER BY audit_no, audit_id LIMIT $4",
            tenant_id,
            *place,
            _ROWS_AT_ONCE,
        )
        for row in page:
            yield Row(**{name: row[name] for name in Row.__struct_fields__})
        if len(page) < _ROWS_AT_ONCE:
            return
        place = (page[-1]["audit_no"], page[-1]["audit_id"])


def _compare(
    chain: _Chain,
    kept: Kept | None,
    there: bytes | None,
    anchor: Head | None,
    stays: timedelta,
) -> list[str]:
    """Compare with a head that was kept elsewhere; returns notes."""
    if kept is None:
        return []
    head = kept.head
    is_cut = anchor is not None and head.audit_no <= anchor.audit_no
    if is_cut and kept.at is not None and datetime.now(UTC) + CLOCKS_APART < kept.at + stays:
        chain.say(
            f"row {head.audit_no} is of {kept.at:%FT%TZ} and had to stay for {stays.days} days; "
            "it went with a cut that retention did not make"
        )
        return []
    if anchor is not None and head.audit_no < anchor.audit_no:
        why = (
            "" if kept.at is not None else "; with its time (N:HASH@TIME) it could be told if then"
        )
        return [
            f"row {head.audit_no} went with a cut; the head that was kept is too old to compare"
            f"{why}"
        ]
    if anchor is not None and head.audit_no == anchor.audit_no:
        there = anchor.hash
    if there is None:
        chain.say(f"row {head.audit_no} was there once and is no more: the end was cut off")
    elif there != head.hash:
        chain.say(f"row {head.audit_no} had another hash once: the chain was rewritten")
    return []


def _span(first: int, last: int) -> str:
    return f"row {first} was" if first == last else f"rows {first} to {last} were"
