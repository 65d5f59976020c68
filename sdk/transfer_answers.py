"""Checking what the service answers to a transfer: only what the logs prove counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64, parse_hex
from ledger.entries import Transferred
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import check_event
from ledger.monitor import Head, newest_head
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from policies.transfer import TransferBody, parse_transfer, transfer_scope
from sdk.answers import Answer, Form, require_day, require_said
from sdk.key_following import follow_signers
from sdk.remembered import GROUP
from sdk.shop import Shop
from sdk.state import Merchant
from sdk.transfer_state import Transfer
from zk.statement import tag_base

__all__ = [
    "TransferAnswer",
    "parse_transfer_answer",
    "verify_answer",
    "verify_entry",
    "verify_retirement",
    "verify_transfer_approval",
    "with_heads",
]

_APPROVED, _RETIRED = "transfer.approved", "ownership.retired"
_APPROVED_FIELDS = ("transfer_id", "transfer", "proof", "tag", "retire_by")
_FORM = Form(
    identifier="transfer_id",
    others=frozenset({"retire_by", "retirement", "index", "proof"}),
    statuses={"approved": ("awaiting_secret", "completed", "lapsed")},
    reasons=("acceptance_invalid", "proof_invalid", "ownership_ended"),
)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True)
class TransferAnswer(Answer):
    """The answer to a transfer; ``completion`` is there once the secret was taken."""

    completion: Mapping[str, Any] | None


def parse_transfer_answer(document: Any, transfer: Transfer) -> TransferAnswer:
    """The answer to ``transfer``; ``FormatError`` for what is none, or one to another."""
    answer = _FORM.parse(document, transfer.transfer_id)
    completion = None
    if answer.status == "completed":
        completion = {name: document[name] for name in ("retirement", "proof")}
        if not isinstance(completion["retirement"], dict):
            raise FormatError("not an event with its proof", "retirement")
        if not isinstance(completion["proof"], str):
            raise FormatError("not a tlog-proof", "proof")
    return TransferAnswer(answer.decision, answer.status, answer.reason, answer.receipt, completion)


def verify_answer(
    shop: Shop, merchant: Merchant, transfer: Transfer, answer: TransferAnswer
) -> tuple[Transfer, Merchant]:
    """The transfer with what an approval says of it, and what to remember of the merchant.

    Where other keys have signed than those known, they must follow from them. Errors as the
    functions below.
    """
    merchant = _following(shop, merchant, answer.receipt)
    approval = verify_transfer_approval(answer.receipt, transfer, merchant)
    transfer = replace(transfer, outcome="approved", receipt=answer.receipt)
    if answer.completion is None:
        return transfer, with_heads(merchant, approval)
    retirement, proof = answer.completion["retirement"], answer.completion["proof"]
    merchant = _following(shop, merchant, retirement)
    _, ended = verify_retirement(answer.receipt, retirement, merchant)
    note = TlogProof.parse(proof.encode("utf-8")).checkpoint
    merchant = follow_signers(shop, merchant, note, merchant.purchases_keys)
    verify_entry(proof, transfer.body.acceptance.commitment, merchant)
    transfer = replace(transfer, completion=answer.completion)
    return transfer, with_heads(merchant, ended, proof)


def with_heads(merchant: Merchant, event: EventReceipt, entry: str | None = None) -> Merchant:
    """The merchant with the checkpoints that were just verified: an event's, and an entry's."""
    events = newest_head(merchant.events, Head.of(event.proof.checkpoint))
    purchases = merchant.purchases
    if entry is not None:
        shown = TlogProof.parse(entry.encode("utf-8")).checkpoint
        purchases = newest_head(purchases, Head.of(shown))
    return replace(merchant, events=events, purchases=purchases)


def verify_transfer_approval(receipt: Any, transfer: Transfer, merchant: Merchant) -> EventReceipt:
    """The receipt by which ``transfer`` is approved in the event log.

    The event must say exactly what the wallet sent. ``VerificationError`` names what does not hold.
    """
    # 1. The event is in the log, and approves this very transfer.
    shown = _approval(receipt, merchant)
    said = {
        "transfer_id": transfer.transfer_id,
        "transfer": transfer.body.document(),
        "proof": encode_base64(transfer.proof),
        "tag": transfer.tag.hex(),
    }
    require_said(shown.event, said, "transfer")
    # 2. It was made when the transfer was.
    require_day(shown.event, transfer.body.day, "transfer")
    return shown


def verify_retirement(
    approval: Any, retirement: Any, merchant: Merchant
) -> tuple[TransferBody, EventReceipt]:
    """The body of a completed transfer, and the event that ended the ownership.

    ``VerificationError`` unless both are in the log, the second behind the first and with the very
    secret that the first one's tag was made with.
    """
    approved = _approval(approval, merchant)
    retired = EventReceipt.parse(retirement)
    verify_event_receipt(retired, *merchant.events_keys, policy=merchant.quorum)
    check_event(retired.event, _RETIRED, ("transfer_id", "secret"))
    if retired.event["transfer_id"] != approved.event["transfer_id"]:
        raise VerificationError("transfer: the retirement is of another one")
    if retired.proof.index <= approved.proof.index:
        raise VerificationError("transfer: the retirement stands before the approval")
    body = parse_transfer(approved.event["transfer"], GROUP)
    secret = GROUP.decode_scalar(parse_hex(retired.event["secret"], "secret", GROUP.scalar_size))
    scope = transfer_scope(body.origin, body.acceptance.commitment)
    tag = GROUP.multiply(secret, tag_base(GROUP, scope))
    if GROUP.is_identity(tag) or GROUP.encode(tag).hex() != approved.event["tag"]:
        raise VerificationError("transfer: what was retired is not the owner's secret")
    return body, retired


def verify_entry(proof: str, commitment: bytes, merchant: Merchant) -> TlogProof:
    """The proof that the new owner's entry is in the purchase log, if it holds."""
    shown = TlogProof.parse(proof.encode("utf-8"))
    entry = Transferred(commitment).encode()
    verify_tlog_proof(shown, entry, *merchant.purchases_keys, policy=merchant.quorum)
    return shown


def _following(shop: Shop, merchant: Merchant, receipt: Any) -> Merchant:
    note = EventReceipt.parse(receipt).proof.checkpoint
    return follow_signers(shop, merchant, note, merchant.events_keys)


def _approval(receipt: Any, merchant: Merchant) -> EventReceipt:
    shown = EventReceipt.parse(receipt)
    verify_event_receipt(shown, *merchant.events_keys, policy=merchant.quorum)
    check_event(shown.event, _APPROVED, _APPROVED_FIELDS)
    retire_by = shown.event["retire_by"]
    if not isinstance(retire_by, str) or not _TIME.fullmatch(retire_by):
        raise FormatError("not a time", "retire_by")
    return shown
