from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.merkle import EMPTY_ROOT
from ledger.note import Note, Signature, Signer, Verifier
from ledger.quorum import NO_QUORUM, Group, KnownLog, Quorum, Witness, open_cosigned, parse_quorum

LOG = Signer("ledger.example/acme", b"l" * 32)
OTHER_LOG = Signer("ledger.example/other", b"o" * 32)
CHECKPOINT = Checkpoint(LOG.name, 0, EMPTY_ROOT)
X1, X2, X3, Y1, Y2 = (Ed25519Cosigner(f"w.example/{n}", bytes([n]) * 32) for n in range(5))
Y3 = MlDsaCosigner("w.example/y3", b"y" * 32)
COSIGNERS: dict[str, Cosigner] = {"X1": X1, "X2": X2, "X3": X3, "Y1": Y1, "Y2": Y2, "Y3": Y3}
KEYS = {name: cosigner.verifier.vkey for name, cosigner in COSIGNERS.items()}

# The example of c2sp tlog-policy, with keys.
EXAMPLE = f"""\
# two organisations
log {LOG.verifier.vkey}

witness X1 {KEYS["X1"]}
witness X2 {KEYS["X2"]}\thttps://x2.example/
witness X3 {KEYS["X3"]}
group X-witnesses 2 X1 X2 X3

 \twitness Y1 {KEYS["Y1"]} \t
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
  # and both must agree
quorum X-and-Y
"""
POLICY = parse_quorum(EXAMPLE.encode())


def cosigned(*names: str) -> bytes:
    note = LOG.sign_note(CHECKPOINT.text())
    added = tuple(COSIGNERS[name].cosign(note.text, 1_700_000_000) for name in names)
    return Note(note.text, (*note.signatures, *added)).serialise()


def test_the_example_of_the_specification() -> None:
    expected = Quorum(
        (KnownLog(LOG.verifier),),
        tuple(
            Witness(name, cosigner.verifier, "https://x2.example/" if name == "X2" else None)
            for name, cosigner in COSIGNERS.items()
        ),
        (
            Group("X-witnesses", 2, ("X1", "X2", "X3")),
            Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
            Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
        ),
        "X-and-Y",
    )
    assert expected == POLICY


@pytest.mark.parametrize("count", range(len(COSIGNERS) + 1))
def test_exactly_the_quorums_are_accepted(count: int) -> None:
    for names in combinations(COSIGNERS, count):
        enough = sum(n[0] == "X" for n in names) >= 2 and any(n[0] == "Y" for n in names)
        if enough:
            assert open_cosigned(cosigned(*names), LOG.verifier, policy=POLICY) == CHECKPOINT
        else:
            with pytest.raises(VerificationError, match="quorum"):
                open_cosigned(cosigned(*names), LOG.verifier, policy=POLICY)


def test_a_single_witness_and_none() -> None:
    one = parse_quorum(f"witness w {KEYS['X1']}\nquorum w\n".encode())
    assert open_cosigned(cosigned("X1"), LOG.verifier, policy=one) == CHECKPOINT
    with pytest.raises(VerificationError, match="quorum"):
        open_cosigned(cosigned("X2"), LOG.verifier, policy=one)
    assert parse_quorum(b"quorum none\n") == NO_QUORUM
    assert open_cosigned(cosigned(), LOG.verifier, policy=NO_QUORUM) == CHECKPOINT


def test_a_forged_cosignature_rejects_the_checkpoint_even_beside_a_quorum() -> None:
    good = Note.parse(cosigned("X1", "X2", "X3", "Y1"))
    forged = Signature(X3.verifier.name, X3.verifier.key_id, good.signatures[1].signature)
    bad = Note(good.text, (*good.signatures[:3], forged, good.signatures[4]))
    with pytest.raises(VerificationError):
        open_cosigned(bad.serialise(), LOG.verifier, policy=POLICY)
    assert open_cosigned(good.serialise(), LOG.verifier, policy=POLICY) == CHECKPOINT


def test_one_witness_cannot_be_counted_twice() -> None:
    twice = Note.parse(cosigned("X1", "X1", "Y1")).serialise()
    with pytest.raises(VerificationError, match="quorum"):
        open_cosigned(twice, LOG.verifier, policy=POLICY)


def test_a_quorum_without_the_log_is_nothing() -> None:
    text = CHECKPOINT.text()
    names = ("X1", "X2", "Y1")
    note = Note(text, tuple(COSIGNERS[name].cosign(text, 1) for name in names))
    with pytest.raises(VerificationError, match="log has not signed"):
        open_cosigned(note.serialise(), LOG.verifier, policy=POLICY)


def test_a_policy_for_other_logs_and_a_checkpoint_of_another_log() -> None:
    elsewhere = replace(POLICY, logs=(KnownLog(OTHER_LOG.verifier),))
    with pytest.raises(VerificationError, match="does not accept this log"):
        open_cosigned(cosigned("X1", "X2", "Y1"), LOG.verifier, policy=elsewhere)
    note = LOG.sign_note(replace(CHECKPOINT, origin=OTHER_LOG.name).text()).serialise()
    with pytest.raises(VerificationError, match="another log"):
        open_cosigned(note, LOG.verifier, policy=NO_QUORUM)
    with pytest.raises(VerificationError, match="no known key"):
        open_cosigned(cosigned(), Verifier(LOG.name, X1.verifier.public_key), policy=NO_QUORUM)


W = f"witness w {KEYS['X1']}\n"
V = f"witness v {KEYS['X2']}\n"


@pytest.mark.parametrize("good", [f"{W}{V}group g 2 w v\nquorum g\n", f"{W}{V}quorum v\n"])
def test_small_policies(good: str) -> None:
    assert parse_quorum(parse_quorum(good.encode()).serialise()) == parse_quorum(good.encode())


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "quorum none",  # no newline
        "\n",
        W,
        "quorum none\nquorum none\n",
        "quorum\n",
        "quorum none none\n",
        "quorum w\n",
        f"quorum w\n{W}",
        f"{W}quorum W\n",
        f"{W}{W}quorum w\n",
        f"{W}witness v {KEYS['X1']}\nquorum w\n",
        f"{W}witness w {KEYS['X2']}\nquorum w\n",
        f"witness none {KEYS['X1']}\nquorum none\n",
        f"witness w {LOG.verifier.vkey}\nquorum w\n",
        f"log {KEYS['X1']}\nquorum none\n",
        f"log {LOG.verifier.vkey}\nlog {LOG.verifier.vkey}\nquorum none\n",
        f"log {LOG.verifier.vkey} url more\nquorum none\n",
        f"witness w {KEYS['X1'][:-4]}\nquorum w\n",
        f"witness w\n{W}quorum w\n",
        f"{W}group g 1\nquorum g\n",
        f"{W}group w any w\nquorum w\n",
        f"{W}group g any none\nquorum g\n",
        f"{W}group g any g\nquorum g\n",
        f"group g any w\n{W}quorum g\n",
        f"{W}group g 2 w w\nquorum g\n",
        f"{W}group g 1 w\ngroup h 1 w\nquorum h\n",
        *(
            f"{W}{V}group g {k} w v\nquorum g\n"
            for k in ("0", "3", "-1", "+1", "01", "1_", "\u0661")
        ),
        f"{W}{V}group g ALL w v\nquorum g\n",
        f"{W}\u00a0quorum w\n",
        f"{W}quorum\u2003w\n",
        f"{W}quorum w\r\n",
        f"{W}quorum w\x0b\n",
        f"{W}quorum w\x7f\n",
        f"{W}quorum w\0\n",
        f"{W}Quorum w\n",
        "#\n" * 1001 + "quorum none\n",
    ],
)
def test_what_the_specification_does_not_allow_is_refused(bad: str) -> None:
    with pytest.raises(FormatError):
        parse_quorum(bad.encode())


KEYWORDS = ["log", "witness", "group", "quorum", "none", "any", "all", "1", "2", "#", "\n", "\t"]
words = st.sampled_from([*KEYWORDS, "w", "v", "\udcff", LOG.verifier.vkey, KEYS["X1"], KEYS["Y3"]])
texts = st.lists(words).map(lambda found: " ".join(found) + "\nquorum none\n")


@given(st.binary() | texts.map(lambda text: text.encode("utf-8", "surrogateescape")))
def test_what_is_read_is_read_again_as_it_was_written(data: bytes) -> None:
    try:
        policy = parse_quorum(data)
    except FormatError:
        return
    assert parse_quorum(policy.serialise()) == policy


def test_thirty_two_of_each_kind_are_read() -> None:
    lines = []
    for n in range(32):
        log = Signer(f"log-{n}.example", bytes([n]) * 32).verifier.vkey
        witness = MlDsaCosigner(f"w-{n}.example", bytes([n]) * 32).verifier.vkey
        lines += [f"log {log}\n", f"witness w{n} {witness}\n", f"group g{n} any w{n}\n"]
    policy = parse_quorum("".join([*lines, "quorum g31\n"]).encode())
    assert (len(policy.logs), len(policy.witnesses), len(policy.groups)) == (32, 32, 32)


def test_octets_above_ascii_are_opaque() -> None:
    kelvin = f"witness \u212a {KEYS['X1']} ".encode() + b"\xff\nquorum \xe2\x84\xaa\n"
    policy = parse_quorum(kelvin)
    assert policy.serialise() == kelvin
    with pytest.raises(FormatError):
        parse_quorum(kelvin.replace(b"quorum \xe2\x84\xaa", b"quorum K"))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_key_name_is_one(name: str) -> None:
    assert Verifier("ab", LOG.verifier.public_key).vkey.startswith("ab+")
    with pytest.raises(FormatError):
        Verifier(name, LOG.verifier.public_key)
