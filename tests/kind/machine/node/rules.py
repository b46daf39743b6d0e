"""NetworkPolicies, as a table of nftables. Pure; networking.k8s.io/v1 as its API reference has it.

A pod that a policy selects for a direction has a chain, which returns what one of its policies
allows and drops the rest. What a pod sends is asked first, then what the other may be sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TABLE = "pumpjack-policies"
Object = Mapping[str, Any]
"""As kubectl prints it."""


def table(objects: Mapping[str, Sequence[Object]]) -> str:
    """The whole table, for `nft -f`; objects are those of Pod, Namespace and NetworkPolicy."""
    pods = [pod for pod in objects["Pod"] if _address(pod)]
    namespaces = {
        each["metadata"]["name"]: each["metadata"].get("labels") or {}
        for each in objects["Namespace"]
    }
    chains, jumps = [], {"egress": "", "ingress": ""}
    for direction, prefix in (("egress", "from"), ("ingress", "to")):
        selected: list[str] = []
        for pod in sorted(pods, key=_address):
            policies = [each for each in objects["NetworkPolicy"] if _selects(each, pod, direction)]
            if policies:
                chain = f"{prefix}-{_address(pod)}"
                allowed = [
                    line
                    for policy in policies
                    for rule in policy["spec"].get(direction) or ()
                    for line in _allowed(rule, direction, policy, pod, pods, namespaces)
                ]
                chains.append(_chain(chain, [*dict.fromkeys(allowed), "drop"]))
                selected.append(f"{_address(pod)} : jump {chain}")
        if selected:
            side = "saddr" if direction == "egress" else "daddr"
            jumps[direction] = f"ip {side} vmap {{ {', '.join(selected)} }}"
    hooks = [
        _hook("forward", [jumps["egress"], jumps["ingress"]]),
        _hook("input", [jumps["egress"]]),  # to the node itself: the API server
    ]
    body = "\n".join([*chains, *hooks])
    return f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{body}\n}}\n"


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes something with these labels; an empty one takes all."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(each, labels) for each in selector.get("matchExpressions") or ())


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"{other} is no operator of a label selector")


def _selects(policy: Object, pod: Object, direction: str) -> bool:
    return (
        policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and direction.capitalize() in policy["spec"]["policyTypes"]
        and matches(policy["spec"].get("podSelector") or {}, _labels(pod))
    )


def _allowed(
    rule: Object,
    direction: str,
    policy: Object,
    pod: Object,
    pods: Sequence[Object],
    namespaces: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    """A line for each peer and port of one rule; no peers are all, no ports likewise."""
    side = "saddr" if direction == "ingress" else "daddr"
    listed = rule.get("from" if direction == "ingress" else "to")
    ports = rule.get("ports")
    if not listed:
        peers: list[tuple[str, list[Object]]] = [("", [])]
    else:
        peers = [found for peer in listed for found in _peer(peer, side, policy, pods, namespaces)]
    for where, members in peers:
        for port in _ports(ports, [pod] if direction == "ingress" else members):
            yield " ".join(part for part in (where, port, "return") if part)


def _peer(
    peer: Object,
    side: str,
    policy: Object,
    pods: Sequence[Object],
    namespaces: Mapping[str, Mapping[str, str]],
) -> Iterator[tuple[str, list[Object]]]:
    """What a peer's address must be, and its pods; one of pods is given pod by pod."""
    if block := peer.get("ipBlock"):
        if ":" in block["cidr"]:  # no pod has an IPv6 address
            return
        but = block.get("except")
        except_for = f" ip {side} != {{ {', '.join(but)} }}" if but else ""
        yield f"ip {side} {block['cidr']}{except_for}", []
        return
    wanted = peer.get("namespaceSelector")
    for pod in pods:
        namespace = pod["metadata"]["namespace"]
        if wanted is None:
            there = namespace == policy["metadata"]["namespace"]
        else:
            there = matches(wanted, namespaces.get(namespace, {}))
        if there and matches(peer.get("podSelector") or {}, _labels(pod)):
            yield f"ip {side} {_address(pod)}", [pod]


def _ports(ports: Sequence[Object] | None, receivers: Sequence[Object]) -> Iterator[str]:
    """What protocol and port must be; a port's name is looked up in the pods that receive."""
    if not ports:
        yield ""
    for each in ports or ():
        protocol = each.get("protocol", "TCP").lower()
        port = each.get("port")
        if port is None:
            yield f"meta l4proto {protocol}"
        elif isinstance(port, str):
            for number in _numbers(port, each.get("protocol", "TCP"), receivers):
                yield f"{protocol} dport {number}"
        else:
            last = each.get("endPort")
            yield f"{protocol} dport {port}" + (f"-{last}" if last else "")


def _numbers(name: str, protocol: str, pods: Sequence[Object]) -> list[int]:
    return [
        port["containerPort"]
        for pod in pods
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("name") == name and port.get("protocol", "TCP") == protocol
    ]


def _chain(name: str, lines: Sequence[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines if line)
    return f"  chain {name} {{\n{body}\n  }}"


def _hook(hook: str, lines: Sequence[str]) -> str:
    before = f"type filter hook {hook} priority filter; policy accept;"
    return _chain(hook, [before, "ct state established,related accept", *lines])


def _labels(pod: Object) -> Mapping[str, str]:
    return pod["metadata"].get("labels") or {}


def _address(pod: Object) -> str:
    """Empty where no policy applies: none yet, ended, or the node's own."""
    status = pod.get("status") or {}
    if pod["spec"].get("hostNetwork") or status.get("phase") in ("Succeeded", "Failed"):
        return ""
    return str(status.get("podIP") or "")
