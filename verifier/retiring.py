"""Ownerships that end (docs/protocol.md 8, *Retiring*).

A retired secret r is public. A claim by that owner shows the secret tag ``r * U`` of its scope,
so a table of these points for all r of an origin, made once per scope, finds it.
"""

from collections.abc import Iterator
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.engine import Row

from commitments.errors import Refused
from commitments.group import Group
from ledger.event_log import append_event
from ledger.store import Transaction
from verifier.decision import AWAITING_SECRET, COMPLETED, LAPSED, retired_event
from verifier.decision_book import approval, complete, status_at
from verifier.schema import decisions, retired
from zk.statement import Scope, tag_base

__all__ = ["RetiredSecrets", "retire"]


def retire(
    transaction: Transaction, group: Group, origin: str, identifier: str, secret: int, now: str
) -> None:
    """Complete an approval that ends the ownership: the owner shows its secret.

    ``Refused`` unless the claim awaits it, the time has not run out, the secret is the one its
    tag was made with, and no other approval of this owner goes before.
    """
    connection = transaction.connection
    row = approval(connection, origin, identifier)
    status = status_at(row, now)
    if status != AWAITING_SECRET:
        code = "lapsed" if status == LAPSED else "not-awaiting-secret"
        raise Refused(code, "this claim awaits no secret", "claim_id")
    if _tag(group, row.scope, secret) != row.secret_tag:
        raise Refused("wrong-secret", "not the secret of this claim's tag", "secret")
    if _is_contested(connection, group, row, secret, now):
        raise Refused("lapsed", "this owner has made another claim", "claim_id")
    encoded = group.encode_scalar(secret)
    position = append_event(transaction, origin, retired_event(identifier, now, encoded))
    ended = {"origin": origin, "position": position, "secret": encoded}
    connection.execute(insert(retired), ended)
    complete(connection, origin, identifier)


class RetiredSecrets:
    """The tags that retired secrets have, by origin and scope; any number of threads may ask."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._tags: dict[tuple[str, str], tuple[int, set[bytes]]] = {}
        self._lock = Lock()

    def contains(self, connection: Connection, origin: str, scope_text: str, tag: bytes) -> bool:
        """Whether ``tag``, a secret tag under this scope, is that of a retired secret.

        ``connection`` sees committed rows only: what is read is kept.
        """
        with self._lock:
            last, known = self._tags.get((origin, scope_text), (-1, set()))
            for position, secret in self._after(connection, origin, last):
                known.add(_tag(self._group, scope_text, secret) or b"")
                last = position
            self._tags[origin, scope_text] = (last, known)
            return tag in known

    def contains_now(
        self, transaction: Transaction, origin: str, scope_text: str, tag: bytes
    ) -> bool:
        """The same inside a transaction, whose own rows may yet be rolled back: nothing is kept."""
        with self._lock:
            position, known = self._tags.get((origin, scope_text), (-1, set()))
            if tag in known:
                return True
        newer = self._after(transaction.connection, origin, position)
        return any(_tag(self._group, scope_text, secret) == tag for _, secret in newer)

    def _after(
        self, connection: Connection, origin: str, position: int
    ) -> Iterator[tuple[int, int]]:
        query = select(retired.c.position, retired.c.secret).where(
            retired.c.origin == origin, retired.c.position > position
        )
        for row in connection.execute(query.order_by(retired.c.position)):
            yield row.position, self._group.decode_scalar(row.secret)


def _tag(group: Group, scope_text: str, secret: int) -> bytes | None:
    """``secret * U`` for the secret scope with this text, encoded; None where that is nothing."""
    point = group.multiply(secret, tag_base(group, Scope("secret", scope_text)))
    return None if group.is_identity(point) else group.encode(point)


def _is_contested(
    connection: Connection, group: Group, row: Row[Any], secret: int, now: str
) -> bool:
    """Whether another approval of this owner goes before the one in ``row``.

    An ordinary claim goes before the approvals that it came after: they have lapsed by it. Of two
    that end the ownership the earlier goes before the later, unless it has lapsed.
    """
    ours = decisions.c.origin == row.origin
    first = select(func.min(decisions.c.position)).where(ours, decisions.c.retire_by.is_not(None))
    query = select(decisions).where(ours, decisions.c.position >= first.scalar_subquery())
    own = [o for o in connection.execute(query) if _tag(group, o.scope, secret) == o.secret_tag]
    last_ordinary = max((o.position for o in own if o.retire_by is None), default=-1)
    before = [o for o in own if o.retire_by is not None and o.position < row.position]
    return last_ordinary > row.position or any(
        status_at(o, now) == COMPLETED
        or (status_at(o, now) == AWAITING_SECRET and o.position > last_ordinary)
        for o in before
    )
