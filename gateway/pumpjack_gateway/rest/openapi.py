"""The OpenAPI document: FastAPI's, with the schemas of our structs and problems everywhere."""

from __future__ import annotations

import html
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pumpjack_gateway import answers
from pumpjack_gateway.alarms import answers as alarms
from pumpjack_gateway.alarms.bodies import Shelving, WithComment, WithReason
from pumpjack_gateway.commands import answers as commands
from pumpjack_gateway.commands.bodies import ControlRequest, DecisionRequest
from pumpjack_gateway.may import MeAnswer
from pumpjack_gateway.overview.answers import OverviewAnswer
from pumpjack_gateway.pictures.answers import PictureAnswer, TemplatesAnswer
from pumpjack_gateway.points import answers as points
from pumpjack_gateway.rest.problems import MEDIA_TYPE
from pumpjack_gateway.site import ScreensConfig
from pumpjack_gateway.well_facts import WellAnswer

_STRUCTS: tuple[type, ...] = (
    answers.ReadingsPage,
    answers.AggregatesPage,
    points.PointsAnswer,
    points.SparksAnswer,
    answers.LatestAnswer,
    answers.WellsPage,
    answers.Ready,
    answers.Healthy,
    answers.Problem,
    alarms.AlarmsPage,
    alarms.EventsPage,
    alarms.CountsAnswer,
    alarms.FiguresAnswer,
    alarms.ActionAnswer,
    WithComment,
    WithReason,
    Shelving,
    commands.CommandAnswer,
    commands.CommandsPage,
    commands.WritableTags,
    ControlRequest,
    DecisionRequest,
    OverviewAnswer,
    ScreensConfig,
    MeAnswer,
    WellAnswer,
    TemplatesAnswer,
    PictureAnswer,
)
_UNUSED = ("HTTPValidationError", "ValidationError")
Responses = dict[int | str, dict[str, Any]]


def ref(struct: type) -> dict[str, str]:
    """The schema of a struct, by name."""
    return {"$ref": f"#/components/schemas/{struct.__name__}"}


def answer(struct: type, description: str, example: object) -> dict[str, Any]:
    """A response of one struct."""
    return answer_of(ref(struct), description, example)


def answer_of(
    schema: dict[str, Any],
    description: str,
    example: object = None,
    *,
    examples: dict[str, object] | None = None,
) -> dict[str, Any]:
    """A response of any schema, with one example or several, each under a name."""
    shown: dict[str, Any] = {"example": example}
    if examples is not None:
        shown = {"examples": {name: {"value": value} for name, value in examples.items()}}
    content = {"schema": schema} | shown
    return {"description": description, "content": {"application/json": content}}


def problem(description: str, *, retry: bool = False) -> dict[str, Any]:
    """A response that is a problem document."""
    described: dict[str, Any] = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": ref(answers.Problem)}},
    }
    if retry:
        described["headers"] = {
            "Retry-After": {"description": "seconds", "schema": {"type": "integer"}}
        }
    return described


COMMON: Responses = {
    401: problem("No token, or one that was refused"),
    403: problem("The database has no such tenant"),
    404: problem("No such well; one of another tenant does not exist either"),
    422: problem("The request is not right; the sentence says where"),
    429: problem("Too many requests", retry=True),
    500: problem("The gateway failed"),
    503: problem("The database or Redis cannot be reached now", retry=True),
}


def common(*leave_out: int) -> Responses:
    """The problems that any request for data may meet."""
    return {status: described for status, described in COMMON.items() if status not in leave_out}


def install(app: FastAPI) -> None:
    """Make the application describe itself with our schemas."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    _, ours = msgspec.json.schema_components(_STRUCTS, ref_template="#/components/schemas/{name}")
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _UNUSED:
        schemas.pop(name, None)
    schemas.update(ours)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for path, methods in made["paths"].items():
        for operation in methods.values():
            operation["security"] = [{"token": []}] if path.startswith("/api/") else []
    return made


def page(document: dict[str, Any]) -> str:
    """The document for people, as one page without scripts: it works where the internet is not."""
    info = document["info"]
    parts = [
        _HEAD.format(title=html.escape(info["title"]), version=html.escape(info["version"])),
        f"<p>{html.escape(info.get('description', ''))}</p>",
        '<p>The same for programs: <a href="/openapi.json">/openapi.json</a></p>',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(path, method, operation))
    return "\n".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{html.escape(parameter['name'])}</code></td>"
        f"<td>{'required' if parameter.get('required') else ''}</td>"
        f"<td>{html.escape(parameter.get('description', ''))}</td></tr>"
        for parameter in operation.get("parameters", [])
    ]
    answers_ = [
        f"<tr><td>{html.escape(status)}</td><td colspan=2>{html.escape(described['description'])}"
        f"{_example(described)}</td></tr>"
        for status, described in operation.get("responses", {}).items()
    ]
    return (
        f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"
        f"<p>{html.escape(operation.get('description') or operation.get('summary', ''))}</p>"
        f"<table>{''.join(rows)}{''.join(answers_)}</table>"
    )


def _example(described: dict[str, Any]) -> str:
    shown = []
    for content in described.get("content", {}).values():
        named = content.get("examples", {}).values()
        values = [one["value"] for one in named] or [content.get("example")]
        for value in values:
            if value is not None:
                text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
                shown.append(f"<pre>{html.escape(text)}</pre>")
    return "".join(shown)


_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} {version}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-top: 1px solid #ccc; padding: .3rem .6rem .3rem 0; vertical-align: top }}
pre {{ background: #f4f4f4; padding: .6rem; overflow-x: auto }}
</style>
<h1>{title} <small>{version}</small></h1>"""
