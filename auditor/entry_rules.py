"""What the purchase log may hold (docs/protocol.md 4, *Entries of the purchase log*)."""

from collections.abc import Iterator

from auditor.findings import Disagreement
from auditor.record import SeenVoid
from auditor.rules import broken
from commitments.errors import FormatError
from ledger.entries import Transferred, Void, parse_entry
from ledger.purchases import Decode

__all__ = ["EntryRules"]

_PURCHASE = 1


class EntryRules:
    """Reads the entries of a purchase log, in their order.

    ``kinds`` and ``voids`` are as :class:`auditor.record.Record` has them; ``places`` is where each
    commitment stands first, ``transferred`` the same of those in the hands of a next owner, and
    ``next_owners`` has these in their order.
    """

    def __init__(self, decode: Decode) -> None:
        self.kinds = bytearray()
        self.voids: list[SeenVoid] = []
        self.places: dict[bytes, int] = {}
        self.transferred: dict[bytes, int] = {}
        self.next_owners: list[bytes] = []
        self._decode = decode
        self._voided: set[int] = set()

    @property
    def size(self) -> int:
        """How many entries were read."""
        return len(self.kinds)

    def read(self, index: int, data: bytes) -> Iterator[Disagreement]:
        """The next entry, at ``index``."""
        self.kinds.append(data[0] if data else 0)
        try:
            entry = parse_entry(data)
            if not isinstance(entry, Void):
                self._decode(entry.commitment)
        except FormatError as error:
            yield broken("entry-unreadable", str(error), purchases=[index])
            return
        if isinstance(entry, Void):
            yield from self._void(index, entry.index)
            return
        first = self.places.setdefault(entry.commitment, index)
        if first != index:
            why = "its commitment is in the log already"
            yield broken("commitment-repeated", why, purchases=[first, index])
        elif isinstance(entry, Transferred):
            self.transferred[entry.commitment] = index
            self.next_owners.append(entry.commitment)

    def pass_over(self, count: int) -> None:
        """So many entries that nobody knows: of them nothing is said."""
        self.kinds.extend(bytes(count))

    def _void(self, index: int, target: int) -> Iterator[Disagreement]:
        self.voids.append(SeenVoid(index, target))
        if not (target < index and self.kinds[target] == _PURCHASE):
            yield broken("void-entry", "it names no purchase before it", purchases=[index])
        elif target in self._voided:
            yield broken("void-entry", "the purchase is void already", purchases=[target, index])
        self._voided.add(target)
