"""A batch comes back from its bytes as it was, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@given(readings, kept_out)
@settings(deadline=None)
def test_a_batch_comes_back_bit_by_bit(rows, quarantined):
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    sent = batch(TAGS, columns[2], index=columns[0], us=columns[1], quality=columns[3])

    back, extra = codec.decode(codec.encode(sent, tuple(quarantined)), TAGS)

    assert back.received_us == sent.received_us
    for name in ("tag_index", "source_us", "value", "quality"):
        assert getattr(back, name).tobytes() == getattr(sent, name).tobytes()
    assert extra == tuple(quarantined)


@given(st.integers(0, 10_000), st.integers(1, 255))
@settings(deadline=None)
def test_one_flipped_byte_is_never_read_as_readings(at, flip):
    blob = bytearray(codec.encode(batch(TAGS, [1.5, 2.5, 3.5])))
    blob[at % len(blob)] ^= flip
    with pytest.raises(JournalDamaged):
        codec.decode(bytes(blob), TAGS)


@pytest.mark.parametrize("length", [0, 3, 23, 40], ids="{} bytes".format)
def test_a_cut_batch_is_refused(length):
    with pytest.raises(JournalDamaged):
        codec.decode(codec.encode(batch(TAGS, [1.5]))[:length], TAGS)


def test_a_reading_costs_22_bytes():
    one, two = (codec.encode(batch(TAGS, np.ones(n))) for n in (1, 2))
    assert len(two) - len(one) == 22
