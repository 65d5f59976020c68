"""Transfers: each approval, each end, and the entry of the next owner (docs/protocol.md 8)."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from aftersales.horizons import require_today
from auditor.close_rules import CloseRules
from auditor.entry_rules import EntryRules
from auditor.findings import Disagreement
from auditor.owner_rules import Approval, OwnerRules
from auditor.proof_task import ProofTask
from auditor.record import SeenTransfer
from auditor.rules import broken
from commitments.errors import FormatError, KvittoError, Refused
from commitments.group import Group
from commitments.wire import parse_base64, parse_hex
from ledger.events import TRANSFER_APPROVED, check_event, event_time, parse_event_time
from policies.transfer import (
    RETIRE_WITHIN,
    TransferBody,
    parse_transfer,
    transfer_id,
    transfer_scope,
)
from zk.transfer import verify_acceptance
from zk.verify import shown_tags

__all__ = ["TransferRules"]

Event = Mapping[str, Any]

_MEMBERS = ("transfer_id", "transfer", "proof", "tag", "retire_by")
_ID_SIZE = 32


class TransferRules:
    """Reads approvals of transfers and the ends of ownerships by them, in their order.

    ``seen`` are the approvals by transfer id, ``proofs`` those to verify, and ``missing`` the
    completed transfers whose entry has not come: the event that completed each, by C_new.
    """

    def __init__(self, origin: str, group: Group, entries: EntryRules, owners: OwnerRules) -> None:
        self.seen: dict[str, SeenTransfer] = {}
        self.proofs: list[ProofTask] = []
        self.missing: dict[bytes, int] = {}
        self._origin = origin
        self._group = group
        self._entries = entries
        self._owners = owners
        self._approvals: dict[str, tuple[Approval, bytes]] = {}  # with C_new
        self._waiting: dict[bytes, Approval] = {}  # the last by C_new
        self._completed: set[bytes] = set()
        self._passed_over: set[str] = set()
        self._judged = 0  # of the entries of next owners: those below the last close

    def approve(self, index: int, event: Event, closes: CloseRules) -> Iterator[Disagreement]:
        """An approval."""
        try:
            body, proof, tag = self._read(event)
        except FormatError as error:
            self.pass_over(event)
            yield broken("transfer-event", str(error), index)
            return
        identifier = transfer_id(body, proof)
        if event["transfer_id"] != identifier:
            self.pass_over(event)
            yield broken("transfer-id", "not the id of this transfer", index)
            return
        if identifier in self.seen:
            earlier = self.seen[identifier].index
            yield broken("transfer-id", "approved a second time", earlier, index)
            return
        faults = [*_date_faults(index, body, event), *_horizon_faults(index, body, closes)]
        yield from faults
        yield from self._commitment_faults(index, body, event["time"], closes.size)
        yield from self._acceptance_faults(index, body)
        if tag != shown_tags(self._group, 0, 1, proof):
            yield broken("tag-mismatch", "not the tag that the proof shows", index)
        if not (faults or closes.is_lost(body)):
            self.proofs.append(ProofTask(index, body))
        commitment = body.acceptance.commitment
        scope = transfer_scope(self._origin, commitment).text
        if self._owners.has_left_by_transfer(scope, *tag):
            yield broken("retired-owner", "the ownership has ended", index)
        approval = Approval(index, scope, *tag, event["retire_by"])
        self._owners.transfer(approval)
        self._approvals[identifier] = approval, commitment
        self._waiting[commitment] = approval
        seen = SeenTransfer(index, identifier, event["time"], event["retire_by"])
        self.seen[identifier] = seen

    def retire(self, index: int, event: Event, closed: int) -> Iterator[Disagreement]:
        """An owner leaves by a transfer. The event has its form, but for what it names."""
        identifier = event["transfer_id"]
        if identifier in self._passed_over:
            return
        if identifier not in self.seen:
            yield broken("retirement", "of a transfer that was not approved", index)
            return
        approval, commitment = self._approvals[identifier]
        secret = bytes.fromhex(event["secret"])
        faults = list(self._owners.retire(index, approval, secret, event["time"]))
        yield from faults
        approval.retired = self.seen[identifier].retired = index
        self._completed.add(commitment)
        place = self._entries.transferred.get(commitment)
        if place is None:
            if not faults:  # or it owes nobody an entry
                self.missing[commitment] = index
        elif place < closed:
            why = "the entry was there before the event"
            yield broken("transfer-entry", why, index, purchases=[place])

    def close(self, size: int) -> Iterator[Disagreement]:
        """The purchase log was closed at ``size``: the events about what is below have come."""
        while self._judged < len(self._entries.next_owners):
            commitment = self._entries.next_owners[self._judged]
            place = self._entries.transferred[commitment]
            if place >= size:
                break
            self._judged += 1
            if commitment not in self._completed:
                why = "the entry is of no transfer that was completed"
                yield broken("transfer-entry", why, purchases=[place])

    def entry(self, commitment: bytes) -> None:
        """The entry of a next owner has come into the purchase log, maybe late."""
        self.missing.pop(commitment, None)

    def pass_over(self, event: Event) -> None:
        """What follows the transfer that a broken event names is not judged, its entry neither."""
        identifier = event.get("transfer_id")
        if isinstance(identifier, str):
            self._passed_over.add(identifier)
            if identifier in self._approvals:
                self._completed.add(self._approvals[identifier][1])
        with suppress(KeyError, TypeError, FormatError):
            commitment = event["transfer"]["acceptance"]["commitment"]
            self._completed.add(parse_hex(commitment, "commitment"))

    # ---- inside

    def _read(self, event: Event) -> tuple[TransferBody, bytes, tuple[bytes]]:
        """``FormatError`` for what is no approval of a transfer with this merchant."""
        check_event(event, TRANSFER_APPROVED, _MEMBERS)
        parse_hex(event["transfer_id"], "transfer_id", _ID_SIZE)
        body = parse_transfer(event["transfer"], self._group)
        if body.origin != self._origin:
            raise FormatError("the transfer is about another merchant", "transfer.origin")
        deadline = parse_event_time(event["time"], "time") + RETIRE_WITHIN
        if event["retire_by"] != event_time(deadline):
            raise FormatError("not the deadline of a transfer", "retire_by")
        proof = parse_base64(event["proof"], "proof")
        return body, proof, (parse_hex(event["tag"], "tag", self._group.point_size),)

    def _commitment_faults(
        self, index: int, body: TransferBody, now: str, closed: int
    ) -> Iterator[Disagreement]:
        commitment = body.acceptance.commitment
        place = self._entries.places.get(commitment)
        if place is not None and place < closed:
            why = "the commitment was in the log"
            yield broken("transfer-commitment", why, index, purchases=[place])
            return
        other = self._waiting.get(commitment)
        if other is not None and other.retire_by is not None and other.retire_by >= now:
            why = "another transfer leads to the commitment"
            yield broken("transfer-commitment", why, other.index, index)

    def _acceptance_faults(self, index: int, body: TransferBody) -> Iterator[Disagreement]:
        try:
            verify_acceptance(self._group, body.origin, body.blinded, body.acceptance)
        except KvittoError as error:
            yield broken("transfer-acceptance", str(error), index)


def _date_faults(index: int, body: TransferBody, event: Event) -> Iterator[Disagreement]:
    try:
        require_today(body, parse_event_time(event["time"], "time"))
    except Refused as error:
        yield broken("transfer-date", str(error), index)


def _horizon_faults(index: int, body: TransferBody, closes: CloseRules) -> Iterator[Disagreement]:
    if closes.is_lost(body):
        return
    try:
        closes.horizons.require(body)
        closes.horizons.require_settled(body)
    except Refused as error:
        yield broken("transfer-horizon", str(error), index)
