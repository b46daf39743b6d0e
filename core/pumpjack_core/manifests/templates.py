"""{{ labels.x }} and {{ name }} in wellId and address. Nothing else, and no engine."""

from __future__ import annotations

import re

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.objects import Metadata

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LABELS = "labels."


def fill(template: str, connection: Metadata) -> str:
    """A template with the connection's labels and name filled in.

    Raises ManifestError, naming the label that is missing or what cannot be read.
    """
    if "{{" not in template and "}}" not in template:
        return template
    rest = _EXPRESSION.sub("", template)
    if "{{" in rest or "}}" in rest:
        raise ManifestError(f'"{template}" has a {{{{ or }}}} without its other half')
    return _EXPRESSION.sub(lambda match: _value(match[1].strip(), connection), template)


def _value(expression: str, connection: Metadata) -> str:
    if expression == "name":
        return connection.name
    if not expression.startswith(_LABELS):
        raise ManifestError(
            f"{{{{ {expression} }}}} is not known; write {{{{ labels.KEY }}}} or {{{{ name }}}}"
        )
    key = expression.removeprefix(_LABELS)
    if key not in connection.labels:
        has = ", ".join(sorted(connection.labels)) or "none"
        raise ManifestError(
            f"connection {connection.id} has no label {key} (it has: {has}); "
            "add the label, or change the template"
        )
    return connection.labels[key]
