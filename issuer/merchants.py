"""Merchants and the two logs each of them has."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Column, Connection, String, Table, insert, select, union_all
from sqlalchemy.exc import IntegrityError

from commitments.clock import Clocks
from commitments.domain import suite_name
from commitments.errors import FormatError, Refused
from commitments.group import Group
from commitments.sandbox import is_sandbox
from issuer.sandbox_clocks import sandboxes
from ledger.event_log import append_event
from ledger.events import DAILY, LogDeclaration, event_time, events_origin
from ledger.note import Signer, Verifier
from ledger.schema import metadata
from ledger.store import Store, Transaction

__all__ = [
    "KnownMerchants",
    "Merchant",
    "adopt_merchant",
    "check_merchant",
    "create_merchant",
    "find_merchant",
    "is_taken",
    "list_merchants",
]

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_LONGEST_NAME = 100
_KEY_SIZE = 32  # of an Ed25519 private key (RFC 8032, 5.1.5)

merchants = Table(
    "merchants",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("origin", String, nullable=False, unique=True),
)


@dataclass(frozen=True)
class Merchant:
    """A shop: its id in URLs, its name for people, the origin of its purchase log."""

    id: str
    name: str
    origin: str


def _nothing(_transaction: Transaction) -> None:
    """What a merchant begins with besides."""


def create_merchant(  # noqa: PLR0913 - each is fixed for the life of the logs
    store: Store,
    group: Group,
    clocks: Clocks,
    merchant: Merchant,
    *,
    capacity: int = 1024,
    period: str = DAILY,
    void_window: int = 14,
    seed_witnesses: tuple[Verifier, ...] = (),
    also: Callable[[Transaction], None] = _nothing,
) -> LogDeclaration:
    """Enter a merchant, with a purchase log and an event log whose first event declares both.

    ``capacity``, ``period``, ``void_window`` (in periods) and ``seed_witnesses``, who must sign
    each close, are fixed for the life of the logs (docs/protocol.md 4). ``also`` is done first in
    the same transaction. ``FormatError`` naming what is wrong, ``Refused`` if the id is taken.
    """
    check_merchant(merchant)
    keys = {
        origin: secrets.token_bytes(_KEY_SIZE)
        for origin in (merchant.origin, events_origin(merchant.origin))
    }
    purchases, events = (Signer(origin, key).verifier for origin, key in keys.items())
    declaration = LogDeclaration(
        origin=merchant.origin,
        suite=suite_name(group).decode("ascii"),
        capacity=capacity,
        period=period,
        void_window=void_window,
        seed_witnesses=seed_witnesses,
        purchases=purchases,
        events=events,
    )

    def unit(transaction: Transaction) -> None:
        if is_taken(transaction.connection, merchant.id):
            raise Refused("duplicate-merchant", "there is a merchant with this id", "id")
        also(transaction)
        row = {"id": merchant.id, "name": merchant.name, "origin": merchant.origin}
        transaction.connection.execute(insert(merchants), row)
        for origin, key in keys.items():
            transaction.create_log(origin, key)
        now = event_time(clocks.at(merchant.origin))
        append_event(transaction, merchant.origin, declaration.to_event(now))

    try:
        store.write(unit)
    except IntegrityError:  # another process has been quicker
        raise Refused("duplicate-merchant", "there is a merchant with this id", "id") from None
    return declaration


def adopt_merchant(transaction: Transaction, merchant: Merchant) -> None:
    """Enter a merchant whose logs are a copy; ``Refused`` if its id or origin is another's."""
    chosen = (merchants.c.id == merchant.id) | (merchants.c.origin == merchant.origin)
    known = transaction.connection.execute(select(merchants).where(chosen)).all()
    if not known:
        row = {"id": merchant.id, "name": merchant.name, "origin": merchant.origin}
        transaction.connection.execute(insert(merchants), row)
    elif [(row.id, row.origin) for row in known] != [(merchant.id, merchant.origin)]:
        raise Refused("duplicate-merchant", "there is another merchant of this id", "id")


def check_merchant(merchant: Merchant) -> None:
    """``FormatError`` naming what no merchant can have."""
    if not _ID.fullmatch(merchant.id):
        raise FormatError("only a-z, 0-9 and inner hyphens, at most 40", "id")
    if not 0 < len(merchant.name) <= _LONGEST_NAME or not merchant.name.isprintable():
        raise FormatError(f"1 to {_LONGEST_NAME} printable characters", "name")


def find_merchant(store: Store, merchant_id: str) -> Merchant:
    """The merchant with this id; ``Refused`` where there is none."""
    with store.read() as connection:
        found = _read(connection, merchant_id)
    if not found:
        raise Refused("unknown-merchant", "there is no such merchant", "merchant")
    return found[0]


class KnownMerchants:
    """The merchants that were asked for: what a merchant is never changes, and is read once.

    But for sandboxes, which can be thrown away.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Merchant] = {}

    def known(self, merchant_id: str) -> Merchant | None:
        """The merchant, without a look into the database."""
        return self._known.get(merchant_id)

    def find(self, merchant_id: str) -> Merchant:
        """As :func:`find_merchant`."""
        known = self._known.get(merchant_id)
        if known is None:
            known = find_merchant(self._store, merchant_id)
            if not is_sandbox(known.origin):
                self._known[merchant_id] = known
        return known


def list_merchants(store: Store, *, with_sandboxes: bool = False) -> list[Merchant]:
    """All merchants, by id."""
    with store.read() as connection:
        found = _read(connection)
    return [each for each in found if with_sandboxes or not is_sandbox(each.origin)]


def is_taken(connection: Connection, merchant_id: str) -> bool:
    """Whether there is or was a merchant of this id: what its address served is kept by caches."""
    known = select(merchants.c.id).where(merchants.c.id == merchant_id)
    was = select(sandboxes.c.id).where(sandboxes.c.id == merchant_id)
    return connection.execute(union_all(known, was)).first() is not None


def _read(connection: Connection, merchant_id: str | None = None) -> list[Merchant]:
    query = select(merchants).order_by(merchants.c.id)
    if merchant_id is not None:
        query = query.where(merchants.c.id == merchant_id)
    return [Merchant(row.id, row.name, row.origin) for row in connection.execute(query)]
