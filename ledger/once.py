"""Writes that happen once, however often they are sent (draft-ietf-httpapi-idempotency-key-header).

What a write has led to is stored in its own transaction, so that it is known to every process and
after every crash. It may hold one-time codes, which are stored nowhere else: so it is sealed under
a key that only the sender can make again, from its API key. The database alone tells nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from secrets import token_bytes
from typing import Any, TypeVar, cast

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    LargeBinary,
    Table,
    delete,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from commitments.clock import Clock, unix_seconds
from commitments.errors import Refused
from commitments.wire import lp
from ledger.schema import metadata
from ledger.store import Store, Transaction

__all__ = ["Once", "forget_answers", "unless_done"]

T = TypeVar("T")

_KEPT = timedelta(hours=24)  # after them it is forgotten, and a repetition would be a new write
_DOMAIN = b"kvitto-idempotency/v1"
_PART = 32  # bytes: of an identifier, of a fingerprint, of a ChaCha20-Poly1305 key
_NONCE = 12

answers = Table(
    "answers",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("written", BigInteger, nullable=False),
    Column("shown", BigInteger, nullable=False),
)
Index("answers_by_age", answers.c.written)
"""What writes have led to, for some time; ``id`` is made as the key is.

``written`` is when, in seconds since 1970, ``shown`` what the merchant's clock showed then: they
differ for sandboxes.
"""


@dataclass(frozen=True)
class Once:
    """A write that its sender names, so that sent again it is not done again.

    ``identifier`` stands for the name, ``fingerprint`` for all that the request says.
    """

    identifier: bytes
    fingerprint: bytes = field(repr=False)
    key: bytes = field(repr=False)
    written: int
    shown: int

    @classmethod
    def derive(
        cls, secret: str, name: str, request: bytes, now: datetime, shown: datetime
    ) -> "Once":
        """From the sender's API key, the name that it gave and the request.

        ``now`` is the real time, ``shown`` that of the merchant's clock.
        """
        info = _DOMAIN + lp(name.encode("utf-8"))
        parts = HKDF(SHA256(), 2 * _PART, salt=None, info=info).derive(secret.encode("utf-8"))
        moments = unix_seconds(now), unix_seconds(shown)
        return cls(parts[:_PART], sha256(request).digest(), parts[_PART:], *moments)

    def do(self, transaction: Transaction, work: Callable[[Transaction], T]) -> T:
        """What ``work`` gives, which is JSON and not null, or what it gave when it was done.

        The transaction must hold what all processes hold that could do the same at the same
        time. ``Refused`` when the name was used for another request. What ``work`` refuses has
        not been done, and nothing is remembered of it.
        """
        done = self.find(transaction.connection)
        if done is not None:
            return cast("T", done)
        result = work(transaction)
        self.remember(transaction.connection, result)
        return result

    def find(self, connection: Connection) -> Any:
        """What the write has led to; None if it was not done. Errors as :meth:`do`."""
        query = select(answers.c.sealed).where(
            answers.c.id == self.identifier, answers.c.shown >= self._oldest
        )
        sealed = connection.scalar(query)
        return None if sealed is None else self._open(sealed)

    def remember(self, connection: Connection, result: Any) -> None:
        """Keep what the write has led to, in its own transaction."""
        nonce = token_bytes(_NONCE)
        content = self.fingerprint + json.dumps(result).encode("utf-8")
        sealed = nonce + ChaCha20Poly1305(self.key).encrypt(nonce, content, self.identifier)
        row = {"id": self.identifier, "sealed": sealed, "written": self.written}
        row["shown"] = self.shown
        over = answers.c.id == self.identifier, answers.c.shown < self._oldest
        connection.execute(delete(answers).where(*over))
        try:
            connection.execute(insert(answers).values(row))
        except IntegrityError:  # at the same moment, of the merchant's other log
            raise _reused() from None

    @property
    def _oldest(self) -> int:
        return self.shown - _KEPT // timedelta(seconds=1)

    def _open(self, sealed: bytes) -> Any:
        nonce, ciphertext = sealed[:_NONCE], sealed[_NONCE:]
        content = ChaCha20Poly1305(self.key).decrypt(nonce, ciphertext, self.identifier)
        if not compare_digest(content[:_PART], self.fingerprint):
            raise _reused()
        return json.loads(content[_PART:])


def _reused() -> Refused:
    return Refused("idempotency-key-reused", "it was sent with another request", "Idempotency-Key")


def unless_done(unit: Callable[[Transaction], T], once: Once | None) -> Callable[[Transaction], T]:
    """``unit``, but done :meth:`once <Once.do>` where the sender has named the write."""
    return unit if once is None else lambda transaction: once.do(transaction, unit)


def forget_answers(store: Store, clock: Clock) -> None:
    """Forget what is old enough that nobody sends it again."""
    oldest = unix_seconds(clock() - _KEPT)
    store.commit(lambda t: t.connection.execute(delete(answers).where(answers.c.written < oldest)))
