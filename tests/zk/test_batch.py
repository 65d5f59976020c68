"""Many proofs at once: the same answers as one by one, for a bounded price."""

from dataclasses import replace
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.p256 import P256
from tests.zk.claims import EVERY_KIND, WARRANTY, opening, statement
from tests.zk.dishonest import Lie, Shift, forge
from tests.zk.tiny_group import TOY, CountingGroup, ResidueGroup
from zk.prove import prove
from zk.statement import Statement
from zk.verify import Verified, verify, verify_batch

COUNTING = CountingGroup()
MINE = 2
CLAIMS = [
    statement(COUNTING, 5, WARRANTY),
    statement(COUNTING, 17, EVERY_KIND),
    statement(COUNTING, 8, EVERY_KIND, []),
    statement(COUNTING, 4, (), []),
]
TRUE = [prove(claim, opening(COUNTING, MINE)) for claim in CLAIMS]
FALSE = [forge(claim, opening(COUNTING, MINE), Lie(nonces={0: Shift(1)})) for claim in CLAIMS]


def damaged(proof: bytes, how: str) -> bytes:
    return {
        "short": proof[:-1],
        "version": b"\2" + proof[1:],
        "identity": proof[:1] + bytes(8) + proof[9:],
        "scalar": proof[:-8] + b"\xff" * 8,
    }[how]


HOW = ("true", "true", "false", "short", "version", "identity", "scalar")
entries = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(HOW)), max_size=8)


def claim_of(entry: tuple[int, str]) -> tuple[Statement, bytes]:
    number, how = entry
    if how in ("true", "false"):
        return CLAIMS[number], (TRUE if how == "true" else FALSE)[number]
    return CLAIMS[number], damaged(TRUE[number], how)


def alone(claim: Statement, proof: bytes) -> Verified | FormatError | VerificationError:
    try:
        return verify(claim, proof)
    except (FormatError, VerificationError) as error:
        return error


def same(one: object, two: object) -> bool:
    if isinstance(one, Verified):
        return one == two
    return type(one) is type(two) and str(one) == str(two)


@given(entries)
def test_a_batch_answers_as_one_by_one(batch: list[tuple[int, str]]) -> None:
    claims = [claim_of(entry) for entry in batch]
    results = verify_batch(claims)
    assert len(results) == len(claims)
    for entry, claim, result in zip(batch, claims, results, strict=True):
        assert same(result, alone(*claim))
        assert isinstance(result, Verified) == (entry[1] == "true")


@given(st.lists(st.booleans(), min_size=1, max_size=16))
def test_finding_the_culprits_costs_what_is_promised(truths: list[bool]) -> None:
    claims = [(CLAIMS[3], (TRUE if true else FALSE)[3]) for true in truths]
    COUNTING.sums.clear()
    verify_batch(claims[:1])
    each = sum(COUNTING.sums) - 1  # without the base point that is added to every sum
    COUNTING.sums.clear()
    results = verify_batch(claims)
    assert [isinstance(result, Verified) for result in results] == truths
    count = len(claims)
    assert len(COUNTING.sums) <= 2 * count
    terms = sum(COUNTING.sums) - len(COUNTING.sums)
    assert terms <= (2 + ceil(log2(count))) * count * each
    if truths.count(False) < 2:
        assert len(COUNTING.sums) == (1 if all(truths) or count == 1 else 2)


@pytest.mark.parametrize("place", range(8))
def test_one_culprit_costs_one_sum_more(place: int) -> None:
    claims = [(CLAIMS[3], TRUE[3])] * 8
    claims[place] = CLAIMS[3], FALSE[3]
    COUNTING.sums.clear()
    results = verify_batch(claims)
    assert [isinstance(result, Verified) for result in results] == [i != place for i in range(8)]
    assert len(COUNTING.sums) == 2


def test_several_culprits_are_found_by_halving() -> None:
    """Of two halves the second is not multiplied out when the first has passed."""
    truths = [True] * 6 + [False] * 2
    claims = [(CLAIMS[3], (TRUE if true else FALSE)[3]) for true in truths]
    COUNTING.sums.clear()
    results = verify_batch(claims)
    assert [isinstance(result, Verified) for result in results] == truths
    assert len(COUNTING.sums) == 6  # all 8, counted, the first 4, then 2, then 1 and 1


def test_a_library_that_fails_blames_nobody_in_the_place_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two sums that are the identity one is as many times the other as anybody likes."""
    nothing = TOY.multiply(0, TOY.generator)
    monkeypatch.setattr(ResidueGroup, "sum_of_products", lambda *_: nothing)
    results = verify_batch([(CLAIMS[3], TRUE[3])] * 5)
    assert not any(isinstance(result, Verified) for result in results)


def test_malformed_proofs_cost_no_multiplication() -> None:
    claims = [(CLAIMS[1], damaged(TRUE[1], how)) for how in HOW[3:]]
    COUNTING.sums.clear()
    results = verify_batch(claims)
    assert all(isinstance(result, FormatError) for result in results)
    assert COUNTING.sums == [1]  # the base point, which every sum has
    assert isinstance(verify_batch([(CLAIMS[1], TRUE[1])])[0], Verified)


def test_members_of_a_shared_ring_cost_one_term_for_all_claims() -> None:
    claim = CLAIMS[1]
    COUNTING.sums.clear()
    assert isinstance(verify_batch([(claim, TRUE[1])])[0], Verified)
    (single,) = COUNTING.sums
    COUNTING.sums.clear()
    verify_batch([(claim, TRUE[1])] * 10)
    (ten,) = COUNTING.sums
    own = (ten - single) / 9  # what each further claim adds
    assert own + len(claim.ring) < single


def test_an_empty_batch_has_no_results() -> None:
    assert verify_batch([]) == []


def test_a_repeated_claim_is_answered_each_time() -> None:
    claims = [(CLAIMS[0], TRUE[0]), (CLAIMS[0], FALSE[0])] * 2
    results = verify_batch(claims)
    assert [isinstance(result, Verified) for result in results] == [True, False, True, False]


def test_two_false_proofs_do_not_make_up_for_each_other() -> None:
    claim = CLAIMS[0]
    pair = [forge(claim, opening(COUNTING, MINE), Lie(nonces={0: Shift(s)})) for s in (1, -1)]
    assert all(isinstance(r, VerificationError) for r in verify_batch([(claim, p) for p in pair]))


@pytest.mark.parametrize("bad", [set(), {0}, {3}, {1, 2}, {0, 1, 2, 3}])
@pytest.mark.parametrize("sizes", [(5,) * 4, (5, 17, 5, 6)], ids=["one ring", "several rings"])
def test_p256_batches(bad: set[int], sizes: tuple[int, ...]) -> None:
    """The rings come in an order in which they are not verified."""
    claims = [statement(P256, s, WARRANTY, context=bytes([n]) * 32) for n, s in enumerate(sizes)]
    mine = opening(P256, MINE)
    lie = Lie(witness={"secret": 1})
    proofs = [forge(c, mine, lie) if n in bad else prove(c, mine) for n, c in enumerate(claims)]
    results = verify_batch(list(zip(claims, proofs, strict=True)))
    assert {n for n, result in enumerate(results) if not isinstance(result, Verified)} == bad
    for n in {0, 1, 2, 3} - bad:
        assert results[n] == verify(claims[n], proofs[n])


def test_a_proof_for_a_neighbours_statement_is_found() -> None:
    claims = [replace(CLAIMS[0], context=bytes([n]) * 32) for n in range(3)]
    proofs = [prove(claim, opening(COUNTING, MINE)) for claim in claims]
    swapped = [(claims[0], proofs[1]), (claims[1], proofs[0]), (claims[2], proofs[2])]
    results = verify_batch(swapped)
    assert [isinstance(result, Verified) for result in results] == [False, False, True]
