"""The chart's README: what it is, and a table of every value, from values.yaml and its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tests.charts.helm import CHART

HEAD = """\
# Pumpjack

Reads oil and gas wells on Kubernetes: an operator that turns each `ScadaConnection` into a worker,
a gateway for REST and live screens, and the upkeep of their database.

```console
$ helm install pumpjack charts/pumpjack -n pumpjack --create-namespace \\
    -f charts/pumpjack/values-tryout.yaml
```

brings stores along, to try it out. For wells, with your own PostgreSQL and Redis, read
[docs/operations.md](../../docs/operations.md), which also says what each condition, Event and
alert asks of you. CRDs come with the release and are updated with it; `crds.keep` leaves them when
it goes.

## Values

A key that is not here is refused. `make chart` writes this table from `values.yaml` and
`values.schema.json`.

| key | default | |
| --- | --- | --- |
"""


class Value(NamedTuple):
    """One row: dotted key, default as YAML in one line, meaning."""

    key: str
    default: str
    meaning: str


def values() -> Iterator[Value]:
    """Every value that the chart has a default for, in the order of values.yaml."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    yield from _rows(defaults, schema, "")


def _rows(defaults: dict[str, Any], schema: dict[str, Any], above: str) -> Iterator[Value]:
    for name, default in defaults.items():
        about, key = schema["properties"][name], above + name
        if isinstance(default, dict) and "properties" in about:
            yield from _rows(default, about, f"{key}.")
        else:
            shown = json.dumps(default, ensure_ascii=False)
            yield Value(key, shown, about["description"].replace("|", "\\|"))


def readme() -> str:
    """The file."""
    return HEAD + "".join(
        f"| `{row.key}` | `{row.default}` | {row.meaning} |\n" for row in values()
    )
