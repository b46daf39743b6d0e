"""One alarm after ISA-18.2 in plain Python: what the database's state machine is held against.

`after` says what an event makes of an alarm, `seen` which events a worker's word is, `settled` what
is left of a shelving whose time has come. Nothing here looks at the database.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


class Alarm(Struct, frozen=True):
    latch: bool = False
    active: bool = False
    acknowledged: bool = True
    latched: bool = False
    suppressed: bool = False
    out_of_service: bool = False
    shelved: bool = False
    removed: bool = False

    @property
    def hidden(self) -> bool:
        return self.suppressed or self.out_of_service or self.shelved

    @property
    def state(self) -> str:
        if self.removed:
            return "normal"
        for name in ("out_of_service", "suppressed", "shelved"):
            if getattr(self, name):
                return name
        seen = "acknowledged" if self.acknowledged else "unacknowledged"
        if self.active:
            return seen
        if self.latched:
            return f"latched_{seen}"
        return "normal" if self.acknowledged else "returned_unacknowledged"

    def after(self, kind: str) -> Alarm:
        """What one event makes of it."""
        if kind == "raised":
            raised = replace(self, active=True, removed=False, latched=self.latched or self.latch)
            return raised if raised.hidden else replace(raised, acknowledged=False)
        if kind == "removed":
            return Alarm(latch=self.latch, removed=True)
        changed = {
            "returned": {"active": False},
            "acknowledged": {"acknowledged": True},
            "reset": {"latched": False},
            "shelved": {"shelved": True},
            "unshelved": {"shelved": False},
            "suppressed": {"suppressed": True, "removed": False},
            "unsuppressed": {"suppressed": False},
            "out_of_service": {"out_of_service": True},
            "in_service": {"out_of_service": False},
        }[kind]
        then = replace(self, **changed)
        if self.hidden and not then.hidden and (then.active or then.latched):
            return replace(then, acknowledged=False)  # it shows again, and has to be seen again
        return then

    def may(self, action: str) -> bool:
        """Whether a person may do this to it now."""
        return {
            "acknowledged": not self.hidden and not self.acknowledged,
            "reset": not self.hidden and self.latched and not self.active,
            "shelved": not self.out_of_service and not self.removed,
            "unshelved": self.shelved,
            "out_of_service": not self.out_of_service and not self.removed,
            "in_service": self.out_of_service,
        }[action]

    def seen(self, active: bool, suppressed: bool) -> list[str]:
        """The events that a worker's word is: a return before the suppression, a raise after it."""
        kinds = []
        if self.active and not active:
            kinds.append("returned")
        if self.suppressed != suppressed:
            kinds.append("suppressed" if suppressed else "unsuppressed")
        if active and not self.active:
            kinds.append("raised")
        return kinds


def folded(events: list[tuple[str, bool]], *, latch: bool) -> list[str]:
    """The states that events (kind, counts) lead through; what came late changes nothing."""
    alarm, states = Alarm(latch=latch), []
    for kind, counts in events:
        if counts:  # of one that is not declared nothing counts: it is again
            alarm = replace(alarm, removed=False).after(kind)
        states.append(alarm.state)
    return states
