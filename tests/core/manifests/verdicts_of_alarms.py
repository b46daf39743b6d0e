"""The table's part about alarms, writes and names of states."""

from __future__ import annotations

from tests.core.manifests.case import Case, mapping, tag


def alarms(*declared: str, more: str = "") -> str:
    """A tag with these alarms, each without its braces."""
    return tag(f"alarms: [{', '.join(f'{{{alarm}}}' for alarm in declared)}]{more}")


def writable(what: str, more: str = "") -> str:
    return tag(f"write: {{{what}}}{more}")


LIMITS_RISE = "the limits of a tag must rise: lolo below lo, below hi, below hihi"
ACCEPTED = {
    "an alarm of each condition": Case(
        mapping(
            """
    - name: casing_pressure
      address: x
      range: {min: 0, max: 3000}
      stateNames: {"0": NONE, "1": SOME}
      alarms:
        - {condition: hihi, limit: 2400, priority: 1, deadband: 20, onDelay: 5s, offDelay: 1h,
           latch: true, message: Casing pressure very high, consequence: The relief valve opens,
           response: Close the wing valve, suppressedBy: {tag: run_status, states: [0, 2]}}
        - {condition: hi, limit: 2200}
        - {condition: lo, limit: 100, deadband: 2.5}
        - {condition: lolo, limit: -0.0, onDelay: 0s}
        - {condition: rate, limit: 50, per: 10m, deadband: 10}
        - {condition: deviation, limit: 500, from: tubing_pressure}
        - {condition: state, states: [-1, 3]}
        - {condition: bad_quality, priority: 4}
        - {condition: stale}
    - {name: tubing_pressure, address: x}
    - {name: run_status, address: x, dataType: uint16}"""
        )
    ),
    "limits at the ends of the range": Case(
        alarms(
            "condition: hi, limit: 5", "condition: lo, limit: 0", more=", range: {min: 0, max: 5}"
        )
    ),
    "limits above what range has no word about": Case(
        alarms("condition: hi, limit: 9", more=", range: {min: 0}")
    ),
    "a rate beyond the range": Case(
        alarms("condition: rate, limit: 9", more=", range: {min: 0, max: 5}")
    ),
    "limits in any order of conditions": Case(
        alarms(
            "condition: lolo, limit: 1",
            "condition: hihi, limit: 4",
            "condition: lo, limit: 2",
            "condition: hi, limit: 3",
        )
    ),
    "a limit of rate below all others": Case(
        alarms("condition: lo, limit: 5", "condition: rate, limit: 1", "condition: hi, limit: 7")
    ),
    "a deadband that ends before the other side": Case(
        alarms("condition: hi, limit: 9, deadband: 3.9", "condition: lo, limit: 5, deadband: 3.9")
    ),
    "a deadband past a limit of the same side": Case(
        alarms("condition: hihi, limit: 9, deadband: 3", "condition: hi, limit: 8")
    ),
    "a range of what may be written": Case(
        writable(
            "min: 0, max: 60, approval: required, tolerance: 0, verifyWithin: 100ms,"
            " address: 'holding:40101'",
            ", range: {min: 0, max: 60}",
        )
    ),
    "states that may be written": Case(writable("states: [0, 1], approval: none")),
    "names of states": Case(tag("stateNames: {'0': STOPPED, '1': RUNNING}")),
}

REFUSED = {
    "an alarm without a condition": Case(
        alarms("limit: 5"), "spec.tags[0].alarms[0].condition", "is missing. hihi, hi:"
    ),
    "a condition that there is not": Case(
        alarms("condition: high, limit: 5"),
        "spec.tags[0].alarms[0].condition",
        'is "high"; did you mean hihi?',
    ),
    "an unknown key of an alarm": Case(
        alarms("condition: hi, limit: 5, delay: 5s"),
        "spec.tags[0].alarms[0].delay",
        "unknown key; did you mean onDelay?",
    ),
    "an unknown key of a write": Case(
        writable("min: 0, maximum: 5"),
        "spec.tags[0].write.maximum",
        "unknown key; did you mean max?",
    ),
    "an unknown key of what suppresses": Case(
        alarms("condition: hi, limit: 5, suppressedBy: {tag: a, states: [0], while: b}"),
        "spec.tags[0].alarms[0].suppressedBy.while",
        "unknown key",
    ),
    "two alarms of one condition": Case(
        alarms("condition: hi, limit: 5", "condition: hi, limit: 6"),
        "spec.tags[0].alarms[1]",
        'condition "hi" is there already as item [0]',
    ),
    "10 alarms": Case(
        alarms(*["condition: stale"] * 10),
        "spec.tags[0].alarms",
        "must have at most 9 items, has 10",
    ),
    "hi above hihi": Case(
        alarms("condition: hi, limit: 6", "condition: hihi, limit: 5"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "hi at hihi": Case(
        alarms("condition: hihi, limit: 5", "condition: hi, limit: 5"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "lo above hi": Case(
        alarms("condition: hi, limit: 5", "condition: lo, limit: 6"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "lo above hihi": Case(
        alarms("condition: lo, limit: 6", "condition: hihi, limit: 5"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "lolo above lo": Case(
        alarms("condition: lo, limit: 5", "condition: lolo, limit: 6"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "lolo above hi": Case(
        alarms("condition: lolo, limit: 6", "condition: hi, limit: 5"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "lolo at hihi": Case(
        alarms("condition: lolo, limit: 5", "condition: hihi, limit: 5"),
        "spec.tags[0].alarms",
        LIMITS_RISE,
    ),
    "a deadband of hi down to lo": Case(
        alarms("condition: hi, limit: 9, deadband: 4", "condition: lo, limit: 5"),
        "spec.tags[0].alarms",
        "a deadband must end before the limit on the other side",
    ),
    "a deadband of lolo up to hihi": Case(
        alarms("condition: hihi, limit: 9", "condition: lolo, limit: 5, deadband: 4"),
        "spec.tags[0].alarms",
        "a deadband must end before the limit on the other side",
    ),
    "a deadband wider than the range": Case(
        alarms("condition: hi, limit: 4, deadband: 5", more=", range: {min: 0, max: 5}"),
        "spec.tags[0].alarms",
        "a deadband must be less than the span of range",
    ),
    "a deadband below 0": Case(
        alarms("condition: hi, limit: 4, deadband: -1"),
        "spec.tags[0].alarms[0].deadband",
        "must be at least 0, is -1",
    ),
    "a deadband of a rate above its limit": Case(
        alarms("condition: rate, limit: 4, deadband: 4"),
        "spec.tags[0].alarms[0].deadband",
        "that of rate and deviation must be less than it",
    ),
    "a deadband of a state": Case(
        alarms("condition: state, states: [1], deadband: 1"),
        "spec.tags[0].alarms[0].deadband",
        "a deadband belongs to a limit",
    ),
    "hi without a limit": Case(
        alarms("condition: hi"), "spec.tags[0].alarms[0].limit", "rate and deviation need a limit"
    ),
    "stale with a limit": Case(
        alarms("condition: stale, limit: 5"),
        "spec.tags[0].alarms[0].limit",
        "state, bad_quality and stale have none",
    ),
    "a limit above the range": Case(
        alarms("condition: hi, limit: 6", more=", range: {min: 0, max: 5}"),
        "spec.tags[0].alarms",
        "must lie within range",
    ),
    "a limit below the range": Case(
        alarms("condition: lolo, limit: -1", more=", range: {min: 0}"),
        "spec.tags[0].alarms",
        "must lie within range",
    ),
    "a rate of 0": Case(
        alarms("condition: rate, limit: 0"),
        "spec.tags[0].alarms[0].limit",
        "must be above 0; it holds in both directions",
    ),
    "a state without states": Case(
        alarms("condition: state"), "spec.tags[0].alarms[0].states", "state needs states"
    ),
    "states of a hi": Case(
        alarms("condition: hi, limit: 1, states: [1]"),
        "spec.tags[0].alarms[0].states",
        "state needs states, the values in which it is active; the others have none",
    ),
    "a state of 1.5": Case(
        alarms("condition: state, states: [1.5]"),
        "spec.tags[0].alarms[0].states[0]",
        "must be a whole number, is 1.5",
    ),
    "17 states": Case(
        alarms(f"condition: state, states: {list(range(17))}"),
        "spec.tags[0].alarms[0].states",
        "must have at most 16 items, has 17",
    ),
    "a deviation from nothing": Case(
        alarms("condition: deviation, limit: 5"),
        "spec.tags[0].alarms[0].from",
        "deviation needs from",
    ),
    "a hi from another tag": Case(
        alarms("condition: hi, limit: 5, from: tubing"),
        "spec.tags[0].alarms[0].from",
        "the others have none",
    ),
    "a per of a hi": Case(
        alarms("condition: hi, limit: 5, per: 1m"),
        "spec.tags[0].alarms[0].per",
        "only rate has a per",
    ),
    "a rate over half a second": Case(
        alarms("condition: rate, limit: 5, per: 500ms"),
        "spec.tags[0].alarms[0].per",
        "per must be between 1s and 1h",
    ),
    "a rate over 61 minutes": Case(
        alarms("condition: rate, limit: 5, per: 61m"),
        "spec.tags[0].alarms[0].per",
        "per must be between 1s and 1h",
    ),
    "priority 0": Case(
        alarms("condition: stale, priority: 0"),
        "spec.tags[0].alarms[0].priority",
        "must be at least 1, is 0",
    ),
    "priority 5": Case(
        alarms("condition: stale, priority: 5"),
        "spec.tags[0].alarms[0].priority",
        "must be at most 4, is 5",
    ),
    "an on-delay of more than an hour": Case(
        alarms("condition: stale, onDelay: 3601s"),
        "spec.tags[0].alarms[0].onDelay",
        "onDelay must be between 0s and 1h",
    ),
    "an off-delay of a day": Case(
        alarms("condition: stale, offDelay: 24h"),
        "spec.tags[0].alarms[0].offDelay",
        "offDelay must be between 0s and 1h",
    ),
    "a delay without a unit": Case(
        alarms("condition: stale, onDelay: '5'"),
        "spec.tags[0].alarms[0].onDelay",
        "does not match",
    ),
    "a delay that is a number": Case(
        alarms("condition: stale, onDelay: 5"),
        "spec.tags[0].alarms[0].onDelay",
        'must be text, is 5; quote it: "5"',
    ),
    "a message of 257 characters": Case(
        alarms(f"condition: stale, message: {'m' * 257}"),
        "spec.tags[0].alarms[0].message",
        "must have at most 256 characters, has 257",
    ),
    "a response of 513 characters": Case(
        alarms(f"condition: stale, response: {'r' * 513}"),
        "spec.tags[0].alarms[0].response",
        "must have at most 512 characters, has 513",
    ),
    "suppressed by a tag in no state": Case(
        alarms("condition: stale, suppressedBy: {tag: run_status, states: []}"),
        "spec.tags[0].alarms[0].suppressedBy.states",
        "must have at least 1 item, has 0",
    ),
    "a write of nothing": Case(
        writable("approval: none"), "spec.tags[0].write", "give either min and max, or states"
    ),
    "a write with both forms": Case(
        writable("min: 0, max: 5, states: [0, 1]"),
        "spec.tags[0].write",
        "give either min and max, or states",
    ),
    "a write with one end": Case(
        writable("min: 0"), "spec.tags[0].write", "min and max belong together"
    ),
    "a write with min over max": Case(
        writable("min: 5, max: 4"), "spec.tags[0].write.min", "min must be less than max"
    ),
    "a write with min at max": Case(
        writable("min: 5, max: 5"), "spec.tags[0].write.min", "min must be less than max"
    ),
    "a write beyond the range": Case(
        writable("min: 0, max: 6", ", range: {min: 0, max: 5}"),
        "spec.tags[0].write",
        "min and max must lie within range",
    ),
    "an approval by three": Case(
        writable("states: [0], approval: three"),
        "spec.tags[0].write.approval",
        'must be none or required, is "three"',
    ),
    "a tolerance below 0": Case(
        writable("min: 0, max: 6, tolerance: -1"),
        "spec.tags[0].write.tolerance",
        "must be at least 0, is -1",
    ),
    "a verification within 61 seconds": Case(
        writable("states: [0], verifyWithin: 61s"),
        "spec.tags[0].write.verifyWithin",
        "verifyWithin must be between 100ms and 60s",
    ),
    "a verification at once": Case(
        writable("states: [0], verifyWithin: 50ms"),
        "spec.tags[0].write.verifyWithin",
        "verifyWithin must be between 100ms and 60s",
    ),
    "a state's name that is a number": Case(
        tag("stateNames: {'0': 1}"),
        "spec.tags[0].stateNames[0]",
        'must be text, is 1; quote it: "1"',
    ),
    "33 names of states": Case(
        tag("stateNames: {" + ", ".join(f"'{n}': x" for n in range(33)) + "}"),
        "spec.tags[0].stateNames",
        "must have at most 32 keys, has 33",
    ),
}
