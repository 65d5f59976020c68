"""A log in memory as the files that anybody reads of it, honest or not."""

from collections.abc import Iterator, Mapping, Sequence

from ledger.checkpoint import Checkpoint, sign
from ledger.cosignature import Cosigner
from ledger.merkle import build_root, leaf_hash
from ledger.note import Note, Signer
from ledger.served_log import NotServed, ServedLog
from ledger.tiles import TILE_WIDTH, bundle_path, encode_bundle, tile_path, tile_width
from tests.ledger.memory_log import ORIGIN, LeafReader

LOG = Signer(ORIGIN, b"l" * 32)
SECONDS = 1_795_248_000


class Files(dict[str, bytes]):
    """What is served, by path. Remembers what was asked for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(files)
        self.asked: list[str] = []

    def read(self, path: str, limit: int) -> bytes:
        self.asked.append(path)
        if path not in self:
            raise NotServed(f"log: {path} is not served")
        return self[path][: limit + 1]

    @property
    def log(self) -> ServedLog:
        return ServedLog(self)


class History:
    """The entries of a log; from ``fork_at`` on they are others than those of other histories."""

    def __init__(self, size: int, fork_at: int | None = None) -> None:
        self.entries = [
            f"{n}{'' if fork_at is None or n < fork_at else ' forked'}".encode()
            for n in range(size)
        ]
        self.reader = LeafReader(map(leaf_hash, self.entries))

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, build_root(self.reader, size))

    def note(self, size: int, cosigners: Sequence[Cosigner] = ()) -> bytes:
        note = Note.parse(sign(self.checkpoint(size), LOG))
        cosigned = [cosigner.cosign(note.text, SECONDS) for cosigner in cosigners]
        return Note(note.text, (*note.signatures, *cosigned)).serialise()

    def files(self, size: int, cosigners: Sequence[Cosigner] = ()) -> Files:
        """All files of the log when it had ``size`` entries."""
        files = Files(dict(self._tiles(size)))
        files["checkpoint"] = self.note(size, cosigners)
        return files

    def _tiles(self, size: int) -> Iterator[tuple[str, bytes]]:
        level = 0
        while tile_width(level, 0, size):
            index = 0
            while width := tile_width(level, index, size):
                first = index * TILE_WIDTH
                hashes = self.reader.hashes([(8 * level, first + i) for i in range(width)])
                yield tile_path(level, index, width), b"".join(hashes)
                if level == 0:
                    yield bundle_path(index, width), encode_bundle(self.entries[first:][:width])
                index += 1
            level += 1
