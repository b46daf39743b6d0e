"""The table's part about facts of wells, titles, normal bands and digits."""

from __future__ import annotations

from tests.core.manifests.case import Case, mapping, tag


def well(what: str) -> str:
    return mapping(which=f"connectionRef: {{name: pad-a}}\n  well: {{{what}}}")


WITHIN = "normal must lie within range"
ACCEPTED = {
    "a well with everything": Case(
        well(
            "title: '{{ labels.well }} of pad {{ labels.pad }}', type: rod-pump, pad: Pad A,"
            " route: 'Route {{ labels.route }}', timeZone: America/Argentina/Buenos_Aires,"
            " roles: {tubing_pressure: thp, run_status: state}, keyTags: [oil_rate, thp, state]"
        )
    ),
    "a well of which nothing is said": Case(well("")),
    "a picture of the platform's own": Case(well("type: plunger-lift-2")),
    "a time zone that only the status can refuse": Case(well("timeZone: Mars/Olympus_Mons")),
    "roles and key tags that only the status can refuse": Case(
        well("roles: {x: not_there}, keyTags: [not_there]")
    ),
    "no roles and no key tags": Case(well("roles: {}, keyTags: []")),
    "a tag with a title, a band and digits": Case(
        tag("title: Oil rate, range: {min: 0, max: 600}, normal: {min: 300, max: 450.5}, digits: 0")
    ),
    "a band as wide as the range": Case(tag("range: {min: 0, max: 6}, normal: {min: 0, max: 6}")),
    "a band with one end": Case(tag("range: {max: 6}, normal: {max: 5}")),
    "a band without a range": Case(tag("normal: {min: -5, max: 5}, digits: 6")),
}

REFUSED = {
    "seven key tags": Case(
        well("keyTags: [a, b, c, d, e, f, g]"),
        "spec.well.keyTags",
        "must have at most 6 items, has 7",
    ),
    "key tags as one text": Case(well("keyTags: oil_rate"), "spec.well.keyTags", "must be a list"),
    "a key tag without a name": Case(
        well("keyTags: ['']"), "spec.well.keyTags[0]", "must have at least 1 character"
    ),
    "a picture with a capital": Case(
        well("type: Rod-Pump"), "spec.well.type", '"Rod-Pump" does not match ^[a-z][a-z0-9-]*$'
    ),
    "a picture that would be a path": Case(
        well("type: ../esp"), "spec.well.type", '"../esp" does not match'
    ),
    "a picture with 64 characters": Case(
        well(f"type: {'x' * 64}"), "spec.well.type", "must have at most 63 characters, has 64"
    ),
    "a time zone with a blank": Case(
        well("timeZone: America/New York"), "spec.well.timeZone", "does not match"
    ),
    "a title with 129 characters": Case(
        well(f"title: {'x' * 129}"), "spec.well.title", "must have at most 128 characters, has 129"
    ),
    "an empty title of a well": Case(
        well("title: ''"), "spec.well.title", "must have at least 1 character"
    ),
    "an unknown fact": Case(
        well("timezone: America/Denver"),
        "spec.well.timezone",
        "unknown key; did you mean timeZone?",
    ),
    "a role that is played by a number": Case(
        well("roles: {tubing_pressure: 5}"), "spec.well.roles.tubing_pressure", "must be text, is 5"
    ),
    "65 roles": Case(
        well("roles: {" + ", ".join(f"r{n}: x" for n in range(65)) + "}"),
        "spec.well.roles",
        "must have at most 64 keys, has 65",
    ),
    "a band below the range": Case(
        tag("range: {min: 0, max: 6}, normal: {min: -1, max: 5}"), "spec.tags[0].normal", WITHIN
    ),
    "a band above the range": Case(
        tag("range: {min: 0, max: 6}, normal: {min: 1, max: 7}"), "spec.tags[0].normal", WITHIN
    ),
    "a band that begins above the range": Case(
        tag("range: {max: 6}, normal: {min: 7}"), "spec.tags[0].normal", WITHIN
    ),
    "a band that ends below the range": Case(
        tag("range: {min: 0}, normal: {max: -1}"), "spec.tags[0].normal", WITHIN
    ),
    "a band upside down": Case(
        tag("normal: {min: 5, max: 5}"), "spec.tags[0].normal", "min must be less than max"
    ),
    "a band with no end": Case(tag("normal: {}"), "spec.tags[0].normal", "give min, max or both"),
    "seven digits": Case(tag("digits: 7"), "spec.tags[0].digits", "must be at most 6, is 7"),
    "fewer than no digits": Case(
        tag("digits: -1"), "spec.tags[0].digits", "must be at least 0, is -1"
    ),
    "half a digit": Case(tag("digits: 0.5"), "spec.tags[0].digits", "must be a whole number"),
    "a title of a tag with 65 characters": Case(
        tag(f"title: {'x' * 65}"), "spec.tags[0].title", "must have at most 64 characters, has 65"
    ),
}
