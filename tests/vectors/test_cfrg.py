"""The vectors of draft-irtf-cfrg-fiat-shamir and draft-irtf-cfrg-sigma-protocols, revision 03."""

from typing import Any

import pytest

from commitments.bls12381 import BLS12381
from commitments.errors import FormatError, VerificationError
from commitments.group import Group
from commitments.p256 import P256
from commitments.wire import lp
from tests.vectors.shared import cfrg, needs_cfrg
from zk.linear_relation import (
    Equation,
    LinearRelation,
    prove_batchable,
    prove_compact,
    verify_batchable,
    verify_compact,
)
from zk.transcript import DuplexSponge, derive_session_id

pytestmark = needs_cfrg

GROUPS: dict[str, Group] = {
    "sigma-proofs_Shake128_P256": P256,
    "sigma-proofs_Shake128_BLS12381": BLS12381,
}
OTHERS = {  # what the drafts define and this protocol has no use for
    *("SerializeUint", "DeserializeUint", "DeserializeField"),
    *("DeserializeVarLenString", "Sumcheck"),
}


def sponge_output(entry: dict[str, Any]) -> bytes:
    """What the operations of an entry squeeze out, joined."""
    sponge = DuplexSponge(bytes.fromhex(entry["SessionId"]))
    squeezed = b""
    for operation in entry["Operations"]:
        if operation["type"] == "absorb":
            sponge.absorb(bytes.fromhex(operation["data"]))
        else:
            squeezed += sponge.squeeze(operation["length"])
    return squeezed


def as_challenge(squeezed: bytes) -> int:
    return int.from_bytes(squeezed, "little") % P256.order


@pytest.mark.parametrize("entry", cfrg("fiatShamir"))
def test_fiat_shamir(entry: dict[str, Any]) -> None:
    function = entry["Function"]
    if function in OTHERS or entry.get("Hash", "SHAKE128") != "SHAKE128":
        pytest.skip(f"no part of this protocol: {function} {entry.get('Hash', '')}")
    if function == "DuplexSponge":
        assert sponge_output(entry).hex() == entry["Output"]
    elif function == "DeriveSessionID":
        assert derive_session_id(bytes.fromhex(entry["Tag"])).hex() == entry["Output"]
    elif function == "SerializeVarLenString":
        assert lp(bytes.fromhex(entry["Input"])).hex() == entry["Output"]
    elif function == "SerializeField":
        assert int(entry["Modulus"], 16) == P256.order
        assert P256.encode_scalar(int(entry["Value"], 16)).hex() == entry["Output"]
    else:
        assert function == "DecodeUint"
        assert int(entry["Modulus"], 16) == P256.order
        if "Operations" in entry:
            squeezed = sponge_output(entry)
            assert squeezed.hex() == entry["Output"]
        else:
            squeezed = bytes.fromhex(entry["Input"])
        assert as_challenge(squeezed) == int(entry["Challenge"], 16)


class Reader:
    """Reads ``SerializeLinearRelation`` of the draft back."""

    def __init__(self, group: Group, data: bytes) -> None:
        self.group, self.data = group, data

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        if len(taken) != count:
            raise FormatError("too short")
        return taken

    def count(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def scalar(self) -> int:
        return self.group.decode_scalar(self.take(self.group.scalar_size))

    def equation(self) -> Equation:
        image = tuple((self.count(), self.scalar()) for _ in range(self.count()))
        terms = tuple((self.count(), self.count(), self.scalar()) for _ in range(self.count()))
        return Equation(image, terms)

    def relation(self) -> LinearRelation:
        equations = tuple(self.equation() for _ in range(self.count()))
        named = [e for q in equations for e, _ in q.image]
        named += [e for q in equations for _, e, _ in q.terms]
        size = self.group.point_size
        elements = [self.group.generator]
        elements += [self.group.decode(self.take(size)) for _ in range(max(named, default=0))]
        if self.data:
            raise FormatError("left over")
        return LinearRelation(self.group, tuple(elements), equations)


def random_of(suite: str, entry: dict[str, Any]) -> DuplexSponge:
    """The drafts' deterministic source of nonces."""
    flavour = {"batchable": "DSFS", "compact": "CMPT"}[entry["Flavor"]]
    name = f"TestDRNG-SIGMA-PROOFS-{flavour}-{suite}-{entry['Relation']}"
    return DuplexSponge(derive_session_id(name.encode()))


@pytest.mark.parametrize("entry", cfrg("sigma-proofs"))
def test_sigma_proofs(entry: dict[str, Any]) -> None:
    suite = entry["Ciphersuite"]
    group = GROUPS[suite]
    batchable = entry["Flavor"] == "batchable"
    tag, narg = entry["Tag"].encode(), bytes.fromhex(entry["NargString"])

    def verify() -> LinearRelation:
        relation = Reader(group, bytes.fromhex(entry["Instance"])).relation()
        (verify_batchable if batchable else verify_compact)(tag, relation, narg)
        return relation

    if entry["Expected"] != "accept":
        with pytest.raises((FormatError, VerificationError)):
            verify()
        return
    relation = verify()
    assert relation.encode().hex() == entry["Instance"]
    if "SessionId" in entry:
        assert derive_session_id(tag).hex() == entry["SessionId"]
    if "Witness" not in entry:
        return
    reader = Reader(group, bytes.fromhex(entry["Witness"]))
    witness = [reader.scalar() for _ in range(relation.scalar_count)]
    random = random_of(suite, entry)
    prove = prove_batchable if batchable else prove_compact
    made = prove(
        tag, relation, witness, lambda: int.from_bytes(random.squeeze(48), "little") % group.order
    )
    assert made == narg
    for wrong in (narg[:-1], narg + b"\0", narg[:-1] + bytes([narg[-1] ^ 1])):
        with pytest.raises((FormatError, VerificationError)):
            (verify_batchable if batchable else verify_compact)(tag, relation, wrong)
