"""The operator's process, killed at any moment: what is there in the end is right."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.controlplane.server import TOKEN
from tests.operator.cluster import eventually, new_namespace, told
from tests.operator.program import replica

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("controlled")]
ROUNDS = 7
LONGEST_LIFE_S = 1.5
"""After it began to act; long enough to be done, now and then."""
NAMES = ("a", "b", "c", "d")


class Users:
    """What the users of a namespace did, at random, and so what there should be."""

    def __init__(self, wells, dice: random.Random) -> None:
        self._wells = wells
        self._dice = dice
        self.connections: dict[str, dict[str, object]] = {}
        self.tags = 0

    def act(self) -> None:
        """A few changes."""
        for _ in range(self._dice.randrange(1, 4)):
            self._dice.choice(
                (self._connect, self._connect, self._map, self._delete, self._drift)
            )()

    def _connect(self) -> None:
        name = self._dice.choice(NAMES)
        spec = {"suspend": self._dice.random() < 0.3}
        self._wells.connect(name, labels={"pad": "1"}, **spec)
        self.connections[name] = spec

    def _map(self) -> None:
        self.tags = self._dice.randrange(1, 30)
        self._wells.map("m", to={"pad": "1"}, tags=self.tags)

    def _delete(self) -> None:
        if self.connections:
            name = self._dice.choice(sorted(self.connections))
            self._wells.delete("scadaconnections", name)
            del self.connections[name]

    def _drift(self) -> None:
        """Somebody opens a worker's network."""
        found = [one["metadata"]["name"] for one in self._wells.list("networkpolicies")]
        if found:
            rule = [{"op": "add", "path": "/spec/egress/-", "value": {}}]
            self._wells.patch("networkpolicies", self._dice.choice(found), rule)


def is_right(wells, users: Users) -> bool:
    """Whether there is what the users asked for, and nothing else."""
    for name in NAMES:
        children = {
            id_: one
            for id_, one in wells.children(name).items()
            if "deletionTimestamp" not in one["metadata"]
        }
        if name not in users.connections:
            if children:
                return False
            continue
        if len(children) != (7 if users.tags else 6):
            return False
        told_spec = told(children[f"configmaps/scada-{name}-config"])["spec"]
        if bool(told_spec.get("suspend")) != users.connections[name]["suspend"]:
            return False
        if users.tags and len(told(children[f"configmaps/scada-{name}-tags-0"])) != users.tags:
            return False
        if {} in children[f"networkpolicies/scada-{name}"]["spec"]["egress"]:
            return False
        status = wells.get("scadaconnections", name).get("status", {})
        if status.get("mappedTags") != users.tags:
            return False
        if not wells.get("pods", f"scada-{name}-0"):
            return False
    return True


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
async def test_killed_again_and_again_while_users_work_the_end_is_what_they_asked_for(
    plane, wells, tmp_path, seed
):
    dice = random.Random(seed)
    users = Users(wells, dice)
    own = new_namespace(plane.client, tenant=None)
    login = plane.kubeconfig(TOKEN, tmp_path)
    for _ in range(ROUNDS):
        users.act()
        with replica(tmp_path, namespace=own.name, login=login) as operator:
            await eventually(lambda: b"acting" in operator.log.read_bytes())
            users.act()
            await asyncio.sleep(dice.uniform(0, LONGEST_LIFE_S))  # and it is killed
    with replica(tmp_path, namespace=own.name, login=login) as operator:
        await eventually(lambda: is_right(wells, users))
        assert b"Traceback" not in operator.log.read_bytes()
