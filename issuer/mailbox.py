"""The receipt mailbox: boxes that wallets leave for themselves (docs/protocol.md 3, *Mailbox*).

Nobody says who they are. What a merchant's mailbox holds is bounded by its purchase log instead:
a buyer leaves a box for each purchase. Who fills it with junk keeps others from leaving theirs,
and gets no more of the disk than that.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    update,
)

from commitments.errors import Refused
from commitments.mailbox import check_delete_key, verify_deletion
from ledger.engines import overwrite_deleted
from ledger.log import Log
from ledger.schema import metadata
from ledger.store import Store, Transaction

__all__ = ["Box", "Mailbox"]

# Another for each purchase, for wallets that begin anew with another seed.
_BOXES_PER_ENTRY = 2
_MORE_BOXES = 1024  # 5 MB; so that a young shop's first hundred buyers are not shut out by a few

boxes = Table(
    "boxes",
    metadata,
    Column("origin", String, primary_key=True),
    Column("address", LargeBinary, primary_key=True),
    Column("delete_key", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary),
    # By address, which is random: else the file would have them in the order in which they came.
    sqlite_with_rowid=False,
)
"""Boxes; without a ciphertext once deleted."""

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("origin", String, primary_key=True),
    Column("taken", BigInteger, nullable=False),
)
"""How many addresses each mailbox has, those of deleted boxes too."""


@dataclass(frozen=True)
class Box:
    """A ciphertext under an address, and the Ed25519 public key whose signature deletes it.

    The ciphertext of a deleted box is None.
    """

    address: bytes = field(repr=False)
    delete_key: bytes = field(repr=False)
    ciphertext: bytes | None = field(repr=False)


class Mailbox:
    """The mailboxes of all merchants in ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def deposit(self, origin: str, box: Box) -> None:
        """Keep a box; the same box again changes nothing.

        ``FormatError`` for a key that is none; ``Refused`` for an address that has another box or
        had one, and while the mailbox is full.
        """
        check_delete_key(box.delete_key)

        def unit(transaction: Transaction) -> None:
            connection = transaction.connection
            if not _is_kept(connection, origin, box):
                _count(connection, origin)
                connection.execute(insert(boxes).values(origin=origin, **asdict(box)))

        # First without the log: what changes nothing must not wait in the merchant's way.
        with self._store.read() as connection:
            known = _is_kept(connection, origin, box)
        if not known:
            self._store.commit(unit, origin)

    def contents(self, origin: str, addresses: Sequence[bytes]) -> list[bytes | None]:
        """The ciphertext under each address; None where there is none, or none any more."""
        query = select(boxes.c.address, boxes.c.ciphertext).where(
            boxes.c.origin == origin, boxes.c.address.in_(addresses)
        )
        with self._store.read() as connection:
            found = {row.address: row.ciphertext for row in connection.execute(query)}
        return [found.get(address) for address in addresses]

    def delete(self, origin: str, address: bytes, signature: bytes) -> None:
        """Empty a box whose key has signed that; once more changes nothing.

        The address stays taken: a deposit that was delayed, or that somebody repeats, must not
        bring back what its owner has deleted. ``Refused`` where there never was a box,
        ``VerificationError`` for another signature.
        """

        def unit(transaction: Transaction) -> None:
            overwrite_deleted(transaction.connection)
            chosen = boxes.c.origin == origin, boxes.c.address == address
            transaction.connection.execute(update(boxes).where(*chosen).values(ciphertext=None))

        with self._store.read() as connection:
            known = _find(connection, origin, address)
        if known is None:
            raise Refused("unknown-box", "the address has no box", "address")
        verify_deletion(origin, address, known.delete_key, signature)
        if known.ciphertext is not None:
            self._store.commit(unit, origin)


def _find(connection: Connection, origin: str, address: bytes) -> Box | None:
    query = select(boxes.c.address, boxes.c.delete_key, boxes.c.ciphertext).where(
        boxes.c.origin == origin, boxes.c.address == address
    )
    row = connection.execute(query).first()
    return None if row is None else Box(row.address, row.delete_key, row.ciphertext)


def _is_kept(connection: Connection, origin: str, box: Box) -> bool:
    """Whether it is there already; ``Refused`` where it cannot be."""
    known = _find(connection, origin, box.address)
    if known is None:
        if _taken(connection, origin) >= _room(connection, origin):
            raise Refused("mailbox-full", "there is no room until more has been sold")
        return False
    if known.ciphertext is None:
        raise Refused("already-deleted", "the box of this address was deleted", "address")
    if known != box:
        raise Refused("duplicate-box", "the address has another box", "address")
    return True


def _room(connection: Connection, origin: str) -> int:
    return _MORE_BOXES + _BOXES_PER_ENTRY * Log(connection, origin).size


def _taken(connection: Connection, origin: str) -> int:
    query = select(mailboxes.c.taken).where(mailboxes.c.origin == origin)
    return connection.scalar(query) or 0


def _count(connection: Connection, origin: str) -> None:
    """Count one more; nobody else does so while the log's row is locked."""
    taken = _taken(connection, origin)
    if taken == 0:
        connection.execute(insert(mailboxes).values(origin=origin, taken=1))
    else:
        chosen = mailboxes.c.origin == origin
        connection.execute(update(mailboxes).where(chosen).values(taken=taken + 1))
