"""Resolving again after each change says the same as resolving everything anew."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_core.manifests import resolve as core
from pumpjack_core.manifests.objects import Metadata, ScadaConnection, TagMapping
from pumpjack_core.manifests.types import ScadaConnectionSpec, TagMappingSpec
from pumpjack_operator.cluster import Key, SeenConnection, SeenMapping, SeenNamespace
from pumpjack_operator.resolution import Resolutions
from pumpjack_operator.store import Store
from tests.operator.cluster import connection, mapping

NAMESPACES = {"n1": "permian", "n2": "permian", "n3": "bakken"}
CONNECTIONS, MAPPINGS = ("a", "b", "c"), ("m", "n")


class World:
    """A store that is changed, and the resolutions that follow it."""

    def __init__(self) -> None:
        self.store = Store()
        self.version = 0
        for name, tenant in NAMESPACES.items():
            self.store.put_namespace(SeenNamespace(name, tenant, False))
            self.store.decide(name, tenant)
        self.resolutions = Resolutions(self.store)
        for name in NAMESPACES:
            self.resolutions.place(name)

    def metadata(self, key: Key, label: str) -> Metadata:
        self.version += 1
        return Metadata(
            key.name, key.namespace, {"pad": label}, created_us=sum(map(ord, str(key))) % 3
        )

    def connect(self, key: Key, label: str) -> None:
        spec = {"protocol": "modbus-tcp", "modbusTcp": {"host": "10.1.7.20"}}
        manifest = connection(key.name, None, spec)
        made = ScadaConnection(
            self.metadata(key, label), msgspec.convert(manifest["spec"], ScadaConnectionSpec)
        )
        uid = f"c{key}"
        self.store.put_connection(
            SeenConnection(key, uid, 1, made, None, None, False, self.version)
        )

    def map(self, key: Key, to: str | dict[str, str], tags: int) -> None:
        manifest = mapping(key.name, to=to, tags=tags, well="well-{{ labels.pad }}")
        made = TagMapping(self.metadata(key, ""), msgspec.convert(manifest["spec"], TagMappingSpec))
        self.store.put_mapping(SeenMapping(key, f"m{key}", 1, made, None, None, self.version))

    def remove(self, key: Key) -> None:
        self.version += 1
        self.store.remove_connection(key, self.version)
        self.store.remove_mapping(key, self.version)


@st.composite
def changes(draw):
    namespace = draw(st.sampled_from(sorted(NAMESPACES)))
    match draw(st.sampled_from(("connect", "map", "remove"))):
        case "connect":
            name = draw(st.sampled_from(CONNECTIONS))
            return ("connect", Key(namespace, name), draw(st.sampled_from("12")))
        case "map":
            to = draw(st.sampled_from([*CONNECTIONS, {"pad": "1"}, {"pad": "2"}]))
            name = draw(st.sampled_from(MAPPINGS))
            return ("map", Key(namespace, name), to, draw(st.integers(1, 3)))
        case _:
            return ("remove", Key(namespace, draw(st.sampled_from(CONNECTIONS + MAPPINGS))))


@settings(max_examples=150, deadline=None)
@given(st.lists(changes(), max_size=25))
def test_step_by_step_is_as_all_at_once(steps):
    world = World()
    told: dict[Key, object] = {}
    for step in steps:
        getattr(world, step[0])(*step[1:])
        group = NAMESPACES[step[1].namespace]
        changed = world.resolutions.resolve(group)
        for key in changed.connections:
            told[key] = world.resolutions.connection(key)
    for tenant in set(NAMESPACES.values()):
        members = [name for name, of in NAMESPACES.items() if of == tenant]
        anew = core.resolve(
            [one.object for one in world.store.connections(members) if one.object],
            [one.object for one in world.store.mappings(members) if one.object],
            dict.fromkeys(members, tenant),
        )
        for one in anew.connections:
            key = Key(one.connection.metadata.namespace, one.connection.metadata.name)
            assert world.resolutions.connection(key) == one
            assert told[key] == one  # whoever listens to what changed knows it too
        for found in anew.mappings:
            key = Key(found.mapping.metadata.namespace, found.mapping.metadata.name)
            assert world.resolutions.mapping(key) == found


def test_what_did_not_change_is_not_told_and_stays_the_same_object():
    world = World()
    world.connect(Key("n1", "a"), "1")
    world.connect(Key("n1", "b"), "2")
    world.map(Key("n1", "m"), "a", 3)
    world.resolutions.resolve("permian")
    before = world.resolutions.connection(Key("n1", "a"))
    world.connect(Key("n2", "c"), "1")
    changed = world.resolutions.resolve("permian")
    assert changed.connections == {Key("n2", "c")}
    assert changed.mappings == frozenset()
    assert world.resolutions.connection(Key("n1", "a")) is before


def test_a_namespace_that_changes_its_tenant_takes_its_wells_along():
    world = World()
    world.connect(Key("n1", "a"), "1")
    world.map(Key("n1", "m"), "a", 1)
    world.connect(Key("n3", "b"), "1")
    world.map(Key("n3", "m"), "b", 2)
    for group in ("permian", "bakken"):
        world.resolutions.resolve(group)
    world.store.decide("n1", "bakken")
    for group in sorted(world.resolutions.place("n1")):
        world.resolutions.resolve(group)
    moved = [world.resolutions.connection(Key(*key)) for key in (("n1", "a"), ("n3", "b"))]
    assert [one.tenant for one in moved] == ["bakken", "bakken"]
    assert sum(len(one.tags) for one in moved) == 2  # they claim one tag of one well both
