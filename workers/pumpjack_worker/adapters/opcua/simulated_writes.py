# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""What a simulated server makes of a client's Write, and what may be wrong with it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AddressSpace, AttributeService

from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode, variant

OnWrite = Callable[[str, float], float | None]
"""Told the node and its raw value; gives the value that is taken, None: it cannot be set."""

_ADMIN = User(role=UserRole.Admin)


def _taken(_node: str, value: float) -> float:
    return value


@dataclass
class WriteFlaws:
    """What is wrong with writing. May be changed at any time.

    lies     says Good, and changes nothing
    refuses  status code of its answers, 0: it does what it is told
    late_s   does it at once, and says so so much later [s]
    """

    lies: bool = False
    refuses: int = 0
    late_s: float = 0.0


class Writes(AttributeService):
    """Attribute services whose writes go through on_write. written: (node, raw value)."""

    def __init__(
        self, space: AddressSpace, nodes: Mapping[str, SimulatedNode], flaws: WriteFlaws
    ) -> None:
        super().__init__(space)
        self._nodes = nodes
        self._flaws = flaws
        self._texts = {ua.NodeId.from_string(text): text for text in nodes}
        self.on_write: OnWrite = _taken
        self.written: list[tuple[str, Any]] = []

    async def write(self, params: ua.WriteParameters, user: User = _ADMIN) -> list[ua.StatusCode]:
        """As a client asked."""
        found = [await self._write(one, user) for one in params.NodesToWrite]
        if self._flaws.late_s:
            await asyncio.sleep(self._flaws.late_s)
        return found

    async def _write(self, wish: ua.WriteValue, user: User) -> ua.StatusCode:
        text = self._texts.get(wish.NodeId)
        if text is not None and wish.AttributeId == ua.AttributeIds.Value:
            raw = wish.Value.Value.Value
            self.written.append((text, raw))
            if self._flaws.refuses:
                return ua.StatusCode(self._flaws.refuses)
            if self._flaws.lies:
                return ua.StatusCode()
            if not self._nodes[text].writable:
                return ua.StatusCode(ua.StatusCodes.BadNotWritable)
            taken = self.on_write(text, raw)
            if taken is None:
                return ua.StatusCode(ua.StatusCodes.BadNotWritable)
            if taken != raw:
                content = variant(self._nodes[text].data_type, taken)
                wish = dataclasses.replace(wish, Value=ua.DataValue(content))
        request = ua.WriteParameters()
        request.NodesToWrite = [wish]
        return (await super().write(request, user))[0]
