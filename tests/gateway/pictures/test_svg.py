"""What of a drawing gets into a page."""

from __future__ import annotations

import pytest

from pumpjack_gateway.pictures.problems import PictureError
from pumpjack_gateway.pictures.svg import ELEMENTS_MAX, MAX_CHARS, Box, clean

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" viewBox="0 0 100 50">'
)


def drawing(inside: str) -> str:
    return f"{HEAD}{inside}</svg>"


def inside_of(text: str) -> str:
    """What is left of the drawing's inside."""
    made = clean(text).text
    return made[made.index(">") + 1 :].removesuffix("</svg>")


KEPT = {
    "shapes with their places": '<rect id="a" class="eq" x="1" y="2" width="3" height="4" />',
    "words": '<text class="vv" x="8">12<tspan class="vu" dx="3">psi</tspan> now</text>',
    "groups": '<g id="v-x" transform="translate(3 4) rotate(90)"><circle r="2" /></g>',
    "colours of the page": '<path fill="var(--oil)" stroke="rgb(1, 2, 3)" d="M0 0h1" />',
    "patterns of its own": (
        '<defs><pattern id="p" width="4" height="4"><path d="M0 0h1" /></pattern></defs>'
        '<rect fill="url(#p)" width="1" height="1" />'
    ),
    "an element used again": '<symbol id="s"><path d="M0 0h1" /></symbol><use href="#s" x="4" />',
}


@pytest.mark.parametrize("inside", KEPT.values(), ids=KEPT)
def test_what_draws_stays_as_it_is(inside: str) -> None:
    assert inside_of(drawing(inside)) == inside


DROPPED = {
    "its own style sheet": "<style>.eq { fill: red }</style>",
    "what the editor keeps": "<inkscape:grid color='x' /><metadata><x xmlns='y'/></metadata>",
    "comments and instructions": "<!-- <script> --><?xml-stylesheet href='http://x'?>",
    "white space between elements": "\n   \n",
}


@pytest.mark.parametrize("inside", DROPPED.values(), ids=DROPPED)
def test_what_a_page_needs_not_is_left_out(inside: str) -> None:
    assert inside_of(drawing(inside)) == ""


def test_attributes_of_editors_are_left_out() -> None:
    inside = '<g inkscape:label="x" data-name="y" xml:space="preserve" tabindex="0" />'
    assert inside_of(drawing(inside)) == "<g />"


def test_styles_become_attributes_that_every_policy_applies() -> None:
    inside = '<path style="stroke-width:3; fill : none;-inkscape-x:1;position:fixed" fill="red" />'
    assert inside_of(drawing(inside)) == '<path fill="none" stroke-width="3" />'


def test_the_older_way_to_refer_is_written_the_newer_way() -> None:
    inside = '<g id="s" /><use xlink:href="#s" />'
    assert inside_of(drawing(inside)) == '<g id="s" /><use href="#s" />'


def test_the_page_says_how_large_it_is() -> None:
    found = clean(HEAD.replace("<svg ", '<svg width="9000" height="1" x="5" ') + "</svg>")
    assert found.text.startswith('<svg viewBox="0 0 100 50" xmlns="http://www.w3.org/2000/svg"')
    assert found.view_box == Box(0, 0, 100, 50)


def test_every_id_is_known_with_the_kind_of_its_element() -> None:
    assert clean(drawing('<g id="a"><rect id="b" /></g>')).elements == {"a": "g", "b": "rect"}


REFUSED = {
    "a script": ("<script>alert(1)</script>", "<script> is not allowed"),
    "a script of another namespace's prefix": (
        "<s:script xmlns:s='http://www.w3.org/2000/svg'>alert(1)</s:script>",
        "<script> is not allowed",
    ),
    "HTML within": ("<foreignObject><p xmlns='x'/></foreignObject>", "<foreignObject>"),
    "a picture from elsewhere": ("<image href='https://x/y.png' />", "<image> is not allowed"),
    "a link": ("<a href='https://x'><text>x</text></a>", "<a> is not allowed"),
    "an animation, which could set a link": ("<g><set attributeName='href'/></g>", "<set>"),
    "a handler": ('<rect onclick="alert(1)" />', "event handler onclick"),
    "a handler in capitals": ('<rect OnLoad="alert(1)" />', "event handler OnLoad"),
    "a handler on the root": ("", "event handler onload"),
    "a reference elsewhere": ('<use href="https://x/y.svg#z" />', "refers to"),
    "a reference elsewhere, the older way": ('<use xlink:href="data:x" />', "refers to"),
    "a reference on an element that has none": ('<rect href="javascript:x" />', "refers to"),
    "a fill from elsewhere": ('<rect fill="url(https://x/y#z)" />', "only url(#id)"),
    "a fill from elsewhere in capitals": ('<rect fill="URL(https://x)" />', "only url(#id)"),
    "a style from elsewhere": ('<rect style="fill:url(//x#y)" />', "only url(#id)"),
    "a mask from elsewhere": ("<rect mask=\"image-set('//x' 1x)\" />", "is not allowed"),
    "an escape that hides what is called": ('<rect fill="u\\72l(//x)" />', "an escape"),
    "a comment that hides what is called": ('<rect fill="url/**/(//x)" />', "a comment"),
    "an id twice": ('<g id="a"/><g id="a"/>', "there twice"),
    "an id with spaces": ('<g id="a b"/>', "must be letters"),
    "no XML": ("<g>", "is no XML"),
    "too much": ("<g/>" * (ELEMENTS_MAX + 1), "more than"),
    "too long": ("<g/>" + " " * MAX_CHARS, "longer than"),
    "too deep": ("<g>" * 60 + "</g>" * 60, "nested"),
}


@pytest.mark.parametrize(("inside", "why"), REFUSED.values(), ids=REFUSED)
def test_what_could_do_more_than_draw_is_refused(inside: str, why: str) -> None:
    text = drawing(inside)
    if not inside:
        text = text.replace("<svg ", '<svg onload="x" ')
    with pytest.raises(PictureError) as refused:
        clean(text)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + drawing("<text>&a;</text>"),
        "<html/>",
        '<svg viewBox="0 0 1 1"/>',
        HEAD.replace("0 0 100 50", "0 0 100") + "</svg>",
        HEAD.replace("0 0 100 50", "0 0 0 50") + "</svg>",
        HEAD.replace("0 0 100 50", "0 0 nan 50") + "</svg>",
        "",
    ],
)
def test_what_is_no_plain_drawing_is_refused(text: str) -> None:
    with pytest.raises(PictureError):
        clean(text)


def test_cleaning_again_changes_nothing() -> None:
    once = clean(drawing("".join(KEPT[name] for name in ("words", "groups")))).text
    assert clean(once).text == once
