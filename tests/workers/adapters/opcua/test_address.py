"""Node ids as tags name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.errors import AddressError
from pumpjack_worker.adapters.opcua.address import OpcuaAddress, parse_address

GUID = "72962b91-fa75-4ae6-8d28-b404dc7daf63"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i=2258", OpcuaAddress(0, "i", 2258)),
        ("ns=2;s=well-1.casing_pressure", OpcuaAddress(2, "s", "well-1.casing_pressure")),
        ("ns=3;s=a;b=c d", OpcuaAddress(3, "s", "a;b=c d")),
        ("ns=65535;i=4294967295", OpcuaAddress(65_535, "i", 4_294_967_295)),
        ("nsu=urn:vendor:plc;s=tag", OpcuaAddress("urn:vendor:plc", "s", "tag")),
        ("nsu=http://vendor/ua/;i=7", OpcuaAddress("http://vendor/ua/", "i", 7)),
        (f"ns=1;g={GUID.upper()}", OpcuaAddress(1, "g", GUID)),
        (
            "ns=1;b=M/RbKBsRVkePCePcx24oRA==",
            OpcuaAddress(1, "b", bytes.fromhex("33f45b281b1156478f09e3dcc76e2844")),
        ),
    ],
)
def test_node_ids_are_read(text: str, expected: OpcuaAddress) -> None:
    assert parse_address(text, "float64") == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("holding:40001", "no node id; write for example ns=2;s="),
        ("", "no node id"),
        ("ns=2", "no identifier"),
        ("ns=2;x=5", "no node id"),
        ("ns=2;s=", "nothing stands behind s="),
        ("ns=two;s=a", "ns= takes a number from 0 to 65535"),
        ("ns=65536;s=a", "ns= takes a number from 0 to 65535"),
        ("i=-1", "i= takes a number from 0 to 4294967295"),
        ("i=4294967296", "i= takes a number"),
        ("i=٣", "i= takes a number"),
        ("nsu=urn:vendor:plc", "no identifier"),
        ("nsu=;s=a", "no identifier"),
        ("ns=1;g=not-a-guid", "g= takes a GUID"),
        ("ns=1;b=!!", "b= takes Base64"),
        ("s=" + "x" * 4_096, "at most 4,096 characters"),
    ],
)
def test_what_is_no_node_id_is_told_with_what_would_be_right(text: str, says: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text, "float64")
    assert says in str(caught.value)


def test_text_is_not_stored_yet_and_says_so() -> None:
    with pytest.raises(AddressError, match="values of type text are not stored yet"):
        parse_address("ns=2;s=a", "text")


def test_a_namespace_is_found_by_its_uri_wherever_the_server_puts_it() -> None:
    address = parse_address("nsu=urn:b;s=tag", "bool")
    assert address.index(["urn:a", "urn:b"]) == 1
    assert address.index(["urn:b", "urn:a"]) == 0
    with pytest.raises(AddressError, match="no namespace urn:b; it has urn:a"):
        address.index(["urn:a"])


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_told(text: str) -> None:
    try:
        assert isinstance(parse_address(text, "float32"), OpcuaAddress)
    except AddressError as error:
        assert str(error)
