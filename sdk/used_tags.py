"""What a whole event log shows of claims: for a wallet that has lost what it knew.

It is read from the first to the last event and matched on the device. There is no question for a
single tag: who asks for the tags of one purchase before using them has linked them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aftersales.claims import APPROVED, UNDER_REVIEW
from aftersales.steps import STEP, check_step
from commitments.errors import FormatError, VerificationError
from commitments.wire import parse_base64, parse_hex
from ledger.entries import COMMITMENT_BYTES
from ledger.events import check_event, parse_event
from policies.claim import ClaimBody, claim_id, parse_claim
from policies.transfer import TransferBody, parse_transfer, transfer_id
from sdk.remembered import GROUP

__all__ = [
    "ApprovedTransfer",
    "EndedOwnership",
    "Shown",
    "StepTaken",
    "UsedTags",
    "used_tags",
]

_SECRET_BYTES = 32
_DECIDED_MEMBERS = ("claim_id", "decision", "claim", "proof", "tags", "retire_by")
_APPROVED_MEMBERS = ("transfer_id", "transfer", "proof", "tag", "retire_by")


@dataclass(frozen=True)
class UsedTags:
    """An approved claim: its place in the event log, what it says and the two tags it showed.

    ``event`` is what the log holds of it.
    """

    position: int
    claim_id: str
    body: ClaimBody
    serial_tag: bytes = field(repr=False)
    secret_tag: bytes = field(repr=False)
    event: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class ApprovedTransfer:
    """An approved transfer: its place in the event log, what it says, and all of its event."""

    position: int
    transfer_id: str
    body: TransferBody
    tag: bytes = field(repr=False)
    event: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class EndedOwnership:
    """A secret (32 bytes) that its owner has shown, and where.

    ``identifier`` names the approved claim or transfer that it completed.
    """

    position: int
    identifier: str
    secret: bytes = field(repr=False)
    event: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class StepTaken:
    """What has followed a claim: one step of its case."""

    claim_id: str
    event: Mapping[str, Any] = field(repr=False)


Shown = UsedTags | ApprovedTransfer | EndedOwnership | StepTaken
"""What an event log shows of owners."""


def used_tags(origin: str, entries: Iterable[bytes]) -> Iterator[Shown]:
    """All tags that were used and all ownerships that have ended, in the order of the event log.

    ``origin`` is that of the purchase log, ``entries`` are all of the event log.
    ``VerificationError`` for an event that is not as the protocol has it: a wallet that passes over
    it could show a tag a second time.
    """
    for position, entry in enumerate(entries):
        try:
            event = parse_event(entry)
            read = _READERS.get(event["type"])
            found = None if read is None else read(origin, position, event)
        except FormatError as error:
            raise VerificationError(f"event log: entry {position} is no event ({error})") from None
        if found is not None:
            yield found


def _read_approval(origin: str, position: int, event: Mapping[str, Any]) -> UsedTags:
    """docs/protocol.md 4, *Events*."""
    check_event(event, "claim.decided", _DECIDED_MEMBERS)
    body, tags = parse_claim(event["claim"]), event["tags"]
    if event["claim_id"] != claim_id(body, parse_base64(event["proof"], "proof")):
        raise FormatError("not the name of its claim", "claim_id")
    if event["decision"] not in (APPROVED, UNDER_REVIEW) or body.origin != origin:
        raise FormatError("not a decision of this merchant's", "claim.decided")
    if not isinstance(tags, list) or len(tags) != 2:  # claim_scopes names two
        raise FormatError("not two tags", "tags")
    serial_tag, secret_tag = (parse_hex(tag, "tags", COMMITMENT_BYTES) for tag in tags)
    if not isinstance(event["retire_by"], str | None):
        raise FormatError("not a time", "retire_by")
    return UsedTags(position, event["claim_id"], body, serial_tag, secret_tag, event)


def _read_transfer(origin: str, position: int, event: Mapping[str, Any]) -> ApprovedTransfer:
    check_event(event, "transfer.approved", _APPROVED_MEMBERS)
    body = parse_transfer(event["transfer"], GROUP)
    if event["transfer_id"] != transfer_id(body, parse_base64(event["proof"], "proof")):
        raise FormatError("not the name of its transfer", "transfer_id")
    if body.origin != origin:
        raise FormatError("not a transfer of this merchant's", "transfer.approved")
    tag = parse_hex(event["tag"], "tag", COMMITMENT_BYTES)
    if not isinstance(event["retire_by"], str):
        raise FormatError("not a time", "retire_by")
    return ApprovedTransfer(position, event["transfer_id"], body, tag, event)


def _read_retirement(_origin: str, position: int, event: Mapping[str, Any]) -> EndedOwnership:
    name = "transfer_id" if "transfer_id" in event else "claim_id"
    check_event(event, "ownership.retired", (name, "secret"))
    identifier = parse_hex(event[name], name, 32).hex()
    secret = parse_hex(event["secret"], "secret", _SECRET_BYTES)
    return EndedOwnership(position, identifier, secret, event)


def _read_step(_origin: str, _position: int, event: Mapping[str, Any]) -> StepTaken:
    check_step(event)
    return StepTaken(event["claim_id"], event)


_READERS: dict[str, Callable[[str, int, Mapping[str, Any]], Shown]] = {
    "claim.decided": _read_approval,
    "transfer.approved": _read_transfer,
    "ownership.retired": _read_retirement,
    STEP: _read_step,
}
