"""CEL rules of the CRDs (x-kubernetes-validations), run as the API server runs them.

The engine is common-expression-language, a wheel of Rust code: 2 µs a rule, where cel-python
takes 280 and cel-expr-python weighs 50 MB. It knows CEL itself, not Kubernetes' extra functions,
and its size() of a text counts bytes; a test keeps the rules of crds/ to PROVEN_FUNCTIONS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from pumpjack_core.manifests.crds import Schema
from pumpjack_core.manifests.problems import Finding, Path
from pumpjack_core.manifests.rule_engine import cel

PROVEN_FUNCTIONS = frozenset(
    {"duration", "!_", "_&&_", "_||_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_"}
    | {"@not_strictly_false"}  # of the macros all and exists
)
"""What was seen to answer as a real API server does, in CEL's names of its operators."""

_SELF_MEMBER = re.compile(r"\bself\.([A-Za-z_][A-Za-z0-9_]*)")
_FIELD_PATH_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\['([^']+)'\]")


_ITSELF: tuple[Path, ...] = ((),)


class Rule(Struct, frozen=True):
    """One compiled rule.

    field  moves the reported path below the value that has the rule
    reads  the members of that value that it looks at, or the value itself
    """

    source: str
    message: str
    field: Path
    reads: tuple[Path, ...]
    is_transition: bool
    program: cel.Program


class Rules:
    """The compiled rules of a schema and of everything below it. Compile once."""

    def __init__(self, schema: Schema) -> None:
        self.here = tuple(_compiled(rule) for rule in schema.get("x-kubernetes-validations", ()))
        below = {key: Rules(sub) for key, sub in schema.get("properties", {}).items()}
        self.below = {key: rules for key, rules in below.items() if not rules.empty}
        items = Rules(schema["items"]) if "items" in schema else None
        self.items = items if items is not None and not items.empty else None

    @property
    def empty(self) -> bool:
        """Whether neither this value nor anything below it has a rule."""
        return not self.here and not self.below and self.items is None

    def findings(self, value: Any, broken: frozenset[Path] = frozenset()) -> Iterator[Finding]:
        """Rules that a completed value breaks.

        broken: paths at which the schema found something, and all their parents. A rule that
        reads one of these is not asked, its answer would mean nothing.
        """
        yield from self._findings(value, (), broken)

    def _findings(self, value: Any, path: Path, broken: frozenset[Path]) -> Iterator[Finding]:
        # A new object has no oldSelf, so rules about changes are not asked.
        asked = [
            rule
            for rule in self.here
            if not rule.is_transition and not any((*path, *read) in broken for read in rule.reads)
        ]
        if asked:
            yield from _asked(asked, value, path)
        if isinstance(value, dict):
            for key, rules in self.below.items():
                if key in value:
                    yield from rules._findings(value[key], (*path, key), broken)
        elif isinstance(value, list) and self.items is not None:
            for at, item in enumerate(value):
                yield from self.items._findings(item, (*path, at), broken)


def with_parents(paths: Iterable[Path]) -> frozenset[Path]:
    """The paths and everything that they are in."""
    return frozenset(path[:length] for path in paths for length in range(len(path) + 1))


def _asked(rules: list[Rule], value: Any, path: Path) -> Iterator[Finding]:
    reads = {read for rule in rules for read in rule.reads}
    if () not in reads:
        if not isinstance(value, dict):
            return  # the schema has said so
        # The engine copies what it is given, so it gets no more than the rules read, and only once.
        value = {key: value[key] for (key,) in reads if key in value}
    known = cel.Context({"self": value})
    for rule in rules:
        try:
            holds = rule.program.execute(known)
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            what = f"the rule {rule.source} cannot be asked: {error}"
            yield Finding((*path, *rule.field), what)
            continue
        if holds is not True:
            yield Finding((*path, *rule.field), rule.message)


def _compiled(rule: Schema) -> Rule:
    program = cel.compile(rule["rule"])
    return Rule(
        source=rule["rule"],
        message=rule["message"],
        field=_steps(rule.get("fieldPath", "")),
        reads=tuple((name,) for name in _SELF_MEMBER.findall(rule["rule"])) or _ITSELF,
        is_transition="oldSelf" in program.variables(),
        program=program,
    )


def _steps(field_path: str) -> Path:
    return tuple(plain or quoted for plain, quoted in _FIELD_PATH_STEP.findall(field_path))
