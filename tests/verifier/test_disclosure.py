"""What a disclosure proves to whom, and every way to make it say more."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.p256 import P256
from commitments.purchase import commit
from commitments.wire import canonical_json, parse_json
from ledger.checkpoint import Checkpoint, sign
from ledger.entries import Purchase, Transferred
from ledger.merkle import leaf_hash
from ledger.note import Note, Signer, Verifier
from ledger.quorum import NO_QUORUM, NotCosigned, Quorum, parse_quorum
from ledger.tlog_proof import TlogProof
from policies.body import new_nonce
from policies.disclosure import (
    Disclosure,
    DisclosureBody,
    Shown,
    disclosure_statement,
    parse_disclosure,
)
from tests.databases import Databases, Sqlite
from tests.world import KETTLE, ORIGIN, WARRANTY, Bought, World, random_scalar
from tests.zk.dishonest import Lie, forge
from verifier.disclosure import VerifiedDisclosure, verify_disclosure
from witness.keys import WitnessKeys
from zk.prove import Unsatisfied, prove
from zk.statement import Statement
from zk.verify import verify

WHO, WHY = "Insurer Ltd", "claim 77/2026"
BODY = DisclosureBody(
    origin=ORIGIN,
    recipient=WHO,
    purpose=WHY,
    date="2026-11-21",
    nonce="00" * 16,
    predicates=(
        Shown("product", KETTLE, KETTLE),
        Shown("date", "2026-11-01", "2026-11-30"),
        Shown("price", 20_000, 30_000),
        Shown("currency", "EUR", "EUR"),
    ),
)


@pytest.fixture(scope="module")
def databases(sqlite: Sqlite) -> Databases:
    """A disclosure knows no database."""
    return sqlite


@pytest.fixture
def bought(world: World) -> Bought:
    """One purchase among others."""
    return world.buy(*(world.sale() for _ in range(5)))[3]


@pytest.fixture
def key(world: World) -> Verifier:
    return world.signers()[-1].verifier


@pytest.fixture
def good(bought: Bought) -> Disclosure:
    return disclose(bought)


def place(bought: Bought) -> tuple[TlogProof, Checkpoint]:
    inclusion = TlogProof.parse(bought.receipt["proof"].encode())
    return inclusion, Checkpoint.parse(Note.parse(inclusion.checkpoint).text)


def commitment(bought: Bought) -> bytes:
    return P256.encode(commit(P256, bought.opening))


def statement(bought: Bought, body: DisclosureBody = BODY) -> Statement:
    inclusion, checkpoint = place(bought)
    return disclosure_statement(
        P256, body, commitment(bought), inclusion.index, checkpoint.size, checkpoint.root
    )


def disclose(bought: Bought, body: DisclosureBody = BODY) -> Disclosure:
    proof = prove(statement(bought, body), bought.opening)
    return Disclosure(body, Purchase(commitment(bought)).encode(), bought.receipt["proof"], proof)


def checked(
    disclosure: Disclosure,
    key: Verifier,
    who: str = WHO,
    why: str = WHY,
    policy: Quorum = NO_QUORUM,
) -> VerifiedDisclosure:
    """As somebody does who was sent the file."""
    read = parse_disclosure(parse_json(canonical_json(disclosure.document())))
    assert read == disclosure
    return verify_disclosure(P256, read, key, recipient=who, purpose=why, policy=policy)


def refused(
    disclosure: Disclosure,
    key: Verifier,
    match: str,
    kind: type[KvittoError] = VerificationError,
    **expected: Any,
) -> None:
    with pytest.raises(kind, match=match):
        checked(disclosure, key, **expected)


def test_a_disclosure_holds_as_of_its_checkpoint(
    good: Disclosure, key: Verifier, bought: Bought
) -> None:
    verified = checked(good, key)
    assert verified.body == BODY
    assert (verified.index, verified.checkpoint.size) == (bought.index, 5)
    assert verified.checkpoint.origin == ORIGIN


@pytest.mark.parametrize(
    "predicates",
    [
        (),
        (Shown("date", "2026-11-15", "2026-11-15"),),
        (Shown("price", 24_900, 24_900), Shown("currency", "EUR", "EUR")),
        (Shown("price", 0, 2**48 - 1), Shown("currency", "EUR", "EUR")),
        (Shown("product", KETTLE, KETTLE), Shown("batch", "L1", "L1"), Shown("unit", "å-1", "å-1")),
    ],
    ids=["nothing", "day", "price", "any price", "codes"],
)
def test_any_subset_can_be_shown(
    world: World, key: Verifier, predicates: tuple[Shown, ...]
) -> None:
    (bought,) = world.buy(world.sale(batch="L1", unit="å-1"))
    assert checked(disclose(bought, replace(BODY, predicates=predicates)), key).index == 0


def test_its_tags_are_one_for_a_recipient_and_purpose_and_unlike_elsewhere(
    good: Disclosure, bought: Bought, key: Verifier
) -> None:
    again = checked(disclose(bought, replace(BODY, nonce=new_nonce(), predicates=())), key)
    other = replace(BODY, recipient="Customs")
    elsewhere = checked(disclose(bought, other), key, who="Customs")
    assert checked(good, key).tags == again.tags
    assert not {*again.tags} & {*elsewhere.tags}


def test_a_disclosure_shown_to_another_recipient(good: Disclosure, key: Verifier) -> None:
    refused(good, key, "another recipient", who="Another Insurer")
    readdressed = replace(good, body=replace(BODY, recipient="Another Insurer"))
    refused(readdressed, key, "does not verify", who="Another Insurer")
    checked(good, key)


def test_a_disclosure_used_for_another_purpose(good: Disclosure, key: Verifier) -> None:
    refused(good, key, "another purpose", why="claim 78/2026")
    reused = replace(good, body=replace(BODY, purpose="claim 78/2026"))
    refused(reused, key, "does not verify", why="claim 78/2026")


@pytest.mark.parametrize(
    "changed",
    [
        (Shown("product", "4006381333948", "4006381333948"), *BODY.predicates[1:]),
        (Shown("product", KETTLE.zfill(14), KETTLE.zfill(14)), *BODY.predicates[1:]),
        (BODY.predicates[0], Shown("date", "2026-11-02", "2026-11-30"), *BODY.predicates[2:]),
        (*BODY.predicates[:2], Shown("price", 20_000, 30_001), BODY.predicates[3]),
        (*BODY.predicates[:3], Shown("currency", "USD", "USD")),
        (*BODY.predicates[:2], Shown("price", 24_900, 24_900), BODY.predicates[3]),
        BODY.predicates[1:],
        (*BODY.predicates, Shown("batch", "L1", "L1")),
    ],
    ids=["product", "its text", "date", "bounds", "currency", "exact", "one less", "one more"],
)
def test_what_is_shown_is_changed(
    good: Disclosure, key: Verifier, changed: tuple[Shown, ...]
) -> None:
    with pytest.raises((VerificationError, FormatError)):  # a proof of another length is malformed
        checked(replace(good, body=replace(BODY, predicates=changed)), key)
    checked(good, key)


@pytest.mark.parametrize("changes", [{"date": "2026-11-22"}, {"nonce": "11" * 16}])
def test_the_date_or_nonce_is_changed(
    good: Disclosure, key: Verifier, changes: dict[str, Any]
) -> None:
    refused(replace(good, body=replace(BODY, **changes)), key, "does not verify")


def test_nobody_shows_what_is_not_so(bought: Bought, key: Verifier) -> None:
    cheap = replace(BODY, predicates=(Shown("price", 1, 1), Shown("currency", "EUR", "EUR")))
    with pytest.raises(Unsatisfied):
        disclose(bought, cheap)
    entry = Purchase(commitment(bought)).encode()
    forged = forge(statement(bought, cheap), bought.opening)
    refused(Disclosure(cheap, entry, bought.receipt["proof"], forged), key, "does not verify")


def test_another_entry_of_the_log(world: World, good: Disclosure, key: Verifier) -> None:
    (other,) = world.buy(world.sale())
    entry = Purchase(commitment(other)).encode()
    theirs = replace(good, entry=entry, inclusion=other.receipt["proof"])
    refused(theirs, key, "does not verify")
    refused(replace(good, entry=entry), key, "inclusion")
    refused(replace(good, inclusion=other.receipt["proof"]), key, "inclusion")
    sale = replace(good, entry=b"\x04" + good.entry[1:])
    refused(sale, key, "not a purchase", FormatError)


def test_the_same_entry_under_another_checkpoint(
    world: World, bought: Bought, good: Disclosure, key: Verifier
) -> None:
    """Nobody makes an old disclosure look new: the statement has the checkpoint's size and root."""
    world.buy(world.sale())
    with world.store.log(ORIGIN) as log:
        hashes = tuple(log.inclusion(bought.index, log.size))
        fresh = TlogProof(bought.index, hashes, log.checkpoint())
    refused(replace(good, inclusion=fresh.serialise().decode()), key, "does not verify")


def test_a_forged_checkpoint(bought: Bought, good: Disclosure, key: Verifier) -> None:
    """A log of one entry, of the forger's own making, under another key of the same name."""
    thief = Signer(ORIGIN, b"t" * 32)
    note = sign(Checkpoint(ORIGIN, 1, leaf_hash(good.entry)), thief)
    inclusion = TlogProof(0, (), note)
    made = disclosure_statement(P256, BODY, good.entry[1:], 0, 1, leaf_hash(good.entry))
    forged = Disclosure(
        BODY, good.entry, inclusion.serialise().decode(), prove(made, bought.opening)
    )
    refused(forged, key, "no known key")
    assert checked(forged, thief.verifier).index == 0  # nothing else is wrong with it


def test_another_log_that_its_owner_does_trust(good: Disclosure) -> None:
    other = Signer("ledger.example/other", b"o" * 32)
    note = sign(Checkpoint(other.name, 1, leaf_hash(good.entry)), other)
    moved = replace(good, inclusion=TlogProof(0, (), note).serialise().decode())
    refused(moved, other.verifier, "another log")


def test_a_later_owner_discloses_a_transferred_entry(bought: Bought) -> None:
    log = Signer(ORIGIN, b"l" * 32)
    entry = Transferred(commitment(bought)).encode()
    root = leaf_hash(entry)
    inclusion = TlogProof(0, (), sign(Checkpoint(ORIGIN, 1, root), log)).serialise().decode()
    made = disclosure_statement(P256, BODY, commitment(bought), 0, 1, root)
    theirs = Disclosure(BODY, entry, inclusion, prove(made, bought.opening))
    assert checked(theirs, log.verifier).index == 0
    void = replace(theirs, entry=b"\x02" + bytes(8))
    refused(void, log.verifier, "not a purchase", FormatError)


def test_missing_cosignatures_under_a_quorum(good: Disclosure, key: Verifier) -> None:
    witness = WitnessKeys.create("w.example").public()["cosignature_keys"][1]
    wanted = parse_quorum(f"witness w {witness}\nquorum w\n".encode())
    with pytest.raises(NotCosigned):
        checked(good, key, policy=wanted)
    checked(good, key)


def test_a_claim_passed_off_as_a_disclosure_and_the_reverse(
    world: World, bought: Bought, good: Disclosure, key: Verifier
) -> None:
    world.publish(WARRANTY)
    world.close()
    body = world.body(bought)
    claim = world.prove(bought, body)
    with pytest.raises((FormatError, VerificationError)):
        checked(replace(good, proof=claim), key)
    with pytest.raises(FormatError, match='not "disclosure"'):
        parse_disclosure({**good.document(), "disclosure": body.document()})
    with pytest.raises((FormatError, VerificationError)):
        verify(world.statement(body), good.proof)
    # Also over the same ring of one and the same predicates: body and scopes are others.
    over_one = replace(statement(bought), scopes=world.statement(body).scopes, context=body.context)
    alike = prove(over_one, bought.opening)
    verify(over_one, alike)
    refused(replace(good, proof=alike), key, "does not verify")
    with pytest.raises(VerificationError):
        verify(over_one, good.proof)


def test_who_knows_all_but_the_secret_can_show_nothing(bought: Bought, key: Verifier) -> None:
    """Without it the opening is none: C less all the rest is ``secret * S``, a discrete logarithm.

    So a seller who knows the serial and the sale, or the shop, cannot act for the owner.
    """
    without = replace(bought.opening, secret=random_scalar())
    with pytest.raises(Unsatisfied):
        prove(statement(bought), without)
    lie = Lie(witness={"secret": without.secret}, tags={1: without.secret})
    entry = Purchase(commitment(bought)).encode()
    forged = forge(statement(bought), bought.opening, lie)
    refused(Disclosure(BODY, entry, bought.receipt["proof"], forged), key, "does not verify")


def test_extra_data_that_nobody_signed(good: Disclosure, key: Verifier) -> None:
    inclusion = replace(TlogProof.parse(good.inclusion.encode()), extra=b"gold").serialise()
    refused(replace(good, inclusion=inclusion.decode()), key, "extra", FormatError)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_bytes(good: Disclosure, key: Verifier, data: st.DataObject) -> None:
    whole = bytearray(canonical_json(good.document()))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((FormatError, VerificationError)):
        verify_disclosure(
            P256, parse_disclosure(parse_json(bytes(whole))), key, recipient=WHO, purpose=WHY
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_of_the_proof(
    good: Disclosure, key: Verifier, position: int, bit: int
) -> None:
    proof = bytearray(good.proof)
    proof[position % len(proof)] ^= 1 << bit
    with pytest.raises((FormatError, VerificationError)):
        checked(replace(good, proof=bytes(proof)), key)


def test_the_file_is_small(good: Disclosure) -> None:
    assert len(base64.b64encode(good.proof)) < 2000
    assert len(canonical_json(good.document())) < 4000
