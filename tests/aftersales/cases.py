"""A case that tests lead through its steps, without log and service."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aftersales.claims import Case, advance, open_case
from aftersales.steps import BUYER, redemption_message, step_message
from ledger.events import event_time
from policies.claim import ClaimBody, FollowUpKeys
from policies.policy import parse_policy
from tests.world import ORIGIN, REFUND, WARRANTY

CLAIM = "ab" * 32
CONTACT = "09" + "00" * 31
DIGEST = "cd" * 32
FOLLOW_UP = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
REDEMPTION = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
BUYER_KEYS = FollowUpKeys(
    FOLLOW_UP.public_key().public_bytes_raw().hex(),
    CONTACT,
    REDEMPTION.public_key().public_bytes_raw().hex(),
)
PLAIN: dict[str, Any] = {
    **WARRANTY,
    "remedies": ["repair", "replacement", "refund"],
    "contact_key": CONTACT,
}
REVIEWED = {**PLAIN, "review": True}
ENDING = {**REFUND, "contact_key": CONTACT}
MEMBERS: dict[str, dict[str, Any]] = {
    "approve": {"resolution": "repair", "share": 100},
    "offer": {"resolution": "refund", "share": 50},
    "decline": {"reason": "caused_by_use"},
    "ask": {"wants": ["photo"]},
    "dispute": {"reason": "not_done"},
    "redeem": {"shop": "acme/desk-1"},
}
"""What each step says, unless a test says otherwise."""


def decided(policy: dict[str, Any], *, with_keys: bool = True, **changes: Any) -> dict[str, Any]:
    body = ClaimBody(
        origin=ORIGIN,
        policy=policy["id"],
        version=policy["version"],
        date="2026-11-21",
        number=0,
        remedy=policy["remedies"][0],
        first=0,
        size=4,
        voided_at=5,
        lane=0,
        nonce="00" * 16,
        buyer=BUYER_KEYS if with_keys else None,
    )
    return {
        "type": "claim.decided",
        "time": "2026-11-21T12:00:00Z",
        "claim_id": CLAIM,
        "decision": "under_review" if policy.get("review") else "approved",
        "claim": body.document(),
        "proof": "",
        "tags": [],
        "retire_by": None,
        **changes,
    }


class Story:
    """One case, and a clock that goes on an hour with each event."""

    def __init__(self, policy: dict[str, Any], *, with_keys: bool = True) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.case: Case = open_case(decided(policy, with_keys=with_keys), parse_policy(policy))

    def step(self, by: str, name: str, **changes: Any) -> dict[str, Any]:
        """The event of a step that could be the next, signed where it is the buyer's."""
        needs_one = name in ("note", "answer")
        event = {
            "type": "claim.step",
            "time": event_time(self.now + timedelta(hours=1)),
            "claim_id": self.case.claim_id,
            "number": self.case.number,
            "by": by,
            "step": name,
            "attachments": [DIGEST] if needs_one else [],
            **MEMBERS.get(name, {}),
        }
        if name == "redeem":
            event["signed"] = event["time"]
        event |= changes
        return signed(event) if by == BUYER else event

    def take(self, by: str, name: str, **changes: Any) -> Case:
        event = self.step(by, name, **changes)
        self.case = advance(self.case, event)
        self.now += timedelta(hours=1)
        return self.case

    def retire(self) -> Case:
        self.now += timedelta(hours=1)
        event = {
            "type": "ownership.retired",
            "time": event_time(self.now),
            "claim_id": self.case.claim_id,
            "secret": "01" * 32,
        }
        self.case = advance(self.case, event)
        return self.case


def signed(event: dict[str, Any]) -> dict[str, Any]:
    if event["step"] == "redeem":
        message = redemption_message(event["claim_id"], event["shop"], event["signed"])
        return {**event, "signature": REDEMPTION.sign(message).hex()}
    return {**event, "signature": FOLLOW_UP.sign(step_message(event)).hex()}
