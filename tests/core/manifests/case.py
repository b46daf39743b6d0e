"""A manifest and the verdict that it gets, and how manifests for them are written."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    text: str
    at: str = ""
    says: str = ""
    offline: str = ""
    """Why this verdict is not compared with an API server's."""

    @property
    def accepted(self) -> bool:
        return not self.says


def connection(
    spec: str = "", *, device: str = "{host: 10.1.7.20}", metadata: str = "{name: pad-a}"
) -> str:
    return f"""\
apiVersion: pumpjack.dev/v1alpha1
kind: ScadaConnection
metadata: {metadata}
spec:
  protocol: modbus-tcp
  modbusTcp: {device}
{spec}
"""


def other(protocol: str, member: str) -> str:
    """A connection of another protocol, whose member has the protocol's name."""
    return connection().replace(
        "  protocol: modbus-tcp\n  modbusTcp: {host: 10.1.7.20}\n",
        f"  protocol: {protocol}\n  {protocol}: {member}\n",
    )


def opcua(more: str = "", endpoint: str = "opc.tcp://10.1.7.20:4840/plc") -> str:
    return other("opcua", f"{{endpoint: '{endpoint}'{more}}}")


def mqtt(more: str = "") -> str:
    return other("mqtt", f"{{host: broker{more}}}")


def mapping(
    tags: str = "[{name: oil_rate, address: 'holding:40001'}]",
    *,
    which: str = "connectionRef: {name: pad-a}",
    well: str = "a1",
    metadata: str = "{name: a1}",
) -> str:
    return f"""\
apiVersion: pumpjack.dev/v1alpha1
kind: TagMapping
metadata: {metadata}
spec:
  {which}
  wellId: {well}
  tags: {tags}
"""


def tag(more: str) -> str:
    return mapping(f"[{{name: oil_rate, address: 'holding:40001', {more}}}]")


def tags(count: int) -> str:
    return mapping(
        "["
        + ", ".join(f"{{name: t{n}, address: 'holding:{40001 + n}'}}" for n in range(count))
        + "]"
    )
