"""Transfers: a purchase passes to its next owner (docs/protocol.md 8, *Transfer*).

In two steps, as a refund. Transfers are rare, and each has a scope, a ring and an acceptance of its
own: they are judged one by one, and not in the batches of claims.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore

from sqlalchemy import Connection

from aftersales.horizons import require_recent, require_today
from commitments.clock import Clocks
from commitments.errors import FormatError, Overloaded, Refused, VerificationError
from commitments.group import Group
from commitments.sandbox import is_sandbox
from ledger.entries import Transferred
from ledger.events import event_time, events_origin
from ledger.log import Log
from ledger.metrics import DECISIONS
from ledger.store import Store, Transaction
from policies.transfer import RETIRE_WITHIN, TransferBody, transfer_id
from verifier.approvals import TRANSFER, approval, approvals
from verifier.decision import AWAITING_SECRET
from verifier.retiring import Owner, RetiredSecrets, require_awaiting, retire
from verifier.statements import (
    Statements,
    recent_closes,
    require_possible_transfer,
)
from verifier.transfer import Transfer, declined_transfer, transfer_event
from verifier.transfer_book import (
    new_commitment,
    read_transfer,
    record_transfer,
    require_unused,
)
from zk.transfer import verify_acceptance
from zk.verify import Verified, proof_tags, verify_batch

__all__ = ["Transfers"]

_AT_ONCE = 8  # each takes a thread for as long as a claim alone


class Transfers:
    """The transfers of all merchants. Any number of threads may ask."""

    def __init__(self, store: Store, group: Group, clocks: Clocks, statements: Statements) -> None:
        self._store = store
        self._group = group
        self._clocks = clocks
        self._statements = statements
        self._turns = BoundedSemaphore(_AT_ONCE)

    def decide(self, origin: str, body: TransferBody, proof: bytes) -> Transfer:
        """Approve or decline a transfer, and record an approval.

        The same body with the same proof gets the first answer again, as it stands now.

        Raises
        ------
        Refused
            the transfer cannot be judged: another merchant's log, a date that is not today's or
            yesterday's, horizons as :meth:`aftersales.horizons.Horizons.require`, a span whose
            voids may still come, or a C_new that is taken.
        FormatError
            points that do not decode, or a proof of the wrong length.
        Overloaded
            too many are being judged.
        """
        identifier = transfer_id(body, proof)
        with self._store.read() as connection:
            known = approvals(connection, origin, TRANSFER, [identifier])
            if not known:
                self._require_possible(connection, origin, body)
        if known:
            return self.read(origin, identifier)
        require_possible_transfer(self._group, len(proof))
        with self._turn():
            answer = self._judge(origin, body, proof, identifier)
        if not is_sandbox(origin):
            DECISIONS.labels(TRANSFER, answer.reason or "approved").inc()
        return answer

    def read(self, origin: str, identifier: str) -> Transfer:
        """An approved transfer as it stands; ``Refused`` for any other id."""
        with self._store.read() as connection:
            row = approval(connection, origin, TRANSFER, identifier)
            return read_transfer(connection, origin, row, self._now(origin))

    def retire(self, origin: str, identifier: str, secret: int) -> Transfer:
        """Complete a transfer: the old owner shows its secret, the new owner's entry is appended.

        Both stand in the logs together or not at all. Asked again, the answer is the same; where
        the purchase log was restored without the entry, that is appended now.
        Errors as :func:`verifier.retiring.retire`; ``Refused`` also where C_new has come into the
        log in another way.
        """
        owner, now = Owner(self._group, origin, secret), self._now(origin)
        with self._store.read() as connection:
            row = approval(connection, origin, TRANSFER, identifier)
            if row.retired_at is None:
                require_awaiting(row, now)
            owner.require_shown(row)
            known = read_transfer(connection, origin, row, now)
            if known.index is not None:
                return known
            owner.prepare(connection, now)
            commitment = new_commitment(connection, origin, row)

        def unit(transaction: Transaction) -> None:
            connection = transaction.connection
            index = Log(connection, origin).index_of(commitment)
            if approval(connection, origin, TRANSFER, identifier).retired_at is None:
                if index is not None:
                    raise Refused("duplicate-commitment", "the commitment is in the log")
                retire(transaction, owner, TRANSFER, identifier, self._now(origin))
            if index is None:
                transaction.append(origin, [Transferred(commitment).encode()])

        self._store.write(unit, origin, events_origin(origin))
        return self.read(origin, identifier)

    def _now(self, origin: str) -> str:
        return event_time(self._clocks.at(origin))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            raise Overloaded("too many are waiting already")
        try:
            yield
        finally:
            self._turns.release()

    def _require_possible(self, connection: Connection, origin: str, body: TransferBody) -> None:
        if body.origin != origin:
            message = "the transfer is about another merchant"
            raise Refused("foreign-origin", message, "transfer.origin")
        require_today(body, self._clocks.at(origin))
        horizons = self._statements.horizons(connection, origin)
        horizons.require(body)
        horizons.require_settled(body)
        require_unused(connection, origin, body.acceptance.commitment, self._now(origin))

    def _judge(self, origin: str, body: TransferBody, proof: bytes, identifier: str) -> Transfer:
        if not self._is_accepted(body):
            return declined_transfer(identifier, "acceptance_invalid")
        statement = self._statements.build_transfer(body)
        (tag,) = proof_tags(statement, proof)
        (result,) = verify_batch([(statement, proof)])
        if not isinstance(result, Verified):
            return declined_transfer(identifier, "proof_invalid")
        scope = statement.scopes[0].text
        retired = RetiredSecrets(self._group)  # of its own: nobody asks for this scope again
        with self._store.read() as connection:
            if retired.among(connection, origin, scope, [tag]):
                return declined_transfer(identifier, "ownership_ended")

        def unit(transaction: Transaction) -> Transfer:
            connection, now = transaction.connection, self._clocks.at(origin)
            if approvals(connection, origin, TRANSFER, [identifier]):
                return Transfer(identifier, AWAITING_SECRET)
            require_today(body, now)
            require_recent(recent_closes(connection, origin), body)
            require_unused(connection, origin, body.acceptance.commitment, event_time(now))
            if retired.among_now(transaction, origin, scope, [tag]):
                return declined_transfer(identifier, "ownership_ended")
            deadline = event_time(now + RETIRE_WITHIN)
            event = transfer_event(identifier, event_time(now), body, proof, tag, deadline)
            record_transfer(transaction, origin, event)
            return Transfer(identifier, AWAITING_SECRET, new=True)

        answer = self._store.write(unit, events_origin(origin))
        if not answer.approved:
            return answer
        return replace(self.read(origin, identifier), new=answer.new)

    def _is_accepted(self, body: TransferBody) -> bool:
        try:
            verify_acceptance(self._group, body.origin, body.blinded, body.acceptance)
        except FormatError as error:
            field = f"transfer.{error.field}" if error.field else "transfer.acceptance"
            raise FormatError(str(error), field) from None
        except VerificationError:
            return False
        return True
