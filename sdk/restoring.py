"""What a merchant's logs say of the purchases that lay in its mailbox.

Both logs are read from end to end, as anybody may: which of it is the wallet's is found out here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any, TypeVar

from commitments.errors import VerificationError
from commitments.wire import parse_base64
from ledger.entries import Purchase as PurchaseEntry
from ledger.entries import Transferred
from ledger.event_receipt import EventReceipt
from ledger.events import event_time
from ledger.merkle import build_inclusion, leaf_hash
from ledger.monitor import Head
from ledger.purchases import Purchases, read_entry
from ledger.right_edge import RightEdge, TileChange
from ledger.rings import Ring, RingName, build_ring
from ledger.tiles import Tile, TileReader
from ledger.tlog_proof import TlogProof
from policies.claim import ClaimBody, claim_scopes
from policies.policy import Policy
from policies.transfer import TransferBody, transfer_scope
from sdk.cases import with_steps
from sdk.decisions import check_approval
from sdk.errors import StaleLog, WalletError
from sdk.logs import MerchantView
from sdk.mirror import Progress, mirror
from sdk.shop import Shop
from sdk.state import GROUP, Claim, Merchant, Purchase, State
from sdk.transfer_state import Transfer
from sdk.used_tags import ApprovedTransfer, EndedOwnership, Shown, StepTaken, UsedTags, used_tags
from zk.statement import Scope, tag_base

__all__ = ["Restored", "require_fresh", "restore"]

_Proof = TypeVar("_Proof", Claim, Transfer)

_BATCH = 1024  # leaves that the copy grows by at once


@dataclass(frozen=True)
class Restored:
    """What came back from a merchant: only what the wallet did not know.

    ``unconfirmed`` are orders that lay in the mailbox, and that its log does not hold.
    """

    purchases: tuple[Purchase, ...]
    claims: tuple[Claim, ...]
    transfers: tuple[Transfer, ...]
    unconfirmed: tuple[str, ...]


def restore(
    shop: Shop,
    state: State,
    view: MerchantView,
    merchant: Merchant,
    found: Sequence[Purchase],
    now: datetime,
    progress: Progress,
) -> Restored:
    """What the logs of a merchant, of which ``view`` was just read, say of the purchases found.

    And of those that the wallet has. Of transfers that were not completed those come back that
    still wait ``now``. Errors as :func:`sdk.mirror.mirror`, and ``VerificationError`` for an
    approval that no honest verifier gives.
    """
    confirmed, log = _purchases(shop, _known(merchant.purchases), found, progress)
    had = {each.order: each for each in state.purchases.values() if each.origin == merchant.origin}
    # A merchant that has sold twice under one order may not take the place of one by the other.
    known = {each.order: each for each in reversed(confirmed)} | had
    new = [each for each in confirmed if known[each.order] is each]
    claims, transfers = _proofs(shop, merchant, view, log, list(known.values()), now, progress)
    orders = {each.order for each in confirmed}
    return Restored(
        purchases=tuple(new),
        claims=tuple(_news({each.claim_id: each for each in claims}, state.claims, now)),
        transfers=tuple(
            _news({each.transfer_id: each for each in transfers}, state.transfers, now)
        ),
        unconfirmed=tuple(each.order for each in found if each.order not in orders),
    )


def require_fresh(view: MerchantView, found: Sequence[Purchase], now: datetime) -> None:
    """``StaleLog`` where a service may show an event log from before a claim.

    The wallet would use its slot again, and so show the same tags over another ring.
    """
    if view.is_stale(now):
        raise StaleLog(view.closes[-1].recorded)
    # Without a close nobody can have claimed; but one must have come since the first was bought.
    bought = min((purchase.sale.date for purchase in found), default=None)
    if not view.closes and bought and view.is_too_old(datetime.combine(bought, time.max, UTC), now):
        raise StaleLog(None)


def _news(
    proofs: Mapping[str, _Proof], known: Mapping[str, _Proof], now: datetime
) -> Iterator[_Proof]:
    """Also where a wallet sent it, and never heard that it was approved.

    A secret that was sent is none, whatever the log says of it.
    """
    for identifier, proof in proofs.items():
        before = known.get(identifier)
        if isinstance(before, Claim) and before.receipt and isinstance(proof, Claim):
            with_steps(before, proof.steps, now)
        sent = proof.secret_sent or bool(before and before.secret_sent)
        restored = replace(proof, secret_sent=sent)
        if before is None or _known_of(before) != _known_of(restored):
            yield restored


def _known_of(proof: Claim | Transfer) -> tuple[object, ...]:
    return proof.outcome, proof.secret_sent, proof.steps if isinstance(proof, Claim) else ()


def _purchases(
    shop: Shop, head: Head, found: Sequence[Purchase], progress: Progress
) -> tuple[list[Purchase], Purchases]:
    """Those of the purchases that the log holds, with index and proof; and the log itself."""
    copy, log = _Copy(head), Purchases()
    sought = {purchase.commitment: purchase for purchase in found}
    places: dict[bytes, int] = {}
    for index, entry in enumerate(copy.following(mirror(shop, "purchases", head, progress))):
        parsed = read_entry(entry)
        log.append(entry if parsed else b"")  # what is no entry has no effect, and may be long
        if isinstance(parsed, PurchaseEntry | Transferred) and parsed.commitment in sought:
            places.setdefault(parsed.commitment, index)
    confirmed = [
        replace(sought[commitment], index=index, proof=copy.proof(index).serialise().decode())
        for commitment, index in places.items()
    ]
    return confirmed, log


def _proofs(
    shop: Shop,
    merchant: Merchant,
    view: MerchantView,
    log: Purchases,
    purchases: Sequence[Purchase],
    now: datetime,
    progress: Progress,
) -> tuple[list[Claim], list[Transfer]]:
    """The approved claims and the transfers that were made with these purchases.

    Claims in the order of the event log. Of the transfers those that were completed, then those
    whose approval still waits: it goes before whatever the wallet would hand its secret in for.
    """
    head = _known(merchant.events)
    copy, owners = _Copy(head), _Owners(purchases)
    policies = {(v.policy.id, v.policy.version): v.policy for v in view.versions}
    used: list[tuple[Purchase, UsedTags, Policy]] = []
    approved: dict[str, ApprovedTransfer] = {}
    moved: list[tuple[Purchase, ApprovedTransfer]] = []
    ended = set()
    cases = _Cases()
    for each in used_tags(merchant.origin, copy.following(mirror(shop, "events", head, progress))):
        if isinstance(each, ApprovedTransfer):
            approved[each.transfer_id] = each
            continue
        cases.note(each)
        if isinstance(each, EndedOwnership):
            ended.add((each.identifier, each.secret))
            owner = owners.with_secret(each.secret)
            if owner is not None and (transfer := approved.pop(each.identifier, None)) is not None:
                moved.append((owner, transfer))
            continue
        if isinstance(each, StepTaken):
            continue
        policy = _policy_of(policies, each.body)
        if (owner := owners.of(each)) is not None:
            used.append((owner, each, policy))
            cases.begin(each)
    completed = {transfer.transfer_id for _, transfer in moved}
    waiting = [t for t in approved.values() if t.event["retire_by"] >= event_time(now)]
    moved += [(owner, each) for each in waiting if (owner := owners.who_hands(each)) is not None]
    claims = []
    for purchase, each, policy in used:
        secret = GROUP.encode_scalar(purchase.keys.secret)
        claim = Claim(
            claim_id=each.claim_id,
            order=purchase.order,
            body=each.body,
            proof=parse_base64(each.event["proof"], "proof"),
            tags=(each.serial_tag, each.secret_tag),
            indices=_ring_of(view, log, each.body).indices,
            policy=policy,
            outcome="approved",
            receipt=EventReceipt(dict(each.event), copy.proof(each.position)).document(),
            secret_sent=(each.claim_id, secret) in ended,
        )
        check_approval(each.event, claim)
        claims.append(with_steps(claim, cases.steps(each), now))
    transfers = [
        Transfer(
            transfer_id=transfer.transfer_id,
            order=purchase.order,
            body=transfer.body,
            proof=parse_base64(transfer.event["proof"], "proof"),
            tag=transfer.tag,
            indices=_ring_of(view, log, transfer.body).indices,
            outcome="approved",
            receipt=EventReceipt(dict(transfer.event), copy.proof(transfer.position)).document(),
            secret_sent=transfer.transfer_id in completed,
        )
        for purchase, transfer in moved
    ]
    return claims, transfers


def _policy_of(policies: Mapping[tuple[str, int], Policy], body: ClaimBody) -> Policy:
    policy = policies.get((body.policy, body.version))
    if policy is None or body.number >= policy.claims_per_purchase:
        # Not passed over, nor looked into: a log could name such slots without end.
        raise VerificationError("event log: an approval under no policy that it shows")
    return policy


class _Cases:
    """What has followed the wallet's own claims."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Mapping[str, Any]]] = {}

    def begin(self, used: UsedTags) -> None:
        """With a claim that is the wallet's."""
        self._steps[used.claim_id] = []

    def note(self, shown: Shown) -> None:
        """Remember it, if it follows one of these."""
        if isinstance(shown, StepTaken) and shown.claim_id in self._steps:
            self._steps[shown.claim_id].append(shown.event)
        elif isinstance(shown, EndedOwnership) and shown.identifier in self._steps:
            self._steps[shown.identifier].append(shown.event)

    def steps(self, used: UsedTags) -> list[Mapping[str, Any]]:
        """All that has followed a claim, in the order of the log."""
        return self._steps[used.claim_id]


class _Copy:
    """Tiles of a log, made from its entries: proofs from them need no question to the service."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._edge = RightEdge()
        self._tiles: dict[tuple[int, int], bytes] = {}

    def following(self, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The entries, while the copy grows by them: it is whole when they have ended."""
        leaves: list[bytes] = []
        for entry in entries:
            leaves.append(leaf_hash(entry))
            if len(leaves) == _BATCH:
                self._grow(leaves)
                leaves.clear()
            yield entry
        self._grow(leaves)
        self._keep(self._edge.partial_tiles)

    def proof(self, index: int) -> TlogProof:
        """That the entry is in the log, under the checkpoint of its head."""
        reader = TileReader(self._fetch, self._edge.size)
        hashes = build_inclusion(reader, index, self._edge.size)
        return TlogProof(index, tuple(hashes), self._head.note)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        growth = self._edge.grow(leaves)
        self._edge = growth.edge
        self._keep(growth.full_tiles)

    def _keep(self, tiles: Iterable[TileChange]) -> None:
        self._tiles |= {(tile.level, tile.index): tile.hashes for tile in tiles}

    def _fetch(self, wanted: Sequence[Tile]) -> list[bytes]:
        return [self._tiles[tile.level, tile.index] for tile in wanted]


class _Owners:
    """Whose tags these are: a multiplication for each purchase and slot, made once.

    By the secret and not the serial, which earlier and later owners of a purchase have too.
    """

    def __init__(self, purchases: Sequence[Purchase]) -> None:
        self._purchases = purchases
        self._by_secret = {GROUP.encode_scalar(p.opening.secret): p for p in purchases}
        self._by_tag: dict[tuple[str, int], dict[bytes, Purchase]] = {}

    def of(self, used: UsedTags) -> Purchase | None:
        """The purchase that was claimed with, if it is one of these."""
        slot = used.body.policy, used.body.number
        _, secret = claim_scopes(used.body.origin, *slot)
        if slot not in self._by_tag:
            self._by_tag[slot] = {
                _tag(secret, purchase.opening.secret): purchase for purchase in self._purchases
            }
        return self._by_tag[slot].get(used.secret_tag)

    def who_hands(self, transfer: ApprovedTransfer) -> Purchase | None:
        """The purchase that is to change hands, if it is one of these."""
        scope = transfer_scope(transfer.body.origin, transfer.body.acceptance.commitment)
        tags = ((_tag(scope, purchase.opening.secret), purchase) for purchase in self._purchases)
        return next((purchase for tag, purchase in tags if tag == transfer.tag), None)

    def with_secret(self, secret: bytes) -> Purchase | None:
        """The purchase whose ownership this secret has ended, if it is one of these."""
        return self._by_secret.get(secret)


def _tag(scope: Scope, key: int) -> bytes:
    return GROUP.encode(GROUP.multiply(key, tag_base(GROUP, scope)))


def _ring_of(view: MerchantView, log: Purchases, body: ClaimBody | TransferBody) -> Ring:
    name = RingName(body.first, body.size, body.voided_at, body.lane)
    return build_ring(log, view.partition, name, GROUP.decode)


def _known(head: Head | None) -> Head:
    if head is None:
        raise WalletError("the merchant's logs have not been read")
    return head
