"""A process picture's template: which element of the drawing shows which role. Pure."""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from msgspec import Struct, field

from pumpjack_gateway.pictures.problems import PictureError
from pumpjack_gateway.pictures.svg import Box, Drawing

Kind = Literal["value", "level", "state", "flow", "position", "show", "card"]
Card = Literal["dynamometer", "operating_point", "pressure_depth"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SHAPES = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon"})
_ELEMENTS: dict[Kind, frozenset[str]] = {
    "value": frozenset({"g"}),
    "level": frozenset({"rect"}),
    "state": _SHAPES | {"g", "text"},
    "flow": _SHAPES | {"g"},
    "position": frozenset({"rect"}),
    "show": _SHAPES | {"g", "text", "use"},
    "card": frozenset({"g"}),
}
_ONLY_OF: dict[str, Kind] = {
    "above": "flow",
    "from": "level",
    "run": "state",
    "states": "show",
    "card": "card",
}


class Role(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a tag can be to a picture.

    unit      that the picture shows it in; "" for the tag's own
    digits    decimals
    required  the picture says little without it
    states    words for values
    """

    label: str
    unit: str = ""
    digits: int | None = None
    required: bool = False
    states: dict[str, str] = {}


class Bind(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an element shows.

    as      value: a text in its frame. level: how full the rect is. state: a word on a text, a
            fill on shapes. flow: seen while the value is above a dead band. position: 0 to 100 %
            of a rect. show: seen in the listed states. card: a built-in drawing
    from    of level: the side that the value is measured from
    above   of flow: the dead band, in the role's unit
    run     of state: the values in which it runs; states: of show
    """

    el: str
    as_: Kind = field(name="as")
    role: str | None = None
    card: Card | None = None
    from_: Literal["bottom", "top"] = field(name="from", default="bottom")
    above: float = 0.0
    run: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON beside a drawing. views: parts of it that a phone shows one at a time."""

    template: str
    version: int
    title: str
    picture: str
    views: dict[str, Box]
    roles: dict[str, Role]
    bind: list[Bind]


def parse(text: str | bytes) -> Template:
    """A template as it is written. Raises PictureError."""
    try:
        return msgspec.json.decode(text, type=Template)
    except msgspec.MsgspecError as error:
        raise PictureError(str(error)) from error


def check(template: Template, drawing: Drawing) -> None:
    """Whether template and drawing fit. Raises PictureError with the first thing that does not."""
    if _NAME.fullmatch(template.template) is None:
        raise PictureError("template must be a word of a to z, 0 to 9 and '-'")
    if template.version < 1 or not template.title:
        raise PictureError("version must be 1 or more, and title not empty")
    for name, view in template.views.items():
        if view.width <= 0 or view.height <= 0 or not drawing.view_box.holds(view):
            raise PictureError(f"the view {name!r} is not inside the drawing's viewBox")
    for name, role in template.roles.items():
        _check_role(name, role)
    bound: set[str] = set()
    for bind in template.bind:
        if bind.el in bound:
            raise PictureError(f"{bind.el!r} is bound twice; an element shows one thing")
        bound.add(bind.el)
        _check_bind(bind, template, drawing)


def _check_role(name: str, role: Role) -> None:
    if _ROLE.fullmatch(name) is None:
        raise PictureError(f"the role {name!r} must be a word of a to z, 0 to 9 and '_'")
    if not role.label:
        raise PictureError(f"the role {name!r} has no label")
    if role.digits is not None and not 0 <= role.digits <= 6:
        raise PictureError(f"the role {name!r}: digits must be between 0 and 6")


def _check_bind(bind: Bind, template: Template, drawing: Drawing) -> None:
    kind = drawing.elements.get(bind.el)
    if kind is None:
        raise PictureError(f"the drawing {template.picture} has no element with the id {bind.el!r}")
    if kind not in _ELEMENTS[bind.as_]:
        allowed = ", ".join(sorted(_ELEMENTS[bind.as_]))
        raise PictureError(f"{bind.el!r} is a <{kind}>; a {bind.as_} is shown on {allowed}")
    told = msgspec.to_builtins(bind)
    for member, owner in _ONLY_OF.items():
        if member in told and bind.as_ != owner:
            raise PictureError(f"{bind.el!r}: {member} is for {owner}, not for {bind.as_}")
    if bind.as_ == "card":
        if bind.card is None or bind.role is not None:
            raise PictureError(f"{bind.el!r}: a card names its card, and no role")
        return
    role = template.roles.get(bind.role or "")
    if role is None:
        raise PictureError(f"{bind.el!r}: {bind.role!r} is none of the template's roles")
    if bind.as_ == "show" and not bind.states:
        raise PictureError(f"{bind.el!r}: show needs the states in which it is seen")
    if bind.as_ == "state" and not role.states:
        raise PictureError(f"{bind.el!r}: the role {bind.role!r} has no words for its states")
    for value in (*bind.run, *bind.states):
        if role.states and value not in role.states:
            raise PictureError(f"{bind.el!r}: {value!r} is no state of the role {bind.role!r}")
