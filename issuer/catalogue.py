"""A merchant's list of products: private, and a guard against slips of the pen if it wants one.

A product is a GTIN or the merchant's own code. The list says what it is called and which group it
belongs to; the logs know nothing of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from commitments.errors import Refused
from commitments.gtin import normalise_product
from commitments.sale import Sale, check_code, check_product
from issuer.merchants import Merchant
from issuer.rows import Done, Rejection, attempt, rows_of
from ledger.once import Once, unless_done
from ledger.schema import metadata
from ledger.store import Store, Transaction

__all__ = ["Catalogue", "Product", "check_listed"]

_MOST = 100_000  # products of a merchant: more is not one shop's range

products = Table(
    "products",
    metadata,
    Column("origin", String, primary_key=True),
    Column("normalised", String, primary_key=True),
    Column("code", String, nullable=False),
    Column("name", String, nullable=False),
    Column("product_group", String),
)
"""Products by the form of their code that is hashed: an EAN-13 and its GTIN-14 are one."""

catalogues = Table(
    "catalogues",
    metadata,
    Column("origin", String, primary_key=True),
    Column("only_listed", Boolean, nullable=False),
)
"""Which merchants want sales of listed products only."""


@dataclass(frozen=True)
class Product:
    """A product; ``FormatError`` naming the member for what none can be."""

    code: str
    name: str
    group: str | None = None

    def __post_init__(self) -> None:
        """Check the members, and the check digit of a GTIN."""
        check_product(self.code)
        check_code(self.name, "name")
        if self.group is not None:
            check_code(self.group, "group")

    def document(self) -> dict[str, Any]:
        """The product as JSON."""
        return {"code": self.code, "name": self.name, "group": self.group}


class Catalogue:
    """The lists of all merchants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self, merchant: Merchant, wanted: Sequence[Product | Rejection], once: Once | None = None
    ) -> list[dict[str, Any]]:
        """Enter or change products; a row with the product for each (:mod:`issuer.rows`).

        Of a product that is there twice the later row counts. Rejected are those that the list has
        no room for.
        """
        origin = merchant.origin

        def unit(transaction: Transaction) -> list[dict[str, Any]]:
            return rows_of(_put(transaction.connection, origin, wanted))

        return self._store.commit(unless_done(unit, once), origin)

    def remove(
        self, merchant: Merchant, codes: Sequence[str], once: Once | None = None
    ) -> dict[str, Any]:
        """Take products off the list; how many of them were on it. Sales of them stay recorded."""
        chosen = (
            products.c.origin == merchant.origin,
            products.c.normalised.in_({normalise_product(code) for code in codes}),
        )

        def unit(transaction: Transaction) -> dict[str, Any]:
            removed = transaction.connection.execute(delete(products).where(*chosen)).rowcount
            return {"removed": removed}

        return self._store.commit(unless_done(unit, once), merchant.origin)

    def page(self, merchant: Merchant, after: str, limit: int) -> list[Product]:
        """Up to ``limit`` products behind the code ``after``, in the order of their codes."""
        query = select(products).where(products.c.origin == merchant.origin)
        if after:
            query = query.where(products.c.normalised > normalise_product(after))
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(products.c.normalised).limit(limit)).all()
        return [Product(row.code, row.name, row.product_group) for row in rows]

    def summary(self, merchant: Merchant) -> dict[str, Any]:
        """How many products there are, and whether only they can be sold."""
        with self._store.read() as connection:
            return _summary(connection, merchant.origin)

    def restrict(
        self, merchant: Merchant, *, only_listed: bool, once: Once | None = None
    ) -> dict[str, Any]:
        """Let only listed products be recorded, or any; the summary."""
        origin = merchant.origin

        def unit(transaction: Transaction) -> dict[str, Any]:
            connection = transaction.connection
            connection.execute(delete(catalogues).where(catalogues.c.origin == origin))
            connection.execute(insert(catalogues).values(origin=origin, only_listed=only_listed))
            return _summary(connection, origin)

        return self._store.commit(unless_done(unit, once), origin)


def check_listed(
    connection: Connection, origin: str, sales: Iterable[Sale], field: str
) -> Callable[[Sale], None]:
    """A check of any of these sales; ``Refused`` where its product must be listed and is not.

    Nobody else changes the list while the transaction of ``connection`` holds the log.
    """
    wanted = select(catalogues.c.only_listed).where(catalogues.c.origin == origin)
    if not connection.scalar(wanted):
        return lambda _sale: None
    listed = _listed(connection, origin, {sale.product for sale in sales})

    def check(sale: Sale) -> None:
        if normalise_product(sale.product) not in listed:
            raise Refused("unlisted-product", "the catalogue has no such product", field)

    return check


def _put(
    connection: Connection, origin: str, wanted: Sequence[Product | Rejection]
) -> list[Done[dict[str, Any]] | Rejection]:
    good = [product for product in wanted if isinstance(product, Product)]
    known = _listed(connection, origin, {product.code for product in good})
    room = _MOST - _count(connection, origin)
    changed: dict[str, Product] = {}
    new: dict[str, Product] = {}

    def decide(product: Product) -> Done[dict[str, Any]]:
        key = normalise_product(product.code)
        part = changed if key in known else new
        if part.get(key, known.get(key)) == product:
            return Done(product.document(), duplicate=True)
        if part is new and key not in new and len(new) >= room:
            raise Refused("too-many", f"a catalogue has at most {_MOST} products")
        part[key] = product
        return Done(product.document())

    decided = attempt(wanted, decide)
    for key, product in changed.items():
        chosen = products.c.origin == origin, products.c.normalised == key
        connection.execute(update(products).where(*chosen).values(_row(product)))
    if new:
        rows = [{"origin": origin, "normalised": key, **_row(p)} for key, p in new.items()]
        connection.execute(insert(products), rows)
    return decided


def _row(product: Product) -> dict[str, Any]:
    return {"code": product.code, "name": product.name, "product_group": product.group}


def _listed(connection: Connection, origin: str, codes: Iterable[str]) -> dict[str, Product]:
    """Those of these codes that are listed, by their normalised form."""
    query = select(products).where(
        products.c.origin == origin,
        products.c.normalised.in_({normalise_product(code) for code in codes}),
    )
    return {
        row.normalised: Product(row.code, row.name, row.product_group)
        for row in connection.execute(query)
    }


def _count(connection: Connection, origin: str) -> int:
    query = select(func.count()).select_from(products).where(products.c.origin == origin)
    return connection.execute(query).scalar_one()


def _summary(connection: Connection, origin: str) -> dict[str, Any]:
    query = select(catalogues.c.only_listed).where(catalogues.c.origin == origin)
    return {"products": _count(connection, origin), "only_listed": bool(connection.scalar(query))}
