"""TagMappings of what was found, as YAML that a person goes on editing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct

from pumpjack_cli.browsing.names import Names, shared_steps
from pumpjack_cli.browsing.spool import Spool, why_no_tag
from pumpjack_cli.output import plain
from pumpjack_core.manifests import scalars
from pumpjack_worker.adapters.browsing import Found

MOST_TAGS = 500
"""In one TagMapping, as crds/tagmappings.pumpjack.dev.yaml says."""
MOST_UNIT_CHARACTERS = 32
NO_LIMIT = 1e37
"""What devices write where they mean that there is none."""
MOST_COMMENT_CHARACTERS = 200
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./%-]*")


class Target(Struct, frozen=True):
    """What the tags are read from.

    where       the device, for a person
    namespace   "" where the manifest names none
    connection  the ScadaConnection to write as well, None when a file has it already
    secret      name of the Secret that the connection names, which is not written
    """

    where: str
    name: str
    namespace: str = ""
    connection: Mapping[str, Any] | None = None
    secret: str = ""


def lines(spool: Spool, target: Target, well: str) -> Iterator[str]:
    """The whole file, line by line."""
    mappings = math.ceil(spool.tags / MOST_TAGS)
    yield f"# What {plain(target.where)} has, as pumpjack browse found it: {spool.tags} tags"
    if spool.others:
        yield f"# (and {spool.others} things that cannot be tags, at the end)."
    yield "# Take away what is not to be read, and say which well it is (wellId). A range is what"
    yield "# the device told of itself; readings outside of it are stored as BAD."
    if target.connection is not None:
        yield from _connection(target.connection, target.secret)
    names = Names(shared_steps(found.path for found in _tags(spool)))
    for at, found in enumerate(_tags(spool)):
        if at % MOST_TAGS == 0:
            number = f"-{at // MOST_TAGS + 1:03}" if mappings > 1 else ""
            yield from _head(target, well, number)
        yield from _tag(found, names.of(found.path))
    if spool.others:
        yield "# These cannot be tags:"
        for found in spool.everything():
            if why := why_no_tag(found):
                yield f"#   {_comment('/'.join(found.path))}  {_comment(found.address)}  ({why})"


def _tags(spool: Spool) -> Iterator[Found]:
    return (found for found in spool.everything() if not why_no_tag(found))


def _connection(document: Mapping[str, Any], secret: str) -> Iterator[str]:
    yield from yaml.safe_dump(dict(document), sort_keys=False).splitlines()
    if secret:
        yield "---"
        yield "# The login. Keep it out of version control; on a cluster: kubectl create secret."
        yield "# apiVersion: v1"
        yield "# kind: Secret"
        yield f"# metadata: {{name: {secret}}}"
        yield "# type: pumpjack.dev/device-credentials"
        yield "# stringData: {username: …, password: …}"


def _head(target: Target, well: str, number: str) -> Iterator[str]:
    yield "---"
    yield "apiVersion: pumpjack.dev/v1alpha1"
    yield "kind: TagMapping"
    yield "metadata:"
    yield f"  name: {scalar(target.name + number)}"
    if target.namespace:
        yield f"  namespace: {scalar(target.namespace)}"
    yield "spec:"
    yield f"  connectionRef: {{name: {scalar(target.name)}}}"
    yield f"  wellId: {scalar(well)}"
    yield "  tags:"


def _tag(found: Found, name: str) -> Iterator[str]:
    about = _comment(found.description)
    if found.value is not None:
        about = f"{about}{'; ' if about else ''}was {found.value:.6g}"
    if about:
        yield f"    # {about}"
    yield f"    - name: {scalar(name)}"
    yield f"      address: {quoted(found.address)}"
    yield f"      dataType: {found.data_type}"
    if found.unit and len(found.unit) <= MOST_UNIT_CHARACTERS:
        yield f"      unit: {scalar(found.unit)}"
    limits = [
        f"{key}: {number(value)}"
        for key, value in (("min", found.low), ("max", found.high))
        if value is not None and abs(value) < NO_LIMIT
    ]
    if limits and not _is_empty(found.low, found.high):
        yield f"      range: {{{', '.join(limits)}}}"


def _is_empty(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low >= high


def number(value: float) -> str:
    """A number that reads back as the same, without needless digits."""
    short = f"{value:.15g}"
    return short if float(short) == value else repr(value)


def scalar(text: str) -> str:
    """A text in YAML, plain where it would be read as that text."""
    if _PLAIN.fullmatch(text) and isinstance(scalars.resolve(text), str):
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in YAML's double quotes; what is no letter of its own is escaped."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(
        letter if letter.isprintable() else f"\\U{ord(letter):08X}" for letter in written
    )


def _comment(text: str) -> str:
    short = text if len(text) <= MOST_COMMENT_CHARACTERS else text[:MOST_COMMENT_CHARACTERS] + "…"
    return plain(" ".join(short.split()))
