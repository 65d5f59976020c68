"""The steps of a case: events ``claim.step``, their members and signatures (docs/protocol.md 8).

Merchant and buyer take them in turn. The merchant's are in its own log; the buyer's are signed with
the keys that the claim carries, so that nobody else can take one in the buyer's place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from commitments.errors import FormatError, VerificationError
from commitments.wire import canonical_json, parse_hex, parse_identifier
from ledger.events import parse_event_time
from policies.claim import REMEDIES, FollowUpKeys

__all__ = [
    "BUYER",
    "DECLINE_REASONS",
    "DISPUTE_REASONS",
    "MERCHANT",
    "MOST_ATTACHMENTS",
    "STEP",
    "STEPS",
    "WANTS",
    "check_step",
    "erasure_message",
    "inbox_message",
    "parse_shop",
    "redemption_message",
    "step_message",
    "verify_request",
    "verify_step",
]

STEP = "claim.step"
MERCHANT, BUYER = "merchant", "buyer"

DECLINE_REASONS = (
    "not_covered",
    "no_fault_found",
    "caused_by_use",
    "evidence_missing",
    "no_answer",
    "other",
)
DISPUTE_REASONS = ("decision_wrong", "not_done", "done_badly", "too_late", "other")
WANTS = ("photo", "video", "description", "diagnosis", "address", "other")
"""What a merchant can ask for. The answers are encrypted; that something was asked is public."""

MOST_ATTACHMENTS = 8  # of one step

_SIZE = 32  # bytes of an Ed25519 key, of a SHA-256, of a claim id
_SIGNATURE_SIZE = 64
_COMMON = {"type", "time", "claim_id", "number", "by", "step", "attachments"}
_SIGNATURE = "signature"
_LONGEST_SHOP = 100

_Check = Callable[[Any], bool]


@dataclass(frozen=True)
class _Form:
    """What a step says: its members and how many attachments it may have."""

    members: Mapping[str, _Check]
    attachments: range = range(MOST_ATTACHMENTS + 1)


def _one_of(codes: Sequence[str]) -> _Check:
    return lambda value: isinstance(value, str) and value in codes


def _is_share(value: Any) -> bool:
    return type(value) is int and 1 <= value <= 100


def _are_wants(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and value == [code for code in WANTS if code in value]
    )


def parse_shop(name: Any) -> str:
    """The name by which a shop is known to those who redeem there; ``FormatError`` for others."""
    return parse_identifier(name, "shop", _LONGEST_SHOP)


def _is_shop(value: Any) -> bool:
    return _reads(lambda: parse_shop(value))


def _is_time(value: Any) -> bool:
    return _reads(lambda: parse_event_time(value, "signed"))


def _reads(parse: Callable[[], object]) -> bool:
    try:
        parse()
    except FormatError:
        return False
    return True


_NONE = range(1)
_SOME = range(1, MOST_ATTACHMENTS + 1)

STEPS: Mapping[tuple[str, str], _Form] = {
    (MERCHANT, "approve"): _Form({"resolution": _one_of(REMEDIES), "share": _is_share}),
    (MERCHANT, "offer"): _Form({"resolution": _one_of(REMEDIES), "share": _is_share}),
    (MERCHANT, "decline"): _Form({"reason": _one_of(DECLINE_REASONS)}),
    (MERCHANT, "ask"): _Form({"wants": _are_wants}),
    (MERCHANT, "start"): _Form({}),
    (MERCHANT, "complete"): _Form({}),
    (MERCHANT, "note"): _Form({}, _SOME),
    (BUYER, "answer"): _Form({}, _SOME),
    (BUYER, "accept"): _Form({}, _NONE),
    (BUYER, "withdraw"): _Form({}, _NONE),
    (BUYER, "dispute"): _Form({"reason": _one_of(DISPUTE_REASONS)}),
    (BUYER, "note"): _Form({}, _SOME),
    (BUYER, "redeem"): _Form({"shop": _is_shop, "signed": _is_time}, _NONE),
}
"""Who takes which step, and what it says."""


def check_step(event: Mapping[str, Any]) -> None:
    """``FormatError`` naming the member, unless ``event`` has the form of a step.

    Whether the step can be taken now is :func:`aftersales.claims.advance`'s to say.
    """
    form = STEPS.get((str(event.get("by")), str(event.get("step"))))
    if event.get("type") != STEP or form is None:
        raise FormatError("no such step", "step")
    signature = {_SIGNATURE} if event["by"] == BUYER else set()
    expected = _COMMON | form.members.keys() | signature
    for name in sorted(expected ^ event.keys()):
        raise FormatError("missing" if name in expected else "unknown member", name)
    parse_hex(event["claim_id"], "claim_id", _SIZE)
    if type(event["number"]) is not int or event["number"] < 0:
        raise FormatError("not an unsigned integer", "number")
    for name, holds in form.members.items():
        if not holds(event[name]):
            raise FormatError("not a value of this step", name)
    _check_attachments(event["attachments"], form.attachments)
    if signature:
        parse_hex(event[_SIGNATURE], _SIGNATURE, _SIGNATURE_SIZE)


def _check_attachments(digests: Any, count: range) -> None:
    if not isinstance(digests, list) or len(digests) not in count:
        raise FormatError("too few or too many", "attachments")
    for digest in digests:
        parse_hex(digest, "attachments", _SIZE)
    if len(set(digests)) < len(digests):
        raise FormatError("one occurs twice", "attachments")


def step_message(event: Mapping[str, Any]) -> bytes:
    """What the buyer signs with ``follow_up``: the step without its time and the signature."""
    unsigned = {name: value for name, value in event.items() if name not in ("time", _SIGNATURE)}
    return canonical_json(unsigned)


def redemption_message(claim_id: str, shop: str, signed: str) -> bytes:
    """What the buyer signs with ``redemption``, for one shop at the time ``signed``."""
    return canonical_json(
        {"type": "claim.redemption", "claim_id": claim_id, "shop": shop, "signed": signed}
    )


def inbox_message(claim_id: str, time: str) -> bytes:
    """What the buyer signs with ``follow_up`` to read what the merchant has written."""
    return canonical_json({"type": "claim.inbox", "claim_id": claim_id, "time": time})


def erasure_message(claim_id: str, time: str) -> bytes:
    """What the buyer signs with ``follow_up`` to have all attachments erased."""
    return canonical_json({"type": "claim.erasure", "claim_id": claim_id, "time": time})


def verify_step(event: Mapping[str, Any], buyer: FollowUpKeys) -> None:
    """``VerificationError`` unless the buyer has signed this step, which is one of its own.

    It has the form of one (:func:`check_step`).
    """
    if event["step"] == "redeem":
        message = redemption_message(event["claim_id"], event["shop"], event["signed"])
        _verify(buyer.redemption, event[_SIGNATURE], message)
    else:
        _verify(buyer.follow_up, event[_SIGNATURE], step_message(event))


def verify_request(
    message: Callable[[str, str], bytes],
    claim_id: str,
    time: str,
    signature: str,
    buyer: FollowUpKeys,
) -> None:
    """``VerificationError`` unless the buyer has signed what ``message`` makes of id and time.

    ``message`` is :func:`inbox_message` or :func:`erasure_message`. ``FormatError`` for what is no
    time or no signature.
    """
    parse_event_time(time, "time")
    parse_hex(signature, _SIGNATURE, _SIGNATURE_SIZE)
    _verify(buyer.follow_up, signature, message(claim_id, time))


def _verify(key: str, signature: str, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(
            bytes.fromhex(signature), message
        )
    except (InvalidSignature, ValueError):
        raise VerificationError("not the buyer's signature", _SIGNATURE) from None
