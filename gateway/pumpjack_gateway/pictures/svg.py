"""Makes a drawing safe to put into a page: only what is listed here gets through. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from msgspec import Struct

from pumpjack_gateway.pictures.allowed import (
    ATTRIBUTES,
    DROPPED,
    ELEMENTS,
    FUNCTIONS,
    PRESENTATION,
    REFERRING,
)
from pumpjack_gateway.pictures.problems import PictureError

MAX_CHARS = 524_288
ELEMENTS_MAX = 20_000
_SVG = "{http://www.w3.org/2000/svg}"
_HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")
_CALL = re.compile(r"([A-Za-z-]+)\s*\(")
_OWN_URL = re.compile(r"url\(#[A-Za-z][A-Za-z0-9_.-]*\)")
_TEXTS = ("text", "tspan", "title", "desc")


class Box(Struct, frozen=True, array_like=True):
    """A rectangle in the picture's units."""

    x: float
    y: float
    width: float
    height: float

    def holds(self, other: Box) -> bool:
        """Whether the other is within it, edges included."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


class Drawing(Struct, frozen=True):
    """A drawing that was checked. elements: id to kind of element ("rect", "g" …)."""

    text: str
    view_box: Box
    elements: dict[str, str]


def clean(text: str) -> Drawing:
    """Take what is allowed. Raises PictureError for what an editor of drawings does not write.

    What editors do write and pages do not need goes without a word: their own elements and
    attributes, <style> and <metadata>. style="" becomes attributes: the pages' security policy
    would not apply it.
    """
    if len(text) > MAX_CHARS:
        raise PictureError(f"it is longer than {MAX_CHARS} characters")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise PictureError("it has a DOCTYPE; save it as plain SVG")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a DOCTYPE nothing can expand
    except ElementTree.ParseError as error:
        raise PictureError(f"it is no XML: {error}") from error
    if root.tag != f"{_SVG}svg":
        raise PictureError("its root is no <svg> of the namespace http://www.w3.org/2000/svg")
    elements: dict[str, str] = {}
    made = _copy(root, elements, depth=0)
    if sum(1 for _ in made.iter()) > ELEMENTS_MAX:
        raise PictureError(f"it has more than {ELEMENTS_MAX} elements")
    box = _view_box(made.get("viewBox", ""))
    for name in ("x", "y", "width", "height"):
        made.attrib.pop(name, None)  # the page says how large it is
    made.set("xmlns", _SVG[1:-1])
    return Drawing(ElementTree.tostring(made, encoding="unicode"), box, elements)


def _copy(source: ElementTree.Element, elements: dict[str, str], depth: int) -> ElementTree.Element:
    if depth > 50:
        raise PictureError("its elements are nested more than 50 deep")
    kind = source.tag.removeprefix(_SVG)
    made = ElementTree.Element(kind, dict(_attributes(source, kind)))
    identity = made.get("id")
    if identity is not None:
        if identity in elements:
            raise PictureError(f"the id {identity!r} is there twice")
        elements[identity] = kind
    is_text = kind in _TEXTS
    made.text = source.text if is_text else None
    for child in source:
        name = child.tag.removeprefix(_SVG)
        if not child.tag.startswith(_SVG) or name in DROPPED:
            continue
        if name not in ELEMENTS:
            raise PictureError(f"<{name}> is not allowed in a picture")
        copied = _copy(child, elements, depth + 1)
        copied.tail = child.tail if is_text else None
        made.append(copied)
    return made


def _attributes(source: ElementTree.Element, kind: str) -> Iterator[tuple[str, str]]:
    """Attributes that stay; those of style="" come last, as they weigh more."""
    for name, value in source.attrib.items():
        if name in _HREFS:
            if not re.fullmatch(r"#[A-Za-z][A-Za-z0-9_.-]*", value):
                raise PictureError(f"<{kind}> refers to {value[:80]!r}; only #id is allowed")
            if kind in REFERRING:
                yield "href", value
        elif name.lower().startswith("on"):
            raise PictureError(f"<{kind}> has the event handler {name}; pictures have no scripts")
        elif name == "id":
            if _ID.fullmatch(value) is None:
                raise PictureError(f"the id {value[:80]!r} must be letters, digits, '_', '.', '-'")
            yield name, value
        elif name in ATTRIBUTES or name in PRESENTATION:
            yield name, _safe(kind, name, value)
    for declaration in source.get("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name in PRESENTATION:
            yield name, _safe(kind, name, value)


def _safe(kind: str, name: str, value: str) -> str:
    """The value, if nothing in it can reach out of the picture. Raises PictureError."""
    if "\\" in value or "/*" in value:
        raise PictureError(f"<{kind}>: {name} has an escape or a comment in it")
    rest = _OWN_URL.sub("", value)
    for function in _CALL.findall(rest):
        if function.lower() not in FUNCTIONS:
            raise PictureError(
                f"<{kind}>: {name}={value[:80]!r} is not allowed; of url() only url(#id)"
            )
    return value


def _view_box(text: str) -> Box:
    try:
        x, y, width, height = (float(number) for number in text.replace(",", " ").split())
    except ValueError as error:
        raise PictureError('its <svg> needs viewBox="x y width height"') from error
    if not (width > 0 and height > 0):
        raise PictureError("its viewBox is empty")
    return Box(x, y, width, height)
