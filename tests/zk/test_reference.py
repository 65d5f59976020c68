"""The verifier and the reference verifier agree: on true, mutated and adversarial proofs."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from commitments.p256 import P256
from tests.zk.claims import BOTH_KEYS, opening, ring_of, statement
from tests.zk.dishonest import HONEST, Lie, Selector, Shift, forge
from tests.zk.reference import Malformed, encode, false_equations
from tests.zk.tiny_group import TOY
from zk.prove import prove
from zk.statement import Equals, OneOf, Predicate, Range, Scope, Statement
from zk.verify import verify

MINE = 1  # product 5, date 20001, price 201, currency 978


def verdict(claim: Statement, proof: bytes) -> str:
    try:
        verify(claim, proof)
    except FormatError:
        return "malformed"
    except VerificationError:
        return "false"
    return "true"


def reference_verdict(claim: Statement, proof: bytes) -> str:
    try:
        return "false" if false_equations(claim, proof) else "true"
    except Malformed:
        return "malformed"


def agree(claim: Statement, proof: bytes) -> str:
    expected = reference_verdict(claim, proof)
    assert verdict(claim, proof) == expected
    return expected


def some(*choices: Predicate | None) -> st.SearchStrategy[Predicate | None]:
    return st.sampled_from(choices)


true_predicates = st.tuples(
    some(None, Equals("product", 5), OneOf("product", (5,)), OneOf("product", (1, 2, 3, 4, 5))),
    some(
        None, Equals("date", 20_001), Range("date", 20_000, 20_365), Range("date", 20_001, 20_001)
    ),
    some(None, Range("price", 201, 202), Range("price", 0, 2**20), OneOf("price", (0, 201))),
    some(None, Equals("currency", 978), Range("currency", 0, 999)),
    some(None, Equals("batch", 0), OneOf("batch", (0, 9)), Range("batch", 0, 0)),
    some(None, Equals("unit", 0)),
).map(lambda chosen: [p for p in chosen if p])
some_scopes = st.lists(
    st.sampled_from([*BOTH_KEYS, Scope("serial", "vote|shop|a"), Scope("secret", "é")]),
    unique=True,
)
sizes = st.sampled_from([1, 2, 4, 5, 16, 17])


@st.composite
def claims(draw: st.DrawFn, group: Group) -> Statement:
    members = [opening(group, n) for n in range(draw(sizes))]
    members[draw(st.integers(0, len(members) - 1))] = opening(group, MINE)
    if members[:2] == [opening(group, MINE)] * 2:
        members = members[1:]
    return statement(
        group,
        ring_of(group, list(dict.fromkeys(members))),
        draw(true_predicates),
        draw(some_scopes),
        draw(st.binary(min_size=32, max_size=32)),
    )


toy_claims = claims(TOY)


@given(toy_claims)
def test_true_proofs(claim: Statement) -> None:
    assert encode(claim) == claim.encode()
    assert agree(claim, prove(claim, opening(TOY, MINE))) == "true"


@given(toy_claims, st.data())
def test_changed_proofs(claim: Statement, data: st.DataObject) -> None:
    proof = bytearray(prove(claim, opening(TOY, MINE)))
    for place in data.draw(st.lists(st.integers(0, len(proof) - 1), min_size=1, max_size=3)):
        proof[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 8]))
    agree(claim, bytes(proof[: len(proof) - cut]))


@given(toy_claims, toy_claims)
def test_proofs_of_other_statements(claim: Statement, other: Statement) -> None:
    proof = prove(other, opening(TOY, MINE))
    same = claim.encode() == other.encode()
    assert (agree(claim, proof) == "true") == same


def lies(claim: Statement) -> st.SearchStrategy[Lie]:
    scalars = st.integers(0, 5)
    weights = st.tuples(scalars, scalars, scalars, scalars)
    small = len(claim.ring) <= 4
    places: st.SearchStrategy[int | Selector | None] = st.none() | st.integers(
        0, len(claim.ring) - 1
    )
    if small:
        places |= weights.map(Selector)
    names = st.sampled_from(["serial", "secret", "blinding", "date"])
    shifts = st.dictionaries(
        st.integers(0, len(claim.committed) + len(claim.scopes)), st.builds(Shift, scalars)
    )
    return st.builds(
        Lie,
        position=places,
        tags=st.dictionaries(st.integers(0, 3), st.integers(1, 5)),
        witness=st.dictionaries(names, scalars),
        nonces=st.just({}) | shifts,
    )


@given(toy_claims, st.integers(0, 20), st.data())
def test_adversarial_proofs(claim: Statement, number: int, data: st.DataObject) -> None:
    lie = data.draw(lies(claim))
    if opening(TOY, number) != opening(TOY, MINE) and lie.position is None:
        lie = HONEST
        number = MINE
    sets = {p.attribute: 0 for p in claim.sets}
    places: dict[str, int | Selector] = dict(sets)
    lie = Lie(lie.position, places, {}, lie.tags, {}, lie.witness, lie.nonces)
    agree(claim, forge(claim, opening(TOY, number), lie))


P256_CLAIMS: Sequence[Statement] = [
    statement(P256, 2, [OneOf("product", (5, 6)), Range("date", 20_000, 20_003)]),
    statement(P256, 5, [Equals("product", 5)], []),
]


@pytest.mark.parametrize("claim", P256_CLAIMS, ids=["two", "five"])
def test_p256(claim: Statement) -> None:
    mine = opening(P256, MINE)
    assert agree(claim, prove(claim, mine)) == "true"
    assert agree(claim, forge(claim, mine, Lie(witness={"serial": 1}))) == "false"
    assert agree(claim, forge(claim, mine, Lie(position=0))) == "false"
    assert agree(claim, bytes(len(prove(claim, mine)))) == "malformed"
