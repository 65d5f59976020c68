"""Requests and receipts as links: short enough, one spelling, and nothing lost on the way."""

import random
from hashlib import sha256
from typing import Any

import pytest
import segno
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commitments.errors import FormatError
from commitments.p256 import P256
from commitments.wire import canonical_json, encode_base64url, parse_json
from ledger.tlog_proof import TlogProof
from sdk import links
from sdk.links import (
    LONGEST_IN_CODE,
    parse_receipt_links,
    parse_request_link,
    receipt_link,
    receipt_parts,
    request_link,
)
from tests.sdk.shop_server import ShopServer
from tests.world import ORIGIN, new_keys, new_request
from zk.issuance import BuyerRequest, verify_request

REQUEST = new_request("1001", new_keys())
LINK = request_link(REQUEST)


@pytest.fixture
def receipt(server: ShopServer) -> dict[str, Any]:
    return server.receipt(server.wallet(), "1001", server.world.sale(batch="L1", unit="å-1"))


def test_a_request_is_shorter_than_300_bytes_whatever_it_is_for() -> None:
    longest = new_request("x" * 200, new_keys(), origin="o" * 200)
    assert len(LINK) == len(request_link(longest)) == 232
    assert parse_request_link(LINK) == REQUEST
    verify_request(P256, ORIGIN, "1001", parse_request_link(LINK))


def test_a_request_at_a_shop_that_is_known_asks_nobody(server: ShopServer) -> None:
    wallet = server.wallet()
    server.sell(wallet, "1001")
    asked = len(server.requests)
    assert request_link(wallet.request(server.shop(), "1002"))
    assert request_link(server.wallet().request(ORIGIN, "1002"))
    assert len(server.requests) == asked


requests = st.builds(
    BuyerRequest, st.binary(min_size=33, max_size=33), st.binary(min_size=128, max_size=128)
)


@given(requests)
def test_requests_are_read_as_written(request: BuyerRequest) -> None:
    assert parse_request_link(request_link(request)) == request


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kvitto:",
        LINK[:-1],
        LINK + "A",
        LINK + "=",
        LINK + "\n",
        " " + LINK,
        LINK.replace("/1/", "/2/"),
        LINK.replace("/1/", "/01/"),
        LINK.replace("request", "receipt"),
        LINK.upper(),
        "kvitto:request/1/" + "é" * 215,
        "kvitto:request/1/" + encode_base64url(bytes(160)),
        "kvitto:request/1/" + encode_base64url(bytes(162)),
        "kvitto:request/1/" + encode_base64url(bytes(161))[:-1] + "B",  # a bit that is unused
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as refused:
        parse_request_link(text)
    assert refused.value.field == "link"


@given(st.integers(0, len(LINK) - 1), st.characters())
def test_a_request_with_another_character_is_another_or_none(position: int, other: str) -> None:
    text = LINK[:position] + other + LINK[position + 1 :]
    try:
        assert request_link(parse_request_link(text)) == text
    except FormatError:
        assert text != LINK


def test_a_receipt_survives_as_one_link_and_as_parts(
    server: ShopServer, receipt: dict[str, Any]
) -> None:
    assert parse_receipt_links([receipt_link(receipt)]) == receipt
    parts = receipt_parts(receipt)
    assert 1 < len(parts) < 8
    random.Random(1).shuffle(parts)
    assert parse_receipt_links([*parts, parts[0]]) == receipt
    wallet = server.wallet()
    (other,) = [server.receipt(wallet, "1002", server.world.sale())]
    assert wallet.accept(server.shop(), parse_receipt_links(receipt_parts(other))).order == "1002"


def test_each_part_fits_a_qr_code_of_a_sensible_size(receipt: dict[str, Any]) -> None:
    for link in [LINK, *receipt_parts(receipt)]:
        assert len(link) <= LONGEST_IN_CODE
        segno.make_qr(link, error="m", version=13, boost_error=False)
    segno.make_qr("a" * LONGEST_IN_CODE, error="m", version=13, boost_error=False)
    with pytest.raises(segno.DataOverflowError):
        segno.make_qr("a" * (LONGEST_IN_CODE + 1), error="m", version=13, boost_error=False)


def test_a_receipt_of_a_log_of_a_million_needs_five_codes(receipt: dict[str, Any]) -> None:
    proof = TlogProof.parse(receipt["proof"].encode())
    deep = TlogProof(proof.index, (bytes(range(32)),) * 20, proof.checkpoint)
    assert len(receipt_parts({**receipt, "proof": deep.serialise().decode()})) == 5


def test_parts_that_do_not_make_a_receipt(server: ShopServer, receipt: dict[str, Any]) -> None:
    parts = receipt_parts(receipt)
    others = receipt_parts(server.receipt(server.wallet(), "1002", server.world.sale()))
    whole = receipt_link(receipt)
    for shown, reason in [
        ([], "not the link"),
        ([LINK], "not the link"),
        ([*parts, "junk"], "not the link"),
        ([whole + "\n"], "not the link"),
        ([whole.replace("/1/", "/2/", 1)], "not the link"),
        (parts[1:], "part 1 of"),
        (parts[:-1], "is missing"),
        ([*parts[1:], others[0]], "different receipts"),
        ([whole, *parts], "different receipts"),
        ([*parts, parts[0][:-1] + ("A" if parts[0][-1] != "A" else "B")], "not the parts"),
        ([whole[:60] + ("A" if whole[60] != "A" else "B") + whole[61:]], "wrong or missing"),
        ([parts[0].replace("/1.", "/0."), *parts[1:]], "not the link"),
    ]:
        with pytest.raises(FormatError, match=reason):
            parse_receipt_links(shown)
    assert parse_receipt_links(parts) == receipt


def test_what_is_no_receipt_has_no_link(receipt: dict[str, Any]) -> None:
    proof = TlogProof.parse(receipt["proof"].encode())
    for changed in [
        {},
        {**receipt, "more": 1},
        {**receipt, "index": 9},
        {**receipt, "proof": TlogProof(proof.index, (), b"x", b"extra").serialise().decode()},
    ]:
        with pytest.raises(FormatError):
            receipt_link(changed)
    witnessed = TlogProof(proof.index, proof.hashes, proof.checkpoint + b"A" * 40_000)
    with pytest.raises(FormatError, match="as a file"):
        receipt_parts({**receipt, "proof": witnessed.serialise().decode()})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_receipts_with_other_bytes_are_refused_or_read_as_written(
    receipt: dict[str, Any], data: st.DataObject
) -> None:
    """With a tag that fits: what whoever makes a link can bring a wallet to read."""
    whole = bytearray(links._encode(receipt))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    changed = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    tag = sha256(changed).hexdigest()[:8]
    link = f"kvitto:receipt/1/{tag}/1.1/{encode_base64url(changed)}"
    try:
        read = parse_receipt_links([link])
    except FormatError:
        return
    assert receipt_link(read) == link
    assert parse_json(canonical_json(read)) == read
