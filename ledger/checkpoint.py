"""Checkpoints (c2sp tlog-checkpoint): a log's signed word about its size and root."""

from collections.abc import Iterable
from dataclasses import dataclass

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, parse_base64, parse_decimal
from ledger.merkle import EMPTY_ROOT, HASH_BYTES
from ledger.note import Note, NoteVerifier, Signer, verify_note

__all__ = ["Checkpoint", "open_checkpoint", "open_extended", "sign"]


@dataclass(frozen=True)
class Checkpoint:
    """The tree head of the log ``origin``: ``root`` over its first ``size`` entries."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the three lines.

        ``FormatError`` for anything else, extension lines included: these logs never write one.
        """
        checkpoint = cls.parse_extended(text)
        if checkpoint.text() != text:
            raise FormatError("not the three lines of a checkpoint", "checkpoint")
        return checkpoint

    @classmethod
    def parse_extended(cls, text: str) -> "Checkpoint":
        """Read the first three lines, which is what a witness vouches for.

        Other logs may write extension lines below them; an empty one is a ``FormatError``.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise FormatError("not the lines of a checkpoint", "checkpoint")
        size = parse_decimal(lines[1], "checkpoint.size")
        return cls(lines[0], size, parse_base64(lines[2], "checkpoint.root", HASH_BYTES))


def sign(checkpoint: Checkpoint, *signers: Signer) -> bytes:
    """The signed note of a checkpoint; the name of each key is the log's origin."""
    if any(signer.name != checkpoint.origin for signer in signers):
        raise ValueError("the key does not carry the name of the log")
    text = checkpoint.text()
    return Note(text, tuple(signer.signature(text) for signer in signers)).serialise()


def open_checkpoint(note: bytes, *verifiers: NoteVerifier) -> Checkpoint:
    """The checkpoint in a note that one of ``verifiers``, the keys of a log, has signed.

    ``FormatError`` when it cannot be read; ``VerificationError`` when the log has not signed it
    or it speaks of another log.
    """
    text, signed = verify_note(note, verifiers)
    checkpoint = Checkpoint.parse(text)
    if any(key.name != checkpoint.origin for key in signed):
        raise VerificationError("the checkpoint is of another log")
    return checkpoint


def open_extended(note: bytes, verifiers: Iterable[NoteVerifier]) -> Checkpoint:
    """The checkpoint in a signed note of any log, under whichever of its keys has signed it.

    Extension lines may follow. Errors as :func:`open_checkpoint`; also ``VerificationError`` for
    an empty log with a root that no empty log has.
    """
    text, signed = verify_note(note, verifiers)
    checkpoint = Checkpoint.parse_extended(text)
    if any(key.name != checkpoint.origin for key in signed):
        raise VerificationError("the checkpoint is of another log")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise VerificationError("the checkpoint has no entries, and another root than none have")
    return checkpoint
