"""Claims that are followed up in a :class:`tests.world.World`."""

from typing import Any

from aftersales.steps import BUYER, erasure_message, inbox_message
from commitments.wire import encode_base64
from ledger.events import event_time
from policies.attachments import attachment_digest, seal_attachment
from tests.aftersales.cases import BUYER_KEYS, CONTACT, FOLLOW_UP, MEMBERS, signed
from tests.world import ORIGIN, REFUND, WARRANTY, Bought, World
from verifier.cases import CaseStatus

__all__ = ["ENDING", "LOOKED_AT", "PLAIN", "Followed"]

PLAIN: dict[str, Any] = {
    **WARRANTY,
    "remedies": ["repair", "replacement", "refund"],
    "contact_key": CONTACT,
}
LOOKED_AT = {**PLAIN, "id": "looked-at", "review": True}
ENDING = {**REFUND, "contact_key": CONTACT}


class Followed:
    """A claim with its buyer's keys, and who takes its steps."""

    def __init__(self, world: World, bought: Bought, policy: str, **changes: Any) -> None:
        self.world = world
        self.decision = world.claim(bought, policy, buyer=BUYER_KEYS, **changes)
        self.claim_id = self.decision.claim_id
        self.number = 0

    def step(self, by: str, name: str, *contents: bytes, **changes: Any) -> dict[str, Any]:
        """The step that would be the next, signed where it is the buyer's."""
        step = {
            "type": "claim.step",
            "claim_id": self.claim_id,
            "number": self.number,
            "by": by,
            "step": name,
            "attachments": [attachment_digest(content) for content in contents],
            **MEMBERS.get(name, {}),
        }
        if name == "redeem":
            step["signed"] = event_time(self.world.clock())
        step |= changes
        return signed(step) if by == BUYER else step

    def take(self, by: str, name: str, *contents: bytes, **changes: Any) -> CaseStatus:
        """Take it."""
        status, new = self.world.verifier.cases.take(
            ORIGIN, self.claim_id, self.step(by, name, *contents, **changes), contents
        )
        assert new
        self.number = status.case.number
        return status

    def body(self, by: str, name: str, *contents: bytes, **changes: Any) -> dict[str, Any]:
        """The body of the request that takes it."""
        step = self.step(by, name, *contents, **changes)
        return {"step": step, "attachments": [encode_base64(content) for content in contents]}

    def seal(self, content: bytes) -> bytes:
        """An attachment; in these tests both sides read with one key."""
        return seal_attachment(content, self.claim_id, CONTACT)

    def ask_for_inbox(self, time: str) -> str:
        """The signature."""
        return FOLLOW_UP.sign(inbox_message(self.claim_id, time)).hex()

    def ask_for_erasure(self, time: str) -> str:
        """The signature."""
        return FOLLOW_UP.sign(erasure_message(self.claim_id, time)).hex()
