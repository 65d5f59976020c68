"""Proofs that verify offline (c2sp tlog-proof@v1): an entry's inclusion under a checkpoint."""

from dataclasses import dataclass

from commitments.errors import FormatError
from commitments.wire import encode_base64, parse_base64, parse_decimal
from ledger.checkpoint import Checkpoint
from ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from ledger.note import Verifier
from ledger.quorum import NO_QUORUM, Quorum, open_cosigned

__all__ = ["TlogProof", "verify_tlog_proof"]

_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_HASHES = 63  # a tree has fewer than 2**63 leaves
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class TlogProof:
    """That some entry stands at ``index`` of the log that signed ``checkpoint``.

    ``hashes`` from the leaf's sibling up; ``checkpoint`` the signed note, verbatim; ``extra``
    is not authenticated by anything.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def serialise(self) -> bytes:
        """The text form."""
        extra = [f"extra {encode_base64(self.extra)}"] if self.extra else []
        hashes = [encode_base64(hash_) for hash_ in self.hashes]
        lines = [_HEADER, *extra, f"index {self.index}", *hashes, "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "TlogProof":
        """Read the text form; ``FormatError`` for any other spelling."""
        head, separator, checkpoint = data.partition(b"\n\n")
        if not separator or not head.isascii() or len(data) > _MAX_BYTES:
            raise FormatError("not a tlog-proof", "proof")
        lines = head.decode("ascii").split("\n")
        extra = b""
        if lines[1:] and lines[1].startswith("extra "):
            extra = parse_base64(lines.pop(1).removeprefix("extra "), "proof.extra")
            if not extra:
                raise FormatError("extra data that is empty", "proof.extra")
        if lines[0] != _HEADER or not lines[1:] or not lines[1].startswith("index "):
            raise FormatError("not a tlog-proof", "proof")
        index = parse_decimal(lines[1].removeprefix("index "), "proof.index")
        if len(lines) - 2 > _MAX_HASHES:
            raise FormatError("too many hashes", "proof.hashes")
        hashes = tuple(parse_base64(line, "proof.hashes", HASH_BYTES) for line in lines[2:])
        return cls(index, hashes, checkpoint, extra)


def verify_tlog_proof(
    proof: TlogProof, entry: bytes, *verifiers: Verifier, policy: Quorum = NO_QUORUM
) -> Checkpoint:
    """The checkpoint, signed by the log of these keys, under which ``entry`` is in it.

    The entry's place is ``proof.index``. ``VerificationError`` unless all of it holds and
    ``policy`` accepts the checkpoint.
    """
    checkpoint = open_cosigned(proof.checkpoint, *verifiers, policy=policy)
    leaf = leaf_hash(entry)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint
