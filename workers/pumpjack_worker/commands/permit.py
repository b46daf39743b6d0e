"""Whether a claimed command may still be written, asked right before its first byte."""

from __future__ import annotations

from pumpjack_core.clock import since_boot_s
from pumpjack_core.errors import WriteRefused
from pumpjack_core.storage.commands import Claim
from pumpjack_core.tags import Tag
from pumpjack_worker.commands.judgement import overtaken
from pumpjack_worker.commands.standing import Stand


class Permit:
    """Raises WriteRefused when it may not. used: it was given, so the write may have gone out.

    A write waits for its turn behind others, and a worker may be frozen: meanwhile the command
    may have expired, the device been taken over, or the tag been declared otherwise.
    """

    def __init__(self, claim: Claim, tag: Tag, stand: Stand) -> None:
        self._claim = claim
        self._tag = tag
        self._stand = stand
        self.used = False

    def __call__(self) -> None:
        """As Permit of the adapters' contract."""
        why = overtaken(self._stand(), self._tag, self._claim, now_s=since_boot_s())
        if why is not None:
            raise WriteRefused(why)
        self.used = True
