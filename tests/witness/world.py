"""A log that can fork, and a witness that watches it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ledger.add_checkpoint import AddCheckpoint
from ledger.checkpoint import Checkpoint, sign
from ledger.merkle import build_consistency, build_root, leaf_hash
from ledger.note import Signer
from tests.ledger.memory_log import LeafReader
from witness.keys import WitnessKeys
from witness.service import Witness

ORIGIN = "ledger.example/acme"
LOG = Signer(ORIGIN, b"l" * 32)
KEYS = WitnessKeys("witness.example/w1", b"e" * 32, b"m" * 32, b"s" * 32)
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECONDS = 1_795_248_000


class GrowingLog:
    """Entries by number; from ``fork_at`` on they are others."""

    def __init__(self, size: int = 40, fork_at: int | None = None) -> None:
        self.reader = LeafReader(
            leaf_hash(f"{n}{'' if fork_at is None or n < fork_at else ' forked'}".encode())
            for n in range(size)
        )

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, build_root(self.reader, size))

    def note(self, size: int, signer: Signer = LOG) -> bytes:
        return sign(self.checkpoint(size), signer)

    def proof(self, old_size: int, size: int) -> tuple[bytes, ...]:
        return tuple(build_consistency(self.reader, old_size, size))

    def request(self, old_size: int, size: int) -> AddCheckpoint:
        return AddCheckpoint(old_size, self.proof(old_size, size), self.note(size))


HONEST = GrowingLog()
FORK = GrowingLog(fork_at=5)


def open_witness(directory: Path, clock: Callable[[], datetime] = lambda: NOW) -> Witness:
    witness = Witness(f"sqlite:///{directory}/witness.db", KEYS, clock)
    witness.watch(LOG.verifier)
    return witness
