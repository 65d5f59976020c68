"""A log's root at any size, from tiles that nobody need believe."""

from collections.abc import Iterable

from commitments.errors import FormatError, VerificationError
from ledger.merkle import build_consistency, build_root, complete_nodes, verify_consistency
from ledger.tiles import TileFetcher, TileReader

__all__ = ["FalseTiles", "TrueRoots"]


class FalseTiles(VerificationError):  # noqa: N818 - the name is what happened
    """The tiles that were served are not those of the checkpoint."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"log: the tiles served do not lead to its checkpoint ({why}). That proves nothing"
            " against the log: ask again, or another mirror of it"
        )


class TrueRoots:
    """A log's root at any size, read from tiles and proven under its checkpoint.

    ``fetch`` gives tiles of the log of ``size`` entries, which are not believed.
    """

    def __init__(self, fetch: TileFetcher, size: int, root: bytes) -> None:
        self._reader = TileReader(fetch, size)
        self._size = size
        self._root = root

    def fetch(self, sizes: Iterable[int]) -> None:
        """Fetch at once what :meth:`at` will need for ``sizes``."""
        within = sorted({size for size in sizes if size <= self._size})
        try:
            self._reader.hashes([node for size in within for node in complete_nodes(0, size)])
        except FormatError as error:
            raise FalseTiles(str(error)) from None

    def at(self, size: int) -> bytes | None:
        """The root at ``size``; None when the log is not that large."""
        return None if size > self._size else self.prove(size)[0]

    def prove(self, size: int) -> tuple[bytes, tuple[bytes, ...]]:
        """The root at a ``size`` within the log, and the consistency proof from there."""
        try:
            root = build_root(self._reader, size)
            proof = build_consistency(self._reader, size, self._size)
            verify_consistency(size, root, self._size, self._root, proof)
        except (FormatError, VerificationError) as error:
            raise FalseTiles(str(error)) from None
        return root, tuple(proof)
