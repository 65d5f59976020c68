"""Asking seed witnesses to sign a close (docs/protocol.md 4, *Seed witnesses*): both messages.

The log's request is a signed note, so that nobody else can use up a period; a witness answers
with the one head that it has signed for the period, be it this one or an earlier one.
"""

from dataclasses import dataclass

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, parse_base64, parse_decimal
from ledger.closes import seed_message
from ledger.merkle import HASH_BYTES
from ledger.note import Note, Verifier

__all__ = ["SEED_BYTES", "PeriodEnd", "SignedEnd"]

SEED_BYTES = 64
"""Of the signature of a seed witness."""
_TITLE = "kvitto-seed/v1"
_LINES = 6  # the last is empty


@dataclass(frozen=True)
class PeriodEnd:
    """The purchase log ``origin`` had ``size`` entries under ``root`` when ``period`` ended."""

    origin: str
    period: int
    size: int
    root: bytes

    def text(self) -> str:
        """What the log signs when it asks; the title keeps it from being a checkpoint."""
        root = encode_base64(self.root)
        return f"{_TITLE}\n{self.origin}\n{self.period}\n{self.size}\n{root}\n"

    @classmethod
    def parse(cls, note: bytes) -> "PeriodEnd":
        """Read the signed note of a request; its signatures are not looked at."""
        lines = Note.parse(note).text.split("\n")
        if len(lines) != _LINES or lines[0] != _TITLE:
            raise FormatError("not the end of a period", "body")
        return cls(
            origin=lines[1],
            period=parse_decimal(lines[2], "period"),
            size=parse_decimal(lines[3], "size"),
            root=parse_base64(lines[4], "root", HASH_BYTES),
        )

    def message(self) -> bytes:
        """What the witness signs."""
        return seed_message(self.origin, self.period, self.size, self.root)


@dataclass(frozen=True)
class SignedEnd:
    """The end of a period with the signature of one seed witness."""

    end: PeriodEnd
    signature: bytes

    def line(self) -> str:
        """Period, size, root and signature in one line, as witnesses publish it."""
        signature = encode_base64(self.signature)
        return f"{self.end.period} {self.end.size} {encode_base64(self.end.root)} {signature}\n"

    @classmethod
    def parse(cls, line: str, origin: str) -> "SignedEnd":
        """Read a line with its newline; ``FormatError`` for any other spelling."""
        words = line.removesuffix("\n").split(" ")
        if len(words) != 4 or not line.endswith("\n"):
            raise FormatError("not a signed end of a period", "seed")
        end = PeriodEnd(
            origin=origin,
            period=parse_decimal(words[0], "period"),
            size=parse_decimal(words[1], "size"),
            root=parse_base64(words[2], "root", HASH_BYTES),
        )
        return cls(end, parse_base64(words[3], "signature", SEED_BYTES))

    def verify(self, witness: Verifier) -> None:
        """``VerificationError`` unless ``witness`` has signed this."""
        try:
            witness.verify(self.end.message(), self.signature)
        except VerificationError:
            raise VerificationError("not the signature of the seed witness") from None
