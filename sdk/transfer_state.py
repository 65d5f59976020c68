"""What a wallet remembers of purchases that pass from owner to owner (docs/protocol.md 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from commitments.purchase import BuyerKeys
from commitments.wire import encode_base64, parse_base64, parse_hex
from policies.transfer import TransferBody, parse_transfer
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
from sdk.seed import Place
from zk.transfer import Acceptance, parse_acceptance

__all__ = ["Accepted", "Handed", "Offer", "Slot", "Transfer"]

Slot = tuple[str, int]
"""A policy's id and the number of a claim under it."""


@dataclass(frozen=True)
class Handed:
    """What an earlier owner has told of a purchase, and which claims were used up by then."""

    serial: int = field(repr=False)
    beta: int = field(repr=False)
    used: tuple[Slot, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "serial": GROUP.encode_scalar(self.serial).hex(),
            "beta": GROUP.encode_scalar(self.beta).hex(),
            "used": [list(slot) for slot in self.used],
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        for name in ("serial", "beta"):
            members[name] = _parse_scalar(members[name], name)
        slots = [dict(zip(("policy", "number"), slot, strict=True)) for slot in members["used"]]
        for slot in slots:
            check_members(slot, str, "policy")
            check_members(slot, int, "number")
        return cls(**{**members, "used": tuple((s["policy"], s["number"]) for s in slots)})


@dataclass(frozen=True)
class Offer(Remembered):
    """A purchase that was offered to somebody: E (``blinded``), which nobody else was given."""

    origin: str
    order: str
    blinded: bytes
    beta: int = field(repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "origin": self.origin,
            "order": self.order,
            "blinded": self.blinded.hex(),
            "beta": GROUP.encode_scalar(self.beta).hex(),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        check_members(members, str, "origin", "order")
        members["blinded"] = parse_hex(members["blinded"], "blinded", GROUP.point_size)
        members["beta"] = _parse_scalar(members["beta"], "beta")
        return cls(**members)


@dataclass(frozen=True)
class Accepted(Remembered):
    """Somebody's offer, and this wallet's answer with keys of its own.

    ``order`` is what the purchase will be called here.
    """

    origin: str
    order: str
    blinded: bytes
    keys: BuyerKeys = field(repr=False)
    acceptance: Acceptance
    place: Place

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "origin": self.origin,
            "order": self.order,
            "blinded": self.blinded.hex(),
            "keys": keys_document(self.keys),
            "acceptance": self.acceptance.document(),
            "place": place_document(self.place),
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        check_members(members, str, "origin", "order")
        members["blinded"] = parse_hex(members["blinded"], "blinded", GROUP.point_size)
        members["keys"] = parse_keys(members["keys"])
        members["acceptance"] = parse_acceptance(members["acceptance"], GROUP)
        members["place"] = parse_place(members["place"])
        return cls(**members)


@dataclass(frozen=True)
class Transfer(Remembered):
    """A transfer whose proof was made, and what became of it.

    As :class:`sdk.state.Claim`; ``completion`` is the service's answer to the secret, once it has
    been verified: the retirement's receipt, and the new owner's entry with its proof.
    """

    transfer_id: str
    order: str
    body: TransferBody
    proof: bytes = field(repr=False)
    tag: bytes = field(repr=False)
    indices: tuple[int, ...] = field(repr=False)
    outcome: str | None = None
    reason: str | None = None
    receipt: Mapping[str, Any] | None = field(default=None, repr=False)
    secret_sent: bool = False
    completion: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def ends_ownership(self) -> bool:
        """It always does."""
        return True

    @property
    def retire_by(self) -> str | None:
        """Until when its approval waits for the secret, an event time; None without one."""
        deadline: str | None = None if self.receipt is None else self.receipt["event"]["retire_by"]
        return deadline

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "transfer_id": self.transfer_id,
            "order": self.order,
            "body": self.body.document(),
            "proof": encode_base64(self.proof),
            "tag": self.tag.hex(),
            "indices": list(self.indices),
            "outcome": self.outcome,
            "reason": self.reason,
            "receipt": self.receipt,
            "secret_sent": self.secret_sent,
            "completion": self.completion,
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        members = dict(document)
        members["body"] = parse_transfer(members["body"], GROUP)
        members["proof"] = parse_base64(members["proof"], "proof")
        members["tag"] = parse_hex(members["tag"], "tag", GROUP.point_size)
        members["indices"] = tuple(parse_count(index, "indices") for index in members["indices"])
        parse_hex(members["transfer_id"], "transfer_id", HASH_BYTES)
        check_members(members, str, "order")
        check_members(members, str | None, "outcome", "reason")
        check_members(members, bool, "secret_sent")
        check_members(members, dict | None, "receipt", "completion")
        return cls(**members)


def _parse_scalar(text: Any, name: str) -> int:
    return GROUP.decode_scalar(parse_hex(text, name, GROUP.scalar_size))
