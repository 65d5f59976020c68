"""The buyer's wallet: keys, receipts and claims, and the order in which things become durable.

What the wallet must not forget is written before anyone else can know of it: keys before the
request is handed out, a claim before it is sent, the sending of a secret before the secret.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from commitments.clock import Clock, system_clock
from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from commitments.sale import check_code, parse_sale
from commitments.wire import canonical_json, parse_identifier
from ledger.event_receipt import EventReceipt
from ledger.events import event_time
from ledger.monitor import Head, newest_head
from ledger.note import Verifier
from ledger.quorum import Quorum
from ledger.tlog_proof import TlogProof
from sdk.advice import Advice, common_members
from sdk.advisor import Prospect, prospects
from sdk.boxes import Box, find_boxes, leave_box
from sdk.claiming import Prepared, choose_purchase, prepare
from sdk.decisions import Answer, parse_answer, verify_approval
from sdk.errors import (
    BoxTooSmall,
    NeverJudged,
    NotKept,
    RingTooSmall,
    StaleLog,
    UnexpectedAnswer,
    WalletError,
)
from sdk.kept_answers import KeptAnswers, KeptInMemory
from sdk.key_following import follow_merchant, follow_signers
from sdk.logs import MerchantView, read_merchant
from sdk.merging import merge
from sdk.preview import Preview, preview_of
from sdk.receipts import find_place, is_of, receipt_order, verify_receipt
from sdk.restoring import Restored, require_fresh, restore
from sdk.retiring import require_retirable
from sdk.rings import KnownRings
from sdk.seed import Place, Seed
from sdk.shop import LogKeys, Shop
from sdk.state import GROUP, Claim, Identity, Merchant, Pending, Purchase, State
from sdk.transfers import Transfers
from sdk.wallet_file import WalletFile
from zk.hedged import HedgedScalars
from zk.issuance import BuyerRequest, prove_request
from zk.prove import Progress

__all__ = ["SMALLEST_RING", "ClaimResult", "Wallet"]

_DEVICES = 1 << 52  # so many that no two choose one

SMALLEST_RING = 16
"""Purchases to hide among, below which a wallet makes no proof unless its owner says otherwise."""


@dataclass(frozen=True)
class ClaimResult:
    """What became of a claim.

    ``decision`` is ``approved`` or ``declined``, ``reason`` says why it was declined. ``status``
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


class Wallet(Transfers):
    """A buyer's purchases at any number of merchants. For one thread at a time.

    Use :meth:`create`, :meth:`open` or :meth:`in_memory`. ``clock`` says which day it is;
    ``smallest_ring`` is the buyer's own minimum, beside that of each policy.
    """

    def __init__(
        self, state: State, file: WalletFile | None, *, clock: Clock, smallest_ring: int
    ) -> None:
        self._state = state
        self._file = file
        self._clock = clock
        self._smallest_ring = smallest_ring
        self._rings = KnownRings()
        self._kept: KeptAnswers = file.kept_answers() if file else KeptInMemory()

    def __repr__(self) -> str:
        return "Wallet(…)"

    @classmethod
    def create(
        cls,
        path: str | Path,
        passphrase: str,
        *,
        words: str | None = None,
        clock: Clock = system_clock,
        smallest_ring: int = SMALLEST_RING,
    ) -> Self:
        """A new wallet in a new file, encrypted under ``passphrase``.

        With ``words``, another device of the wallet that has them: it gives no keys that another
        device gives, and has nothing of what they hold before :meth:`restore`. ``FormatError`` for
        words that are none.
        """
        state = State(_new_identity(words))
        file = WalletFile.create(Path(path), passphrase, state.encode())
        return cls(state, file, clock=clock, smallest_ring=smallest_ring)

    @classmethod
    def open(
        cls,
        path: str | Path,
        passphrase: str,
        *,
        clock: Clock = system_clock,
        smallest_ring: int = SMALLEST_RING,
    ) -> Self:
        """The wallet in a file; errors as :meth:`sdk.wallet_file.WalletFile.open`."""
        file, content = WalletFile.open(Path(path), passphrase)
        return cls(State.decode(content), file, clock=clock, smallest_ring=smallest_ring)

    @classmethod
    def in_memory(
        cls,
        *,
        words: str | None = None,
        clock: Clock = system_clock,
        smallest_ring: int = SMALLEST_RING,
    ) -> Self:
        """A wallet that is gone with the process; ``words`` as :meth:`create`."""
        return cls(State(_new_identity(words)), None, clock=clock, smallest_ring=smallest_ring)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes open the file."""
        if self._file is not None:
            self._file.close()

    # ---- purchases

    @property
    def purchases(self) -> Sequence[Purchase]:
        """All purchases, in the order of their receipts."""
        return tuple(self._state.purchases.values())

    @property
    def pending(self) -> Sequence[Pending]:
        """Requests whose receipt has not come yet."""
        return tuple(self._state.pending.values())

    @property
    def merchants(self) -> Sequence[Merchant]:
        """All merchants whose keys the wallet knows."""
        return tuple(self._state.merchants.values())

    @property
    def claims(self) -> Sequence[Claim]:
        """All claims whose proof was made, whatever became of them."""
        return tuple(self._state.claims.values())

    def request(self, shop: Shop | str, order: str) -> BuyerRequest:
        """The request for one order, to be handed to the shop's cash desk.

        ``shop`` may be a merchant's origin, where there is no connection. Its keys are fresh and
        stored before it is returned; they serve this order only. Asking again while the receipt
        has not come gives the same request: a second one would be a second purchase.
        ``WalletError`` for an order whose receipt the wallet has.
        """
        origin = shop if isinstance(shop, str) else self._at(shop).origin
        parse_identifier(origin, "origin")
        check_code(order, "order")
        key = (origin, order)
        if key in self._state.purchases:
            raise WalletError("the wallet has the receipt of this order")
        if key not in self._state.pending:
            identity = self._state.identity
            pending = _new_request(identity.seed, identity.next_place(origin), origin, order)
            self._commit(self._state.with_pending(pending))
        return self._state.pending[key].request

    def accept(self, shop: Shop, receipt: Any) -> Purchase:
        """Check a receipt, the JSON object that the cash desk returned, and keep it.

        Kept only if the merchant's log holds exactly this sale under this wallet's own keys; the
        same receipt again changes nothing. Where the request was lost with a device, its keys are
        found among those that the words give. ``VerificationError`` names what does not hold;
        ``WalletError`` when the wallet has not asked for this order.
        """
        key = receipt_order(receipt)
        merchant = self._at(shop)
        if key[0] != merchant.origin:
            raise VerificationError("receipt: it is of another merchant")
        known = self._state.purchases.get(key)
        if known and (known.sale, known.index) == (parse_sale(receipt["sale"]), receipt["index"]):
            return known
        pending = self._state.pending.get(key)
        if known is None and not (pending and is_of(receipt, pending.keys)):
            pending = self._lost_request(receipt) or pending
        if pending is None:
            raise WalletError("the wallet has made no request for this order, or has its receipt")
        shown = TlogProof.parse(receipt["proof"].encode("utf-8")).checkpoint
        merchant = follow_signers(shop, merchant, shown, merchant.purchases_keys)
        purchase, note = verify_receipt(receipt, pending, merchant)
        head = newest_head(merchant.purchases, Head.of(note))
        state = self._state.with_pending(pending).with_merchant(replace(merchant, purchases=head))
        self._commit(state.with_purchase(purchase))
        with suppress(KvittoError):  # the purchase is kept; what has no copy yet is listed
            self.back_up(shop)
        return self._state.purchases[key]

    def prospects(
        self, views: Mapping[str, MerchantView], remedy: str | None = None
    ) -> Sequence[Prospect]:
        """What each purchase can be claimed under for ``remedy``, and until when.

        ``views`` are what the merchants' logs say, by origin, from :meth:`look`. See
        :mod:`sdk.advisor`.
        """
        return prospects(self._state, views, self._clock(), remedy)

    def require_quorum(self, shop: Shop, quorum: Quorum) -> None:
        """From now on believe this merchant's logs only what these witnesses have cosigned.

        Ask the witnesses for their keys, or somebody else than the merchant.
        """
        merchant = replace(self._at(shop), quorum=quorum)
        self._commit(self._state.with_merchant(merchant))

    def trust_seed_witnesses(self, shop: Shop, keys: Sequence[Verifier]) -> None:
        """From now on warn before claims if others than these witnesses sign the log's closes.

        Ask the witnesses for their keys, or somebody else than the merchant: one that the
        merchant runs lets it choose who shares a ring.
        """
        merchant = replace(self._at(shop), seed_witnesses=tuple(keys))
        self._commit(self._state.with_merchant(merchant))

    # ---- backup

    def words(self) -> str:
        """The twelve words that restore the wallet, for its owner to write down."""
        identity = replace(self._state.identity, words_shown=event_time(self._clock()))
        self._commit(replace(self._state, identity=identity))
        return identity.seed.words

    @property
    def words_shown(self) -> str | None:
        """When :meth:`words` was last called, as RFC 3339 has it; None if never."""
        return self._state.identity.words_shown

    @property
    def not_backed_up(self) -> Sequence[Purchase]:
        """Purchases of which no copy lies in their merchant's mailbox."""
        return [purchase for purchase in self.purchases if purchase.box is None]

    def back_up(self, shop: Shop) -> int:
        """Leave a copy of each purchase from this shop in its mailbox; of how many there was none.

        :meth:`accept` does. It tells the service that these purchases, which it knows, are of one
        wallet: do it when they are made, and not around a claim. ``Refused`` while the mailbox is
        full; ``ShopError``; ``BoxTooSmall`` once all others have been left.
        """
        merchant = self._at(shop)
        missing = [each for each in self.not_backed_up if each.origin == merchant.origin]
        too_small: BoxTooSmall | None = None
        for purchase in missing:
            try:
                number = leave_box(shop, self._state.identity, merchant, purchase)
            except BoxTooSmall as error:
                too_small = error
                continue
            state = self._state.with_free_box(purchase.origin, number + 1)
            self._commit(state.with_purchase(replace(purchase, box=number)))
        if too_small is not None:
            raise too_small
        return len(missing)

    def restore(
        self,
        shop: Shop,
        *,
        accept_stale: bool = False,
        progress: Progress = lambda _done, _size: None,
    ) -> Restored:
        """Bring back what wallets with the same words have from this shop.

        Purchases that lay in its mailbox come back if its log holds them; approved claims with
        them, and transfers that ended their ownership, from its event log, which is read whole: no
        question names a purchase. Claims that were declined or had no answer do not come back.
        ``StaleLog`` when the last close is so old that claims made since may be hidden, unless
        ``accept_stale``. ``progress`` is told how many entries of each log have come. Errors as
        :meth:`claim`; nothing is remembered then.
        """
        keys = shop.keys()
        boxes, following = find_boxes(shop, self._state.identity.seed, keys.origin)
        merchant = self._state.merchants.get(keys.origin) or _of_boxes(shop, keys, boxes)
        now = self._clock()
        view, merchant = read_merchant(shop, merchant, now)
        found = [box.purchase for box in boxes]
        if not accept_stale:
            require_fresh(view, found, now)
        restored = restore(shop, self._state, view, merchant, found, progress)
        state = self._state.with_merchant(merchant).with_free_box(keys.origin, following)
        for purchase in restored.purchases:
            state = state.with_purchase(purchase)
        for claim in restored.claims:
            state = state.with_claim(claim)
        for transfer in restored.transfers:
            state = state.with_transfer(transfer)
        self._commit(state)
        return restored

    def merge(self, other: "Wallet") -> None:
        """Take in what another device with the same words knows.

        Without a service: what neither has heard of is still to be restored. Errors as
        :func:`sdk.merging.merge`.
        """
        self._commit(merge(self._state, other._state))  # noqa: SLF001 - of another wallet

    # ---- claims

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
            policy = view.policy(policy_id, now.astimezone(UTC).date())
            chosen = choose_purchase(self._state, policy, remedy, now, purchase)
            if view.is_stale(now) and not accept_stale:  # before the ring that would tell
                raise StaleLog(view.closes[-1].recorded)
            fetch, state, smallest = (
                partial(self._rings.fetch, shop),
                self._state,
                self._smallest_ring,
            )
            prepared, merchant = prepare(fetch, view, state, policy, chosen, remedy, now, smallest)
            self._commit(self._state.with_merchant(merchant))
            self._kept.keep(answers)
        return preview_of(prepared)

    def look(self, shop: Shop) -> MerchantView:
        """What the merchant's logs say now: closes, policies, notices.

        Every wallet asks for the same, whatever is in it. ``VerificationError`` names what does
        not hold, and nothing is remembered then.
        """
        with shop.recording() as answers:
            view, merchant = read_merchant(shop, self._at(shop), self._clock())
            self._commit(self._state.with_merchant(merchant))
            self._kept.keep(answers)
        return view

    def look_offline(self) -> dict[str, MerchantView]:
        """What :meth:`look` has seen last, by origin, verified again; nobody is asked.

        Without the merchants of whom nothing is kept.
        """
        views = {}
        for merchant in self.merchants:
            with suppress(NotKept), Shop.offline(merchant.address, self._kept) as offline:
                views[merchant.origin] = self._read_kept(offline, merchant)[0]
        return views

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
            policy = view.policy(policy_id, now.astimezone(UTC).date())
            chosen = choose_purchase(self._state, policy, remedy, now, purchase)
            state = self._state.with_merchant(merchant)
            try:
                fetch, smallest = partial(self._rings.fetch, offline), self._smallest_ring
                prepared, _ = prepare(fetch, view, state, policy, chosen, remedy, now, smallest)
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
        progress: Progress = lambda _done, _steps: None,
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
        progress: Progress = lambda _done, _steps: None,
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
            answer = parse_answer(shop.submit(claim.body, claim.proof), claim)
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

    def _commit(self, state: State) -> None:
        """Make ``state`` durable, then true."""
        if state == self._state:
            return
        if self._file is not None:
            self._file.write(state.encode())
        self._state = state

    def _lost_request(self, receipt: Any) -> Pending | None:
        """The request that the receipt answers, of a device that the wallet knows of."""
        origin, order = receipt_order(receipt)
        seed, here = self._state.identity.seed, self._state.identity.device
        had = {each.place.device for each in self.purchases if each.place is not None}
        place = find_place(receipt, seed, sorted({0, here} | had))
        return None if place is None else _new_request(seed, place, origin, order)

    def _at(self, shop: Shop) -> Merchant:
        """The merchant behind ``shop``: the pinned one, or on first contact one to be pinned."""
        return self._known(shop) or self._pin(shop, shop.keys())

    def _known(self, shop: Shop) -> Merchant | None:
        merchants = self._state.merchants.values()
        return next((each for each in merchants if each.address == shop.address), None)

    def _read_kept(self, offline: Shop, known: Merchant) -> tuple[MerchantView, Merchant]:
        # Heads were also seen in receipts and decisions, with which nothing was kept.
        known = replace(known, purchases=None, events=None)
        try:
            return read_merchant(offline, known, self._clock())
        except (FormatError, UnexpectedAnswer, VerificationError):
            raise NotKept from None

    def _pin(self, shop: Shop, keys: LogKeys) -> Merchant:
        new = _of_boxes(shop, keys, [])
        known = self._state.merchants.get(keys.origin)
        if known is not None and not _has_keys(known, new):
            known = follow_merchant(shop, known)
            if not _has_keys(known, new):
                raise VerificationError("shop: its logs have other keys than those known")
        merchant = replace(known, address=shop.address) if known else new
        self._commit(self._state.with_merchant(merchant))
        return merchant

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
        return self._conclude(shop, claim, parse_answer(document, claim))

    def _conclude(
        self, shop: Shop, claim: Claim, answer: Answer, advice: tuple[Advice, ...] = ()
    ) -> ClaimResult:
        """Verify and store an answer. An approval that is not proven is no answer."""
        state = self._state
        if answer.approved:
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
            decision="approved" if answer.approved else "declined",
            status=answer.status,
            reason=answer.reason,
            retire_by=answer.retire_by,
            earlier=answer.earlier,
            advice=advice,
        )


def _has_keys(known: Merchant, named: Merchant) -> bool:
    """Whether the keys that a service names are among those known to be in force."""
    pairs = (
        (known.purchases_vkeys, named.purchases_vkeys),
        (known.events_vkeys, named.events_vkeys),
    )
    return all(set(wanted) <= set(vkeys) for vkeys, wanted in pairs)


def _hand_in(shop: Shop, claim: Claim, secret: bytes) -> Answer:
    """Send the secret; a refusal is none when an answer was lost and the claim is complete."""
    try:
        return parse_answer(shop.retire(claim.claim_id, secret), claim)
    except Refused:
        answer = parse_answer(shop.decision(claim.claim_id), claim)
        if answer.status != "completed":
            raise
        return answer


def _new_identity(words: str | None) -> Identity:
    """The device that makes a seed is number 0; those where it is typed in know of no other."""
    if words is None:
        return Identity(Seed.create())
    return Identity(Seed.parse(words), device=1 + secrets.randbelow(_DEVICES))


def _of_boxes(shop: Shop, keys: LogKeys, boxes: Sequence[Box]) -> Merchant:
    """A merchant with the keys that its logs had, as the boxes say; without any, as it says."""
    if not boxes:
        return Merchant(keys.origin, shop.address, (keys.purchases.vkey,), (keys.events.vkey,))
    purchases = {vkey for box in boxes for vkey in box.purchases_vkeys}
    events = {vkey for box in boxes for vkey in box.events_vkeys}
    return Merchant(keys.origin, shop.address, tuple(sorted(purchases)), tuple(sorted(events)))


def _new_request(seed: Seed, place: Place, origin: str, order: str) -> Pending:
    keys = seed.keys(GROUP, origin, place, order)
    witness = [keys.serial_0, keys.secret, keys.blinding]
    nonces = HedgedScalars(GROUP, witness, canonical_json(["request", origin, order]))
    request = prove_request(GROUP, origin, order, keys, nonces.scalar)
    return Pending(origin, order, keys, request, place)
