"""The table's part about a document's YAML, its kind and its metadata."""

from __future__ import annotations

from tests.core.manifests.case import Case, connection, mapping, tag

ACCEPTED = {
    "a status, which the server clears": Case(connection("status: {mappedTags: many}")),
    "an unquoted time in the metadata": Case(
        connection(metadata="{name: pad-a, creationTimestamp: 2026-01-31T06:30:00Z}")
    ),
    "a null label, which counts as empty": Case(
        connection(metadata="{name: pad-a, labels: {pad: null}}")
    ),
    "an anchor and a merge": Case(
        mapping(
            "[{name: a, address: x, <<: &c {unit: psi, scale: 2}}, {name: b, address: x, <<: *c}]"
        )
    ),
    "a merge and an override": Case(
        mapping("[&t {name: a, address: x, unit: psi}, {<<: *t, name: b, unit: degF}]"),
        offline="kubectl merges before it sends; strict YAML on the server calls it a key twice",
    ),
}

METADATA = {
    "no metadata": Case(
        connection().replace("metadata: {name: pad-a}\n", ""), "metadata", "is missing"
    ),
    "no name": Case(
        connection(metadata="{labels: {}}"), "metadata.name", "is missing; give the object a name"
    ),
    "a generated name": Case(
        connection(metadata="{generateName: pad-}"),
        "metadata.name",
        "generateName works with kubectl create only",
        offline="the server makes a name, and Pumpjack's own commands need one",
    ),
    "a name in capitals": Case(
        connection(metadata="{name: PadA}"), "metadata.name", '"PadA" is no DNS name'
    ),
    "a name with an underscore": Case(
        connection(metadata="{name: pad_a}"), "metadata.name", '"pad_a" is no DNS name'
    ),
    "a name that is a number": Case(
        connection(metadata="{name: 7}"), "metadata.name", 'must be text, is 7; quote it: "7"'
    ),
    "a name of 254 characters": Case(
        connection(metadata=f"{{name: {'a' * 254}}}"), "metadata.name", "at most 253"
    ),
    "a namespace with a dot": Case(
        connection(metadata="{name: pad-a, namespace: permian.ops}"),
        "metadata.namespace",
        '"permian.ops" is no DNS label',
    ),
    "a label key with a blank": Case(
        connection(metadata="{name: pad-a, labels: {'pad no': '7'}}"),
        "metadata.labels[pad no]",
        '"pad no" is no label key',
    ),
    "a label key with two slashes": Case(
        connection(metadata="{name: pad-a, labels: {a/b/c: '7'}}"),
        "metadata.labels[a/b/c]",
        "is no DNS name",
    ),
    "a label value with a blank": Case(
        connection(metadata="{name: pad-a, labels: {pad: 'pad 7'}}"),
        "metadata.labels.pad",
        '"pad 7" is no label value',
    ),
    "a label value of 64 characters": Case(
        connection(metadata=f"{{name: pad-a, labels: {{pad: {'7a' * 32}}}}}"),
        "metadata.labels.pad",
        "is no label value",
    ),
    "an annotation key with a blank": Case(
        connection(metadata="{name: pad-a, annotations: {'my note': x}}"),
        "metadata.annotations[my note]",
        '"my note" is no annotation key',
    ),
    "a time that is none": Case(
        connection(metadata="{name: pad-a, creationTimestamp: yesterday}"),
        "metadata.creationTimestamp",
        '"yesterday" is no time',
    ),
}

IDENTITY = {
    "no kind": Case(
        "apiVersion: pumpjack.dev/v1alpha1\nmetadata: {name: a}\n", "kind", "is missing"
    ),
    "no apiVersion": Case(
        connection().replace("apiVersion: pumpjack.dev/v1alpha1\n", ""),
        "apiVersion",
        "is missing; write for example apiVersion: pumpjack.dev/v1alpha1",
    ),
    "another version": Case(
        connection().replace("v1alpha1", "v1"),
        "apiVersion",
        'ScadaConnection is of pumpjack.dev/v1alpha1, not "pumpjack.dev/v1"',
    ),
    "another group": Case(
        connection().replace("pumpjack.dev/v1alpha1", "v1"),
        "apiVersion",
        'ScadaConnection is of pumpjack.dev/v1alpha1, not "v1"',
    ),
    "a misspelt kind": Case(
        connection().replace("ScadaConnection", "ScadaConection"),
        "kind",
        "did you mean ScadaConnection?",
    ),
    "a kind that is like no other": Case(
        connection().replace("ScadaConnection", "Pump"),
        "kind",
        "known are ScadaConnection and TagMapping",
    ),
    "a document that is a list": Case("- 1\n- 2\n", "", "must be an object with apiVersion"),
    "a document that is text": Case("hello\n", "", "must be an object with apiVersion and kind"),
}

SYNTAX = {
    "a bracket that is not closed": Case(
        connection("  clock: {source: device"), "", "this is no YAML: "
    ),
    "a tab for indentation": Case(connection("\tsuspend: true"), "", "this is no YAML: "),
    "a key twice": Case(
        connection("  suspend: true\n  suspend: false"), "spec.suspend", "the key is there twice"
    ),
    "a key twice in a tag": Case(
        tag("unit: psi, unit: bar"), "spec.tags[0].unit", "the key is there twice"
    ),
    "a blank that makes two values of one": Case(
        connection("  pollInterval: 1s: 2s"), "", "this is no YAML: "
    ),
}

REFUSED = METADATA | IDENTITY | SYNTAX
