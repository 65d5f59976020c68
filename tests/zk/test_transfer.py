"""Transfers at the level of proofs: the honest ones, and the attacks on them.

As in ``test_cheats.py``, each attack breaks exactly the equations that it names.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.generators import attribute_generator
from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import Opening, commit
from policies.transfer import transfer_statement
from tests.zk.claims import opening, ring, ring_of, scalar, statement, with_attributes
from tests.zk.dishonest import HONEST, Lie, Shift, forge
from tests.zk.reference import Malformed, accepts, encode, false_equations
from tests.zk.tiny_group import TINY, TOY
from tests.zk.transfers import ORIGIN, Handover, accept, body_of, handover, keys_of
from zk.prove import Unsatisfied, prove
from zk.statement import Statement, tag_base
from zk.transfer import Acceptance, blind, handed_over, parse_acceptance, verify_acceptance
from zk.verify import Verified, claim_size, proof_size, proof_tags, verify, verify_batch

GROUPS = pytest.mark.parametrize("group", [TOY, P256], ids=["toy", "p256"])


def is_stopped_by(equations: list[str], claim: Statement, proof: bytes) -> None:
    """The proof is refused, alone and beside a true one; without ``equations`` it would not be."""
    assert false_equations(claim, proof) == equations
    with pytest.raises(VerificationError):
        verify(claim, proof)
    honest = handover(claim.group, 1, 9)
    other = honest.statement(4)
    good, bad = verify_batch([(other, honest.prove(other)), (claim, proof)])
    assert isinstance(good, Verified)
    assert isinstance(bad, VerificationError)


def moved(group: Group, encoded: bytes, name: str, by: int = 1) -> bytes:
    """A commitment with ``by`` more of what stands on the generator ``name``."""
    extra = group.multiply(by, attribute_generator(group, name))
    return group.encode(group.add(group.decode(encoded), extra))


@GROUPS
def test_a_purchase_passes_to_its_next_owner(group: Group) -> None:
    sale = handover(group)
    body, claim = sale.body(), sale.statement()
    C_new = verify_acceptance(group, ORIGIN, body.blinded, body.acceptance)
    proof = sale.prove(claim)
    assert false_equations(claim, proof) == []
    (tag,) = verify(claim, proof).tags
    (scope,) = claim.scopes
    assert tag == group.encode(group.multiply(sale.mine.secret, tag_base(group, scope)))
    assert proof_tags(claim, proof) == (tag,)
    theirs = handed_over(group, sale.mine.attributes, sale.mine.serial, sale.beta, sale.keys)
    assert group.equal(C_new, commit(group, theirs))
    assert (theirs.serial, theirs.secret) == (sale.mine.serial, sale.keys.secret)


@GROUPS
def test_a_chain_of_owners_keeps_attributes_and_serial(group: Group) -> None:
    mine = opening(group, 2)
    for to in range(3):
        sale = Handover(group, mine, to)
        claim = sale.statement(ring_of(group, [opening(group, 0), mine]))
        verify(claim, sale.prove(claim))
        mine = handed_over(group, mine.attributes, mine.serial, sale.beta, sale.keys)
        C_new = sale.body().acceptance.commitment
        assert C_new == group.encode(commit(group, mine))
    assert mine.attributes == opening(group, 2).attributes
    assert mine.serial == opening(group, 2).serial


@GROUPS
@pytest.mark.parametrize("members", [1, 4, 5, 17])
def test_every_proof_has_the_length_that_the_ring_says(group: Group, members: int) -> None:
    sale = handover(group, 0)
    claim = sale.statement(members)
    proof = sale.prove(claim)
    assert len(proof) == proof_size(claim) == claim_size(group, (), 1, members, transfer=True)
    assert len(proof) > claim_size(group, (), 1, members)


def test_e_is_part_of_the_encoded_statement() -> None:
    """Behind its length, which is no first byte of a point: not to be taken for the proof's T."""
    claim = handover(P256).statement()
    plain = replace(claim, blinded=None)
    assert claim.encode() == plain.encode() + bytes([33, 0, 0, 0]) + (claim.blinded or b"")
    assert encode(claim) == claim.encode()


@pytest.mark.parametrize("wrong", [b"", bytes(33), b"\2" + b"\xff" * 32, b"\4" + bytes(64)])
def test_an_e_that_is_no_point_makes_no_statement(wrong: bytes) -> None:
    sale = handover(P256)
    with pytest.raises(FormatError) as caught:
        sale.statement(8, replace(sale.body(), blinded=wrong))
    assert caught.value.field == "blinded"


# What the owner's own prover refuses


@GROUPS
def test_nothing_is_proven_about_an_e_of_another_opening(group: Group) -> None:
    sale = handover(group)
    claim = sale.statement()
    assert prove(claim, sale.mine, beta=sale.beta)
    for blinded in (
        blind(group, with_attributes(sale.mine, date=1), sale.beta),
        blind(group, replace(sale.mine, serial=1), sale.beta),
        blind(group, sale.mine, sale.beta + 1),
        commit(group, replace(sale.mine, blinding=sale.beta)),  # its secret would be handed over
    ):
        other = replace(claim, blinded=group.encode(blinded))
        with pytest.raises(Unsatisfied, match="E has"):
            prove(other, sale.mine, beta=sale.beta)


def test_beta_is_for_transfers_only() -> None:
    sale = handover(TOY)
    for claim, beta in ((sale.statement(), None), (statement(TOY, 8, ()), 5)):
        with pytest.raises(Unsatisfied, match="beta"):
            prove(claim, sale.mine, beta=beta)


# The owner cheats


@GROUPS
@pytest.mark.parametrize("attribute", ["product", "date", "price", "currency", "batch", "unit"])
def test_owner_hands_over_another_attribute(group: Group, attribute: str) -> None:
    """A warranty that begins later: the new commitment would be worth more than the old."""
    sale = handover(group)
    claim = sale.statement(8, sale.body(moved(group, sale.blinded, attribute, 365)))
    is_stopped_by(["E"], claim, forge(claim, sale.mine, HONEST, sale.beta))


@GROUPS
def test_owner_hands_over_another_serial(group: Group) -> None:
    """With a fresh serial every slot would be unused again."""
    sale = handover(group)
    claim = sale.statement(8, sale.body(moved(group, sale.blinded, "serial")))
    is_stopped_by(["E"], claim, forge(claim, sale.mine, HONEST, sale.beta))
    told = Lie(witness={"serial": (sale.mine.serial + 1) % group.order})
    is_stopped_by(["T"], sale.statement(), forge(sale.statement(), sale.mine, told, sale.beta))


@GROUPS
def test_owner_hands_over_an_e_with_a_secret_inside(group: Group) -> None:
    """The new owner could not tell, and the old one would know a part of its secret."""
    sale = handover(group)
    for by in (1, sale.mine.secret):
        claim = sale.statement(8, sale.body(moved(group, sale.blinded, "secret", by)))
        is_stopped_by(["E"], claim, forge(claim, sale.mine, HONEST, sale.beta))
        told = Lie(witness={"secret": (sale.mine.secret - by) % group.order})
        proof = forge(claim, sale.mine, told, sale.beta)
        is_stopped_by(["T", "tag/0"], claim, proof)


@GROUPS
def test_owner_shows_the_tag_of_another_secret(group: Group) -> None:
    """It would then retire that one, and keep its own."""
    sale, fresh = handover(group), scalar(group, "fresh")
    claim = sale.statement()
    proof = forge(claim, sale.mine, Lie(tags={0: fresh}), sale.beta)
    is_stopped_by(["tag/0"], claim, proof)
    lie = Lie(tags={0: fresh}, witness={"secret": fresh})
    is_stopped_by(["T", "E"], claim, forge(claim, sale.mine, lie, sale.beta))


@GROUPS
def test_owner_blinds_otherwise_than_it_says(group: Group) -> None:
    sale = handover(group)
    claim = sale.statement()
    is_stopped_by(["E"], claim, forge(claim, sale.mine, HONEST, sale.beta + 1))
    is_stopped_by(["E"], claim, forge(claim, sale.mine, Lie(witness={"delta": 5}), sale.beta))


@GROUPS
def test_e_of_one_purchase_and_the_proof_of_another(group: Group) -> None:
    """Two purchases of one owner: the cheap one is retired, the dear one handed over."""
    cheap, dear = handover(group, 1), handover(group, 5)
    claim = dear.statement()
    is_stopped_by(["E"], claim, forge(claim, cheap.mine, HONEST, dear.beta))


@GROUPS
def test_errors_that_cancel_under_equal_weights(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = handover(group)
    claim = sale.statement()
    proof = forge(claim, sale.mine, Lie(nonces={0: Shift(1), 2: Shift(-1)}), sale.beta)
    is_stopped_by(["T", "E"], claim, proof)
    monkeypatch.setattr("zk.claim_relation.random_weight", lambda: 1)
    verify(claim, proof)  # so it is the weights that stop it


# Somebody else's purchase


@GROUPS
def test_a_purchase_outside_the_ring_is_not_transferred(group: Group) -> None:
    stranger = handover(group, 20)
    claim = stranger.statement()
    proof = forge(claim, stranger.mine, Lie(position=3), stranger.beta)
    is_stopped_by(["member/ring"], claim, proof)


@GROUPS
def test_a_former_owner_does_not_transfer_what_it_has_sold(group: Group) -> None:
    """It knows the attributes, the serial and beta, and what its successor made of them."""
    sale = handover(group)
    theirs = handed_over(group, sale.mine.attributes, sale.mine.serial, sale.beta, sale.keys)
    members = ring_of(group, [opening(group, 0), theirs])
    again = Handover(group, sale.mine, 1)
    claim = again.statement(members)
    with pytest.raises(Unsatisfied, match="not in the ring"):
        again.prove(claim)
    proof = forge(claim, sale.mine, Lie(position=1), again.beta)
    is_stopped_by(["member/ring"], claim, proof)


@GROUPS
def test_a_claim_is_no_transfer_and_a_transfer_no_claim(group: Group) -> None:
    sale = handover(group)
    transfer = sale.statement()
    claim = replace(transfer, blinded=None)
    for true, false in ((transfer, claim), (claim, transfer)):
        beta = None if true.blinded is None else sale.beta
        proof = prove(true, sale.mine, beta=beta)
        verify(true, proof)
        with pytest.raises(FormatError):
            verify(false, proof)


# On the way between the two, and to the service


@GROUPS
def test_e_or_c_new_is_substituted_in_flight(group: Group) -> None:
    """Whoever carries the message puts a commitment of their own in the new owner's place."""
    sale, thief = handover(group), keys_of(group, 7)
    body = sale.body()
    claim = sale.statement()
    proof = sale.prove(claim)
    verify(claim, proof)
    other_E = handover(group, 3, 1).blinded
    for changed in (
        replace(body, acceptance=accept(group, body.blinded, thief)),
        replace(body, blinded=other_E),
        body_of(other_E, accept(group, other_E, thief)),
        replace(body, acceptance=replace(body.acceptance, proof=bytes(len(body.acceptance.proof)))),
    ):
        with pytest.raises(VerificationError):
            verify(sale.statement(8, changed), proof)


@GROUPS
@pytest.mark.parametrize("name", ["origin", "date", "first", "size", "voided_at", "lane", "nonce"])
def test_the_proof_is_for_every_member_of_its_body(group: Group, name: str) -> None:
    sale = handover(group)
    body = sale.body()
    proof = sale.prove(sale.statement())
    others: dict[str, Any] = {
        "origin": "ledger.example/other",
        "date": "2026-11-22",
        "nonce": "11" * 16,
        "first": 1,
        "size": 99,
        "voided_at": 101,
        "lane": 1,
    }
    changed = replace(body, **{name: others[name]})
    with pytest.raises(VerificationError):
        verify(sale.statement(8, changed), proof)


def test_the_context_alone_covers_the_acceptance_and_e() -> None:
    body = handover(TOY).body()
    other = handover(TOY, 4, 2).body()
    contexts = {
        body.context,
        replace(body, blinded=other.blinded).context,
        replace(body, acceptance=other.acceptance).context,
        replace(body, acceptance=replace(body.acceptance, proof=other.acceptance.proof)).context,
    }
    assert len(contexts) == 4


# The new owner's acceptance


@GROUPS
def test_an_acceptance_is_for_one_e_and_one_origin(group: Group) -> None:
    sale = handover(group)
    E, acceptance = sale.blinded, sale.body().acceptance
    verify_acceptance(group, ORIGIN, E, acceptance)
    for origin in ("ledger.example/other", "ledger.example/acm", ""):
        with pytest.raises(VerificationError):
            verify_acceptance(group, origin, E, acceptance)
    with pytest.raises(VerificationError):
        verify_acceptance(group, ORIGIN, handover(group, 4).blinded, acceptance)


@GROUPS
@pytest.mark.parametrize(
    "name", ["product", "date", "price", "currency", "batch", "unit", "serial"]
)
def test_new_owner_moves_an_attribute_or_the_serial(group: Group, name: str) -> None:
    """C_new with an attribute of its own in it has no proof, and one for E's does not fit."""
    sale = handover(group)
    honest = sale.body().acceptance
    wrong = replace(honest, commitment=moved(group, honest.commitment, name, 365))
    with pytest.raises(VerificationError):
        verify_acceptance(group, ORIGIN, sale.blinded, wrong)
    elsewhere = accept(group, moved(group, sale.blinded, name, 365), sale.keys)
    with pytest.raises(VerificationError):
        verify_acceptance(group, ORIGIN, sale.blinded, elsewhere)


@GROUPS
def test_somebody_elses_c_new_has_no_proof(group: Group) -> None:
    """A commitment that is in the log already, or another new owner's."""
    sale = handover(group)
    mine, theirs = (accept(group, sale.blinded, keys_of(group, n)) for n in (1, 2))
    in_the_log = group.encode(commit(group, opening(group, 5)))
    for commitment in (theirs.commitment, in_the_log):
        with pytest.raises(VerificationError):
            verify_acceptance(group, ORIGIN, sale.blinded, replace(mine, commitment=commitment))


@GROUPS
def test_every_flipped_bit_of_an_acceptance_is_noticed(group: Group) -> None:
    sale = handover(group)
    acceptance = sale.body().acceptance
    verify_acceptance(group, ORIGIN, sale.blinded, acceptance)
    whole, split = acceptance.commitment + acceptance.proof, group.point_size
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        wrong = Acceptance(bytes(changed[:split]), bytes(changed[split:]))
        with pytest.raises((FormatError, VerificationError)):
            verify_acceptance(group, ORIGIN, sale.blinded, wrong)


@GROUPS
def test_c_new_that_is_e_itself_is_refused(group: Group) -> None:
    """With no secret in it, it would have no tags."""
    sale = handover(group)
    acceptance = replace(sale.body().acceptance, commitment=sale.blinded)
    with pytest.raises(FormatError):
        verify_acceptance(group, ORIGIN, sale.blinded, acceptance)


@GROUPS
def test_points_that_do_not_decode_are_named(group: Group) -> None:
    sale = handover(group)
    acceptance = sale.body().acceptance
    for blinded, commitment, field in (
        (bytes(group.point_size), acceptance.commitment, "blinded"),
        (sale.blinded, bytes(group.point_size), "acceptance.commitment"),
    ):
        with pytest.raises(FormatError) as caught:
            verify_acceptance(group, ORIGIN, blinded, replace(acceptance, commitment=commitment))
        assert caught.value.field == field


def test_acceptance_as_json() -> None:
    acceptance = handover(P256).body().acceptance
    document = acceptance.document()
    assert parse_acceptance(document, P256) == acceptance
    wrong: list[object] = [
        None,
        {},
        {**document, "more": ""},
        {**document, "proof": document["proof"][2:]},
        {**document, "commitment": document["commitment"].upper()},
    ]
    for other in wrong:
        with pytest.raises(FormatError) as caught:
            parse_acceptance(other, P256)
        assert (caught.value.field or "").startswith("acceptance")


# Many at once, changed proofs, and the reference


def verdict(claim: Statement, proof: bytes) -> str:
    """What the reference says, if the verifier says the same."""
    try:
        expected = "false" if false_equations(claim, proof) else "true"
    except Malformed:
        expected = "malformed"
    try:
        verify(claim, proof)
        found = "true"
    except FormatError:
        found = "malformed"
    except VerificationError:
        found = "false"
    assert found == expected
    return expected


some_sales = st.builds(
    lambda number, to: handover(TOY, number, to), st.integers(0, 4), st.integers(0, 3)
)


@given(some_sales, st.sampled_from([5, 16, 17]))
def test_true_proofs(sale: Handover, members: int) -> None:
    claim = sale.statement(members)
    assert encode(claim) == claim.encode()
    assert verdict(claim, sale.prove(claim)) == "true"


@given(some_sales, st.data())
def test_changed_proofs(sale: Handover, data: st.DataObject) -> None:
    claim = sale.statement(5)
    honest = sale.prove(claim)
    proof = bytearray(honest)
    for place in data.draw(st.lists(st.integers(0, len(proof) - 1), min_size=1, max_size=3)):
        proof[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 8]))
    changed = bytes(proof[: len(proof) - cut])
    assert (verdict(claim, changed) == "true") == (changed == honest)


@given(some_sales, some_sales)
def test_proofs_of_other_transfers(one: Handover, other: Handover) -> None:
    claim, proof = one.statement(5), other.prove(other.statement(5))
    assert (verdict(claim, proof) == "true") == (one == other)


@GROUPS
@given(
    place=st.integers(0, 10**6) | st.none(),
    byte=st.integers(0, 255),
    origin=st.sampled_from([ORIGIN, ORIGIN, "other"]),
    other=st.booleans(),
)
def test_the_reference_agrees_on_acceptances(
    group: Group, place: int | None, byte: int, origin: str, *, other: bool
) -> None:
    sale = handover(group)
    honest = sale.body().acceptance
    changed = bytearray(honest.commitment + honest.proof)
    if place is not None:
        changed[place % len(changed)] = byte
    split = group.point_size
    acceptance = Acceptance(bytes(changed[:split]), bytes(changed[split:]))
    E = handover(group, 4).blinded if other else sale.blinded
    try:
        expected = "true" if accepts(group, origin, E, *_parts(acceptance)) else "false"
    except Malformed:
        expected = "malformed"
    try:
        verify_acceptance(group, origin, E, acceptance)
        found = "true"
    except FormatError:
        found = "malformed"
    except VerificationError:
        found = "false"
    assert found == expected
    assert (found == "true") == (acceptance == honest and origin == ORIGIN and not other)


def _parts(acceptance: Acceptance) -> tuple[bytes, bytes]:
    return acceptance.commitment, acceptance.proof


KINDS = ("transfer", "claim", "another's E", "a changed byte", "too short")


@given(st.lists(st.tuples(some_sales, st.sampled_from(KINDS)), max_size=8))
def test_batches_of_claims_and_transfers(items: list[tuple[Handover, str]]) -> None:
    batch, expected = [], []
    for sale, kind in items:
        claim = sale.statement(5)
        proof = sale.prove(claim)
        if kind == "claim":
            claim = statement(TOY, 5, ())
            proof = prove(claim, sale.mine)
        elif kind == "another's E":
            claim = sale.statement(5, sale.body(Handover(TOY, sale.mine, 9).blinded))
        elif kind == "a changed byte":
            proof = proof[:-1] + bytes([proof[-1] ^ 1])
        elif kind == "too short":
            proof = proof[:-8]
        batch.append((claim, proof))
        expected.append(
            {"transfer": Verified, "claim": Verified, "too short": FormatError}.get(kind)
        )
    results = verify_batch(batch)
    for result, kind_of in zip(results, expected, strict=True):
        assert isinstance(result, kind_of or VerificationError)


def test_every_secret_and_beta_of_a_tiny_group_proves() -> None:
    mine = opening(TINY, 3)
    for secret in range(1, TINY.order):
        for beta in range(TINY.order):
            own = _in_the_log(replace(mine, secret=secret))
            E = blind(TINY, own, beta)
            if TINY.is_identity(E):
                continue
            claim = replace(statement(TINY, ring_of(TINY, [own]), (), ()), blinded=TINY.encode(E))
            verify(claim, prove(claim, own, beta=beta))


def _in_the_log(wanted: Opening) -> Opening:
    """The opening, with another blinding where its commitment would be the identity."""
    if TINY.is_identity(commit(TINY, wanted)):
        return replace(wanted, blinding=wanted.blinding + 1)
    return wanted


def test_two_transfers_of_one_owner_show_different_tags() -> None:
    """Until the secret is out, nobody can tell that they are of one owner."""
    one, two = handover(TOY, 3, 0), handover(TOY, 3, 1)
    tags = [verify(s.statement(), s.prove(s.statement())).tags for s in (one, two)]
    assert tags[0] != tags[1]


def test_the_statement_takes_from_the_body_only_what_it_may() -> None:
    body = replace(handover(TOY).body(), first=2, size=90, voided_at=95, lane=1)
    claim = transfer_statement(TOY, body, b"\1" * 32, ring(TOY, 5))
    assert (claim.first, claim.size, claim.voided_at, claim.lane) == (2, 90, 95, 1)
    assert (claim.predicates, claim.blinded, claim.context) == ((), body.blinded, body.context)
    (scope,) = claim.scopes
    assert scope.kind == "secret"
    assert scope.text == f"transfer|{ORIGIN}|{body.acceptance.commitment.hex()}"
