"""What a wallet remembers. Immutable: a change is a new ``State``, written before it is used.

Everything here is secret or says what its owner did; nothing of it is printed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from hashlib import sha256
from typing import Any, Self

from aftersales.claims import Case, advance, open_case
from commitments.errors import FormatError
from commitments.purchase import BuyerKeys, Opening, commit, serial_shift
from commitments.sale import Sale, parse_sale
from commitments.wire import (
    encode_base64,
    parse_base64,
    parse_hex,
    parse_json,
)
from ledger.entries import Purchase as PurchaseEntry
from ledger.entries import Transferred
from ledger.handover import NO_HANDOVERS
from ledger.monitor import Head
from ledger.note import Verifier, parse_vkey
from ledger.quorum import NO_QUORUM, Quorum, parse_quorum
from policies.claim import ClaimBody, parse_claim
from policies.policy import Policy, parse_policy
from sdk.remembered import (
    GROUP,
    HASH_BYTES,
    Remembered,
    check_members,
    keys_document,
    parse_count,
    parse_keys,
    parse_place,
    place_document,
)
from sdk.seed import Place, Seed
from sdk.state_versions import VERSION, up_to_date
from sdk.transfer_state import Accepted, Handed, Offer, Transfer
from zk.issuance import BuyerRequest, parse_request
from zk.transfer import handed_over

__all__ = [
    "GROUP",
    "Claim",
    "Identity",
    "Merchant",
    "OrderKey",
    "Pending",
    "Proof",
    "Purchase",
    "State",
    "keys_document",
]

_FIRST_PLACES = 1024  # of each device: to try the keys of all takes a third of a second


@dataclass(frozen=True)
class Identity(Remembered):
    """What the wallet's keys are made from, and how many have been made.

    ``device`` is 0 where the seed was made, and random where it was typed in; ``counters`` has
    the next counter for each origin (:class:`sdk.seed.Place`), ``boxes`` the next place in
    each merchant's mailbox. ``words_shown`` is when the owner last had the words to write down,
    ``backed_up`` when the last copy was left in a mailbox. A wallet is for sandboxes, or for shops.
    """

    seed: Seed = field(repr=False)
    device: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    boxes: Mapping[str, int] = field(default_factory=dict)
    words_shown: str | None = None
    backed_up: str | None = None
    sandbox: bool = False

    def next_place(self, origin: str) -> Place:
        """Of the keys for the next order at this merchant."""
        return Place(self.device, self.counters.get(origin, 0))

    def without(self, origin: str, place: Place) -> "Identity":
        """Once the keys of ``place`` are given to an order."""
        if place.device != self.device:
            return self
        following = max(self.counters.get(origin, 0), place.counter + 1)
        return replace(self, counters={**self.counters, origin: following})

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "seed": self.seed.entropy.hex(),
            "device": self.device,
            "counters": dict(self.counters),
            "boxes": dict(self.boxes),
            "words_shown": self.words_shown,
            "backed_up": self.backed_up,
            "sandbox": self.sandbox,
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        members["seed"] = Seed(parse_hex(members["seed"], "seed"))
        check_members(members, int, "device")
        for name in ("counters", "boxes"):
            members[name] = {key: parse_count(value, name) for key, value in members[name].items()}
        check_members(members, str | None, "words_shown", "backed_up")
        check_members(members, bool, "sandbox")
        return cls(**members)


@dataclass(frozen=True)
class Merchant(Remembered):
    """A merchant whose keys were pinned on first contact, and how its logs were last seen.

    ``purchases_vkeys`` and ``events_vkeys`` are the keys in force; ``key_changes`` counts the key
    events that they are the result of, None before those were seen. ``purchases`` and ``events``
    are the largest heads of its logs; ``shown`` counts the events that its event log has shown, and
    ``shown_digest`` is over them and their places; ``closes`` counts the closes that were accepted;
    ``quorum`` says which witnesses must have cosigned, and ``seed_witnesses`` are those of which
    one at least should sign the closes. ``handovers_digest`` is over the handovers between keys of
    witnesses that are among the key events; those in ``quorum`` have been followed.
    """

    origin: str
    address: str
    purchases_vkeys: tuple[str, ...]
    events_vkeys: tuple[str, ...]
    purchases: Head | None = None
    events: Head | None = None
    shown: int = 0
    shown_digest: bytes = sha256().digest()
    closes: int = 0
    quorum: Quorum = NO_QUORUM
    seed_witnesses: tuple[Verifier, ...] = ()
    key_changes: int | None = None
    handovers_digest: bytes = NO_HANDOVERS.digest()

    @property
    def purchases_keys(self) -> tuple[Verifier, ...]:
        """The keys of its purchase log that are in force."""
        return tuple(map(parse_vkey, self.purchases_vkeys))

    @property
    def events_keys(self) -> tuple[Verifier, ...]:
        """The keys of its event log that are in force."""
        return tuple(map(parse_vkey, self.events_vkeys))

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "origin": self.origin,
            "address": self.address,
            "purchases_vkeys": list(self.purchases_vkeys),
            "events_vkeys": list(self.events_vkeys),
            "purchases": _head_document(self.purchases),
            "events": _head_document(self.events),
            "shown": self.shown,
            "shown_digest": self.shown_digest.hex(),
            "closes": self.closes,
            "quorum": encode_base64(self.quorum.serialise()),
            "seed_witnesses": [witness.vkey for witness in self.seed_witnesses],
            "key_changes": self.key_changes,
            "handovers_digest": self.handovers_digest.hex(),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        for name in ("purchases", "events"):
            members[name] = _parse_head(members[name])
        for name in ("shown_digest", "handovers_digest"):
            members[name] = parse_hex(members[name], name, HASH_BYTES)
        for name in ("purchases_vkeys", "events_vkeys"):
            members[name] = tuple(parse_vkey(vkey).vkey for vkey in members[name])
        check_members(members, str, "origin", "address")
        check_members(members, int, "shown", "closes")
        if members["key_changes"] is not None:
            check_members(members, int, "key_changes")
        members["quorum"] = parse_quorum(parse_base64(members["quorum"], "quorum"))
        members["seed_witnesses"] = tuple(map(parse_vkey, members["seed_witnesses"]))
        return cls(**members)


@dataclass(frozen=True)
class Pending(Remembered):
    """A request whose receipt has not come yet; ``place`` as :class:`Purchase` has it."""

    origin: str
    order: str
    keys: BuyerKeys = field(repr=False)
    request: BuyerRequest
    place: Place | None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "origin": self.origin,
            "order": self.order,
            "keys": keys_document(self.keys),
            "request": self.request.document(),
            "place": place_document(self.place),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        members["keys"] = parse_keys(members["keys"])
        members["request"] = parse_request(members["request"], GROUP)
        members["place"] = parse_place(members["place"])
        check_members(members, str, "origin", "order")
        return cls(**members)


@dataclass(frozen=True)
class Purchase(Remembered):
    """A purchase that was found in the merchant's log, with the keys that make it the buyer's.

    ``index`` is its place in the log, ``proof`` the tlog-proof that came with the receipt.
    ``place`` says which of the seed's keys it has: None for those of a wallet that had no seed.
    ``box`` is the number of the mailbox's place that holds the receipt, None while none does.
    ``handed`` is there for one that an earlier owner has handed over.
    """

    origin: str
    order: str
    sale: Sale
    index: int
    keys: BuyerKeys = field(repr=False)
    proof: str = field(repr=False)
    place: Place | None
    box: int | None = None
    handed: Handed | None = field(default=None, repr=False)

    @cached_property
    def opening(self) -> Opening:
        """All that is inside the commitment (docs/protocol.md 3 and 8)."""
        if self.handed is not None:
            attributes = self.sale.attributes(GROUP)
            return handed_over(GROUP, attributes, self.handed.serial, self.handed.beta, self.keys)
        request = GROUP.encode(self.keys.commit(GROUP))
        shift = serial_shift(GROUP, self.origin, self.order, request)
        return Opening(
            attributes=self.sale.attributes(GROUP),
            serial=(self.keys.serial_0 + shift) % GROUP.order,
            secret=self.keys.secret,
            blinding=self.keys.blinding,
        )

    @cached_property
    def commitment(self) -> bytes:
        """``C``, encoded, as the log has it."""
        return GROUP.encode(commit(GROUP, self.opening))

    @property
    def entry(self) -> bytes:
        """The entry of the log that it is."""
        kind = PurchaseEntry if self.handed is None else Transferred
        return kind(self.commitment).encode()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "origin": self.origin,
            "order": self.order,
            "sale": self.sale.document(),
            "index": self.index,
            "keys": keys_document(self.keys),
            "proof": self.proof,
            "place": place_document(self.place),
            "box": self.box,
            "handed": None if self.handed is None else self.handed.document(),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        members["sale"] = parse_sale(members["sale"])
        members["keys"] = parse_keys(members["keys"])
        members["place"] = parse_place(members["place"])
        check_members(members, str, "origin", "order", "proof")
        check_members(members, int, "index")
        if members["box"] is not None:
            check_members(members, int, "box")
        if members["handed"] is not None:
            members["handed"] = Handed.parse(members["handed"])
        return cls(**members)


@dataclass(frozen=True)
class Claim(Remembered):
    """A claim whose proof was made, and what became of it.

    ``policy`` is the version it was made under, ``indices`` are its ring's members; ``outcome``
    is None while no answer has come, then ``approved``, ``declined`` or ``refused`` (never
    judged); ``receipt`` is the verified receipt of an approval, or of a claim that is looked at,
    and ``steps`` are the events that have followed it in the log; ``secret_sent`` says that the
    purchase's secret is no secret any more.
    """

    claim_id: str
    order: str
    body: ClaimBody
    proof: bytes = field(repr=False)
    tags: tuple[bytes, ...] = field(repr=False)
    indices: tuple[int, ...] = field(repr=False)
    policy: Policy = field(repr=False)
    outcome: str | None = None
    reason: str | None = None
    receipt: Mapping[str, Any] | None = field(default=None, repr=False)
    secret_sent: bool = False
    steps: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @cached_property
    def case(self) -> Case | None:
        """What has become of it, as far as the wallet has heard; None before it is in the log.

        Errors as :func:`aftersales.claims.advance`.
        """
        if self.receipt is None:
            return None
        return reduce(advance, self.steps, open_case(self.receipt["event"], self.policy))

    @property
    def ends_ownership(self) -> bool:
        """Whether its approval asks for the purchase's secret."""
        return self.policy.ends_ownership

    @property
    def slot(self) -> tuple[str, int]:
        """What its tags are a function of, besides the purchase (docs/protocol.md 8)."""
        return self.body.policy, self.body.number

    @property
    def uses_slot(self) -> bool:
        """Whether its number is used up, or may be."""
        if self.case is not None:
            return self.case.holds_slot
        return self.outcome is None or self.reason == "already_claimed"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "claim_id": self.claim_id,
            "order": self.order,
            "body": self.body.document(),
            "proof": encode_base64(self.proof),
            "tags": [tag.hex() for tag in self.tags],
            "indices": list(self.indices),
            "policy": self.policy.document(),
            "outcome": self.outcome,
            "reason": self.reason,
            "receipt": self.receipt,
            "secret_sent": self.secret_sent,
            "steps": list(self.steps),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        members["body"] = parse_claim(members["body"])
        members["proof"] = parse_base64(members["proof"], "proof")
        members["tags"] = tuple(parse_hex(tag, "tags") for tag in members["tags"])
        members["indices"] = tuple(parse_count(index, "indices") for index in members["indices"])
        members["policy"] = parse_policy(members["policy"])
        parse_hex(members["claim_id"], "claim_id", HASH_BYTES)
        check_members(members, str, "order")
        check_members(members, str | None, "outcome", "reason")
        check_members(members, bool, "secret_sent")
        check_members(members, dict | None, "receipt")
        for step in members["steps"]:
            check_members({"step": step}, dict, "step")
        members["steps"] = tuple(members["steps"])
        return cls(**members)


Proof = Claim | Transfer
"""What was made with a purchase's secret, and becomes linked when that becomes public."""

OrderKey = tuple[str, str]
"""Origin and order reference: what names a purchase within a wallet."""


@dataclass(frozen=True)
class State:
    """A wallet's whole memory; the mappings are never changed in place.

    ``offers`` are by their E, ``accepted`` by C_new: two devices may have accepted one offer.
    """

    identity: Identity
    merchants: Mapping[str, Merchant] = field(default_factory=dict)
    pending: Mapping[OrderKey, Pending] = field(default_factory=dict)
    purchases: Mapping[OrderKey, Purchase] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    offers: Mapping[bytes, Offer] = field(default_factory=dict)
    accepted: Mapping[bytes, Accepted] = field(default_factory=dict)
    transfers: Mapping[str, Transfer] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "State(…)"

    def with_merchant(self, merchant: Merchant) -> "State":
        """With what is now known of a merchant."""
        return replace(self, merchants={**self.merchants, merchant.origin: merchant})

    def with_pending(self, pending: Pending) -> "State":
        """With a request that waits for its receipt, whose keys no other will have."""
        key = (pending.origin, pending.order)
        identity = self.identity
        if pending.place is not None:
            identity = identity.without(pending.origin, pending.place)
        return replace(self, identity=identity, pending={**self.pending, key: pending})

    def with_purchase(self, purchase: Purchase) -> "State":
        """With a purchase in the place of its request."""
        key = (purchase.origin, purchase.order)
        waiting = {other: pending for other, pending in self.pending.items() if other != key}
        return replace(self, pending=waiting, purchases={**self.purchases, key: purchase})

    def without_purchase(self, purchase: Purchase) -> "State":
        """Without a purchase, and all that was made with it."""
        key = (purchase.origin, purchase.order)
        made = self.proofs_of(purchase)
        return replace(
            self,
            purchases={other: each for other, each in self.purchases.items() if other != key},
            claims={name: each for name, each in self.claims.items() if each not in made},
            transfers={name: each for name, each in self.transfers.items() if each not in made},
            offers={n: o for n, o in self.offers.items() if (o.origin, o.order) != key},
        )

    def with_free_box(self, origin: str, number: int) -> "State":
        """With the number of the next place in the merchant's mailbox that may be free."""
        identity = self.identity
        following = max(number, identity.boxes.get(origin, 0))
        boxes = {**identity.boxes, origin: following}
        return replace(self, identity=replace(identity, boxes=boxes))

    def with_claim(self, claim: Claim) -> "State":
        """With a claim, or with what became of it."""
        return replace(self, claims={**self.claims, claim.claim_id: claim})

    def with_offer(self, offer: Offer, place: Place) -> "State":
        """With what was offered to another, with keys of ``place`` that nothing else will have."""
        identity = self.identity.without(offer.origin, place)
        return replace(self, identity=identity, offers={**self.offers, offer.blinded: offer})

    def with_accepted(self, accepted: Accepted) -> "State":
        """With an offer of another's, whose keys no other will have."""
        identity = self.identity.without(accepted.origin, accepted.place)
        known = {**self.accepted, accepted.acceptance.commitment: accepted}
        return replace(self, identity=identity, accepted=known)

    def acceptance_of(self, blinded: bytes) -> Accepted | None:
        """The first acceptance of the offer of E, ``blinded``."""
        return next((each for each in self.accepted.values() if each.blinded == blinded), None)

    def with_transfer(self, transfer: Transfer) -> "State":
        """With a transfer, or with what became of it."""
        return replace(self, transfers={**self.transfers, transfer.transfer_id: transfer})

    def known_places(self) -> Iterator[Place]:
        """The first places of each device that the wallet knows of, for what went with one."""
        places = (purchase.place for purchase in self.purchases.values())
        had = {place.device for place in places if place is not None}
        devices = sorted({0, self.identity.device} | had)
        return (Place(device, n) for device in devices for n in range(_FIRST_PLACES))

    def proofs_of(self, purchase: Purchase) -> list[Proof]:
        """All that was made with the purchase's secret: claims, then transfers."""
        key = (purchase.origin, purchase.order)
        moved = (t for t in self.transfers.values() if (t.body.origin, t.order) == key)
        return [*self.claims_of(purchase), *moved]

    def is_owned(self, purchase: Purchase) -> bool:
        """Whether its secret is one still: it was not handed in."""
        return not any(proof.secret_sent for proof in self.proofs_of(purchase))

    def claims_of(self, purchase: Purchase) -> list[Claim]:
        """All claims whose proof was made with this purchase, in their order."""
        key = (purchase.origin, purchase.order)
        return [c for c in self.claims.values() if (c.body.origin, c.order) == key]

    def encode(self) -> bytes:
        """As the bytes that the wallet's file holds: canonical JSON, put together."""
        lists: dict[str, Iterable[Remembered]] = {
            "accepted": self.accepted.values(),
            "claims": self.claims.values(),
            "merchants": self.merchants.values(),
            "offers": self.offers.values(),
            "pending": self.pending.values(),
            "purchases": self.purchases.values(),
            "transfers": self.transfers.values(),
        }
        members = {
            name: b"[%s]" % b",".join(item.encoded for item in items)
            for name, items in lists.items()
        }
        members |= {"identity": self.identity.encoded, "version": b"%d" % VERSION}
        parts = [b'"%s":%s' % (name.encode(), members[name]) for name in sorted(members)]
        return b"{%s}" % b",".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> "State":
        """Read what :meth:`encode` wrote, of this version or an earlier one.

        ``NewerFile`` for a later one, ``FormatError`` for anything else.
        """
        try:
            document = up_to_date(parse_json(data, "wallet"))
            identity = Identity.parse(document["identity"])
            merchants = [Merchant.parse(item) for item in document["merchants"]]
            pending = [Pending.parse(item) for item in document["pending"]]
            purchases = [Purchase.parse(item) for item in document["purchases"]]
            claims = [Claim.parse(item) for item in document["claims"]]
            offers = [Offer.parse(item) for item in document["offers"]]
            accepted = [Accepted.parse(item) for item in document["accepted"]]
            transfers = [Transfer.parse(item) for item in document["transfers"]]
        except (AttributeError, KeyError, TypeError, ValueError):
            raise FormatError("not what a wallet remembers", "wallet") from None
        return cls(
            identity,
            {merchant.origin: merchant for merchant in merchants},
            {(item.origin, item.order): item for item in pending},
            {(item.origin, item.order): item for item in purchases},
            {claim.claim_id: claim for claim in claims},
            {offer.blinded: offer for offer in offers},
            {each.acceptance.commitment: each for each in accepted},
            {transfer.transfer_id: transfer for transfer in transfers},
        )


def _head_document(head: Head | None) -> Any:
    """The signed note; only size and root where a wallet of version 0.1 has kept no more."""
    if head is None:
        return None
    return encode_base64(head.note) if head.note else [head.size, head.root.hex()]


def _parse_head(document: Any) -> Head | None:
    if isinstance(document, str):
        return Head.of(parse_base64(document, "note"))
    if document is None:
        return None
    size, root = document
    return Head(parse_count(size, "size"), parse_hex(root, "root", HASH_BYTES), b"")
