"""Ownerships that have ended (docs/protocol.md 8, *Retiring*).

A retired secret r is public. A claim by that owner shows the secret tag ``r * U`` of its scope,
so a table of these points for all r of an origin, made once per scope, finds it.
"""

from collections.abc import Iterator
from threading import Lock

from sqlalchemy import Connection, select

from commitments.group import Group
from ledger.store import Transaction
from verifier.schema import retired
from zk.statement import Scope, tag_base

__all__ = ["RetiredSecrets", "secret_tag"]


def secret_tag(group: Group, scope_text: str, secret: int) -> bytes | None:
    """``secret * U`` for the secret scope with this text, encoded; None where that is nothing."""
    point = group.multiply(secret, tag_base(group, Scope("secret", scope_text)))
    return None if group.is_identity(point) else group.encode(point)


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
                known.add(secret_tag(self._group, scope_text, secret) or b"")
                last = position
            self._tags[origin, scope_text] = (last, known)
            return tag in known

    def contains_now(
        self, transaction: Transaction, origin: str, scope_text: str, tag: bytes
    ) -> bool:
        """The same inside a transaction, whose own rows may yet be rolled back: nothing is kept."""
        with self._lock:
            position, known = self._tags.get((origin, scope_text), (-1, set()))
        newer = self._after(transaction.connection, origin, position)
        return tag in known or any(
            secret_tag(self._group, scope_text, secret) == tag for _, secret in newer
        )

    def _after(
        self, connection: Connection, origin: str, position: int
    ) -> Iterator[tuple[int, int]]:
        query = select(retired.c.position, retired.c.secret).where(
            retired.c.origin == origin, retired.c.position > position
        )
        for row in connection.execute(query.order_by(retired.c.position)):
            yield row.position, self._group.decode_scalar(row.secret)
