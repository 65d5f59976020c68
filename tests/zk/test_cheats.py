"""Every attack on soundness that the protocol's vectors name, made here by a prover of our own.

Each cheat breaks exactly the equations it names. A verifier without those equations accepts it
(the attack is real), and the verifier refuses it (the equations are checked).
"""

import pytest

from commitments.attributes import Attributes
from commitments.errors import VerificationError
from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import Opening
from tests.zk.claims import (
    BOTH_KEYS,
    EUR,
    EVERY_KIND,
    OTHER_PRODUCT,
    PRODUCT,
    WARRANTY,
    opening,
    ring_of,
    scalar,
    statement,
    with_attributes,
)
from tests.zk.dishonest import HONEST, Lie, Selector, Shift, forge
from tests.zk.reference import false_equations, gen
from tests.zk.tiny_group import TOY
from zk.statement import Equals, OneOf, Range, Scope, Statement, tag_base
from zk.verify import verify, verify_batch

GROUPS = pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])
THIRD_TAG = (*BOTH_KEYS, Scope("serial", "claim|shop|warranty|1"))


def is_stopped_by(equations: list[str], claim: Statement, proof: bytes) -> None:
    """The proof is refused, and would be accepted without ``equations``."""
    assert false_equations(claim, proof) == equations
    with pytest.raises(VerificationError):
        verify(claim, proof)
    (result,) = verify_batch([(claim, proof)])
    assert isinstance(result, VerificationError)


@GROUPS
@pytest.mark.parametrize("predicates", [WARRANTY, EVERY_KIND, ()])
def test_without_a_lie_the_forger_is_an_honest_prover(
    group: Group, predicates: tuple[Range, ...]
) -> None:
    claim = statement(group, 5, predicates)
    proof = forge(claim, opening(group, 2), HONEST)
    assert false_equations(claim, proof) == []
    verify(claim, proof)


@GROUPS
@pytest.mark.parametrize("number", [0, 1, 2])
def test_tag_from_another_key(group: Group, number: int) -> None:
    claim = statement(group, 8, WARRANTY, THIRD_TAG)
    proof = forge(claim, opening(group, 2), Lie(tags={number: scalar(group, "fresh")}))
    is_stopped_by([f"tag/{number}"], claim, proof)


@GROUPS
def test_tag_and_witness_from_another_secret(group: Group) -> None:
    fresh = scalar(group, "fresh")
    claim = statement(group)
    lie = Lie(tags={1: fresh}, witness={"secret": fresh})
    is_stopped_by(["T"], claim, forge(claim, opening(group, 2), lie))


@GROUPS
def test_tag_of_the_other_kind(group: Group) -> None:
    mine = opening(group, 2)
    claim = statement(group)
    proof = forge(claim, mine, Lie(tags={0: mine.secret, 1: mine.serial}))
    is_stopped_by(["tag/0", "tag/1"], claim, proof)


@GROUPS
@pytest.mark.parametrize(("attribute", "value"), [("date", 20_100), ("price", 300)])
def test_shows_a_value_in_range_that_it_does_not_have(
    group: Group, attribute: str, value: int
) -> None:
    claim = statement(group)
    proof = forge(claim, opening(group, 2), Lie(committed={attribute: value}))
    is_stopped_by([f"V/{attribute}"], claim, proof)


@GROUPS
def test_shows_and_says_another_date(group: Group) -> None:
    claim = statement(group)
    lie = Lie(committed={"date": 20_100}, witness={"date": 20_100})
    is_stopped_by(["T"], claim, forge(claim, opening(group, 2), lie))


@GROUPS
def test_equals_another_value(group: Group) -> None:
    claim = statement(group, 8, (Equals("currency", EUR + 1),))
    is_stopped_by(["T"], claim, forge(claim, opening(group, 2)))


@GROUPS
def test_shows_a_product_of_the_set_that_it_does_not_have(group: Group) -> None:
    claim = statement(group, 8, (OneOf("product", (OTHER_PRODUCT, 7)),))
    lie = Lie(committed={"product": OTHER_PRODUCT})
    is_stopped_by(["V/product"], claim, forge(claim, opening(group, 2), lie))


@GROUPS
def test_product_outside_the_set(group: Group) -> None:
    claim = statement(group, 8, (OneOf("product", (OTHER_PRODUCT, 7)),))
    proof = forge(claim, opening(group, 2), Lie(sets={"product": 0}))
    is_stopped_by(["member/product"], claim, proof)


@GROUPS
def test_commitment_outside_the_ring(group: Group) -> None:
    claim = statement(group, 8)
    proof = forge(claim, opening(group, 20), Lie(position=3))
    is_stopped_by(["member/ring"], claim, proof)


@GROUPS
def test_average_of_two_purchases_has_a_fresh_tag(group: Group) -> None:
    """Two spent purchases, halved: without the digit equation, a new purchase for each pair."""
    q = group.order
    half = pow(2, -1, q)
    one, two = opening(group, 0), opening(group, 2)
    average = Opening(
        Attributes(PRODUCT, 20_001, 201, EUR),
        *(
            (getattr(one, name) + getattr(two, name)) * half % q
            for name in ("serial", "secret", "blinding")
        ),
    )
    claim = statement(group, 4)
    proof = forge(claim, average, Lie(position=Selector((half, 0, half, 0))))
    is_stopped_by(["digits/ring"], claim, proof)


@GROUPS
def test_value_between_two_of_the_set(group: Group) -> None:
    half = pow(2, -1, group.order)
    claim = statement(group, 8, (OneOf("product", (PRODUCT - 1, PRODUCT + 1)),))
    proof = forge(claim, opening(group, 2), Lie(sets={"product": Selector((half, half, 0, 0))}))
    is_stopped_by(["digits/product"], claim, proof)


@GROUPS
def test_digit_that_is_two(group: Group) -> None:
    late = with_attributes(opening(group, 2), date=20_000 + 8)
    claim = _alone(group, late, (Range("date", 20_000, 20_007),))
    proof = forge(claim, late, Lie(digits={"date": [0, 0, 2]}))
    is_stopped_by(["ranges"], claim, proof)


@GROUPS
@pytest.mark.parametrize("date", [19_999, 20_366, 0])
def test_date_out_of_the_range(group: Group, date: int) -> None:
    late = with_attributes(opening(group, 2), date=date)
    claim = _alone(group, late, (Range("date", 20_000, 20_365),))
    is_stopped_by(["ranges"], claim, forge(claim, late))


@GROUPS
def test_value_that_another_range_would_hold(group: Group) -> None:
    """Aggregated ranges must not lend each other digits."""
    mine = with_attributes(opening(group, 2), date=8, price=0)
    ranges = (Range("date", 0, 7), Range("price", 0, 15))
    claim = _alone(group, mine, ranges)
    lie = Lie(digits={"date": [0, 0, 0], "price": [0, 0, 0, 1]})
    is_stopped_by(["ranges"], claim, forge(claim, mine, lie))


@GROUPS
def test_zero_width_range_around_another_value(group: Group) -> None:
    mine = opening(group, 2)
    claim = _alone(group, mine, (Range("date", 20_003, 20_003),))
    is_stopped_by(["ranges"], claim, forge(claim, mine))


@GROUPS
@pytest.mark.parametrize(("pair", "names"), [((0, 1), ["T", "V/date"]), ((0, 4), ["T", "tag/1"])])
def test_errors_that_cancel_under_equal_weights(
    group: Group, pair: tuple[int, int], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = statement(group)
    lie = Lie(nonces={pair[0]: Shift(1), pair[1]: Shift(-1)})
    proof = forge(claim, opening(group, 2), lie)
    is_stopped_by(names, claim, proof)
    monkeypatch.setattr("zk.claim_relation.random_weight", lambda: 1)
    verify(claim, proof)  # so it is the weights that stop it


@GROUPS
def test_errors_of_two_proofs_that_cancel_under_equal_weights(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = statement(group)
    proofs = [forge(claim, opening(group, 2), Lie(nonces={0: Shift(steps)})) for steps in (1, -1)]
    batch = [(claim, proof) for proof in proofs]
    assert all(isinstance(result, VerificationError) for result in verify_batch(batch))
    monkeypatch.setattr("zk.claim_relation.random_weight", lambda: 1)
    assert not any(isinstance(result, VerificationError) for result in verify_batch(batch))


@GROUPS
def test_each_equation_of_each_part_draws_a_weight_of_its_own(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def record() -> int:
        drawn.append(1 + len(drawn))
        return drawn[-1]

    for part in ("claim_relation", "one_out_of_many", "range_proof"):
        monkeypatch.setattr(f"zk.{part}.random_weight", record)
    claim = statement(group, 5, EVERY_KIND)
    verify(claim, forge(claim, opening(group, 2)))
    equations = 3 * 2 + 1 + 1 + 4 + 2  # three lists, the ranges, T, four V, two tags
    assert len(drawn) == equations


def test_shifted_tag_base_is_another_tag() -> None:
    """The base of a tag is a hash of kind and text, so no relation between bases is known."""
    bases = [tag_base(P256, scope) for scope in (*BOTH_KEYS, THIRD_TAG[2])]
    encoded = {P256.encode(base) for base in (*bases, gen(P256, "attribute/serial"))}
    assert len(encoded) == 4


def _alone(group: Group, mine: Opening, predicates: tuple[Range, ...]) -> Statement:
    return statement(group, ring_of(group, [opening(group, 0), mine]), predicates)
