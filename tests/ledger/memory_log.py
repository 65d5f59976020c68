"""A log in memory that proves whatever it is asked to, honest or not."""

from collections.abc import Iterable, Sequence

from ledger.checkpoint import Checkpoint
from ledger.closes import Close, seed_message
from ledger.entries import Purchase, parse_entry
from ledger.events import LogDeclaration, events_origin
from ledger.merkle import Node, build_consistency, build_multiproof, build_root, leaf_hash, root_of
from ledger.note import Signer
from ledger.purchases import Purchases
from ledger.rings import Member

ORIGIN = "ledger.example/acme"
TIME = "2026-11-21T08:00:00Z"
WITNESS = Signer("witness.example/w1", b"w" * 32)
SECOND_WITNESS = Signer("witness.example/w2", b"x" * 32)


class LeafReader:
    """Hashes of complete subtrees, computed from the leaves each time."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self.leaves = list(leaves)

    def hashes(self, nodes: Sequence[Node]) -> list[bytes]:
        return [root_of(self.leaves[i << level : (i + 1) << level]) for level, i in nodes]


class MemoryLog(Purchases):
    """A purchase log that can be closed, with the proofs that rings need."""

    def __init__(self, entries: Iterable[bytes] = (), origin: str = ORIGIN) -> None:
        self.origin = origin
        self.reader = LeafReader([])
        self.closes: list[Close] = []
        super().__init__(entries)

    def append(self, entry: bytes) -> None:
        super().append(entry)
        self.reader.leaves.append(leaf_hash(entry))

    @property
    def size(self) -> int:
        return len(self.reader.leaves)

    def root(self, size: int) -> bytes:
        return build_root(self.reader, size)

    def multiproof(self, indices: Sequence[int], size: int) -> list[bytes]:
        return build_multiproof(self.reader, indices, size)

    def consistency(self, old_size: int, size: int) -> list[bytes]:
        return build_consistency(self.reader, old_size, size)

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.size if size is None else size
        return Checkpoint(self.origin, size, self.root(size))

    def close(self, period: int | None = None) -> Close:
        number = len(self.closes)
        period = number if period is None else period
        close = signed_close(number, period, self.size, self.root(self.size), self.origin)
        self.closes.append(close)
        return close

    def member(self, index: int) -> Member:
        entry = parse_entry(self.entries_at([index])[0])
        assert isinstance(entry, Purchase)
        return Member(index, entry.commitment)


def signed_close(number: int, period: int, size: int, root: bytes, origin: str = ORIGIN) -> Close:
    message = seed_message(origin, period, size, root)
    return Close(number, period, size, root, (WITNESS.sign(message),))


def commitment(n: int) -> bytes:
    """Not a point, but as long as one and different for each n."""
    return b"\x02" + n.to_bytes(32, "big")


def purchase(n: int) -> bytes:
    return Purchase(commitment(n)).encode()


def declaration(*witnesses: Signer, void_window: int = 1, capacity: int = 64) -> LogDeclaration:
    return LogDeclaration(
        origin=ORIGIN,
        suite="KVITTO-V01-Shake128_P256",
        capacity=capacity,
        period="manual",
        void_window=void_window,
        seed_witnesses=tuple(witness.verifier for witness in witnesses),
        purchases=Signer(ORIGIN, b"p" * 32).verifier,
        events=Signer(events_origin(ORIGIN), b"e" * 32).verifier,
    )
