"""What two owners hand to each other for a transfer, as JSON (docs/protocol.md 8, *Transfer*).

The offer and the acceptance say nothing to others. The handover opens the purchase: it is for the
new owner alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from commitments.errors import FormatError
from commitments.sale import Sale, parse_sale
from commitments.wire import parse_hex, parse_identifier
from sdk.remembered import GROUP
from sdk.transfer_state import Accepted, Offer
from zk.transfer import Acceptance, parse_acceptance

__all__ = [
    "Handover",
    "acceptance_document",
    "offer_document",
    "parse_handover",
    "parse_offer",
    "parse_returned",
]

_OFFER = ("origin", "blinded")
_ACCEPTANCE = ("origin", "blinded", "acceptance")


def offer_document(offer: Offer) -> dict[str, Any]:
    """What the old owner gives to the new one."""
    return {"type": "offer", "origin": offer.origin, "blinded": offer.blinded.hex()}


def parse_offer(document: Any) -> tuple[str, bytes]:
    """Origin and E of an offer; ``FormatError`` for anything else."""
    members = _members(document, "offer", _OFFER)
    return _origin(members, "offer"), _blinded(members, "offer")


def acceptance_document(accepted: Accepted) -> dict[str, Any]:
    """What the new owner gives back."""
    return {
        "type": "acceptance",
        "origin": accepted.origin,
        "blinded": accepted.blinded.hex(),
        "acceptance": accepted.acceptance.document(),
    }


def parse_returned(document: Any) -> tuple[str, bytes, Acceptance]:
    """Origin, E and the acceptance that came back; ``FormatError`` for anything else."""
    members = _members(document, "acceptance", _ACCEPTANCE)
    acceptance = parse_acceptance(members["acceptance"], GROUP, "acceptance.acceptance")
    return _origin(members, "acceptance"), _blinded(members, "acceptance"), acceptance


@dataclass(frozen=True)
class Handover:
    """What opens E, and where the logs say that the purchase has passed.

    ``approval`` and ``retirement`` are events with their proofs, ``proof`` the tlog-proof of the
    new owner's entry.
    """

    origin: str
    blinded: bytes
    sale: Sale
    serial: int = field(repr=False)
    beta: int = field(repr=False)
    approval: Mapping[str, Any] = field(repr=False)
    retirement: Mapping[str, Any] = field(repr=False)
    proof: str = field(repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON; not to be shown to anybody but the new owner."""
        return {
            "type": "handover",
            "origin": self.origin,
            "blinded": self.blinded.hex(),
            "sale": self.sale.document(),
            "serial": GROUP.encode_scalar(self.serial).hex(),
            "beta": GROUP.encode_scalar(self.beta).hex(),
            "approval": self.approval,
            "retirement": self.retirement,
            "proof": self.proof,
        }


_HANDOVER = tuple(Handover.__dataclass_fields__)


def parse_handover(document: Any) -> Handover:
    """Read the JSON object; ``FormatError`` for anything else."""
    members = _members(document, "handover", _HANDOVER)
    for name, kind in (("approval", dict), ("retirement", dict), ("proof", str)):
        if not isinstance(members[name], kind):
            raise FormatError("not of its type", f"handover.{name}")
    return Handover(
        origin=_origin(members, "handover"),
        blinded=_blinded(members, "handover"),
        sale=parse_sale(members["sale"]),
        serial=_scalar(members["serial"], "handover.serial"),
        beta=_scalar(members["beta"], "handover.beta"),
        approval=members["approval"],
        retirement=members["retirement"],
        proof=members["proof"],
    )


def _members(document: Any, kind: str, names: Collection[str]) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("type") != kind:
        raise FormatError(f"not an object of type {kind}", kind)
    if document.keys() != {"type", *names}:
        raise FormatError(f"not the members of an object of type {kind}", kind)
    return document


def _origin(members: Mapping[str, Any], kind: str) -> str:
    return parse_identifier(members["origin"], f"{kind}.origin")


def _blinded(members: Mapping[str, Any], kind: str) -> bytes:
    return parse_hex(members["blinded"], f"{kind}.blinded", GROUP.point_size)


def _scalar(text: Any, field: str) -> int:
    try:
        return GROUP.decode_scalar(parse_hex(text, field, GROUP.scalar_size))
    except FormatError:
        raise FormatError("not a scalar", field) from None
