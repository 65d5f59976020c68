"""What the verifier answers to a transfer, and the event that records its approval."""

from dataclasses import dataclass
from typing import Any

from commitments.wire import encode_base64
from ledger.events import TRANSFER_APPROVED
from policies.transfer import TransferBody

__all__ = ["Transfer", "declined_transfer", "transfer_event"]

_DECLINED = "declined"


@dataclass(frozen=True)
class Transfer:
    """The answer to a transfer.

    ``reason`` of a decline: ``acceptance_invalid``, ``proof_invalid`` or ``ownership_ended``.
    ``status`` of an approval: ``awaiting_secret`` until ``retire_by``, then ``completed`` or
    ``lapsed``. ``receipt`` is the event of the approval with its proof of inclusion.

    Of a completed one, ``retirement`` is the same for the event that ended the ownership, and the
    new owner's entry stands at ``index`` of the purchase log, by the tlog-proof ``proof``. ``new``
    tells the first answer from a repeated one.
    """

    transfer_id: str
    status: str
    reason: str | None = None
    retire_by: str | None = None
    receipt: dict[str, Any] | None = None
    retirement: dict[str, Any] | None = None
    index: int | None = None
    proof: str | None = None
    new: bool = False

    @property
    def approved(self) -> bool:
        """Whether the transfer was approved, whatever became of it later."""
        return self.status != _DECLINED

    def document(self) -> dict[str, Any]:
        """The answer as a JSON object."""
        return {
            "transfer_id": self.transfer_id,
            "decision": "approved" if self.approved else "declined",
            "reason": self.reason,
            "status": self.status,
            "retire_by": self.retire_by,
            "receipt": self.receipt,
            "retirement": self.retirement,
            "index": self.index,
            "proof": self.proof,
        }


def declined_transfer(identifier: str, reason: str) -> Transfer:
    """A decline. It leaves no trace."""
    return Transfer(identifier, _DECLINED, reason)


def transfer_event(
    identifier: str, time: str, body: TransferBody, proof: bytes, tag: bytes, retire_by: str
) -> dict[str, Any]:
    """The event of an approval: all that anyone needs to check it again."""
    return {
        "type": TRANSFER_APPROVED,
        "time": time,
        "transfer_id": identifier,
        "transfer": body.document(),
        "proof": encode_base64(proof),
        "tag": tag.hex(),
        "retire_by": retire_by,
    }
