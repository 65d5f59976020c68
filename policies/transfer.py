"""The transfer body, and how it becomes a statement (docs/protocol.md 8, *Transfer*).

Pure, and shared by wallet, verifier and auditor, as :mod:`policies.claim`.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from commitments.group import Group
from commitments.wire import parse_hex
from policies.body import body_members, check_common, check_types, context_of
from zk.statement import Ring, Scope, Statement
from zk.transfer import Acceptance, parse_acceptance

__all__ = [
    "RETIRE_WITHIN",
    "TransferBody",
    "parse_transfer",
    "transfer_id",
    "transfer_scope",
    "transfer_statement",
]

RETIRE_WITHIN = dt.timedelta(days=1)
"""The owner need not wait for anything but the approval."""

_INTEGERS = ("first", "size", "voided_at", "lane")


@dataclass(frozen=True)
class TransferBody:
    """Everything about a transfer that is public and that the old owner's proof is bound to.

    ``blinded`` is E and ``acceptance`` what the new owner answered, with C_new; ``first``,
    ``size``, ``voided_at`` and ``lane`` say which ring; ``nonce`` is 16 random bytes in hex.
    """

    origin: str
    date: str
    first: int
    size: int
    voided_at: int
    lane: int
    blinded: bytes
    acceptance: Acceptance
    nonce: str

    @property
    def day(self) -> dt.date:
        """The date of the transfer."""
        return dt.date.fromisoformat(self.date)

    def document(self) -> dict[str, Any]:
        """The body as a JSON object, with its ``type``."""
        plain = {name: getattr(self, name) for name in _MEMBERS}
        encoded = {"blinded": self.blinded.hex(), "acceptance": self.acceptance.document()}
        return {"type": "transfer", **plain, **encoded}

    @cached_property
    def context(self) -> bytes:
        """What the proof is bound to: the SHA-256 of the body's RFC 8785 form."""
        return context_of(self.document())


_MEMBERS = tuple(TransferBody.__dataclass_fields__)


def transfer_id(body: TransferBody, proof: bytes) -> str:
    """A name for exactly this body with exactly this proof: 64 hex digits."""
    return sha256(body.context + proof).hexdigest()


def parse_transfer(document: Any, group: Group) -> TransferBody:
    """A transfer body from parsed JSON; its points are not decoded yet.

    ``FormatError`` naming the member for anything missing, unknown or of another type or form.
    """
    members = body_members(document, "transfer", _MEMBERS)
    check_types(members, "transfer", _INTEGERS, others=("acceptance",))
    check_common(members, "transfer")
    blinded = parse_hex(members["blinded"], "transfer.blinded", group.point_size)
    acceptance = parse_acceptance(members["acceptance"], group, "transfer.acceptance")
    return TransferBody(**{**members, "blinded": blinded, "acceptance": acceptance})


def transfer_scope(origin: str, commitment: bytes) -> Scope:
    """The one scope of a transfer to ``commitment``, C_new (docs/protocol.md 8)."""
    return Scope("secret", f"transfer|{origin}|{commitment.hex()}")


def transfer_statement(group: Group, body: TransferBody, root: bytes, ring: Ring) -> Statement:
    """The statement of a transfer. That the acceptance holds is not part of it.

    Parameters
    ----------
    root
        the purchase log's root at ``body.size``.
    ring
        the cell ``body`` names, built from a copy of the log that the caller trusts.

    ``FormatError`` if E is no point or the result is not a valid statement.
    """
    return Statement(
        group=group,
        origin=body.origin,
        first=body.first,
        size=body.size,
        root=root,
        voided_at=body.voided_at,
        lane=body.lane,
        ring=ring,
        predicates=(),
        scopes=(transfer_scope(body.origin, body.acceptance.commitment),),
        context=body.context,
        blinded=body.blinded,
    )
