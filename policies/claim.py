"""The claim body, and how a policy and a body become a statement (docs/protocol.md 5 and 8).

Pure, and shared by wallet, verifier and auditor: the three must derive the same bytes, and none
of them takes another's word for it.
"""

import datetime as dt
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from commitments.attributes import batch_scalar, day_number, product_scalar
from commitments.currency import currency
from commitments.errors import FormatError
from commitments.group import Group
from commitments.wire import parse_hex, parse_identifier
from policies.attachments import parse_contact_key
from policies.body import body_members, check_common, check_types, context_of
from zk.statement import Equals, OneOf, Predicate, Range, Ring, Scope, Statement

if TYPE_CHECKING:
    from policies.policy import Policy  # slow to import
    from policies.versions import Version

__all__ = [
    "REMEDIES",
    "ClaimBody",
    "FollowUpKeys",
    "claim_id",
    "claim_scopes",
    "claim_statement",
    "parse_claim",
    "policy_predicates",
    "require_offered",
]

_KEY_SIZE = 32  # of Ed25519 (RFC 8032) and X25519 (RFC 7748)
_P = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = {0, 1, _P - 1, _ORDER_8, _P - _ORDER_8}
"""y of the points of Ed25519 under which a signature is valid that anybody can make."""
REMEDIES = ("repair", "replacement", "refund", "store_credit")
_INTEGERS = ("version", "number", "first", "size", "voided_at", "lane")


@dataclass(frozen=True)
class FollowUpKeys:
    """Public keys that the buyer made for one claim, 64 hex digits each.

    With the private key of ``follow_up`` (Ed25519) the buyer signs what follows the claim, with
    that of ``inbox`` (X25519) it reads what the merchant writes, and with that of ``redemption``
    (Ed25519) it cashes the approval in.
    """

    follow_up: str
    inbox: str
    redemption: str

    def document(self) -> dict[str, str]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ClaimBody:
    """Everything about a claim that is public and that its proof is bound to.

    ``number`` is j, the claim's slot below the policy's claims per purchase; ``first``, ``size``,
    ``voided_at`` and ``lane`` say which ring; ``nonce`` is 16 random bytes in hex. Without
    ``buyer`` nobody can follow the claim up.
    """

    origin: str
    policy: str
    version: int
    date: str
    number: int
    remedy: str
    first: int
    size: int
    voided_at: int
    lane: int
    nonce: str
    buyer: FollowUpKeys | None = None

    @property
    def day(self) -> dt.date:
        """The date of the claim."""
        return dt.date.fromisoformat(self.date)

    def document(self) -> dict[str, Any]:
        """The body as a JSON object, with its ``type``."""
        members = {name: getattr(self, name) for name in _MEMBERS}
        buyer = {} if self.buyer is None else {_BUYER: self.buyer.document()}
        return {"type": "claim", **members, **buyer}

    @cached_property
    def context(self) -> bytes:
        """What the proof is bound to: the SHA-256 of the body's RFC 8785 form."""
        return context_of(self.document())


_BUYER = "buyer"
_MEMBERS = tuple(name for name in ClaimBody.__dataclass_fields__ if name != _BUYER)


def claim_id(body: ClaimBody, proof: bytes) -> str:
    """A name for exactly this body with exactly this proof: 64 hex digits.

    The body names a policy version and a ring, so it determines the encoded statement.
    """
    return sha256(body.context + proof).hexdigest()


def parse_claim(document: Any) -> ClaimBody:
    """A claim body from parsed JSON.

    ``FormatError`` naming the member for anything missing, unknown or of another type or form.
    """
    with_buyer = isinstance(document, dict) and _BUYER in document
    members = body_members(document, "claim", [*_MEMBERS, *([_BUYER] if with_buyer else [])])
    buyer = _read_buyer(members.pop(_BUYER)) if with_buyer else None
    check_types(members, "claim", _INTEGERS)
    body = ClaimBody(**members, buyer=buyer)
    check_common(members, "claim")
    parse_identifier(body.policy, "claim.policy")
    if body.remedy not in REMEDIES:
        raise FormatError("unknown remedy", "claim.remedy")
    return body


def _read_buyer(document: Any) -> FollowUpKeys:
    names = tuple(FollowUpKeys.__dataclass_fields__)
    if not isinstance(document, dict) or set(document) != set(names):
        raise FormatError(f"not exactly {', '.join(names)}", "claim.buyer")
    for name in names:
        parse_hex(document[name], f"claim.buyer.{name}", _KEY_SIZE)
    parse_contact_key(document["inbox"], "claim.buyer.inbox")
    for name in ("follow_up", "redemption"):
        y = int.from_bytes(bytes.fromhex(document[name]), "little") % 2**255 % _P
        if y in _SMALL_ORDER:
            raise FormatError("a key with which anybody signs", f"claim.buyer.{name}")
    return FollowUpKeys(**document)


def claim_scopes(origin: str, policy_id: str, number: int) -> tuple[Scope, Scope]:
    """The two scopes of a claim; both tags are shown (docs/protocol.md 8)."""
    text = f"claim|{origin}|{policy_id}|{number}"
    return Scope("serial", text), Scope("secret", text)


def policy_predicates(group: Group, version: "Version", claimed: dt.date) -> tuple[Predicate, ...]:
    """What a version of a policy demands of a purchase for a claim made on ``claimed``."""
    policy = version.policy
    predicates: list[Predicate] = []
    if policy.products is not None:
        predicates.append(
            _membership("product", [product_scalar(group, code) for code in policy.products])
        )
    days = version.days(claimed)
    if days is not None:
        predicates.append(Range("date", *map(day_number, days)))
    if policy.price is not None:
        predicates.append(Range("price", policy.price.min, policy.price.max))
        predicates.append(Equals("currency", currency(policy.price.currency).numeric))
    if policy.batches is not None:
        predicates.append(
            _membership("batch", [batch_scalar(group, code) for code in policy.batches])
        )
    return tuple(predicates)


def require_offered(policy: "Policy", body: ClaimBody) -> None:
    """``FormatError`` for a claim that names another policy, or asks for what it has not."""
    if (body.origin, body.policy, body.version) != (policy.origin, policy.id, policy.version):
        raise FormatError("names another policy", "claim.policy")
    if body.remedy not in policy.remedies:
        raise FormatError("the policy does not offer this remedy", "claim.remedy")
    if body.number >= policy.claims_per_purchase:
        raise FormatError("the policy allows fewer claims", "claim.number")
    if policy.review and body.buyer is None:
        raise FormatError("missing: who could be asked for evidence", "claim.buyer")


def claim_statement(
    group: Group, version: "Version", body: ClaimBody, root: bytes, ring: Ring
) -> Statement:
    """The statement of a claim.

    Parameters
    ----------
    version
        the one that ``body`` names, with its end as the log has it.
    root
        the purchase log's root at ``body.size``.
    ring
        the cell ``body`` names, built from a copy of the log that the caller trusts.

    Raises
    ------
    FormatError
        the body names another policy, a remedy the policy does not offer or a slot it does not
        have, or the result is not a valid statement.
    """
    require_offered(version.policy, body)
    return Statement(
        group=group,
        origin=body.origin,
        first=body.first,
        size=body.size,
        root=root,
        voided_at=body.voided_at,
        lane=body.lane,
        ring=ring,
        predicates=policy_predicates(group, version, body.day),
        scopes=claim_scopes(body.origin, body.policy, body.number),
        context=body.context,
    )


def _membership(attribute: str, values: list[int]) -> Predicate:
    if len(values) == 1:
        return Equals(attribute, values[0])
    return OneOf(attribute, tuple(values))
