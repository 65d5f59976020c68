"""The part of a wallet that follows claims up (docs/protocol.md 8, *Cases*)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aftersales.claims import Case, advance
from aftersales.redemption import RedemptionToken
from aftersales.steps import (
    BUYER,
    MERCHANT,
    STEP,
    erasure_message,
    inbox_message,
    parse_shop,
    redemption_message,
    step_message,
)
from commitments.errors import FormatError, VerificationError
from commitments.wire import parse_base64
from ledger.event_receipt import EventReceipt
from ledger.events import event_time
from ledger.monitor import Head, newest_head
from policies.attachments import attachment_digest, open_attachment, seal_attachment
from sdk.cases import read_case, require_case, verify_case
from sdk.errors import WalletError
from sdk.key_following import follow_signers
from sdk.open_wallet import OpenWallet
from sdk.seed import ClaimKeys
from sdk.shop import Shop
from sdk.state import Claim

__all__ = ["FollowUps", "Message"]


@dataclass(frozen=True)
class Message:
    """What the merchant has attached to its step ``number``; no content once it is erased."""

    number: int
    digest: str
    content: bytes | None = field(repr=False)


class FollowUps(OpenWallet):
    """What follows a claim: asked for, answered, cashed in, all without a name."""

    def follow(self, shop: Shop, claim: Claim) -> Case:
        """What has become of a claim, verified in the event log.

        It tells the service that whoever asks is interested in this claim, which all logs show.
        ``VerificationError`` for what its log does not prove, and for a step hidden that was
        seen before; ``WalletError`` for a claim that is not in the log.
        """
        stored = self._in_log(claim)
        return self._learn(shop, stored, read_case(shop.case(stored.claim_id)))

    def watch(self, shop: Shop, claim: Claim) -> Iterator[Case]:
        """The case as it is, and again whenever it has changed; each verified as by :meth:`follow`.

        It ends when the service ends the stream, which is to be opened again. The service sees all
        the while that somebody watches this claim, and from where.
        """
        stored = self._in_log(claim)
        shown = read_case(shop.case(stored.claim_id))
        case = self._learn(shop, stored, shown)
        yield case
        for _ in shop.watch_case(stored.claim_id, shown[-1].proof.index):
            before, case = case, self.follow(shop, claim)
            if case != before:
                yield case

    def take_step(
        self,
        shop: Shop,
        claim: Claim,
        step: str,
        *,
        reason: str | None = None,
        attachments: Sequence[bytes] = (),
    ) -> Case:
        """Take a step as the buyer: answer, accept, withdraw, dispute or note.

        ``reason`` is that of a dispute; ``attachments`` are encrypted for the merchant. Where the
        answer is lost, :meth:`follow` tells whether the step was taken. ``Refused`` with
        ``wrong-state`` when it cannot be taken now: nothing was sent then. ``VerificationError``
        also where the service has taken it and does not show it.
        """
        case = self.follow(shop, claim)
        stored = self._in_log(claim)
        sealed = [_sealed(case, content) for content in attachments]
        event: dict[str, Any] = {
            "type": STEP,
            "claim_id": stored.claim_id,
            "number": case.number,
            "by": BUYER,
            "step": step,
            "attachments": [attachment_digest(each) for each in sealed],
            **({} if reason is None else {"reason": reason}),
        }
        event["signature"] = self._keys(stored).follow_up.sign(step_message(event)).hex()
        advance(case, {**event, "time": event_time(self._clock())})
        taken = self._learn(shop, stored, read_case(shop.take_step(event, sealed)))
        _require_taken(self._in_log(claim), event)
        return taken

    def messages(self, shop: Shop, claim: Claim) -> Sequence[Message]:
        """What the merchant has written about a claim, opened; the digests are in the log.

        ``VerificationError`` for a message that the log does not have or that does not open, and
        where one is left out.
        """
        self.follow(shop, claim)
        stored = self._in_log(claim)
        keys = self._keys(stored)
        time = event_time(self._clock())
        signature = keys.follow_up.sign(inbox_message(stored.claim_id, time)).hex()
        answer = shop.inbox(stored.claim_id, time, signature)
        shown, written = _attachments(answer), _written(stored)
        if written - {(each["number"], each["digest"]) for each in shown}:
            raise VerificationError("inbox: a message in the log is left out")
        return [_opened(stored, keys, written, each) for each in shown]

    def erase(self, shop: Shop, claim: Claim) -> None:
        """Have everything erased that was attached to the steps of a claim.

        The log keeps the digests; whoever has read an attachment may have kept it.
        """
        stored = self._in_log(claim)
        time = event_time(self._clock())
        message = erasure_message(stored.claim_id, time)
        shop.erase(stored.claim_id, time, self._keys(stored).follow_up.sign(message).hex())

    def redemption(self, claim: Claim, shop_name: str) -> dict[str, Any]:
        """What the cash desk or repair shop ``shop_name`` needs to cash an approval in.

        For a day, once, and for this shop only; made without a connection. It has the approval's
        receipt, which verifies offline. ``WalletError`` where the wallet knows of no approval, or
        knows that it has been cashed in; ``FormatError`` for a name that no shop has.
        """
        stored = self._in_log(claim)
        case = require_case(stored)
        if case.granted is None or not case.agreed or case.redeemed is not None:
            raise WalletError("the wallet knows of no approval that could be cashed in")
        parse_shop(shop_name)
        signed = event_time(self._clock())
        message = redemption_message(stored.claim_id, shop_name, signed)
        signature = self._keys(stored).redemption.sign(message).hex()
        receipt = EventReceipt.parse(stored.receipt)
        return RedemptionToken(receipt, shop_name, signed, signature).document()

    # ---- inside

    def _in_log(self, claim: Claim) -> Claim:
        """As the wallet knows it now."""
        stored = self._state.claims.get(claim.claim_id)
        if stored is None or stored.receipt is None:
            raise WalletError("no decision on this claim has been proven")
        return stored

    def _keys(self, claim: Claim) -> ClaimKeys:
        keys = self._state.identity.seed.claim_keys(claim.body.origin, claim.body.nonce)
        if claim.body.buyer != keys.public:
            raise WalletError("the claim has no keys of this wallet: it is from an earlier version")
        return keys

    def _learn(self, shop: Shop, claim: Claim, shown: Sequence[EventReceipt]) -> Case:
        """Verify and store what a service shows of a case."""
        merchant = self._at(shop)
        if merchant.origin != claim.body.origin:
            raise WalletError("the claim was made to another merchant")
        for note in {receipt.proof.checkpoint for receipt in shown}:
            merchant = follow_signers(shop, merchant, note, merchant.events_keys)
        followed = verify_case(shown, claim, merchant, self._clock())
        for receipt in shown:
            head = newest_head(merchant.events, Head.of(receipt.proof.checkpoint))
            merchant = replace(merchant, events=head)
        self._commit(self._state.with_merchant(merchant).with_claim(followed))
        return require_case(followed)


def _require_taken(claim: Claim, event: Mapping[str, Any]) -> None:
    if not any({**step, "time": None} == {**event, "time": None} for step in claim.steps):
        raise VerificationError("case: the step that was sent is not among its steps")


def _sealed(case: Case, content: bytes) -> bytes:
    if case.policy.contact_key is None:
        raise WalletError("the policy names no key that could be written to")
    return seal_attachment(content, case.claim_id, case.policy.contact_key)


def _attachments(answer: Any) -> list[dict[str, Any]]:
    shown = answer.get("attachments") if isinstance(answer, dict) else None
    if not isinstance(shown, list) or not all(map(_is_attachment, shown)):
        raise FormatError("not a list of attachments", "attachments")
    return shown


def _is_attachment(shown: Any) -> bool:
    return (
        isinstance(shown, dict)
        and shown.keys() == {"number", "digest", "content"}
        and isinstance(shown["number"], int)
        and isinstance(shown["digest"], str)
    )


def _written(claim: Claim) -> set[tuple[int, str]]:
    """What the merchant has attached, by number of the step and digest."""
    steps = [step for step in claim.steps if step.get("by") == MERCHANT]
    return {(step["number"], digest) for step in steps for digest in step["attachments"]}


def _opened(
    claim: Claim, keys: ClaimKeys, written: set[tuple[int, str]], shown: dict[str, Any]
) -> Message:
    number, digest, content = shown["number"], shown["digest"], shown["content"]
    if (number, digest) not in written:
        raise VerificationError("inbox: a message that is not in the log")
    if content is None:
        return Message(number, digest, None)
    sealed = parse_base64(content, "content")
    if attachment_digest(sealed) != digest:
        raise VerificationError("inbox: another message than the one in the log")
    return Message(number, digest, open_attachment(sealed, claim.claim_id, keys.inbox))
