"""An event with its proof: what a decision's receipt is. It verifies offline.

As JSON: ``{"event": {…}, "proof": "<the text of a tlog-proof>"}``.
"""

from dataclasses import dataclass
from typing import Any

from commitments.errors import FormatError
from ledger.checkpoint import Checkpoint
from ledger.events import encode_event
from ledger.note import Verifier
from ledger.quorum import NO_QUORUM, Quorum
from ledger.tlog_proof import TlogProof, verify_tlog_proof

__all__ = ["EventReceipt", "verify_event_receipt"]


@dataclass(frozen=True)
class EventReceipt:
    """An event and the C2SP tlog-proof that it is in its log."""

    event: dict[str, Any]
    proof: TlogProof

    def document(self) -> dict[str, Any]:
        """The receipt as a JSON object."""
        return {"event": self.event, "proof": self.proof.serialise().decode("utf-8")}

    @classmethod
    def parse(cls, document: Any) -> "EventReceipt":
        """Read the JSON object; ``FormatError`` for anything else."""
        if not isinstance(document, dict) or document.keys() != {"event", "proof"}:
            raise FormatError("not an event with its proof", "receipt")
        event, proof = document["event"], document["proof"]
        if not isinstance(event, dict) or not isinstance(proof, str):
            raise FormatError("not an event with its proof", "receipt")
        return cls(event, TlogProof.parse(proof.encode("utf-8")))


def verify_event_receipt(
    receipt: EventReceipt, *verifiers: Verifier, policy: Quorum = NO_QUORUM
) -> Checkpoint:
    """The checkpoint, signed by the event log of these keys, under which the event is in it.

    ``VerificationError`` unless the event stands in that log just as it is in the receipt.
    """
    return verify_tlog_proof(receipt.proof, encode_event(receipt.event), *verifiers, policy=policy)
