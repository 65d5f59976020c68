"""Proof that a log has forked: it has signed two checkpoints, and neither is the other's past.

The file takes nobody's word. Both notes bear the log's signature; the hashes lead from the larger
checkpoint to the root that the tree had at the size of the smaller one, which is another than the
smaller one says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, parse_base64
from ledger.checkpoint import Checkpoint, open_extended
from ledger.merkle import HASH_BYTES, verify_consistency
from ledger.note import Note, Verifier

__all__ = ["Fork", "ForkedLog", "verify_fork"]

_HEADER = "kvitto-fork/v1"
_ROOT = "root "
_MAX_HASHES = 63  # a tree has fewer than 2**63 leaves
_FIELD = "fork"


@dataclass(frozen=True)
class Fork:
    """Two signed notes of one log, ``small`` the one of the smaller size, or of the same.

    ``root`` is the root at the size of ``small`` under the checkpoint of ``large``; ``proof``
    the consistency proof that leads from there to ``large``, empty where the sizes are the same.
    """

    small: bytes
    large: bytes
    root: bytes
    proof: tuple[bytes, ...]

    def serialise(self) -> bytes:
        """The text form: root and proof, then the two notes, verbatim, behind empty lines."""
        hashes = [encode_base64(hash_) for hash_ in self.proof]
        lines = [_HEADER, _ROOT + encode_base64(self.root), *hashes, "", ""]
        return "\n".join(lines).encode() + self.small + b"\n" + self.large

    @classmethod
    def parse(cls, data: bytes) -> "Fork":
        """Read the text form; ``FormatError`` for any other spelling. Nothing is verified."""
        parts = data.split(b"\n\n")
        if len(parts) != 5 or not parts[0].isascii():  # a note has one empty line
            raise FormatError("not the proof of a fork", _FIELD)
        header, *lines = parts[0].decode("ascii").split("\n")
        if header != _HEADER or not lines or not lines[0].startswith(_ROOT):
            raise FormatError("not the proof of a fork", _FIELD)
        if len(lines) - 1 > _MAX_HASHES:
            raise FormatError("too many hashes", _FIELD)
        root = parse_base64(lines[0].removeprefix(_ROOT), "fork.root", HASH_BYTES)
        proof = tuple(parse_base64(line, "fork.proof", HASH_BYTES) for line in lines[1:])
        small, large = parts[1] + b"\n\n" + parts[2] + b"\n", parts[3] + b"\n\n" + parts[4]
        for note in (small, large):
            Checkpoint.parse_extended(Note.parse(note).text)
        return cls(small, large, root, proof)


class ForkedLog(VerificationError):  # noqa: N818 - the name is what happened
    """A log has signed two histories; ``fork`` proves it to anybody."""

    def __init__(self, fork: Fork) -> None:
        super().__init__(
            "log: it has forked: it has signed another root over entries that it showed before."
            " Believe neither, and show the proof to others"
        )
        self.fork = fork


def verify_fork(fork: Fork, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, Checkpoint]:
    """The two checkpoints that contradict each other, both signed by keys of one log.

    ``verifiers`` are the keys of that log, usually one. ``VerificationError`` unless the log has
    forked.
    """
    small = open_extended(fork.small, verifiers)
    large = open_extended(fork.large, verifiers)
    if small.origin != large.origin:
        raise VerificationError("fork: the checkpoints are of two logs")
    verify_consistency(small.size, fork.root, large.size, large.root, fork.proof)
    if fork.root == small.root:
        raise VerificationError("fork: the checkpoints do not contradict each other")
    return small, large
