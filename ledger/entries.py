"""Entries of a purchase log (docs/protocol.md 4).

Commitments are 33-byte encodings of points; whether one decodes is for the caller's group.
"""

from dataclasses import dataclass

from commitments.errors import FormatError

__all__ = [
    "COMMITMENT_BYTES",
    "Entry",
    "Purchase",
    "Sale",
    "Transferred",
    "Void",
    "commitment_of",
    "parse_entry",
]

COMMITMENT_BYTES = 33


@dataclass(frozen=True)
class Purchase:
    """``0x01 || C``: a purchase, whose commitment is a member of rings."""

    commitment: bytes

    def encode(self) -> bytes:
        """The 34 bytes of the entry."""
        return b"\x01" + self.commitment


@dataclass(frozen=True)
class Void:
    """``0x02 || I``: entry ``index`` is void."""

    index: int

    def encode(self) -> bytes:
        """The 9 bytes of the entry."""
        return b"\x02" + self.index.to_bytes(8, "big")


@dataclass(frozen=True)
class Transferred:
    """``0x03 || C``: a purchase in the hands of its next owner; a member of rings."""

    commitment: bytes

    def encode(self) -> bytes:
        """The 34 bytes of the entry."""
        return b"\x03" + self.commitment


@dataclass(frozen=True)
class Sale:
    """``0x04 || C``: a sale whose keys are the merchant's: a dated record, no member of rings."""

    commitment: bytes

    def encode(self) -> bytes:
        """The 34 bytes of the entry."""
        return b"\x04" + self.commitment


Entry = Purchase | Void | Transferred | Sale

_WITH_COMMITMENT: dict[int, type[Purchase | Transferred | Sale]] = {
    1: Purchase,
    3: Transferred,
    4: Sale,
}


def parse_entry(data: bytes) -> Entry:
    """Read an entry; ``FormatError`` for anything else, which readers take as no member."""
    kind = data[0] if data else 0
    if kind in _WITH_COMMITMENT and len(data) == 1 + COMMITMENT_BYTES:
        return _WITH_COMMITMENT[kind](data[1:])
    if kind == 2 and len(data) == 9:
        return Void(int.from_bytes(data[1:], "big"))
    raise FormatError("not an entry of a purchase log", "entry")


def commitment_of(entry: Entry) -> bytes | None:
    """The commitment that an entry brings into the log; ``None`` for a void."""
    return None if isinstance(entry, Void) else entry.commitment
