"""The words, and what is made from them: repeated here with nothing but hashlib and hmac."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.bls12381 import BLS12381
from commitments.errors import FormatError
from commitments.group import Group
from commitments.p256 import P256
from sdk.seed import Place, Seed

ORIGIN = "ledger.example/acme"
ENTROPY = bytes(range(16))
WORDS = "abandon amount liar amount expire adjust cage candy arch gather drum buyer"
seeds = st.binary(min_size=16, max_size=16).map(Seed)


def lp(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data


def le(number: int) -> bytes:
    return number.to_bytes(8, "little")


def expand(info: bytes, length: int) -> bytes:
    """BIP-39's seed, then RFC 5869."""
    stretched = hashlib.pbkdf2_hmac("sha512", WORDS.encode(), b"mnemonic", 2048)
    root = hmac.digest(b"kvitto-wallet/v1", stretched, "sha512")
    block, output = b"", b""
    while len(output) < length:
        block = hmac.digest(root, block + info + bytes([len(output) // 64 + 1]), "sha512")
        output += block
    return output[:length]


@pytest.mark.parametrize("group", [P256, BLS12381], ids=lambda group: str(group.name))
def test_keys_are_those_of_the_protocol(group: Group) -> None:
    keys = Seed(ENTROPY).keys(group, ORIGIN, Place(3, 14), "order ä")
    for name in ("serial_0", "secret", "blinding"):
        info = lp(f"keys/{name}/{group.name}".encode()) + lp(ORIGIN.encode()) + le(3) + le(14)
        uniform = expand(info + lp("order ä".encode()), 48)
        assert getattr(keys, name) == 1 + int.from_bytes(uniform, "big") % (group.order - 1)


def test_boxes_are_those_of_the_protocol() -> None:
    box = Seed(ENTROPY).box(ORIGIN, 5)
    rest = lp(ORIGIN.encode()) + le(5)
    assert box.address == expand(lp(b"box/address") + rest, 32)
    assert box.private_key == expand(lp(b"box/deletion") + rest, 32)


def test_keys_of_claims_are_those_of_the_protocol_and_link_no_two() -> None:
    nonce = "00112233445566778899aabbccddeeff"
    keys = Seed(ENTROPY).claim_keys(ORIGIN, nonce)
    for name in ("follow_up", "inbox", "redemption"):
        info = lp(f"claim/{name}".encode()) + lp(ORIGIN.encode()) + bytes.fromhex(nonce)
        assert getattr(keys, name).private_bytes_raw() == expand(info, 32)
    made = [
        keys.public,
        Seed(ENTROPY).claim_keys(ORIGIN, nonce[2:] + "00").public,
        Seed(ENTROPY).claim_keys(ORIGIN + "s", nonce).public,
        Seed(bytes(16)).claim_keys(ORIGIN, nonce).public,
    ]
    assert len({key for each in made for key in each.document().values()}) == 3 * len(made)


def test_words_are_those_of_bip_39() -> None:
    assert Seed(ENTROPY).words == WORDS
    assert Seed.parse(f" {WORDS.upper()}\n") == Seed(ENTROPY)


@given(seeds)
def test_words_say_the_seed(seed: Seed) -> None:
    assert Seed.parse(seed.words) == seed


@given(st.text() | st.lists(st.sampled_from(WORDS.split())).map(" ".join))
def test_other_words_are_a_format_error_that_repeats_none(words: str) -> None:
    refusal = ""
    try:
        assert Seed.parse(words).words == " ".join(words.split())
    except FormatError as error:
        refusal = str(error)
    assert not set(refusal.split()) & set(WORDS.split())


def test_two_words_that_changed_places_are_noticed() -> None:
    first, second, *others = WORDS.split()
    with pytest.raises(FormatError, match="do not belong together"):
        Seed.parse(" ".join([second, first, *others]))


def test_every_order_place_device_merchant_and_seed_has_keys_of_its_own() -> None:
    seed = Seed(ENTROPY)
    made = [
        seed.keys(P256, ORIGIN, Place(0, 0), "1"),
        seed.keys(P256, ORIGIN, Place(0, 0), "2"),
        seed.keys(P256, ORIGIN, Place(0, 1), "1"),
        seed.keys(P256, ORIGIN, Place(1, 0), "1"),
        seed.keys(P256, ORIGIN + "s", Place(0, 0), "1"),
        Seed(bytes(16)).keys(P256, ORIGIN, Place(0, 0), "1"),
    ]
    scalars = [value for keys in made for value in (keys.serial_0, keys.secret, keys.blinding)]
    assert len(set(scalars)) == 3 * len(made)


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_seed_has_sixteen_bytes(length: int) -> None:
    with pytest.raises(FormatError):
        Seed(bytes(length))
