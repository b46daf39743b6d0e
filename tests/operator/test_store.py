"""What the operator knows, whatever order answers and watches come in."""

from __future__ import annotations

from msgspec.structs import replace

from pumpjack_operator.cluster import Key, SeenChild, SeenConnection, SeenPod
from pumpjack_operator.facts import Pod
from pumpjack_operator.store import Store
from pumpjack_operator.versions import MOST_DEAD, Versions

KEY = Key("wells", "pad7")
CONNECTION = SeenConnection(KEY, "u1", 1, None, None, None, False, version=10)
CHILD = SeenChild("Service", Key("wells", "scada-pad7"), "pad7", "c1", 20, (), b"", (), False)
ID = ("Service", "scada-pad7")


def test_an_answer_that_is_read_after_the_deletion_was_told_brings_nothing_back():
    store = Store()
    store.put_connection(CONNECTION)
    store.remove_connection(KEY, 12)
    assert not store.put_connection(replace(CONNECTION, version=11))
    assert store.connection(KEY) is None

    store.put_child(CHILD)
    assert store.remove_child("wells", ID, "c1", 22) == KEY
    assert not store.put_child(replace(CHILD, version=21))
    assert store.children(KEY) == {}


def test_old_news_of_a_watch_undo_no_answer():
    store = Store()
    store.put_connection(replace(CONNECTION, version=15, generation=2))
    assert not store.put_connection(CONNECTION)
    assert store.connection(KEY).generation == 2


def test_the_end_of_an_object_is_not_that_of_the_one_that_took_its_name():
    store = Store()
    store.put_child(CHILD)
    store.put_child(replace(CHILD, uid="c2", version=30))
    assert store.remove_child("wells", ID, "c1", 29) is None
    assert store.children(KEY)[ID].uid == "c2"


def test_a_child_that_lost_its_label_and_got_it_back_is_known_again():
    store = Store()
    store.put_child(CHILD)
    store.remove_child("wells", ID, "c1", 21)  # to a watch by label it looks deleted
    assert store.put_child(replace(CHILD, version=22))


def test_a_status_that_was_written_is_no_news_when_the_watch_tells_it():
    store = Store()
    assert store.put_connection(CONNECTION)
    assert not store.put_connection(replace(CONNECTION, version=11))
    assert store.put_connection(replace(CONNECTION, version=12, ending=True))


def test_what_is_remembered_of_the_dead_is_bounded():
    versions = Versions()
    for number in range(MOST_DEAD + 10):
        versions.bury(str(number), 1)
    assert versions.is_news("0", 1)
    assert not versions.is_news(str(MOST_DEAD), 1)


POD = SeenPod(Key("wells", "scada-pad7-0"), "scada-pad7", "p1", Pod("running"), "", None, False)
CLAIM = replace(CHILD, kind="PersistentVolumeClaim", key=Key("wells", "scada-pad7-journal"))


def test_how_a_worker_ended_is_known_until_its_volume_is_gone_and_no_longer():
    store = Store()
    store.put_connection(CONNECTION)
    store.put_child(CLAIM)
    store.put_pod(replace(POD, exit_code=0))
    store.remove_connection(KEY, 12)
    store.remove_pod(POD.key)
    assert store.exit_code(KEY) == 0
    assert store.connection_of(POD) == KEY
    store.remove_child("wells", (CLAIM.kind, CLAIM.key.name), CLAIM.uid, 30)
    assert store.exit_code(KEY) is None
    assert store.connection_of(POD) is None


def test_a_worker_that_still_drains_is_known_though_all_else_is_gone():
    store = Store()
    store.put_connection(CONNECTION)
    store.put_pod(POD)
    store.remove_connection(KEY, 12)
    assert store.connection_of(POD) == KEY
    assert store.remove_pod(POD.key) == (POD, KEY)
    assert store.connection_of(POD) is None
