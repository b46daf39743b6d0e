"""One command from the write to its end. The write is sent once; what follows only reads."""

from __future__ import annotations

import asyncio

from pumpjack_core.clock import Clock, since_boot_s
from pumpjack_core.errors import DeviceError, Unanswered, WriteRefused
from pumpjack_core.storage.commands import Claim
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.setting import is_held, setting_of
from pumpjack_worker.commands.judgement import Answer, Seen, accepted, refusal, refused, verdict
from pumpjack_worker.commands.permit import Permit
from pumpjack_worker.commands.readings import NextReading, Readings
from pumpjack_worker.commands.standing import Stand, Tell

WRITE_LIMIT_S = 60.0
"""An adapter has time-outs of its own; this one is for an adapter that forgets them."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5
"""Between two questions for what the device has now."""
RECOVERY_S = 60.0
"""How long a new worker waits for the device, to read back what the one before has sent."""
CONNECTED_LOOK_S = 0.1


class CarryingOut:
    """Carries out commands at one device."""

    def __init__(self, adapter: Adapter, stand: Stand, readings: Readings, clock: Clock) -> None:
        self._adapter = adapter
        self._stand = stand
        self._readings = readings
        self._clock = clock

    async def carry_out(self, claim: Claim, tell: Tell) -> None:
        """Write, once, read back, and tell."""
        standing = self._stand()
        tag = standing.tag(claim)
        why = refusal(standing, tag, claim, can_write=self._adapter.writes)
        if why is not None or tag is None:
            tell(refused(claim, why or ""))
            return
        try:
            written = setting_of(tag, claim.value).value
        except WriteRefused as error:
            tell(refused(claim, str(error)))
            return
        with self._readings.watch(tag) as watched:
            how: Answer = "answered"
            trouble = ""
            permit = Permit(claim, tag, self._stand)
            try:
                async with asyncio.timeout(WRITE_LIMIT_S):
                    await self._adapter.write(tag, claim.value, permit)
            except Unanswered as error:
                how, trouble = "unanswered", str(error)
            except TimeoutError:
                trouble = f"the write did not end within {WRITE_LIMIT_S:g} s"
                if not permit.used:
                    tell(refused(claim, f"{trouble}, waiting for its turn; nothing was written"))
                    return
                how = "unanswered"
            except DeviceError as error:
                tell(refused(claim, str(error)))
                return
            if how == "answered":
                tell(accepted(claim, written))
            seen = await self._read_back(tag, written, watched)
        tell(verdict(claim, tag, written, seen, how, trouble=trouble))

    async def recover(self, claim: Claim, tell: Tell) -> None:
        """Find out what became of a command that a worker before has sent. Writes nothing.

        A frozen worker that wakes may write it until it expires: no is said only after that.
        """
        await self._until_connected()
        tag = self._stand().tag(claim)
        if tag is None:
            tag = Tag(claim.well_id, claim.tag_name, "", "float64", 1.0)
            seen = Seen(None, f"{claim.tag_name} is not read by this connection any more")
            tell(verdict(claim, tag, claim.value, seen, "recovered"))
            return
        try:
            written = setting_of(tag, claim.value).value
        except WriteRefused:  # what is allowed was changed since
            written = claim.value
        with self._readings.watch(tag) as watched:
            left_s = max(claim.until_s - since_boot_s(), 0.0)
            seen = await self._read_back(tag, written, watched, more_s=left_s)
        tell(verdict(claim, tag, written, seen, "recovered"))

    async def _until_connected(self) -> None:
        until = self._clock.monotonic() + RECOVERY_S
        while self._stand().state in ("connecting", "disconnected"):
            if self._clock.monotonic() >= until:
                return
            await asyncio.sleep(CONNECTED_LOOK_S)

    async def _read_back(
        self, tag: Tag, wanted: float, watched: NextReading, *, more_s: float = 0.0
    ) -> Seen:
        """Ask until the device has what is wanted, or until the time for it, and more, is over."""
        within_s = more_s + (5.0 if tag.write is None else tag.write.verify_s)
        until = self._clock.monotonic() + within_s
        seen, pause_s = Seen(), FIRST_PAUSE_S
        while (left_s := until - self._clock.monotonic()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    value = await self._adapter.read_back(tag)
                    seen = Seen(await watched.value() if value is None else value)
            except DeviceError as error:
                seen = Seen(seen.read, str(error))
            except TimeoutError:
                trouble = f"no reading of it came within {within_s:.3g} s"
                return Seen(seen.read, seen.trouble or trouble)
            if seen.read is not None and is_held(tag, wanted, seen.read):
                return seen
            await asyncio.sleep(min(pause_s, max(until - self._clock.monotonic(), 0.0)))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return seen
