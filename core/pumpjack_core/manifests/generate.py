"""Write what crds/ say: python -m pumpjack_core.manifests.generate [--check]

The targets are types.py beside this file and docs/manifest-fields.md (reference.py).

Every object of a schema becomes a frozen Struct, named after its key; NAMES says otherwise where
that name would be taken or say too little.
"""

from __future__ import annotations

import keyword
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from pumpjack_core.manifests import reference
from pumpjack_core.manifests.crds import Schema, load_crds

TYPES = Path(__file__).with_name("types.py")
FIELDS = Path(__file__).parents[3] / "docs" / "manifest-fields.md"

NAMES = {
    "ScadaConnection.spec": "ScadaConnectionSpec",
    "ScadaConnection.spec.clock": "ConnectionClock",
    "ScadaConnection.status": "ScadaConnectionStatus",
    "ScadaConnection.status.rejectedTags[]": "ConnectionRejectedTag",
    "ScadaConnection.status.conditions[]": "Condition",
    "TagMapping.spec": "TagMappingSpec",
    "TagMapping.spec.well": "MappedWell",
    "TagMapping.spec.tags[]": "MappedTag",
    "TagMapping.spec.tags[].range": "ValueRange",
    "TagMapping.spec.tags[].normal": "NormalBand",
    "TagMapping.spec.tags[].alarms[]": "MappedAlarm",
    "TagMapping.spec.tags[].write": "MappedWrite",
    "TagMapping.status": "TagMappingStatus",
    "TagMapping.status.rejectedTags[]": "MappingRejectedTag",
    "TagMapping.status.conditions[]": "Condition",
}

HEAD = '''"""Typed forms of the custom resources. Generated from crds/; do not edit."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field
'''

_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_WIDTH = 100


class Generator:
    """Collects the classes of all CRDs, those that others need first."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def source(self) -> str:
        """The whole module."""
        for crd in load_crds().values():
            for part in ("spec", "status"):
                self._class(crd.schema["properties"][part], f"{crd.kind}.{part}")
        return "\n\n".join([HEAD, *self._classes.values()])

    def _class(self, schema: Schema, path: str) -> str:
        name = NAMES.get(path, _class_name(path))
        required = set(schema.get("required", ()))
        members = [
            (key, sub, self._type(sub, f"{path}.{key}"), key in required)
            for key, sub in schema["properties"].items()
        ]
        # A Struct takes fields without a default first.
        members.sort(key=lambda member: not member[3] or "default" in member[1])
        options = "frozen=True, forbid_unknown_fields=True"
        if ".status" in path:
            options += ", omit_defaults=True"
        head = _fitting(f"class {name}(", f'Struct, {options}, rename="camel"', "):")
        fields = [_field(key, sub, of, required) for key, sub, of, required in members]
        body = [head, textwrap.indent(_docstring(schema["description"]), "    "), "", *fields]
        source = "\n".join(body) + "\n"
        if self._classes.setdefault(name, source) != source:
            raise SystemExit(f"{path}: the name {name} is taken; give it another in NAMES")
        return name

    def _type(self, schema: Schema, path: str) -> str:
        match schema:
            case {"enum": values}:
                return f"Literal[{', '.join(_literal(value) for value in values)}]"
            case {"type": "array", "items": items}:
                return f"tuple[{self._type(items, path + '[]')}, ...]"
            case {"type": "object", "additionalProperties": values}:
                return f"dict[str, {self._type(values, path + '{}')}]"
            case {"type": "object"}:
                return self._class(schema, path)
        return _SCALARS[schema["type"]]


def _field(key: str, schema: Schema, of: str, required: bool) -> str:
    head = f"    {_snake(key)}: {of}"
    default = ""
    if "default" in schema:
        value = schema["default"]
        default = f"field(default_factory={of})" if value == {} else _literal(value)
    elif not required:
        match schema["type"]:
            case "array":
                default = "()"
            case "object" if "additionalProperties" in schema:
                default = "field(default_factory=dict)"
            case _:
                head, default = f"{head} | None", "None"
    line = f"{head} = {default}" if default else head
    if len(line) > _WIDTH and default and len(head) + len(" = (") <= _WIDTH:
        line = f"{head} = (\n        {default}\n    )"
    elif len(line) > _WIDTH:
        before, _, after = line.partition("Literal[")
        values, _, rest = after.rpartition("]")
        line = _fitting(f"{before}Literal[", values, f"]{rest}", indent="    ")
    return f"{line}\n{textwrap.indent(_docstring(schema['description']), '    ')}"


def _fitting(head: str, inside: str, tail: str, *, indent: str = "") -> str:
    """One line, or as the formatter breaks it when that is too long."""
    line = f"{head}{inside}{tail}"
    if len(line) <= _WIDTH:
        return line
    deeper = f"{indent}    {inside}"
    if len(deeper) <= _WIDTH:
        return f"{head}\n{deeper}\n{indent}{tail}"
    items = "".join(f"{indent}    {item},\n" for item in inside.split(", "))
    return f"{head}\n{items}{indent}{tail}"


def _docstring(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    one_line = f'"""{safe}"""'
    if len(one_line) + 4 <= _WIDTH and not safe.endswith('"'):
        return one_line
    lines = textwrap.wrap(safe, _WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    return '"""' + "\n".join(lines) + '\n"""'


def _class_name(path: str) -> str:
    last = path.rpartition(".")[2]
    name = last.removesuffix("[]").removesuffix("s") if last.endswith("[]") else last
    return name[0].upper() + name[1:]


def _snake(key: str) -> str:
    name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
    return f"{name}_" if keyword.iskeyword(name) else name  # renamed back without the _


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def main(arguments: list[str]) -> int:
    """Write the targets, or with --check tell whether they are what would be written."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = 0
    for target, content in ((TYPES, Generator().source()), (FIELDS, reference.markdown())):
        if not arguments:
            target.write_text(content, encoding="utf-8")
        elif target.read_text(encoding="utf-8") != content:
            print(f"{target} is not what crds/ say; run make types", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
