"""The request of c2sp tlog-witness: a checkpoint, and that it extends the one seen before."""

from dataclasses import dataclass

from commitments.errors import FormatError
from commitments.wire import encode_base64, parse_base64, parse_decimal
from ledger.merkle import HASH_BYTES

__all__ = ["LONGEST_REQUEST", "AddCheckpoint"]

LONGEST_REQUEST = 160 * 1024
"""Bytes; the longest note and the longest proof fit."""
_MAX_HASHES = 63  # c2sp tlog-witness; a tree has fewer than 2**63 leaves
_OLD = "old "


@dataclass(frozen=True)
class AddCheckpoint:
    """The consistency proof from ``old_size`` to the size of ``checkpoint``, a signed note."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def serialise(self) -> bytes:
        """The body of the request."""
        lines = [f"{_OLD}{self.old_size}", *(encode_base64(hash_) for hash_ in self.proof), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint":
        """Read a body; ``FormatError`` for any other spelling. The note is not looked at."""
        head, separator, checkpoint = body.partition(b"\n\n")
        if not separator or not head.isascii() or len(body) > LONGEST_REQUEST:
            raise FormatError("not an old size, a proof and a checkpoint", "body")
        first, *lines = head.decode("ascii").split("\n")
        if not first.startswith(_OLD):
            raise FormatError("no old size", "old")
        if len(lines) > _MAX_HASHES:
            raise FormatError("too many hashes", "proof")
        old_size = parse_decimal(first.removeprefix(_OLD), "old")
        proof = tuple(parse_base64(line, "proof", HASH_BYTES) for line in lines)
        return cls(old_size, proof, checkpoint)
