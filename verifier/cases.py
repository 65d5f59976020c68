"""What follows claims, at the service: steps are taken, attachments kept (docs/protocol.md 8).

A step is looked at twice: over a snapshot, where forgeries end, and in the transaction that
appends it, where of two that race one finds that the case has moved.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from aftersales.claims import Case
from aftersales.steps import (
    BUYER,
    MERCHANT,
    STEP,
    check_step,
    erasure_message,
    inbox_message,
    verify_request,
)
from commitments.clock import Clocks
from commitments.errors import FormatError, Refused
from ledger.event_log import append_event
from ledger.event_receipt import EventReceipt
from ledger.events import event_time, events_origin, parse_event_time
from ledger.store import Store, Transaction
from policies.claim import FollowUpKeys
from verifier.approvals import read_receipts
from verifier.attachments import (
    check_attachments,
    erase_attachments,
    find_attachment,
    read_inbox,
    store_attachments,
)
from verifier.case_book import CaseBook, CaseFile
from verifier.retiring import RetiredSecrets

__all__ = ["CaseStatus", "Cases", "Message"]

_SIGNED_WITHIN = timedelta(minutes=5)  # of who asks for messages: its clock may differ

Event = Mapping[str, Any]


@dataclass(frozen=True)
class CaseStatus:
    """A case as it stands at ``now``, with a receipt of each of its events; the first decides."""

    case: Case
    receipts: tuple[EventReceipt, ...]
    now: str

    def document(self) -> dict[str, Any]:
        """The case as a JSON object, from which anybody can fold it again."""
        decision, *steps = [
            {"index": receipt.proof.index, **receipt.document()} for receipt in self.receipts
        ]
        return {
            **self.case.document(),
            "overdue": self.case.is_overdue(self.now),
            "decision": decision,
            "steps": steps,
        }


@dataclass(frozen=True)
class Message:
    """An attachment of the merchant's step with this number; no content where it was erased."""

    number: int
    digest: str
    content: bytes | None


class Cases:
    """The cases of one service, for all its merchants. Any number of threads may ask."""

    def __init__(self, store: Store, clocks: Clocks, retired: RetiredSecrets) -> None:
        self._store = store
        self._clocks = clocks
        self._retired = retired

    def read(self, origin: str, claim_id: str) -> CaseStatus:
        """The case of a claim; ``Refused`` where there is none."""
        with self._store.read() as connection:
            file = CaseBook(connection, origin).file(claim_id)
            receipts = read_receipts(connection, origin, [position for position, _ in file.events])
        return CaseStatus(file.case, tuple(receipts), self._now(origin))

    def take(
        self, origin: str, claim_id: str, step: Any, contents: Sequence[bytes]
    ) -> tuple[CaseStatus, bool]:
        """Take a step: parsed JSON, an event without its time, and its attachments.

        The case afterwards, and whether it is new: the same step sent again is not taken again.
        That a merchant's step is the merchant's has been checked by its key.

        Raises
        ------
        Refused
            no such claim, or as :func:`aftersales.claims.advance`; ``already-claimed`` when a
            dispute comes after another claim with the same purchase; ``wrong-state`` also where
            an owner who has left takes a slot again or cashes in; ``claim-full``.
        FormatError
            no step, or other attachments than it names.
        VerificationError
            the buyer has not signed it.
        """
        with _naming("step"):
            _check_untimed(step, claim_id)
        check_attachments(step["attachments"], contents)
        with self._store.read() as connection:
            known = CaseBook(connection, origin).file(claim_id)
        new = not _is_taken(known, step)
        if not new and step["step"] == "redeem":  # who is told so once more would pay once more
            raise Refused("already-redeemed", "the approval has been cashed in", "claim_id")
        if new:
            with _naming("step"):
                known.after(-1, {**step, "time": self._now(origin)})
            with self._store.read() as connection:
                _require_owner(known, step, partial(self._retired.among, connection, origin))
            unit = partial(self._enter, origin, known, step, contents)
            new = self._store.write(unit, events_origin(origin))
        return self.read(origin, claim_id), new

    def attachment(self, origin: str, claim_id: str, digest: str) -> bytes:
        """One that the buyer has sent; ``Refused`` for another digest, or when it is erased."""
        with self._store.read() as connection:
            file = CaseBook(connection, origin).file(claim_id)
            if not any(digest == known for _, known in _digests(file, BUYER)):
                raise Refused("unknown-attachment", "no step of the buyer names it", "digest")
            content = find_attachment(connection, origin, claim_id, digest)
        if content is None:
            raise Refused("erased", "the attachment has been erased", "digest")
        return content

    def inbox(self, origin: str, claim_id: str, time: str, signature: str) -> list[Message]:
        """What the merchant has written to the buyer, who asks for it with a signature.

        ``VerificationError`` for another's signature; ``Refused`` for one of another time.
        """
        with self._store.read() as connection:
            file = CaseBook(connection, origin).file(claim_id)
            verify_request(inbox_message, claim_id, time, signature, _keys(file))
            self._require_now(origin, time)
            contents = read_inbox(connection, origin, claim_id)
        return [Message(*each, contents.get(each)) for each in _digests(file, MERCHANT)]

    def erase(self, origin: str, claim_id: str) -> None:
        """Erase all attachments of a claim, as its merchant asks."""
        with self._store.read() as connection:
            CaseBook(connection, origin).file(claim_id)
        self._store.write(lambda tx: erase_attachments(tx.connection, origin, claim_id))

    def erase_as_buyer(self, origin: str, claim_id: str, time: str, signature: str) -> None:
        """The same, as its buyer asks with a signature. Errors as :meth:`inbox`."""
        with self._store.read() as connection:
            keys = _keys(CaseBook(connection, origin).file(claim_id))
        verify_request(erasure_message, claim_id, time, signature, keys)
        self._require_now(origin, time)
        self._store.write(lambda tx: erase_attachments(tx.connection, origin, claim_id))

    # ---- inside

    def _enter(
        self,
        origin: str,
        known: CaseFile,
        step: Event,
        contents: Sequence[bytes],
        transaction: Transaction,
    ) -> bool:
        connection = transaction.connection
        book = CaseBook(connection, origin, [known])
        if _is_taken(book.file(known.case.claim_id), step) and step["step"] != "redeem":
            return False
        find_ended = partial(self._retired.among_now, transaction, origin)
        _require_owner(book.file(known.case.claim_id), step, find_ended)
        event = {**step, "time": self._now(origin)}
        book.advance(append_event(transaction, origin, event), event)
        store_attachments(connection, origin, step, contents)
        return True

    def _now(self, origin: str) -> str:
        return event_time(self._clocks.at(origin))

    def _require_now(self, origin: str, time: str) -> None:
        if abs(self._clocks.at(origin) - parse_event_time(time, "time")) > _SIGNED_WITHIN:
            raise Refused("wrong-time", "not signed within the last minutes", "time")


def _check_untimed(step: Any, claim_id: str) -> None:
    if not isinstance(step, dict):
        raise FormatError("not an object")
    if "time" in step:
        raise FormatError("the service says when it was", "time")
    check_step({**step, "time": None})
    if step["claim_id"] != claim_id:
        raise FormatError("of another claim", "claim_id")


@contextmanager
def _naming(member: str) -> Iterator[None]:
    try:
        yield
    except FormatError as error:
        error.field = f"{member}.{error.field}" if error.field else member
        raise


def _require_owner(
    file: CaseFile, step: Event, find_ended: Callable[[str, Collection[bytes]], Collection[bytes]]
) -> None:
    """``Refused`` where who has left cashes in, or takes a slot that may be the next owner's.

    A claim that ends the ownership is cashed in by who has left with it.
    """
    case = file.case
    takes = step["step"] == "redeem" or (step["step"] == "dispute" and not case.holds_slot)
    if takes and not case.retired and find_ended(file.scope, {file.secret_tag}):
        raise Refused("wrong-state", "the ownership has ended", "step")


def _is_taken(file: CaseFile, step: Event) -> bool:
    """Whether exactly this is one of the steps of the case."""
    taken = [event for _, event in file.events if event["type"] == STEP]
    number = step["number"]
    return number < len(taken) and taken[number] == {**step, "time": taken[number]["time"]}


def _digests(file: CaseFile, by: str) -> list[tuple[int, str]]:
    """Number of the step and digest, of all attachments of one side."""
    steps = [event for _, event in file.events if event["type"] == STEP and event["by"] == by]
    return [(step["number"], digest) for step in steps for digest in step["attachments"]]


def _keys(file: CaseFile) -> FollowUpKeys:
    if file.case.body.buyer is None:
        raise Refused("wrong-state", "the claim has no keys of its buyer", "claim_id")
    return file.case.body.buyer
