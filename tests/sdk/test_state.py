import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from commitments.purchase import BuyerKeys
from commitments.sale import Sale
from commitments.wire import canonical_json, parse_json
from ledger.checkpoint import Checkpoint, sign
from ledger.monitor import Head
from ledger.note import Signer
from policies.claim import ClaimBody
from policies.policy import parse_policy
from policies.transfer import TransferBody
from sdk.seed import Place, Seed
from sdk.state import GROUP, Claim, Identity, Merchant, Pending, Purchase, State
from sdk.transfer_state import Accepted, Handed, Offer, Transfer
from tests.world import REFUND, WARRANTY
from zk.issuance import BuyerRequest
from zk.transfer import Acceptance

LOG = Signer("ledger.example/acme", b"l" * 32)
scalars = st.integers(0, GROUP.order - 1)
texts = st.text("abcäöü 0123456789-", max_size=20)
counts = st.integers(0, 2**53 - 1)
hashes = st.binary(min_size=32, max_size=32)
points = st.binary(min_size=33, max_size=33)
keys = st.builds(BuyerKeys, scalars, scalars, scalars)
old_heads = st.builds(Head, counts, hashes, st.just(b""))
checkpoints = st.builds(Checkpoint, st.just(LOG.name), counts, hashes)
heads = old_heads | checkpoints.map(lambda checkpoint: Head.of(sign(checkpoint, LOG)))
vkeys = st.lists(hashes.map(lambda seed: Signer("acme", seed).verifier.vkey), max_size=2).map(tuple)
merchants = st.builds(
    Merchant,
    texts,
    texts,
    vkeys,
    vkeys,
    st.none() | heads,
    st.none() | heads,
    counts,
    hashes,
    counts,
    key_changes=st.none() | counts,
)
requests = st.builds(
    BuyerRequest,
    st.binary(min_size=33, max_size=33),
    st.binary(min_size=128, max_size=128),
)
sales = st.builds(
    Sale,
    st.dates(date(1970, 1, 1)),
    st.just("4006381333931"),
    st.integers(0, 2**48 - 1),
    st.sampled_from(["EUR", "JPY"]),
    st.none() | st.just("L1"),
    st.none() | st.just("SN-1"),
)
bodies = st.builds(
    ClaimBody,
    origin=st.just("ledger.example/acme"),
    policy=st.just("warranty"),
    version=counts,
    date=st.dates(date(1970, 1, 1)).map(date.isoformat),
    number=counts,
    remedy=st.just("repair"),
    first=counts,
    size=counts,
    voided_at=counts,
    lane=counts,
    nonce=st.binary(min_size=16, max_size=16).map(bytes.hex),
)
claims = st.builds(
    Claim,
    hashes.map(bytes.hex),
    texts,
    bodies,
    st.binary(),
    st.lists(hashes).map(tuple),
    st.lists(counts).map(tuple),
    st.sampled_from([parse_policy(WARRANTY), parse_policy(REFUND)]),
    st.sampled_from([None, "approved", "declined", "refused"]),
    st.none() | texts,
    st.none() | st.dictionaries(texts, texts),
    st.booleans(),
)


places = st.builds(Place, counts, counts)
handed = st.builds(Handed, scalars, scalars, st.lists(st.tuples(texts, counts)).map(tuple))
acceptances = st.builds(Acceptance, points, st.binary(min_size=96, max_size=96))
transfers = st.builds(
    Transfer,
    hashes.map(bytes.hex),
    texts,
    st.builds(
        TransferBody,
        origin=st.just("ledger.example/acme"),
        date=st.dates(date(1970, 1, 1)).map(date.isoformat),
        first=counts,
        size=counts,
        voided_at=counts,
        lane=counts,
        blinded=points,
        acceptance=acceptances,
        nonce=st.binary(min_size=16, max_size=16).map(bytes.hex),
    ),
    st.binary(),
    points,
    st.lists(counts).map(tuple),
    st.sampled_from([None, "approved", "declined", "refused"]),
    st.none() | texts,
    st.none() | st.dictionaries(texts, texts),
    st.booleans(),
    st.none() | st.dictionaries(texts, texts),
)
counters = st.dictionaries(texts, counts, max_size=3)
identities = st.builds(
    Identity,
    st.binary(min_size=16, max_size=16).map(Seed),
    counts,
    counters,
    counters,
    st.none() | texts,
)
SEED = Seed(bytes(range(16)))
NEW = State(Identity(SEED))


@given(
    identities,
    st.lists(merchants),
    st.lists(st.builds(Pending, texts, texts, keys, requests, st.none() | places)),
    st.lists(
        st.builds(
            Purchase,
            texts,
            texts,
            sales,
            counts,
            keys,
            texts,
            st.none() | places,
            st.none() | counts,
            st.none() | handed,
        )
    ),
    st.lists(claims),
    st.lists(st.builds(Offer, texts, texts, points, scalars)),
    st.lists(st.builds(Accepted, texts, texts, points, keys, acceptances, places)),
    st.lists(transfers),
)
def test_what_is_remembered_comes_back(
    identity: Identity,
    merchants: list[Merchant],
    pending: list[Pending],
    purchases: list[Purchase],
    claims: list[Claim],
    offers: list[Offer],
    accepted: list[Accepted],
    transfers: list[Transfer],
) -> None:
    state = State(identity)
    for merchant in merchants:
        state = state.with_merchant(merchant)
    for purchase in purchases:
        state = state.with_purchase(purchase)
    for request in pending:
        state = state.with_pending(request)
    for claim in claims:
        state = state.with_claim(claim)
    for counter, offer in enumerate(offers):
        state = state.with_offer(offer, Place(identity.device, counter))
    for each in accepted:
        state = state.with_accepted(each)
    for transfer in transfers:
        state = state.with_transfer(transfer)
    encoded = state.encode()
    assert State.decode(encoded) == state
    assert encoded == canonical_json(parse_json(encoded))


json_values = st.recursive(
    st.none() | st.booleans() | counts | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(
    ["merchants", "pending", "purchases", "claims", "offers", "accepted", "transfers"]
)


@given(st.binary() | json_values | st.dictionaries(members, json_values | st.lists(json_values)))
def test_anything_else_is_a_format_error(value: Any) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    try:
        state = State.decode(data)
    except FormatError:
        return
    assert State.decode(state.encode()) == state


def test_nothing_secret_is_printed() -> None:
    keys = BuyerKeys(1234567, 1234567, 1234567)
    sale = Sale(date(2026, 1, 1), "tea", 100, "EUR")
    purchase = Purchase("o/a", "1", sale, 3, keys, "proof", Place(0, 0))
    pending = Pending("o/a", "1", keys, BuyerRequest(b"c", b"p"), Place(0, 0))
    state = NEW.with_pending(pending)
    for thing in (purchase, purchase.opening, pending, state, state.with_purchase(purchase)):
        assert "1234567" not in repr(thing)
    words = SEED.words.split()
    for printed in map(repr, (SEED, NEW.identity, SEED.box("o/a", 0))):
        assert SEED.entropy.hex() not in printed
        assert repr(SEED.entropy) not in printed
        assert not any(word in printed for word in words)


EMPTY: dict[str, Any] = {"merchants": [], "pending": [], "purchases": [], "claims": []}


@pytest.mark.parametrize("member", ["identity", "merchants", "pending", "purchases", "claims"])
def test_a_missing_member_is_a_format_error(member: str) -> None:
    document = {**EMPTY, "version": 2, "identity": NEW.identity.document()}
    assert State.decode(json.dumps(document).encode()) == NEW
    del document[member]
    with pytest.raises(FormatError):
        State.decode(json.dumps(document).encode())


def test_keys_that_were_given_are_never_given_again() -> None:
    request = BuyerRequest(b"c", b"p")
    state = NEW
    for number, place in enumerate((Place(0, 0), Place(0, 1), Place(7, 99), Place(0, 0))):
        state = state.with_pending(Pending("o/a", str(number), BuyerKeys(1, 2, 3), request, place))
    assert state.identity.next_place("o/a") == Place(0, 2)
    assert state.identity.next_place("o/b") == Place(0, 0)
