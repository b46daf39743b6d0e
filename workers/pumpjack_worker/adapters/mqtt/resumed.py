"""Whether the broker goes on with the session that we know, and what is told when it does not."""

from __future__ import annotations

from msgspec.structs import replace

from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Quarantined
from pumpjack_worker.adapters.mqtt.kept import Kept, SessionFile
from pumpjack_worker.adapters.mqtt.redelivered import Redelivered
from pumpjack_worker.adapters.mqtt.session import Login, Settings

_log = get_logger("worker.mqtt")


class Resumed:
    """Compares each login with what is kept of the session before it.

    short_expiry_s  how long the broker keeps the session, where that is less than asked for
    """

    def __init__(
        self, settings: Settings, file: SessionFile, redelivered: Redelivered, clock: Clock
    ) -> None:
        self._settings = settings
        self._file = file
        self._redelivered = redelivered
        self._clock = clock
        self.short_expiry_s: int | None = None

    def go_on(self, login: Login) -> Quarantined | None:
        """Go on with the session, or with a new one: then the gap is to be kept, if there is one.

        It is told at each login until gap_is_kept().
        """
        settings = self._settings
        kept = self._file.read()
        known = kept.session if kept is not None else self._redelivered.session.hex()
        gap_since_us = None if kept is None else kept.gap_since_us
        lost = not login.present and bool(known) and settings.qos > 0
        if lost and gap_since_us is None:
            gap_since_us = self._redelivered.last_us or 0
        if lost:
            _log.warning("the broker has forgotten the session", broker=settings.peer)
        session = bytes.fromhex(known) if login.present and known else None
        self._redelivered.begin(session, login.link)
        self._file.write(
            Kept(
                broker=settings.peer,
                client_id=settings.client_id,
                session=self._redelivered.session.hex(),
                filters=kept.filters if login.present and kept is not None else (),
                gap_since_us=gap_since_us,
            )
        )
        expiry_s = login.expiry_s
        short = expiry_s is not None and expiry_s < settings.session_expiry_s
        self.short_expiry_s = expiry_s if short else None
        return None if gap_since_us is None else self._gap(gap_since_us)

    async def gap_is_kept(self) -> None:
        """The journal has the gap."""
        kept = self._file.read()
        if kept is not None:
            self._file.write(replace(kept, gap_since_us=None))

    def _gap(self, since_us: int) -> Quarantined:
        now_us = self._clock.now_us()
        since = iso_us(since_us) if since_us else "an unknown time"
        raw = (
            f"the broker {self._settings.peer} has forgotten the session of "
            f"{self._settings.client_id}: messages between {since} and {iso_us(now_us)} are lost, "
            "if there were any; check its persistence, its session expiry and its queue limits"
        )
        return Quarantined(-1, now_us, "gap", raw)
