"""Where people ask for commands: who may, whether the device is there, and the row that it is."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_gateway.audit import Audit
from pumpjack_gateway.auth import Principal, Role
from pumpjack_gateway.commands.answers import Detail
from pumpjack_gateway.commands.bodies import ControlRequest, DecisionRequest
from pumpjack_gateway.commands.book import AnswerLost, Book, Outcome
from pumpjack_gateway.commands.devices import Devices
from pumpjack_gateway.commands.feed import Feeds
from pumpjack_gateway.commands.refusals import Refused
from pumpjack_gateway.commands.wake import Wake
from pumpjack_gateway.limits import Buckets, Limiter
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.sign_ins import identity
from pumpjack_gateway.store import StoreUnavailable

REQUEST, DECIDE = "command.request", "command.decide"
LIMITED_AGAIN_S = 60.0
"""Being refused for too many is in the audit once in so many seconds, for each person."""

_AGAIN = (
    "the database cannot be reached now, and without it nothing is written; try again in a moment, "
    "with the same idempotencyKey: what was made already is not made twice"
)
_DECIDE_AGAIN = (
    "the database cannot be reached now, and without it nothing is decided; try again in a moment"
)
_MAY_BE_MADE = (
    "the database's answer did not come: the command may have been made, and the device may move; "
    "ask again with the same idempotencyKey, which shows the command or makes it, and never twice"
)
_MAY_BE_DECIDED = (
    "the database's answer did not come: the command may have been decided; look at it, or decide "
    "again, which changes nothing that was decided"
)


class WellList(Protocol):
    """Which wells a tenant has (wells.Wells)."""

    async def exists(self, tenant_id: str, well_id: str) -> bool:
        """Raises StorageError when nobody can say."""
        ...


class Desk:
    """Takes requests and decisions. What is refused is in the audit log, with its reason."""

    def __init__(  # noqa: PLR0917 - the gateway's parts
        self,
        book: Book,
        wells: WellList,
        devices: Devices,
        wake: Wake,
        feeds: Feeds,
        limiter: Limiter,
        audit: Audit,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._book = book
        self._wells = wells
        self._devices = devices
        self._wake = wake
        self._feeds = feeds
        self._limiter = limiter
        self._audit = audit
        self._metrics = metrics
        self._limited = Buckets(rate_per_s=1 / LIMITED_AGAIN_S, burst=1.0, clock=clock)

    def admit(self, who: Principal, action: str, origin: Detail) -> None:
        """Let those through who may command, and not too often. Raises Refused."""
        wait_s = self._limiter.wait_s(who)
        if wait_s > 0:
            refused = Refused(
                "RATE_LIMITED",
                f"too many commands; the next one is served in {wait_s:.0f} s",
                wait_s,
            )
            person = f"{who.tenant_id}\n{who.issuer}\n{who.subject}"
            if self._limited.wait_s(person) == 0:
                self._limited.take(person)
                self.note(who, action, refused, origin)
            self._count(who, refused.code)
            raise refused
        if who.role < Role.operator:
            sentence = f"the role {who.role.name} may not command; it takes an operator"
            self._count(who, "ROLE_TOO_LOW")
            raise self._refuse(who, action, Refused("ROLE_TOO_LOW", sentence), origin)

    async def request(self, who: Principal, asked: ControlRequest, origin: Detail) -> Outcome:
        """Make a command, or find the one that this key has made. Raises Refused, StorageError.

        AnswerLost, which is one: it may have been made.
        """
        about = _about(asked) | origin
        try:
            if not await self._wells.exists(who.tenant_id, asked.well_id):
                sentence = f"there is no well {asked.well_id!r}; /api/scada/wells lists yours"
                raise self._refuse(who, REQUEST, Refused("NO_SUCH_WELL", sentence), about)
            target = await self._book.find(
                who.tenant_id, asked.well_id, asked.tag_name, asked.idempotency_key
            )
            if target.connection_id is not None and not target.used:
                why = await self._devices.why_offline(who.tenant_id, target.connection_id)
                if why is not None:
                    offline = Refused("DEVICE_OFFLINE", f"{why}; nothing was written")
                    raise self._refuse(who, REQUEST, offline, about)
            made = await self._book.request(who, asked, identity(who) | origin)
        except AnswerLost as error:
            raise self._lost(who, REQUEST, _MAY_BE_MADE, about) from error
        except StorageError as error:
            self._unavailable(who, REQUEST, error, about)
            raise StoreUnavailable(_AGAIN) from error
        except Refused as refused:
            self._count(who, refused.code)
            raise
        self._count(who, "again" if made.again else "made")
        self._tell(who.tenant_id, made)
        return made

    async def decide(
        self, who: Principal, command_id: UUID, said: DecisionRequest, origin: Detail
    ) -> Outcome:
        """Approve or reject a command of somebody else's. Raises Refused, StorageError.

        AnswerLost, which is one: it may have been decided.
        """
        about = {"command": str(command_id), "approve": said.approve} | origin
        try:
            known = await self._book.one(who.tenant_id, command_id)
            if known is not None and said.approve and known[0].running:
                why = await self._devices.why_offline(who.tenant_id, known[0].connection_id)
                if why is not None:
                    offline = Refused("DEVICE_OFFLINE", f"{why}; it was not approved")
                    raise self._refuse(who, DECIDE, offline, about)
            decided = await self._book.decide(who, command_id, said, identity(who) | origin)
        except AnswerLost as error:
            raise self._lost(who, DECIDE, _MAY_BE_DECIDED, about) from error
        except StorageError as error:
            self._unavailable(who, DECIDE, error, about)
            raise StoreUnavailable(_DECIDE_AGAIN) from error
        except Refused as refused:
            self._count(who, refused.code)
            raise
        self._count(who, "approved" if said.approve else "rejected")
        self._tell(who.tenant_id, decided)
        return decided

    def note(self, who: Principal, action: str, refused: Refused, about: Detail) -> None:
        """Put a refusal into the audit log that the database knows nothing of."""
        detail = {"code": refused.code, "problem": str(refused)} | identity(who) | about
        self._audit.note(who.tenant_id, who.subject, action, "refused", **detail)

    def _tell(self, tenant_id: str, outcome: Outcome) -> None:
        if outcome.state == "approved":
            self._wake.worker(tenant_id, outcome.connection_id, outcome.command_id)
        self._wake.gateways(tenant_id)
        self._feeds.poke(tenant_id)

    def _refuse(self, who: Principal, action: str, refused: Refused, about: Detail) -> Refused:
        self.note(who, action, refused, about)
        return refused

    def _lost(self, who: Principal, action: str, sentence: str, about: Detail) -> AnswerLost:
        self._count(who, "OUTCOME_UNKNOWN")
        detail = {"code": "OUTCOME_UNKNOWN", "problem": sentence} | identity(who) | about
        self._audit.note(who.tenant_id, who.subject, action, "unknown", **detail)
        self._wake.gateways(who.tenant_id)
        self._feeds.poke(who.tenant_id)
        return AnswerLost(sentence)

    def _unavailable(self, who: Principal, action: str, error: Exception, about: Detail) -> None:
        self._count(who, "STORE_UNAVAILABLE")
        detail = {"code": "STORE_UNAVAILABLE", "problem": str(error)} | identity(who) | about
        self._audit.note(who.tenant_id, who.subject, action, "refused", **detail)

    def _count(self, who: Principal, outcome: str) -> None:
        self._metrics.command_requests.labels(who.tenant_id, outcome).inc()


def _about(asked: ControlRequest) -> Detail:
    """What was asked for, as the audit log has it."""
    return {
        "well": asked.well_id,
        "tag": asked.tag_name,
        "value": repr(asked.value),
        "reason": asked.reason,
        "key": asked.idempotency_key,
    }
