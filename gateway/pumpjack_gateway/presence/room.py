"""The people of one tenant at this gateway, and what it hears of those at others.

Each gateway tells the others over Redis who is where through it, and every few seconds that it
lives. What was missed shows in the revision, and is asked for. Without Redis those of one gateway
still see one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from pumpjack_core.clock import Clock
from pumpjack_gateway.presence.messages import (
    People,
    Person,
    Roster,
    RosterBeat,
    RosterWanted,
    Word,
    decode_word,
    frame_of_people,
)
from pumpjack_gateway.presence.register import Register
from pumpjack_gateway.presence.screen import PresenceScreen

BEAT_S = 4.0
TICK_S = 1.0
TOGETHER_S = 0.1
"""What happens within this time is told as one."""
MESSAGE_MAX_BYTES = 1 << 20


class Room:
    """One tenant's. It is an ear of the tenant's channel (live.channels.Ear)."""

    def __init__(
        self, tenant_id: str, gateway_id: str, clock: Clock, speak: Callable[[Word], None]
    ) -> None:
        self.tenant_id = tenant_id
        self._gateway_id = gateway_id
        self._clock = clock
        self._speak = speak
        self._register = Register()
        self._screens: dict[str, set[PresenceScreen]] = {}
        self._wake = asyncio.Event()
        self._revision = 0
        self._untold: set[str] = set()
        """Wells of which other gateways have to hear."""
        self._is_asked = True
        """Another gateway knows nothing of us."""
        self._misses = False
        """We know nothing, or too little, of another one."""
        self._beat_due_s = 0.0

    # Those who are here

    @property
    def is_over(self) -> bool:
        """Whether nobody is here any more, and others were told so."""
        return self._register.is_empty and not self._untold

    def enter(self, screen: PresenceScreen, well_id: str, person: Person) -> None:
        """A client is at a well from now on; once more is only another answer."""
        if screen.place is not None and screen.place[0] == well_id:
            screen.people(self._frame(well_id))
            return
        self.exit(screen)
        screen.place = (well_id, person)
        self._screens.setdefault(well_id, set()).add(screen)
        self._register.arrive(well_id, person)
        self._untold.add(well_id)
        self._wake.set()

    def exit(self, screen: PresenceScreen) -> None:
        """It is nowhere."""
        if screen.place is None:
            return
        well_id, person = screen.place
        screen.place = None
        screen.forget()
        at_well = self._screens.get(well_id, set())
        at_well.discard(screen)
        if not at_well:
            self._screens.pop(well_id, None)
        self._register.depart(well_id, person.client_id)
        self._untold.add(well_id)
        self._wake.set()

    # The channel

    def tune_in(self) -> None:
        """Nothing is known of what others said before."""
        self._is_asked = self._misses = True
        self._wake.set()

    def hear(self, payload: bytes) -> None:
        """What a gateway says; our own words come back, too."""
        if len(payload) > MESSAGE_MAX_BYTES:
            return
        try:
            word = decode_word(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        if word.gateway_id == self._gateway_id or word.tenant_id != self.tenant_id:
            return
        now_s = self._clock.monotonic()
        if isinstance(word, Roster):
            self._misses |= self._register.hear(word, now_s)
        elif isinstance(word, RosterBeat):
            self._misses |= self._register.hear_beat(word.gateway_id, word.revision, now_s)
        else:
            self._is_asked = True
        self._wake.set()

    # Telling

    async def run(self) -> None:
        """Tell until nobody is here."""
        while True:
            self._wake.clear()
            self._tell()
            if self.is_over:
                return
            await asyncio.sleep(TOGETHER_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()

    def _tell(self) -> None:
        """Tell clients and gateways what is new; ask for what was missed."""
        now_s = self._clock.monotonic()
        self._register.expire(now_s)
        news, self._register.news = self._register.news, set()
        for well_id in news:
            screens = self._screens.get(well_id)
            if screens:
                frame = self._frame(well_id)
                for screen in screens:
                    screen.people(frame)
        self._tell_gateways(now_s)

    def _tell_gateways(self, now_s: float) -> None:
        if self._is_asked or self._untold:
            whole = self._is_asked
            wells = {one: self._register.here(one) for one in self._untold}
            told = self._register.all_here() if whole else wells
            self._revision += 1
            self._speak(Roster(self._gateway_id, self.tenant_id, self._revision, whole, told))
            self._is_asked = False
            self._untold.clear()
            self._beat_due_s = now_s + BEAT_S
        elif now_s >= self._beat_due_s:
            self._speak(RosterBeat(self._gateway_id, self.tenant_id, self._revision))
            self._beat_due_s = now_s + BEAT_S
        if self._misses:
            self._misses = False
            self._speak(RosterWanted(self._gateway_id, self.tenant_id))

    def _frame(self, well_id: str) -> bytes:
        return frame_of_people(People(well_id, self._register.people(well_id)))
