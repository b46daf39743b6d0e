"""Which mappings are looked at when workers say what they cannot read."""

from __future__ import annotations

from pumpjack_operator.cluster import Key
from pumpjack_operator.facts import Report, Unreadable
from pumpjack_operator.unreadable import UnreadableTags
from pumpjack_operator.work import Work

PAD7 = Key("wells", "pad7")
BAD = Unreadable("casing_pressure", "wells/pumps", "holding:@x is no address")


def report(*tags: Unreadable, config_hash: str = "h1") -> Report:
    return Report("connected", config_hash, rejected=tags)


def test_a_worker_that_starts_anew_changes_nothing_of_what_it_cannot_read():
    looks: list[Work] = []
    tags = UnreadableTags(looks.append)
    tags.take(PAD7, report(BAD))
    assert looks == [Work("mapping", "wells/pumps")]
    tags.take(PAD7, None)
    tags.take(PAD7, report(BAD))
    assert len(looks) == 1
    assert tags.of(PAD7) == (BAD,)


def test_a_mapping_that_was_mended_is_looked_at():
    looks: list[Work] = []
    tags = UnreadableTags(looks.append)
    tags.take(PAD7, report(BAD))
    tags.take(PAD7, report(config_hash="h2"))
    assert len(looks) == 2
    assert tags.of(PAD7) == ()


def test_of_another_configuration_nothing_is_known():
    tags = UnreadableTags(lambda _work: None)
    tags.take(PAD7, report(BAD, config_hash="h1"))
    assert tags.of(PAD7, "h1") == (BAD,)
    assert tags.of(PAD7, "h2") == ()


def test_a_connection_that_is_gone_leaves_nothing():
    looks: list[Work] = []
    tags = UnreadableTags(looks.append)
    tags.take(PAD7, report(BAD))
    tags.forget(PAD7)
    assert len(looks) == 2
    assert tags.of(PAD7) == ()


def test_a_worker_has_no_say_about_mappings_of_other_namespaces():
    looks: list[Work] = []
    tags = UnreadableTags(looks.append)
    tags.take(PAD7, report(Unreadable("casing_pressure", "others/pumps", "no")))
    assert (looks, tags.of(PAD7)) == ([], ())
