"""Ownerships that end (docs/protocol.md 8, *Retiring*).

A retired secret r is public. A claim by that owner shows the secret tag ``r * U`` of its scope,
so a table of these points for all r of an origin, made once per scope, finds it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import Row

from commitments.errors import Refused
from commitments.group import Group
from commitments.wire import parse_hex
from ledger.event_log import append_event
from ledger.store import Transaction
from verifier.approvals import CLAIM, TRANSFER, approval, complete, status_at
from verifier.case_book import CaseBook
from verifier.decision import AWAITING_SECRET, LAPSED, retired_event
from verifier.schema import approved, retired
from zk.statement import secret_tag

__all__ = ["Owner", "RetiredSecrets", "note_retirements", "require_awaiting", "retire"]


def retire(transaction: Transaction, owner: "Owner", kind: str, identifier: str, now: str) -> None:
    """Complete an approval that ends the ownership: the owner shows its secret.

    ``Refused`` unless the claim or transfer awaits it, the time has not run out, the secret is the
    one its tag was made with, and no other approval of this owner goes before. What was withdrawn
    awaits none.
    """
    connection, origin = transaction.connection, owner.origin
    row = approval(connection, origin, kind, identifier)
    require_awaiting(row, now)
    owner.require_shown(row)
    if owner.is_retired(connection) or _is_contested(row, owner.approvals(connection, now), now):
        raise Refused("lapsed", "this owner has made another claim", f"{kind}_id")
    event = retired_event(kind, identifier, now, owner.encoded)
    book = CaseBook(connection, origin)
    note_retirements(book, [(append_event(transaction, origin, event), event)])


def require_awaiting(row: Row[Any], now: str) -> None:
    """``Refused`` unless the approval in ``row`` waits for its secret at ``now``."""
    status = status_at(row, now)
    if status != AWAITING_SECRET:
        code = "lapsed" if status == LAPSED else "not-awaiting-secret"
        raise Refused(code, f"this {row.kind} awaits no secret", f"{row.kind}_id")


class Owner:
    """Whoever knows this secret, at one origin: the tags that its proofs show, by scope.

    A multiplication per scope that has claims or a transfer that waits, and none per claim.
    :meth:`prepare` makes them before a transaction is open.
    """

    def __init__(self, group: Group, origin: str, secret: int) -> None:
        self.origin = origin
        self.encoded = group.encode_scalar(secret)
        self._group = group
        self._secret = secret
        self._tags: dict[str, bytes | None] = {}

    def tag(self, scope_text: str) -> bytes | None:
        """The secret tag under this scope."""
        if scope_text not in self._tags:
            self._tags[scope_text] = secret_tag(self._group, scope_text, self._secret)
        return self._tags[scope_text]

    def require_shown(self, row: Row[Any]) -> None:
        """``Refused`` unless the approval in ``row`` shows the tag of this secret."""
        if self.tag(row.scope) != row.secret_tag:
            raise Refused("wrong-secret", f"not the secret of this {row.kind}'s tag", "secret")

    def prepare(self, connection: Connection, now: str) -> None:
        """Make the tags that :meth:`approvals` asks for."""
        self._of_claims(connection)
        self._of_transfers(connection, now)

    def is_retired(self, connection: Connection) -> bool:
        """Whether the secret is public already."""
        query = select(retired.c.position).where(
            retired.c.origin == self.origin, retired.c.secret == self.encoded
        )
        return connection.execute(query).first() is not None

    def approvals(self, connection: Connection, now: str) -> list[Row[Any]]:
        """All approved claims of this owner, and those of its transfers that wait at ``now``."""
        chosen = approved.c.origin == self.origin, approved.c.kind == CLAIM
        query = select(approved).where(*chosen)
        of_claims = query.where(approved.c.secret_tag.in_(self._of_claims(connection)))
        return [*connection.execute(of_claims), *self._of_transfers(connection, now)]

    def _of_claims(self, connection: Connection) -> list[bytes]:
        """The tags under all scopes of claims: as many as the policies have slots."""
        chosen = approved.c.origin == self.origin, approved.c.kind == CLAIM
        scopes = connection.scalars(select(approved.c.scope).where(*chosen).distinct())
        return [tag for tag in map(self.tag, scopes) if tag is not None]

    def _of_transfers(self, connection: Connection, now: str) -> list[Row[Any]]:
        """Compared here: each has a scope of its own, and of all owners' any number may wait."""
        waiting = select(approved).where(
            approved.c.origin == self.origin,
            approved.c.kind == TRANSFER,
            approved.c.retire_by >= now,
            approved.c.retired_at.is_(None),
        )
        rows = connection.execute(waiting)
        return [row for row in rows if self.tag(row.scope) == row.secret_tag]


def note_retirements(book: CaseBook, events: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Enter the ends of ownerships into the tables, from their numbered events."""
    connection, origin = book.connection, book.origin
    for position, event in events:
        secret = parse_hex(event["secret"], "secret")
        connection.execute(insert(retired).values(origin=origin, position=position, secret=secret))
        kind = CLAIM if f"{CLAIM}_id" in event else TRANSFER
        complete(connection, origin, event[f"{kind}_id"], position)
        if kind == CLAIM:
            book.advance(position, event)


class RetiredSecrets:
    """The tags that retired secrets have, by origin and scope; any number of threads may ask."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._tags: dict[tuple[str, str], tuple[int, frozenset[bytes]]] = {}
        self._lock = Lock()

    def among(
        self, connection: Connection, origin: str, scope_text: str, tags: Collection[bytes]
    ) -> Collection[bytes]:
        """Those of ``tags``, secret tags under this scope, that are of retired secrets.

        ``connection`` sees committed rows only: what is read is kept. The first to ask for a
        scope pays a multiplication for each retired secret, as do those judged with it.
        """
        last, known = self._known(origin, scope_text)
        newer = self._after(connection, origin, last)
        found = {
            secret_tag(self._group, scope_text, secret): position for position, secret in newer
        }
        if found:
            with self._lock:
                self._tags[origin, scope_text] = (
                    max(found.values()),
                    known | {found_tag for found_tag in found if found_tag is not None},
                )
        return {tag for tag in tags if tag in known or tag in found}

    def among_now(
        self, transaction: Transaction, origin: str, scope_text: str, tags: Collection[bytes]
    ) -> Collection[bytes]:
        """The same inside a transaction, whose own rows may yet be rolled back: nothing is kept."""
        last, known = self._known(origin, scope_text)
        newer = self._after(transaction.connection, origin, last)
        found = {secret_tag(self._group, scope_text, secret) for _, secret in newer}
        return {tag for tag in tags if tag in known or tag in found}

    def _known(self, origin: str, scope_text: str) -> tuple[int, frozenset[bytes]]:
        with self._lock:
            return self._tags.get((origin, scope_text), (-1, frozenset()))

    def _after(
        self, connection: Connection, origin: str, position: int
    ) -> Iterator[tuple[int, int]]:
        query = select(retired.c.position, retired.c.secret).where(
            retired.c.origin == origin, retired.c.position > position
        )
        for row in connection.execute(query.order_by(retired.c.position)):
            yield row.position, self._group.decode_scalar(row.secret)


def _is_contested(row: Row[Any], own: Sequence[Row[Any]], now: str) -> bool:
    """Whether another approval of this owner, ``own``, goes before the one in ``row``.

    An ordinary claim goes before the approvals that it came after: they have lapsed by it. Of two
    that end the ownership the earlier goes before the later, unless it has lapsed.
    """
    last_ordinary = max((o.position for o in own if o.retire_by is None), default=-1)
    return last_ordinary > row.position or any(
        last_ordinary < o.position < row.position and status_at(o, now) == AWAITING_SECRET
        for o in own
    )
