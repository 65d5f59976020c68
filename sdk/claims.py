"""The part of a wallet that makes claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial

from commitments.errors import FormatError, Refused, VerificationError
from ledger.event_receipt import EventReceipt
from ledger.monitor import Head, newest_head
from sdk.advice import Advice, common_members
from sdk.advisor import Prospect, prospects
from sdk.claiming import Prepared, prepare
from sdk.decisions import Decision, parse_decision, verify_approval
from sdk.errors import (
    NeverJudged,
    NotKept,
    RingTooSmall,
    StaleLog,
    UnexpectedAnswer,
    WalletError,
)
from sdk.key_following import follow_signers
from sdk.logs import MerchantView
from sdk.open_wallet import OpenWallet
from sdk.options import choose
from sdk.preview import Preview, preview_of
from sdk.retiring import require_retirable
from sdk.shop import Shop
from sdk.state import GROUP, Claim, Purchase
from zk.prove import Progress, no_progress

__all__ = ["ClaimResult", "Claims"]


@dataclass(frozen=True)
class ClaimResult:
    """What became of a claim.

    ``decision`` is ``approved``, ``under_review`` where the policy has claims looked at, or
    ``declined``; ``reason`` says why it was declined. ``status``
    ``awaiting_secret`` asks for :meth:`Wallet.retire` until ``retire_by``. ``earlier`` is the
    claim that used the slot before. An approval has been verified in the merchant's event log;
    a decline is the service's word.
    """

    claim_id: str
    order: str
    policy: str
    decision: str
    status: str
    reason: str | None
    retire_by: str | None
    earlier: str | None
    advice: tuple[Advice, ...] = ()


class Claims(OpenWallet):
    """Claims, from the preview to the end of an ownership."""

    @property
    def claims(self) -> Sequence[Claim]:
        """All claims whose proof was made, whatever became of them."""
        return tuple(self._state.claims.values())

    def prospects(
        self, views: Mapping[str, MerchantView], remedy: str | None = None
    ) -> Sequence[Prospect]:
        """What each purchase can be claimed under for ``remedy``, and until when.

        ``views`` are what the merchants' logs say, by origin, from :meth:`look`. See
        :mod:`sdk.advisor`.
        """
        return prospects(self._state, views, self._clock(), remedy)

    def preview(
        self,
        shop: Shop,
        policy_id: str,
        *,
        remedy: str,
        purchase: Purchase | None = None,
        accept_stale: bool = False,
    ) -> Preview:
        """What everybody would learn from this claim.

        Nothing is sent but the request for the ring. Errors as :meth:`claim`.
        """
        now = self._clock()
        view = self.look(shop)
        with shop.recording() as answers:
            version, chosen = choose(self._state, view, policy_id, remedy, now, purchase)
            if view.is_stale(now) and not accept_stale:  # before the ring that would tell
                raise StaleLog(view.closes[-1].recorded)
            fetch, state, smallest = (
                partial(self._rings.fetch, shop),
                self._state,
                self._smallest_ring,
            )
            prepared, merchant = prepare(fetch, view, state, version, chosen, remedy, now, smallest)
            self._commit(self._state.with_merchant(merchant))
            self._kept.keep(answers)
        return preview_of(prepared)

    def preview_offline(
        self, shop: Shop, policy_id: str, *, remedy: str, purchase: Purchase | None = None
    ) -> Preview:
        """What a claim would have shown when the wallet last looked; nobody is asked anything.

        It cannot be sent. Errors as :meth:`preview`; ``NotKept`` unless what the last preview of
        the same ring fetched is still there and still holds. The last close may be old.
        """
        now = self._clock()
        known = self._known(shop)
        if known is None:
            raise NotKept
        with Shop.offline(shop.address, self._kept) as offline:
            view, merchant = self._read_kept(offline, known)
            version, chosen = choose(self._state, view, policy_id, remedy, now, purchase)
            state = self._state.with_merchant(merchant)
            try:
                fetch, smallest = partial(self._rings.fetch, offline), self._smallest_ring
                prepared, _ = prepare(fetch, view, state, version, chosen, remedy, now, smallest)
            except (FormatError, UnexpectedAnswer, VerificationError):
                raise NotKept from None
        return replace(preview_of(prepared), offline=True)

    def claim(
        self,
        shop: Shop,
        policy_id: str,
        *,
        remedy: str,
        purchase: Purchase | None = None,
        accept_stale: bool = False,
        progress: Progress = no_progress,
    ) -> ClaimResult:
        """Prove to the merchant that a purchase qualifies under a policy, and learn the decision.

        Without ``purchase`` the only one that qualifies is taken. A claim that was sent without
        an answer coming back is sent again, the same bytes, before any other under its policy.
        ``accept_stale`` claims over an old close, though newer ones may be hidden.
        ``progress`` is called while a proof is made (:data:`zk.prove.Progress`); an exception that
        it raises ends the claim: nothing is sent, and the wallet does not know of it.

        Raises
        ------
        NotEligible
            every predicate that does not hold, and by how much; nothing was sent.
        SeveralQualify, NotProvableYet, StaleLog, RingTooSmall, PolicyChanged
            nothing was sent.
        NeverJudged
            the claim that had no answer will have none; the next call makes a new one.
        VerificationError
            the service shows something that its logs do not prove.
        Refused, ShopError
            the service judges no claim now; after ``Unreachable`` try again.
        """
        unanswered = self.unanswered(shop, policy_id, remedy=remedy, purchase=purchase)
        if unanswered is not None:
            return self._send_again(shop, unanswered)
        preview = self.preview(
            shop, policy_id, remedy=remedy, purchase=purchase, accept_stale=accept_stale
        )
        return self.send(shop, preview, progress=progress)

    def send(
        self,
        shop: Shop,
        preview: Preview,
        *,
        progress: Progress = no_progress,
    ) -> ClaimResult:
        """Make exactly the claim that was previewed. Errors as :meth:`claim`.

        ``WalletError``, and nothing is sent, when the preview is of another merchant or of another
        day, or when anything became known since of claims with the same purchase.
        """
        if preview.offline:
            raise WalletError("the claim was prepared without the network: preview it again")
        prepared = preview.prepared
        self._require_current(shop, prepared)
        claim = prepared.prove(progress)
        self._commit(self._state.with_claim(claim))
        try:
            answer = parse_decision(shop.submit(claim.body, claim.proof), claim)
        except Refused:
            self._rings.forget(shop)
            self._commit(self._state.with_claim(replace(claim, outcome="refused")))
            raise
        return self._conclude(shop, claim, answer, prepared.advice)

    def unanswered(
        self, shop: Shop, policy_id: str, *, remedy: str, purchase: Purchase | None = None
    ) -> Claim | None:
        """The claim that :meth:`claim` would send again: it was sent, and no answer came back."""
        origin = self._at(shop).origin
        for claim in self._state.claims.values():
            asked = (claim.body.origin, claim.body.policy, claim.body.remedy)
            meant = purchase is None or purchase.order == claim.order
            if claim.outcome is None and meant and asked == (origin, policy_id, remedy):
                return claim
        return None

    def retire(self, shop: Shop, claim: ClaimResult | Claim) -> ClaimResult:
        """Hand in the purchase's secret, which completes an approved refund.

        Only for an approval that the event log has proven and that the secret completes:
        ``WalletError`` as :func:`sdk.retiring.require_retirable`. ``RingTooSmall`` when
        the rings of all claims that this links have fewer purchases in common than the buyer asks
        for.
        """
        stored = self._state.claims.get(claim.claim_id)
        if stored is None:
            raise WalletError("no approval of this claim has been proven")
        purchase = self._state.purchases[stored.body.origin, stored.order]
        made = self._state.proofs_of(purchase)
        others = [each for each in made if each is not stored]
        require_retirable(stored, others, self._clock())
        merchant = self._at(shop)
        if merchant.origin != stored.body.origin:
            raise WalletError("the claim was approved by another merchant")
        common = common_members([each.indices for each in made])
        if common < self._smallest_ring:
            raise RingTooSmall(common, self._smallest_ring)
        sent = replace(stored, secret_sent=True)
        self._commit(self._state.with_claim(sent))
        secret = GROUP.encode_scalar(purchase.keys.secret)
        return self._conclude(shop, sent, _hand_in(shop, sent, secret))

    # ---- inside

    def _require_current(self, shop: Shop, prepared: Prepared) -> None:
        """Slot, ring and warnings were chosen in view of what was known at the preview."""
        if self._at(shop).origin != prepared.body.origin:
            raise WalletError("the claim was prepared for another merchant")
        if self._clock().astimezone(UTC).date() != prepared.body.day:
            raise WalletError("the claim was prepared on another day: preview it again")
        if tuple(self._state.proofs_of(prepared.purchase)) != prepared.earlier:
            raise WalletError("another claim was made with this purchase: preview it again")

    def _send_again(self, shop: Shop, claim: Claim) -> ClaimResult:
        """The answer to a claim whose first answer was lost.

        ``NeverJudged`` without one. A new proof, which may show the same tags over another ring,
        is not made here: a service that withholds answers would get one for each.
        """
        try:
            document = shop.submit(claim.body, claim.proof)
        except Refused:  # too late to be judged now; it may have been judged then
            try:
                document = shop.decision(claim.claim_id)
            except Refused:
                self._commit(self._state.with_claim(replace(claim, outcome="refused")))
                raise NeverJudged from None
        return self._conclude(shop, claim, parse_decision(document, claim))

    def _conclude(
        self, shop: Shop, claim: Claim, answer: Decision, advice: tuple[Advice, ...] = ()
    ) -> ClaimResult:
        """Verify and store an answer. What is not declined and not proven is no answer."""
        state = self._state
        if answer.recorded:
            merchant = self._at(shop)
            shown = EventReceipt.parse(answer.receipt).proof.checkpoint
            merchant = follow_signers(shop, merchant, shown, merchant.events_keys)
            proven = verify_approval(answer.receipt, claim, merchant)
            head = newest_head(merchant.events, Head.of(proven.proof.checkpoint))
            state = state.with_merchant(replace(merchant, events=head))
            claim = replace(claim, outcome="approved", receipt=answer.receipt)
            answer = replace(answer, retire_by=proven.event["retire_by"])
        elif claim.outcome == "approved":
            raise VerificationError("decision: an approval that is in the log is taken back")
        else:
            self._rings.forget(shop)
            claim = replace(claim, outcome="declined", reason=answer.reason)
        self._commit(state.with_claim(claim))
        return ClaimResult(
            claim_id=claim.claim_id,
            order=claim.order,
            policy=claim.body.policy,
            decision=answer.decision,
            status=answer.status,
            reason=answer.reason,
            retire_by=answer.retire_by,
            earlier=answer.earlier,
            advice=advice,
        )


def _hand_in(shop: Shop, claim: Claim, secret: bytes) -> Decision:
    """Send the secret; a refusal is none when an answer was lost and the claim is complete."""
    try:
        return parse_decision(shop.retire(claim.claim_id, secret), claim)
    except Refused:
        answer = parse_decision(shop.decision(claim.claim_id), claim)
        if answer.status != "completed":
            raise
        return answer
