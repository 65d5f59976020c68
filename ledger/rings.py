"""Rings (docs/protocol.md 4): the members of one cell of the partition, and their evidence.

Who holds the log builds a ring from it (:func:`build_ring`). A wallet need not: a server shows
the entries of the cell with one Merkle multiproof (:class:`RingEvidence`), and
:func:`verify_ring` recomputes from the closes which indices those must be. A server can so
neither add a member nor leave one out. It could show as a member a purchase that is void, by
keeping the void to itself; the verifier's ring is then another one, and the proof is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, le, parse_base64
from ledger.checkpoint import Checkpoint
from ledger.entries import Purchase, Transferred, Void
from ledger.merkle import HASH_BYTES, leaf_hash, verify_consistency, verify_multiproof
from ledger.partition import Partition, cell, lane_of, lanes, shuffle_key, void_counts
from ledger.purchases import Decode, PurchaseLog, find_removals, members, read_entry

__all__ = [
    "Member",
    "Partition",
    "ProvableLog",
    "Removal",
    "Ring",
    "RingEvidence",
    "RingName",
    "build_evidence",
    "build_ring",
    "cell",
    "check_name",
    "lane_of",
    "lanes",
    "ring_digest",
    "shuffle_key",
    "verify_ring",
    "void_counts",
]


@dataclass(frozen=True)
class RingName:
    """The four numbers that name a ring of a log: all that a prover says about it."""

    first: int
    size: int
    voided_at: int
    lane: int


@dataclass(frozen=True)
class Ring(RingName):
    """A ring: its members' commitments, their indices and points, in the order of the log.

    ``lanes`` is into how many cells the span falls, ``root`` the log's root at ``size``.
    """

    lanes: int
    root: bytes
    members: tuple[bytes, ...]
    indices: tuple[int, ...]
    points: tuple[Any, ...] = field(compare=False)

    def digest(self) -> bytes:
        """What a statement says about the members."""
        return ring_digest(self.members)


@dataclass(frozen=True)
class Member:
    """A wallet's own entry: its index in the log and its commitment."""

    index: int
    commitment: bytes


def ring_digest(commitments: Sequence[bytes]) -> bytes:
    """The digest of a ring's members (docs/protocol.md 4)."""
    return sha256(le(len(commitments), 8) + b"".join(commitments)).digest()


def build_ring(log: PurchaseLog, partition: Partition, name: RingName, decode: Decode) -> Ring:
    """The ring ``name`` of a log of which one has a copy.

    ``VerificationError`` unless ``first`` (or 0), ``size`` and ``voided_at`` are closes in this
    order, the lane exists, and the ring has a member.
    """
    indices = _cell(partition, name)
    entries = log.entries_at(indices)
    removed = find_removals(log, partition, name.voided_at, indices, entries)
    return _ring(partition, name, members(indices, entries, removed, decode))


def check_name(partition: Partition, name: RingName) -> None:
    """``VerificationError`` as :func:`build_ring`, except for a ring without a member."""
    if not 0 <= name.first < name.size <= name.voided_at:
        raise VerificationError("ring: its horizons are not in order")
    for horizon in {name.first, name.size, name.voided_at} - {0}:
        partition.close_at(horizon)
    if not 0 <= name.lane < partition.lanes(name.first, name.size):
        raise VerificationError("ring: no such lane")


def _cell(partition: Partition, name: RingName) -> list[int]:
    """The indices of the cell that ``name`` names."""
    check_name(partition, name)
    return partition.cell(name.first, name.size, name.lane)


def _ring(partition: Partition, name: RingName, found: Mapping[bytes, tuple[int, Any]]) -> Ring:
    if not found:
        raise VerificationError("ring: it has no member")
    indices, points = zip(*found.values(), strict=True)
    return Ring(
        name.first,
        name.size,
        name.voided_at,
        name.lane,
        lanes=partition.lanes(name.first, name.size),
        root=partition.close_at(name.size).root,
        members=tuple(found),
        indices=indices,
        points=points,
    )


# ---- the evidence for a ring


@dataclass(frozen=True)
class Removal:
    """The entry at ``index`` is no member because of the entry at ``by``.

    ``by`` is a void that counts, or an earlier entry with the same commitment.
    """

    index: int
    by: int


class ProvableLog(PurchaseLog, Protocol):
    """A purchase log that can prove what it answers."""

    def multiproof(self, indices: Sequence[int], size: int) -> Sequence[bytes]:
        """The multiproof of the entries at ``indices`` at a size of the log."""

    def consistency(self, old_size: int, size: int) -> Sequence[bytes]:
        """The proof that the log at ``size`` extends the log at ``old_size``."""


@dataclass(frozen=True)
class RingEvidence:
    """What a server shows for a ring, under a checkpoint.

    ``entries``
        at all indices of the cell, of any type, ascending;
    ``removals``
        of members, ascending;
    ``grounds``
        the entries at those ``by`` of the removals that are not in the cell, ascending;
    ``hashes``
        the multiproof of all these entries;
    ``consistency``
        from the close at the ring's size to the checkpoint.
    """

    entries: tuple[bytes, ...]
    removals: tuple[Removal, ...]
    grounds: tuple[bytes, ...]
    hashes: tuple[bytes, ...]
    consistency: tuple[bytes, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON object; bytes are base64."""
        return {
            "entries": _encode(self.entries),
            "removals": [[removal.index, removal.by] for removal in self.removals],
            "grounds": _encode(self.grounds),
            "hashes": _encode(self.hashes),
            "consistency": _encode(self.consistency),
        }

    @classmethod
    def from_json(cls, value: Any) -> "RingEvidence":
        """Read the JSON object; ``FormatError`` names the field that cannot be read."""
        fields = {"entries", "removals", "grounds", "hashes", "consistency"}
        if not isinstance(value, dict) or value.keys() != fields:
            raise FormatError("not the fields of a ring's evidence", "ring")
        return cls(
            entries=_decode_list(value["entries"], "entries"),
            removals=tuple(_removal(pair) for pair in _list(value["removals"], "removals")),
            grounds=_decode_list(value["grounds"], "grounds"),
            hashes=_decode_list(value["hashes"], "hashes", HASH_BYTES),
            consistency=_decode_list(value["consistency"], "consistency", HASH_BYTES),
        )


def build_evidence(
    log: ProvableLog, partition: Partition, name: RingName, checkpoint_size: int
) -> RingEvidence:
    """The evidence for the ring ``name`` under the log's checkpoint of ``checkpoint_size``."""
    indices = _cell(partition, name)
    entries = log.entries_at(indices)
    removals = find_removals(log, partition, name.voided_at, indices, entries)
    grounds = sorted(set(removals.values()).difference(indices))
    return RingEvidence(
        entries=tuple(entries),
        removals=tuple(Removal(index, by) for index, by in sorted(removals.items())),
        grounds=tuple(log.entries_at(grounds)),
        hashes=tuple(log.multiproof([*indices, *grounds], checkpoint_size)),
        consistency=tuple(log.consistency(name.size, checkpoint_size)),
    )


def verify_ring(
    evidence: RingEvidence,
    checkpoint: Checkpoint,
    partition: Partition,
    name: RingName,
    decode: Decode,
    own: Member | None = None,
) -> Ring:
    """The ring ``name``, as the evidence proves it.

    Parameters
    ----------
    checkpoint
        of the purchase log, its signature verified.
    partition
        made from the log's declaration and its accepted closes.
    decode
        of the log's group; what does not decode is no member.
    own
        the wallet's own purchase: the ring must contain it.

    ``VerificationError`` names the check that fails. Reads nothing but its arguments.
    """
    # 1. The name makes sense, and the checkpoint is no older than it.
    indices = _cell(partition, name)
    if checkpoint.size < name.voided_at:
        raise VerificationError("ring: the checkpoint is older than its horizons")
    # 2. The close it is built on is of the same log.
    close = partition.close_at(name.size)
    verify_consistency(
        close.size, close.root, checkpoint.size, checkpoint.root, evidence.consistency
    )
    # 3. Exactly the entries of the cell, and those that take members away, are in the log.
    shown = _shown_entries(evidence, indices)
    leaves = {index: leaf_hash(entry) for index, entry in shown.items()}
    verify_multiproof(leaves, checkpoint.size, checkpoint.root, evidence.hashes)
    # 4. What is said not to count does not count.
    for removal in evidence.removals:
        _check_removal(removal, shown, partition, name.voided_at)
    # 5. What remains is the ring, and the wallet's own purchase is in it.
    removed = {removal.index: removal.by for removal in evidence.removals}
    found = members(indices, evidence.entries, removed, decode)
    if own is not None and found.get(own.commitment, (None,))[0] != own.index:
        raise VerificationError("ring: the wallet's own purchase is not in it")
    return _ring(partition, name, found)


def _shown_entries(evidence: RingEvidence, indices: Sequence[int]) -> dict[int, bytes]:
    """The entries that the evidence shows, by index."""
    removed = [removal.index for removal in evidence.removals]
    if removed != sorted(set(removed)) or not set(removed) <= set(indices):
        raise VerificationError("ring: its removals are not in order, or not of the cell")
    grounds = sorted({removal.by for removal in evidence.removals}.difference(indices))
    if len(indices) != len(evidence.entries) or len(grounds) != len(evidence.grounds):
        raise VerificationError("ring: not the number of entries of the cell")
    shown = dict(zip(indices, evidence.entries, strict=True))
    return shown | dict(zip(grounds, evidence.grounds, strict=True))


def _check_removal(
    removal: Removal, shown: Mapping[int, bytes], partition: Partition, voided_at: int
) -> None:
    removed, by = read_entry(shown[removal.index]), read_entry(shown[removal.by])
    if isinstance(by, Void):
        counts = (
            isinstance(removed, Purchase)  # a transferred purchase is not voided, nor is a void
            and by.index == removal.index
            and removal.by < voided_at
            and partition.void_counts(removal.by, removal.index)
        )
    else:
        counts = (
            isinstance(removed, Purchase | Transferred)
            and by is not None
            and by.commitment == removed.commitment
            and removal.by < removal.index
        )
    if not counts:
        raise VerificationError("ring: an entry is left out that counts")


def _encode(items: Sequence[bytes]) -> list[str]:
    return [encode_base64(item) for item in items]


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError("not a list", field)
    return value


def _decode_list(value: Any, field: str, size: int | None = None) -> tuple[bytes, ...]:
    return tuple(parse_base64(_text(item, field), field, size) for item in _list(value, field))


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise FormatError("not text", field)
    return value


def _removal(pair: Any) -> Removal:
    if not isinstance(pair, list) or len(pair) != 2:
        raise FormatError("not a pair of indices", "removals")
    if any(type(index) is not int or index < 0 for index in pair):
        raise FormatError("not a pair of indices", "removals")
    return Removal(*pair)
