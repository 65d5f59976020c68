"""Handovers between keys of witnesses, and everything that can be tried with them."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, KvittoError, VerificationError
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.handover import (
    NO_HANDOVERS,
    Handover,
    Succession,
    _message,
    parse_handovers,
    parse_witness_key,
)
from ledger.merkle import EMPTY_ROOT
from ledger.note import Note, Signer
from ledger.quorum import NotCosigned, Quorum, parse_quorum

NAME = "witness.example/w1"
Make = Callable[[str, bytes], Cosigner | Signer]
KINDS: list[Make] = [Ed25519Cosigner, MlDsaCosigner, Signer]


def key(letter: bytes, make: Make = Ed25519Cosigner, name: str = NAME) -> Any:
    return make(name, letter * 32)


def handover(old: bytes, new: bytes, make: Make = Ed25519Cosigner) -> Handover:
    return Handover.sign(key(old, make), key(new, make))


GOOD = handover(b"a", b"b")
CHAIN = NO_HANDOVERS.after(GOOD).after(handover(b"b", b"c"))


@pytest.mark.parametrize("make", KINDS)
def test_a_handover_is_read_as_written(make: Make) -> None:
    made = handover(b"a", b"b", make)
    assert Handover.parse(made.members()) == made
    assert parse_handovers(made.line().encode() + GOOD.line().encode()) == [made, GOOD]
    assert parse_handovers(b"") == []
    assert parse_witness_key(made.old.vkey) == key(b"a", make).verifier


def test_the_bytes_that_are_signed_stay_as_they_are() -> None:
    old, new = (key(letter).verifier for letter in (b"a", b"b"))
    sizes = [len(each.vkey).to_bytes(4, "little") for each in (old, new)]
    message = b"kvitto-witness-rotation/v1" + sizes[0] + old.vkey.encode()
    assert _message(old, new) == message + sizes[1] + new.vkey.encode()


@pytest.mark.parametrize("make", KINDS)
def test_a_handover_cannot_be_read_as_anything_else_that_these_keys_sign(make: Make) -> None:
    message = _message(key(b"a", make).verifier, key(b"b", make).verifier)
    assert b"\0" in message  # and no note has one
    with pytest.raises(FormatError):
        Note(message.decode("latin-1"), ())
    text = Checkpoint("ledger.example/acme", 0, EMPTY_ROOT).text()
    made = key(b"a", make)
    cosigned = (
        made.signature(text).signature if make is Signer else made.cosign(text, 7).signature[8:]
    )
    with pytest.raises(VerificationError):
        replace(handover(b"a", b"b", make), signature=cosigned)


# ---- what is no handover


FORGED = [
    lambda: replace(GOOD, signature=bytes(64)),
    lambda: replace(GOOD, signature=GOOD.next_signature, next_signature=GOOD.signature),
    lambda: replace(GOOD, signature=handover(b"x", b"b").signature),  # of another witness's key
    lambda: replace(GOOD, old=key(b"x").verifier),  # replayed for another witness
    lambda: replace(GOOD, new=key(b"x").verifier),
    lambda: replace(GOOD, new=key(b"b", Signer).verifier),  # of another kind
    lambda: replace(GOOD, new=key(b"b", MlDsaCosigner).verifier),
    lambda: Handover.sign(key(b"a"), key(b"b", name="witness.example/w2")),
    # Nobody is given a key that is not his, such as the next one of an honest witness.
    lambda: replace(GOOD, next_signature=key(b"a").sign_bare(_message(GOOD.old, GOOD.new))),
    lambda: replace(GOOD, next_signature=b""),
]


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_handover(forge: Callable[[], Handover]) -> None:
    assert NO_HANDOVERS.after(GOOD).chain(GOOD.old) == (GOOD.old, GOOD.new)
    with pytest.raises(VerificationError):
        forge()


# ---- successions


def test_a_chain_leads_from_any_key_to_the_newest() -> None:
    a, b, c = (key(letter).verifier for letter in (b"a", b"b", b"c"))
    assert CHAIN.chain(a) == (a, b, c)
    assert CHAIN.chain(b) == (b, c)
    assert CHAIN.chain(c) == (c,)
    assert CHAIN.chain(key(b"x").verifier) == (key(b"x").verifier,)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (handover(b"a", b"x"), "two successors"),
        (handover(b"b", b"x"), "two successors"),
        (GOOD, "two successors"),
        (handover(b"c", b"a"), "no new key"),
        (handover(b"c", b"c"), "no new key"),
        (handover(b"x", b"c"), "no new key"),  # two keys with one successor
    ],
)
def test_a_handover_that_no_honest_witness_makes(bad: Handover, match: str) -> None:
    assert CHAIN.after(handover(b"c", b"d")).chain(GOOD.old)[-1] == key(b"d").verifier
    with pytest.raises(VerificationError, match=match):
        CHAIN.after(bad)


def test_two_keys_with_one_id_would_hide_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    following = handover(b"c", b"d")
    monkeypatch.setattr(type(GOOD.old), "key_id", property(lambda _: b"same"))
    with pytest.raises(VerificationError, match="no new key"):
        NO_HANDOVERS.after(following)


def test_two_histories_have_two_digests() -> None:
    seen = {NO_HANDOVERS.digest(), CHAIN.digest(), NO_HANDOVERS.after(GOOD).digest()}
    assert len(seen | {NO_HANDOVERS.after(handover(b"a", b"x")).digest()}) == 4


def continued(known: Succession, *shown: Handover, most: int = 9) -> list[Handover]:
    return known.continued(key(b"a").verifier, shown, most)


def test_what_follows_is_found_in_any_order_and_nothing_else() -> None:
    seeds = handover(b"k", b"l", Signer)
    others = handover(b"x", b"y")
    third = handover(b"c", b"d")
    assert continued(CHAIN, others, third, seeds, *CHAIN.handovers) == [third]
    assert CHAIN.continued(seeds.old, [third, seeds], 9) == [seeds]
    assert continued(CHAIN, *CHAIN.handovers) == []
    assert continued(NO_HANDOVERS, third, *CHAIN.handovers[::-1]) == [*CHAIN.handovers, third]


def test_a_witness_cannot_name_keys_without_end() -> None:
    letters = [bytes([n]) for n in range(ord("a"), ord("a") + 20)]
    shown = [handover(old, new) for old, new in pairwise(letters)]
    assert continued(NO_HANDOVERS, *shown, most=8) == shown[:8]


def test_a_witness_that_shows_two_successors_is_not_followed() -> None:
    assert continued(NO_HANDOVERS, GOOD, GOOD) == [GOOD]
    with pytest.raises(VerificationError, match="two successors"):
        continued(NO_HANDOVERS, GOOD, handover(b"a", b"x"))
    with pytest.raises(VerificationError, match="two successors"):
        continued(CHAIN, handover(b"b", b"x"))  # others have seen another


def test_a_witness_that_shows_a_ring_of_keys_is_not_followed() -> None:
    with pytest.raises(VerificationError, match="no new key"):
        NO_HANDOVERS.after(*continued(NO_HANDOVERS, GOOD, handover(b"b", b"a")))


# ---- quorums


def policy(*keys: Any) -> Quorum:
    lines = [f"witness w{n} {each.verifier.vkey}\n" for n, each in enumerate(keys)]
    names = " ".join(f"w{n}" for n in range(len(keys)))
    return parse_quorum("".join([*lines, f"group g all {names}\nquorum g\n"]).encode())


def test_a_policy_follows_and_the_old_key_counts_no_more() -> None:
    other = key(b"o", MlDsaCosigner)
    old = policy(key(b"a"), other)
    present = old.following(CHAIN)
    assert present == policy(key(b"c"), other)
    assert parse_quorum(present.serialise()) == present
    present.check([key(b"c").verifier, other.verifier])
    with pytest.raises(NotCosigned):
        present.check([key(b"a").verifier, key(b"b").verifier, other.verifier])
    assert old.following(NO_HANDOVERS) == old


def test_one_key_cannot_stand_for_two_witnesses() -> None:
    with pytest.raises(VerificationError, match="two of its witnesses"):
        policy(key(b"a"), key(b"b")).following(NO_HANDOVERS.after(GOOD))


# ---- junk


@pytest.mark.hypothesis
@given(st.binary() | st.text().map(str.encode))
def test_junk_instead_of_handovers_is_refused(junk: bytes) -> None:
    try:
        shown = parse_handovers(junk)
    except FormatError:
        return
    assert "".join(each.line() for each in shown).encode() == junk


LINE = GOOD.line().encode()


@pytest.mark.hypothesis
@given(st.integers(0, len(LINE) - 1), st.binary(max_size=2))
def test_no_byte_of_a_handover_can_be_changed(place: int, other: bytes) -> None:
    changed = LINE[:place] + other + LINE[place + 1 :]
    if changed != LINE:
        with pytest.raises(KvittoError):
            parse_handovers(changed)


@pytest.mark.hypothesis
@given(
    st.sampled_from(["vkey", "next_vkey", "signature", "next_signature"]),
    st.none() | st.integers() | st.text() | st.lists(st.text()),
)
def test_junk_in_a_handover_is_refused(member: str, junk: Any) -> None:
    members: dict[str, Any] = {**GOOD.members(), member: junk}
    with pytest.raises(KvittoError):
        Handover.parse(members)
    with pytest.raises(KvittoError):
        Handover.parse({name: value for name, value in members.items() if name != member})
