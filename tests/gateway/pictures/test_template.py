"""Templates of process pictures: what fits a drawing, and ours do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_gateway.pictures.problems import PictureError
from pumpjack_gateway.pictures.shelf import OURS, read_picture, read_shelf

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50">
<g id="v-p"><rect/><text/></g><rect id="l-t"/><text id="s-r"/><g id="f-q"/><g id="c-d"/></svg>"""
FITS: dict[str, Any] = {
    "template": "mine",
    "version": 1,
    "title": "Mine",
    "picture": "mine.svg",
    "views": {"all": [0, 0, 100, 50]},
    "roles": {
        "pressure": {"label": "Pressure", "unit": "psi", "digits": 0, "required": True},
        "run": {"label": "State", "states": {"0": "STOPPED", "1": "RUNNING"}},
    },
    "bind": [
        {"el": "v-p", "as": "value", "role": "pressure"},
        {"el": "l-t", "as": "level", "role": "pressure", "from": "top"},
        {"el": "s-r", "as": "state", "role": "run", "run": ["1"]},
        {"el": "f-q", "as": "flow", "role": "pressure", "above": 2.5},
        {"el": "c-d", "as": "card", "card": "dynamometer"},
    ],
}


def put(folder: Path, svg: str = SVG, **changes: Any) -> Path:
    """Write the template, with changes; the place of its JSON."""
    file = folder / "mine.json"
    file.write_bytes(msgspec.json.encode(FITS | changes))
    (folder / "mine.svg").write_text(svg)
    return file


def test_a_template_that_fits_its_drawing_is_taken_whole(tmp_path: Path) -> None:
    answer = msgspec.json.decode(read_picture(put(tmp_path)).body)
    assert answer.pop("svg").startswith("<svg ")
    assert answer == FITS


def bound(**bind: object) -> dict[str, Any]:
    return {"bind": [bind]}


WRONG = {
    "an element that is not drawn": (
        bound(el="v-x", **{"as": "value", "role": "pressure"}),
        "no element with the id 'v-x'",
    ),
    "an element twice": ({"bind": [FITS["bind"][0]] * 2}, "bound twice"),
    "a role that there is not": (
        bound(el="v-p", **{"as": "value", "role": "preasure"}),
        "'preasure' is none of the template's roles",
    ),
    "no role": (bound(el="v-p", **{"as": "value"}), "None is none of"),
    "a kind that there is not": (
        bound(el="v-p", **{"as": "blink", "role": "pressure"}),
        "Invalid enum value 'blink'",
    ),
    "a member that is misspelt": (
        bound(el="v-p", **{"as": "value", "rol": "pressure"}),
        "unknown field `rol`",
    ),
    "a member of another kind": (
        bound(el="v-p", **{"as": "value", "role": "pressure", "above": 1}),
        "above is for flow",
    ),
    "a level on what has no height": (
        bound(el="v-p", **{"as": "level", "role": "pressure"}),
        "is a <g>; a level is shown on rect",
    ),
    "a card that there is not": (
        bound(el="c-d", **{"as": "card", "card": "pie"}),
        "Invalid enum value 'pie'",
    ),
    "a card with a role": (
        bound(el="c-d", **{"as": "card", "card": "dynamometer", "role": "pressure"}),
        "and no role",
    ),
    "a state without words": (
        bound(el="s-r", **{"as": "state", "role": "pressure"}),
        "has no words",
    ),
    "a state that the role has not": (
        bound(el="s-r", **{"as": "state", "role": "run", "run": ["2"]}),
        "'2' is no state",
    ),
    "something shown in no state": (
        bound(el="f-q", **{"as": "show", "role": "run"}),
        "needs the states",
    ),
    "a view beside the drawing": ({"views": {"all": [0, 0, 101, 50]}}, "not inside"),
    "a view of nothing": ({"views": {"all": [0, 0, 0, 50]}}, "not inside"),
    "a view with three numbers": ({"views": {"all": [0, 0, 100]}}, "length"),
    "another name than its file": ({"template": "yours"}, "they must be equal"),
    "a drawing elsewhere": ({"picture": "../mine.svg"}, "in the same folder"),
    "a drawing that is missing": ({"picture": "none.svg"}, "cannot be read"),
    "a version of nothing": ({"version": 0}, "1 or more"),
    "too many decimals": ({"roles": {"a": {"label": "A", "digits": 7}}}, "between 0 and 6"),
    "a role without a label": ({"roles": {"a": {"label": ""}}}, "no label"),
    "a role with spaces": ({"roles": {"a b": {"label": "A"}}}, "must be a word"),
    "more than there is": ({"colours": {}}, "unknown field"),
}


@pytest.mark.parametrize(("changes", "why"), WRONG.values(), ids=WRONG)
def test_a_template_that_does_not_fit_is_refused_with_the_place(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(PictureError) as refused:
        read_picture(put(tmp_path, **changes))
    assert why in str(refused.value)


@pytest.mark.parametrize("path", sorted(OURS.glob("*.json")), ids=lambda path: path.stem)
def test_ours_fit_their_drawings_and_show_every_role_that_they_have(path: Path) -> None:
    template = read_picture(path).template
    shown = {bind.role for bind in template.bind if bind.as_ in ("value", "state")}
    assert shown == set(template.roles)
    svg = path.with_suffix(".svg").read_text()
    for bind in template.bind:
        if bind.as_ in ("level", "position", "flow"):
            element = svg[svg.index(f'id="{bind.el}"') :].split(">", 1)[0]
            assert 'visibility="hidden"' in element, f"{bind.el} shows something before it is known"


def test_a_platforms_own_replaces_ours_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / "mine.json").rename(tmp_path / "esp.json")
    (tmp_path / "esp.json").write_bytes(msgspec.json.encode(FITS | {"template": "esp"}))
    shelf = read_shelf(str(tmp_path))
    assert [each.template.title for each in shelf.list()] == ["Mine", "Gas lift", "Rod pump"]


def test_a_folder_that_there_is_not_stops_the_gateway(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="PUMPJACK_TEMPLATES_DIR"):
        read_shelf(str(tmp_path / "none"))
