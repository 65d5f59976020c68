"""Making sandboxes and throwing them away. A merchant has one at a time.

A log only grows, also a sandbox's. So one that is thrown away is forgotten as a merchant, and its
logs stay where they are; the next has another id and another origin.
"""

from collections.abc import Iterator
from itertools import count

from sqlalchemy import Connection, delete, func, insert, select, update

from commitments.clock import Clocks
from commitments.errors import Refused
from commitments.group import Group
from commitments.sandbox import is_sandbox, sandbox_origin
from issuer.merchants import Merchant, create_merchant, is_taken, merchants
from issuer.sandbox_clocks import sandboxes
from ledger.events import MANUAL, LogDeclaration
from ledger.store import Store, Transaction

__all__ = ["create_sandbox", "find_sandbox", "plan_sandbox", "throw_sandbox_away"]

_LONGEST_ID = 40
_CAPACITY = 64  # a ring is full after as many purchases


def plan_sandbox(store: Store, service_name: str, owner: Merchant) -> Merchant:
    """What the next sandbox of ``owner`` will be; ``Refused`` for one that is a sandbox."""
    if is_sandbox(owner.origin):
        raise Refused("already-sandbox", "a sandbox has no sandbox of its own", "merchant")
    with store.read() as connection:
        sandbox_id = _free_id(connection, owner.id)
    return Merchant(sandbox_id, owner.name, sandbox_origin(service_name, sandbox_id))


def create_sandbox(
    store: Store,
    group: Group,
    clocks: Clocks,
    owner: Merchant,
    sandbox: Merchant,
    *,
    capacity: int = _CAPACITY,
    period: str = MANUAL,
    void_window: int = 14,
) -> LogDeclaration:
    """Enter the sandbox that was planned for ``owner``; what its logs declare.

    No seed witness signs for it, and no witness cosigns it: they vouch for what happened. Its clock
    shows the real time until it is moved. ``Refused`` while there is another; errors as
    :func:`issuer.merchants.create_merchant`.
    """

    def enter(transaction: Transaction) -> None:
        if _present(transaction.connection, owner) is not None:
            raise Refused("duplicate-sandbox", "throw away the one that is there first")
        row = {"id": sandbox.id, "merchant": owner.id, "origin": sandbox.origin}
        transaction.connection.execute(insert(sandboxes).values(**row, ahead=0, thrown_away=False))

    return create_merchant(
        store,
        group,
        clocks,
        sandbox,
        capacity=capacity,
        period=period,
        void_window=void_window,
        also=enter,
    )


def find_sandbox(store: Store, owner: Merchant) -> Merchant:
    """The sandbox that a merchant has now; ``Refused`` for one without."""
    with store.read() as connection:
        sandbox = _present(connection, owner)
    if sandbox is None:
        raise Refused("unknown-sandbox", "the merchant has no sandbox", "merchant")
    return sandbox


def throw_sandbox_away(store: Store, sandbox: Merchant) -> None:
    """Forget a sandbox: nobody reaches it any more, it is unknown. Its logs stay."""

    def unit(transaction: Transaction) -> None:
        connection = transaction.connection
        there = sandboxes.c.id == sandbox.id
        connection.execute(update(sandboxes).where(there).values(thrown_away=True))
        connection.execute(delete(merchants).where(merchants.c.id == sandbox.id))

    store.commit(unit, sandbox.origin)


def _free_id(connection: Connection, owner: str) -> str:
    """``acme-test``, then ``acme-test-2`` and so on; none is used twice."""
    had = select(func.count()).select_from(sandboxes).where(sandboxes.c.merchant == owner)
    numbers = count(1 + connection.execute(had).scalar_one())
    return next(each for each in _ids(owner, numbers) if not is_taken(connection, each))


def _ids(owner: str, numbers: Iterator[int]) -> Iterator[str]:
    for number in numbers:
        end = "-test" if number == 1 else f"-test-{number}"
        yield owner[: _LONGEST_ID - len(end)] + end


def _present(connection: Connection, owner: Merchant) -> Merchant | None:
    query = select(sandboxes.c.id, sandboxes.c.origin).where(
        sandboxes.c.merchant == owner.id, sandboxes.c.thrown_away.is_(False)
    )
    row = connection.execute(query).first()
    return None if row is None else Merchant(row.id, owner.name, row.origin)
