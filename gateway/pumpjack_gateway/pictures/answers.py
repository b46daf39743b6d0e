"""What REST tells of process pictures."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pumpjack_gateway.pictures.template import Template


class PictureAnswer(Template, frozen=True):
    """A template with its drawing, which is safe to put into a page. picture: its file's name."""

    svg: str


class TemplateSummary(Struct, frozen=True, rename="camel"):
    """A process picture by its name, which is the type of the wells that it is for."""

    template: str
    version: int
    title: str


class TemplatesAnswer(Struct, frozen=True, rename="camel"):
    """All process pictures, by name."""

    as_of: datetime
    templates: list[TemplateSummary]
