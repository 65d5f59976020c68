"""Buyer requests: what a buyer could do without the proof, and requests used elsewhere."""

from dataclasses import replace

import pytest

from commitments.attributes import Attributes
from commitments.errors import FormatError, VerificationError
from commitments.generators import attribute_generator
from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening, commit, complete, serial_shift
from tests.zk.claims import scalar
from tests.zk.tiny_group import TOY
from zk.hedged import HedgedScalars
from zk.issuance import BuyerRequest, parse_request, prove_request, verify_request

GROUPS = pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
ORIGIN, ORDER = "ledger.example/acme", "order-1001"
ATTRIBUTES = Attributes(5, 20_000, 300, 978, 0, 9)


def keys_of(group: Group, number: int = 0) -> BuyerKeys:
    return BuyerKeys(*(scalar(group, name, number) for name in ("serial", "secret", "blinding")))


def request_of(group: Group, keys: BuyerKeys, order: str = ORDER) -> BuyerRequest:
    random = HedgedScalars(group, [keys.serial_0, keys.secret, keys.blinding], order.encode())
    return prove_request(group, ORIGIN, order, keys, random.scalar)


@GROUPS
def test_buyer_and_merchant_make_one_commitment(group: Group) -> None:
    keys = keys_of(group)
    request = request_of(group, keys)
    blinded = verify_request(group, ORIGIN, ORDER, request)
    shift = serial_shift(group, ORIGIN, ORDER, request.commitment)
    serial = (keys.serial_0 + shift) % group.order
    mine = Opening(ATTRIBUTES, serial, keys.secret, keys.blinding)
    assert group.equal(complete(group, blinded, ATTRIBUTES, shift), commit(group, mine))


@GROUPS
@pytest.mark.parametrize("order", ["order-1002", "", "order-1001 ", "bestellung-5"])
def test_request_for_another_order_is_refused(group: Group, order: str) -> None:
    request = request_of(group, keys_of(group))
    assert verify_request(group, ORIGIN, ORDER, request)
    with pytest.raises(VerificationError):
        verify_request(group, ORIGIN, order, request)


@GROUPS
def test_request_for_another_origin_is_refused(group: Group) -> None:
    request = request_of(group, keys_of(group))
    assert verify_request(group, ORIGIN, ORDER, request)
    for origin in ("ledger.example/other", "ledger.example/acm", ""):
        with pytest.raises(VerificationError):
            verify_request(group, origin, ORDER, request)


def test_origin_and_order_do_not_run_into_each_other() -> None:
    keys = keys_of(P256)
    random = HedgedScalars(P256, [], b"")
    request = prove_request(P256, "ab", "c", keys, random.scalar)
    assert verify_request(P256, "ab", "c", request)
    with pytest.raises(VerificationError):
        verify_request(P256, "a", "bc", request)
    shifts = {serial_shift(P256, *pair, request.commitment) for pair in (("ab", "c"), ("a", "bc"))}
    assert len(shifts) == 2


@GROUPS
def test_proof_for_another_point_is_refused(group: Group) -> None:
    one, two = (request_of(group, keys_of(group, number)) for number in (1, 2))
    assert verify_request(group, ORIGIN, ORDER, one)
    with pytest.raises(VerificationError):
        verify_request(group, ORIGIN, ORDER, replace(one, proof=two.proof))


@GROUPS
@pytest.mark.parametrize("attribute", ["date", "price"])
def test_buyer_shifts_an_attribute_of_the_sale(group: Group, attribute: str) -> None:
    """A year later, or a thousand more: B with an attribute in it has no proof."""
    keys = keys_of(group)
    request = request_of(group, keys)
    extra = group.multiply(365, attribute_generator(group, attribute))
    shifted = group.encode(group.add(group.decode(request.commitment), extra))
    assert verify_request(group, ORIGIN, ORDER, request)
    with pytest.raises(VerificationError):
        verify_request(group, ORIGIN, ORDER, replace(request, commitment=shifted))


@GROUPS
def test_buyer_takes_another_buyers_point(group: Group) -> None:
    """Without its opening there is no proof, and a proof for other keys does not fit."""
    theirs = request_of(group, keys_of(group, 1), "theirs")
    mine = request_of(group, keys_of(group, 2))
    assert verify_request(group, ORIGIN, "theirs", theirs)
    for stolen in (theirs, replace(mine, commitment=theirs.commitment)):
        with pytest.raises(VerificationError):
            verify_request(group, ORIGIN, ORDER, stolen)


def test_serial_cannot_be_aimed() -> None:
    """The shift depends on B, so on serial_0 itself: moving one moves the other."""
    target = 12345
    keys = keys_of(P256)
    request = request_of(P256, keys)
    shift = serial_shift(P256, ORIGIN, ORDER, request.commitment)
    aimed = replace(keys, serial_0=(target - shift) % P256.order)
    again = serial_shift(P256, ORIGIN, ORDER, request_of(P256, aimed).commitment)
    assert (aimed.serial_0 + again) % P256.order != target


@GROUPS
def test_every_flipped_bit_of_a_request_is_noticed(group: Group) -> None:
    request = request_of(group, keys_of(group))
    assert verify_request(group, ORIGIN, ORDER, request)
    whole = request.commitment + request.proof
    split = len(request.commitment)
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        wrong = BuyerRequest(bytes(changed[:split]), bytes(changed[split:]))
        with pytest.raises((FormatError, VerificationError)):
            verify_request(group, ORIGIN, ORDER, wrong)


@GROUPS
def test_point_that_does_not_decode_is_named(group: Group) -> None:
    request = request_of(group, keys_of(group))
    for point in (bytes(group.point_size), b"", request.commitment[1:]):
        with pytest.raises(FormatError) as caught:
            verify_request(group, ORIGIN, ORDER, replace(request, commitment=point))
        assert caught.value.field == "request.commitment"


def test_request_as_json() -> None:
    request = request_of(P256, keys_of(P256))
    document = request.document()
    assert parse_request(document, P256) == request
    wrong: list[object] = [
        None,
        [],
        {},
        {**document, "more": ""},
        {"commitment": document["commitment"]},
        {**document, "proof": document["proof"][2:]},
        {**document, "proof": document["proof"].upper()},
        {**document, "commitment": 5},
        {**document, "commitment": None},
    ]
    for other in wrong:
        with pytest.raises(FormatError) as caught:
            parse_request(other, P256)
        assert (caught.value.field or "").startswith("request")
