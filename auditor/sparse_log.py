"""Some entries of a log, with all that proves them to somebody who has nothing but its key.

The hashes are those of complete subtrees, each there once whatever it is needed for: that the
entries are in the log, and what its root was at earlier sizes. Which are needed is found out by
doing it: who makes the proof asks for them, and who verifies it asks for the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, parse_base64
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.merkle import (
    HASH_BYTES,
    HashReader,
    Node,
    build_consistency,
    build_multiproof,
    build_root,
    leaf_hash,
    verify_consistency,
    verify_multiproof,
)
from ledger.note import Verifier
from ledger.tiles import MAX_ENTRY_BYTES

__all__ = ["ProvenEntries", "ProvenLog", "ShownLog"]

_MEMBERS = {"checkpoint", "entries", "hashes"}
_HIGHEST = 63


@dataclass(frozen=True)
class ShownLog:
    """What is shown of a log: the signed note, entries by index, hashes by subtree."""

    note: bytes
    entries: Mapping[int, bytes]
    hashes: Mapping[Node, bytes]

    def document(self) -> dict[str, Any]:
        """As JSON: ``[index, entry]`` and ``[level, index, hash]``, ascending, in base64."""
        return {
            "checkpoint": self.note.decode(),
            "entries": [[i, encode_base64(self.entries[i])] for i in sorted(self.entries)],
            "hashes": [[*node, encode_base64(self.hashes[node])] for node in sorted(self.hashes)],
        }

    @classmethod
    def parse(cls, document: Any) -> "ShownLog":
        """Read the JSON; ``FormatError`` for any other spelling. Nothing is verified."""
        if not isinstance(document, dict) or document.keys() != _MEMBERS:
            raise FormatError("not a checkpoint with entries and hashes", "log")
        if not isinstance(document["checkpoint"], str):
            raise FormatError("not text", "checkpoint")
        shown = cls(
            document["checkpoint"].encode(),
            {row[0]: parse_base64(row[1], "entries") for row in _rows(document, "entries", 1)},
            {
                (row[0], row[1]): parse_base64(row[2], "hashes", HASH_BYTES)
                for row in _rows(document, "hashes", 2)
            },
        )
        if any(len(entry) > MAX_ENTRY_BYTES for entry in shown.entries.values()):
            raise FormatError("no entry is that long", "entries")
        if shown.document() != document:
            raise FormatError("not in order, or something twice", "log")
        return shown


class _Asked:
    """The hashes that are asked for, on their way from ``reader``."""

    def __init__(self, reader: HashReader) -> None:
        self._reader = reader
        self.hashes_read: dict[Node, bytes] = {}

    def hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """As :class:`ledger.merkle.HashReader` says."""
        found = list(self._reader.hashes(nodes))
        self.hashes_read.update(zip(nodes, found, strict=True))
        return found


class _Shown:
    """The hashes that are shown, none of which is believed."""

    def __init__(self, hashes: Mapping[Node, bytes]) -> None:
        self._hashes = hashes

    def hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        """As :class:`ledger.merkle.HashReader` says."""
        try:
            return [self._hashes[node] for node in nodes]
        except KeyError:
            raise VerificationError("evidence: a hash that it needs is not shown") from None


class ProvenEntries:
    """The entries of a log that are looked at, and its roots, all proven under one checkpoint.

    ``reader`` gives the hashes; ``VerificationError`` wherever they do not lead to the root.
    """

    def __init__(
        self, checkpoint: Checkpoint, entries: Mapping[int, bytes], reader: HashReader
    ) -> None:
        self.size = checkpoint.size
        self.root = checkpoint.root
        self.entries = dict(sorted(entries.items()))
        self._reader = _Asked(reader)
        self._roots: dict[int, bytes] = {}
        if entries:
            leaves = {index: leaf_hash(entry) for index, entry in entries.items()}
            if max(leaves) >= self.size:
                raise VerificationError("evidence: an entry that the log does not have")
            proof = build_multiproof(self._reader, leaves, self.size)
            verify_multiproof(leaves, self.size, self.root, proof)

    def root_at(self, size: int) -> bytes | None:
        """The root of the first ``size`` entries; ``None`` when the log is not that large."""
        if size > self.size:
            return None
        if size not in self._roots:
            root = build_root(self._reader, size)
            proof = build_consistency(self._reader, size, self.size)
            verify_consistency(size, root, self.size, self.root, proof)
            self._roots[size] = root
        return self._roots[size]

    def shown(self, note: bytes) -> ShownLog:
        """What somebody else needs to look at the same entries and ask for the same roots."""
        return ShownLog(note, self.entries, self._reader.hashes_read)

    def require_no_more(self, shown: ShownLog) -> None:
        """``FormatError`` if hashes are shown that were not needed, and so may be anything."""
        if shown.hashes.keys() != self._reader.hashes_read.keys():
            raise FormatError("hashes that nobody needs", "hashes")


@dataclass(frozen=True)
class ProvenLog:
    """A log as evidence shows it, its note signed by one of the keys that are known."""

    checkpoint: Checkpoint
    proven: ProvenEntries

    @classmethod
    def open(cls, shown: ShownLog, verifiers: Iterable[Verifier]) -> "ProvenLog":
        """``VerificationError`` unless the log has signed it and all entries are in it."""
        checkpoint = open_checkpoint(shown.note, *verifiers)
        return cls(checkpoint, ProvenEntries(checkpoint, shown.entries, _Shown(shown.hashes)))


def _rows(document: dict[str, Any], name: str, numbers: int) -> list[list[Any]]:
    rows = document[name]
    if not isinstance(rows, list):
        raise FormatError("not a list", name)
    for row in rows:
        if not isinstance(row, list) or len(row) != numbers + 1 or not isinstance(row[-1], str):
            raise FormatError("not rows of numbers and base64", name)
        if any(type(number) is not int or number < 0 for number in row[:-1]):
            raise FormatError("not rows of numbers and base64", name)
        if numbers == 2 and row[0] > _HIGHEST:
            raise FormatError("no tree is that high", name)
    return rows
