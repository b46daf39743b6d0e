"""What others wrote is decoded or refused, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from pumpjack_core.decoding import decoder
from pumpjack_core.wire import decode_alarm_message, decode_envelope, decode_message

DEEP = b'{"type":"heartbeat","tenantId":"t","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BROKEN = {
    "nested in a field that is not known": DEEP,
    "nested, and never closed": DEEP[:5000],
    "not UTF-8": b'{"type":"heartbeat","tenantId":"\xff"}',
    "half a surrogate pair": b'{"type":"heartbeat","tenantId":"\\ud800"}',
    "a number without end": b'{"type":"heartbeat","tenantId":1e999999}',
    "nothing": b"",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("decode", [decode_message, decode_alarm_message, decode_envelope])
def test_a_message_that_is_none_is_refused_in_one_way(decode: object, text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(text)  # type: ignore[operator]


def test_a_text_that_may_hold_anything_is_refused_when_it_is_nested_too_deeply() -> None:
    with pytest.raises(msgspec.DecodeError, match="nested too deeply"):
        decoder(dict)(DEEP.decode())
