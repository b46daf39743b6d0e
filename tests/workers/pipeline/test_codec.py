"""A batch comes back from its bytes as it was, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_core.alarms import Transition
from pumpjack_core.errors import JournalDamaged
from pumpjack_core.readings import Quarantined
from pumpjack_worker.pipeline import codec
from tests.workers.pipeline.examples import batch, table

TAGS = table(*(f"t{n}" for n in range(8)))
readings = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.integers(-(2**62), 2**62),
        st.floats(),
        st.integers(0, 1023),
    )
)
kept_out = st.lists(
    st.builds(Quarantined, st.integers(-1, 7), st.integers(0, 2**60), st.text(), st.text())
)
transitions = st.lists(
    st.builds(
        Transition,
        st.integers(0, 7),
        st.sampled_from(("hihi", "bad_quality")),
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.one_of(st.none(), st.floats(allow_nan=False)),
        st.booleans(),
    )
)
SEEN = Transition(0, "hi", True, 1_770_000_000_000_000, 812.5)


@given(readings, kept_out, transitions)
@settings(deadline=None)
def test_a_batch_comes_back_bit_by_bit(rows, quarantined, seen):
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    sent = batch(TAGS, columns[2], index=columns[0], us=columns[1], quality=columns[3])

    blob = codec.encode(sent, tuple(quarantined), tuple(seen), seq=7)
    back, extra, told = codec.decode(blob, TAGS, seq=7)

    assert back.received_us == sent.received_us
    for name in ("tag_index", "source_us", "value", "quality"):
        assert getattr(back, name).tobytes() == getattr(sent, name).tobytes()
    assert extra == tuple(quarantined)
    assert told == tuple(seen)


@given(st.integers(0, 10_000), st.integers(1, 255), st.booleans())
@settings(deadline=None)
def test_one_flipped_byte_is_never_read_as_readings(at, flip, with_transition):
    seen = (SEEN,) if with_transition else ()
    blob = bytearray(codec.encode(batch(TAGS, [1.5, 2.5, 3.5]), (), seen))
    blob[at % len(blob)] ^= flip
    with pytest.raises(JournalDamaged):
        codec.decode(bytes(blob), TAGS)


@pytest.mark.parametrize("length", [0, 3, 23, 40, 42], ids="{} bytes".format)
@pytest.mark.parametrize("seen", [(), (SEEN,)], ids=["readings", "with a transition"])
def test_a_cut_batch_is_refused(length, seen):
    with pytest.raises(JournalDamaged):
        codec.decode(codec.encode(batch(TAGS, [1.5]), (), seen)[:length], TAGS)


def test_a_batch_without_transitions_is_written_as_before_there_were_any():
    assert codec.encode(batch(TAGS, [1.5]))[:4] == b"PJB2"
    assert codec.encode(batch(TAGS, [1.5]), (), (SEEN,))[:4] == b"PJB3"


def test_a_reading_costs_22_bytes():
    one, two = (codec.encode(batch(TAGS, np.ones(n))) for n in (1, 2))
    assert len(two) - len(one) == 22
