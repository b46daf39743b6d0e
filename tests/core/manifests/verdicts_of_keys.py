"""The table's part about keys that are not known, and values of another type."""

from __future__ import annotations

from tests.core.manifests.case import Case, connection, mapping, tag

ACCEPTED = {
    "null where a default stands": Case(connection("  pollInterval: null\n  clock: null")),
    "null where nothing need stand": Case(tag("unit: null, range: null, scale: ~")),
    "a whole number written as 502.0": Case(connection(device="{host: plc, port: 502.0}")),
    "a whole number written as 5.02e2": Case(connection(device="{host: plc, port: 5.02e2}")),
    "a number written as 1e-1": Case(tag("scale: 1e-1")),
    "an octal port, as Kubernetes reads it": Case(connection(device="{host: plc, port: 0766}")),
    "true written as yes": Case(connection("  suspend: yes")),
    "text that YAML 1.1 would read as base 60": Case(mapping(well="1:30")),
}

UNKNOWN_KEYS = {
    "a misspelt key of the spec": Case(
        connection("  pollIntervall: 1s"),
        "spec.pollIntervall",
        "unknown key; did you mean pollInterval?",
    ),
    "a key in the wrong case": Case(
        connection(device="{host: plc, unitID: 3}"),
        "spec.modbusTcp.unitID",
        "unknown key; did you mean unitId?",
    ),
    "a key that is like no other": Case(
        connection("  journal: {colour: red}"),
        "spec.journal.colour",
        "unknown key; known here: size, storage, storageClassName",
    ),
    "an unknown key of a tag": Case(
        tag("datatype: int16"), "spec.tags[0].datatype", "unknown key; did you mean dataType?"
    ),
    "an unknown key beside spec": Case(
        connection("specs: {}"), "specs", "unknown key; did you mean spec?"
    ),
    "an unknown key of the metadata": Case(
        connection(metadata="{name: pad-a, label: {pad: '7'}}"),
        "metadata.label",
        "unknown key; did you mean labels?",
    ),
    "an unknown key of the status": Case(
        connection("status: {phase: Ready}"), "status.phase", "unknown key"
    ),
    "a pod template": Case(
        connection("  placement: {hostNetwork: true}"), "spec.placement.hostNetwork", "unknown key"
    ),
    "a second protocol member": Case(
        connection("  opcUa: {endpoint: 'opc.tcp://plc:4840'}"), "spec.opcUa", "unknown key"
    ),
    "a bare on as a key": Case(connection("  on: 1s"), "spec.true", "unknown key"),
    "a password in the manifest": Case(
        connection("  credentialsSecretRef: {name: pad7, password: geheim}"),
        "spec.credentialsSecretRef.password",
        "unknown key; known here: name",
    ),
}

WRONG_TYPES = {
    "a quoted number": Case(
        connection(device="{host: plc, port: '502'}"),
        "spec.modbusTcp.port",
        'must be a whole number, is "502"; remove the quotes',
    ),
    "a fraction where a whole number belongs": Case(
        connection(device="{host: plc, unitId: 1.5}"),
        "spec.modbusTcp.unitId",
        "must be a whole number, is 1.5",
    ),
    "a number where text belongs": Case(
        tag("unit: 7"), "spec.tags[0].unit", 'must be text, is 7; quote it: "7"'
    ),
    "an address without its area": Case(
        mapping("[{name: a, address: 40001}]"), "spec.tags[0].address", 'quote it: "40001"'
    ),
    "a bare no where text belongs": Case(
        mapping(well="no"), "spec.wellId", 'must be text, is false; quote it: "no"'
    ),
    "a quoted boolean": Case(
        connection("  suspend: 'true'"),
        "spec.suspend",
        'must be true or false, is "true"; remove the quotes',
    ),
    "text where an object belongs": Case(
        connection("  clock: device"), "spec.clock", 'must be an object, is "device"'
    ),
    "an object where a list belongs": Case(
        mapping("{name: a, address: x}"), "spec.tags", "must be a list, is an object"
    ),
    "a list where an object belongs": Case(
        connection(device="[host, plc]"), "spec.modbusTcp", "must be an object, is a list"
    ),
    "a tag that is text": Case(mapping("[oil_rate]"), "spec.tags[0]", "must be an object"),
    "an empty tag": Case(mapping("[null]"), "spec.tags[0]", "must be an object, is null"),
    "a spec that is text": Case(
        "apiVersion: pumpjack.dev/v1alpha1\nkind: TagMapping\nmetadata: {name: a}\nspec: x\n",
        "spec",
        'must be an object, is "x"',
    ),
    "a label that is a number": Case(
        connection(metadata="{name: pad-a, labels: {pad: 7}}"),
        "metadata.labels.pad",
        'must be text, is 7; quote it: "7"',
    ),
    "an annotation that is a boolean": Case(
        connection(metadata="{name: pad-a, annotations: {checked: yes}}"),
        "metadata.annotations.checked",
        'must be text, is true; quote it: "yes"',
    ),
    "labels that are a list": Case(
        connection(metadata="{name: pad-a, labels: [pad]}"),
        "metadata.labels",
        "must be an object, is a list",
    ),
    "a node label that is a number": Case(
        connection("  placement: {nodeSelector: {rack: 7}}"),
        "spec.placement.nodeSelector.rack",
        'quote it: "7"',
    ),
}

REFUSED = UNKNOWN_KEYS | WRONG_TYPES
