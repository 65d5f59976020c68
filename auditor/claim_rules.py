"""Claims: each decision, and each step of its case (docs/protocol.md 5 and 8)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aftersales.claims import CANCELED, DECIDED, MOST_CLAIMS
from aftersales.histories import Histories
from aftersales.horizons import require_today
from auditor.close_rules import CloseRules
from auditor.findings import Disagreement
from auditor.owner_rules import Approval, OwnerRules
from auditor.proof_task import ProofTask
from auditor.rules import broken
from commitments.errors import FormatError, KvittoError, Refused
from commitments.group import Group
from commitments.wire import parse_base64, parse_hex
from ledger.events import check_event, event_time, parse_event_time
from policies.claim import (
    ClaimBody,
    claim_id,
    claim_scopes,
    parse_claim,
    policy_predicates,
    require_offered,
)
from policies.versions import Version
from zk.statement import Equals
from zk.verify import shown_tags

__all__ = ["ClaimRules"]

Event = Mapping[str, Any]

_MEMBERS = ("claim_id", "decision", "claim", "proof", "tags", "retire_by")
_TAGS = 2  # serial, secret
_ID_SIZE = 32


@dataclass(frozen=True)
class _Claim:
    """A decision that can be read. ``tags`` are as the event has them."""

    index: int
    event: Event
    body: ClaimBody
    proof: bytes
    tags: tuple[bytes, ...]

    @property
    def scope(self) -> str:
        return claim_scopes(self.body.origin, self.body.policy, self.body.number)[0].text

    @property
    def moment(self) -> datetime:
        return parse_event_time(self.event["time"], "time")


@dataclass(frozen=True)
class _Offer:
    """What a version is on one day: why no claim can be made, and where its proofs show tags."""

    fault: str | None
    committed: int


class ClaimRules:
    """Reads decisions, steps, and the ends of ownerships by claims, in their order.

    What follows a claim that was broken is passed over: one disagreement about it is enough.
    ``proofs`` are those to verify, of claims whose statement can be built.
    """

    def __init__(self, origin: str, group: Group, histories: Histories, owners: OwnerRules) -> None:
        self.proofs: list[ProofTask] = []
        self._origin = origin
        self._group = group
        self._histories = histories
        self._owners = owners
        self._approvals: dict[str, Approval] = {}
        self._slots: dict[tuple[str, bytes], str] = {}
        self._passed_over: set[str] = set()
        self._unpublished: set[tuple[str, int]] = set()
        self._offers: dict[tuple[str, int, date, date | None], _Offer] = {}

    def decide(self, index: int, event: Event, closes: CloseRules) -> Iterator[Disagreement]:
        """A claim that was approved, or is to be looked at."""
        try:
            claim = self._read(index, event)
        except FormatError as error:
            self.pass_over(event)
            yield broken("claim-event", str(error), index)
            return
        identifier = claim_id(claim.body, claim.proof)
        if event["claim_id"] != identifier:
            self.pass_over(event)
            yield broken("claim-id", "not the id of this claim", index)
            return
        if (earlier := self._histories.claims.get(identifier)) is not None:
            yield broken("claim-id", "decided a second time", earlier.index, index)
            return
        version = self._histories.versions.version(claim.body.policy, claim.body.version)
        if version is None:
            self.pass_over(event)
            named = claim.body.policy, claim.body.version
            if named not in self._unpublished:  # it is said once
                yield broken("claim-policy-not-valid", "the policy is not published", index)
            self._unpublished.add(named)
            return
        yield from self._proof(claim, version, closes)
        yield from _date_faults(claim)
        yield from self._open(claim, version, identifier)

    def step(self, index: int, event: Event) -> Iterator[Disagreement]:
        """A step of a case."""
        identifier = str(event.get("claim_id"))
        if identifier in self._passed_over:
            return
        history = self._histories.claims.get(identifier)
        if history is None:
            self.pass_over(event)
            yield broken("step", "about a claim that was not decided", index)
            return
        before = history.case
        try:
            self._histories.read(index, event)
        except KvittoError as error:
            self.pass_over(event)
            yield broken("step", str(error), index)
            return
        approval = self._approvals[identifier]
        takes = event["step"] == "redeem" or (event["step"] == "dispute" and not before.holds_slot)
        may_have_left = takes and not before.retired
        if may_have_left and self._owners.has_left(approval.scope, approval.secret_tag):
            yield broken("retired-owner", "the ownership has ended", index)
        approval.canceled = history.case.state == CANCELED
        slot = approval.scope, bytes.fromhex(history.tags[0])
        if before.holds_slot and not history.case.holds_slot:
            if self._slots.get(slot) == identifier:
                del self._slots[slot]
        elif history.case.holds_slot and not before.holds_slot:
            yield from self._take(index, identifier, slot)

    def retire(self, index: int, event: Event) -> Iterator[Disagreement]:
        """An owner leaves with a claim. The event has its form, but for what it names."""
        identifier = event["claim_id"]
        if identifier in self._passed_over:
            return
        approval = self._approvals.get(identifier)
        if approval is None:
            self.pass_over(event)
            yield broken("retirement", "of a claim that was not decided", index)
            return
        faults = list(
            self._owners.retire(index, approval, bytes.fromhex(event["secret"]), event["time"])
        )
        yield from faults
        try:
            self._histories.read(index, event)
        except KvittoError as error:
            if not faults:
                yield broken("retirement", str(error), index)
        else:
            approval.retired = index

    def pass_over(self, event: Event) -> None:
        """What follows the claim that a broken event names is not judged."""
        if isinstance(event.get("claim_id"), str):
            self._passed_over.add(event["claim_id"])

    # ---- inside

    def _read(self, index: int, event: Event) -> _Claim:
        """``FormatError`` for what is no decision about a claim with this merchant."""
        check_event(event, DECIDED, _MEMBERS)
        parse_hex(event["claim_id"], "claim_id", _ID_SIZE)
        body = parse_claim(event["claim"])
        if body.origin != self._origin:
            raise FormatError("the claim is about another merchant", "claim.origin")
        tags = event["tags"]
        if not isinstance(tags, list) or len(tags) != _TAGS:
            raise FormatError("not two tags", "tags")
        encoded = [parse_hex(tag, "tags", self._group.point_size) for tag in tags]
        return _Claim(index, event, body, parse_base64(event["proof"], "proof"), tuple(encoded))

    def _proof(self, claim: _Claim, version: Version, closes: CloseRules) -> Iterator[Disagreement]:
        """What the statement is made of, and the tags in the proof."""
        offer = self._offer(version, claim.body.day)
        faults = [*_policy_faults(claim, version, offer), *_horizon_faults(claim, closes)]
        yield from faults
        if not (faults or closes.is_lost(claim.body)):
            self.proofs.append(ProofTask(claim.index, claim.body, version))
            if claim.tags != shown_tags(self._group, offer.committed, _TAGS, claim.proof):
                yield broken("tag-mismatch", "not the tags that the proof shows", claim.index)

    def _offer(self, version: Version, day: date) -> _Offer:
        """Most claims of a day are under few versions."""
        key = version.policy.id, version.policy.version, day, version.end
        if key not in self._offers:
            self._offers[key] = _offer(self._group, version, day)
        return self._offers[key]

    def _open(self, claim: _Claim, version: Version, identifier: str) -> Iterator[Disagreement]:
        """The case begins, and the claim uses up its slot."""
        index, event = claim.index, claim.event
        try:
            lapses = version.policy.lapses(claim.moment)
            retire_by = None if lapses is None else event_time(lapses)
            self._histories.decide(index, event, claim.body, identifier)
        except KvittoError as error:
            self.pass_over(event)
            yield broken("claim-case", str(error), index)
            return
        if event["retire_by"] != retire_by:
            yield broken("claim-case", "not the deadline that the policy gives", index)
        scope, (serial, secret) = claim.scope, claim.tags
        if self._owners.has_left(scope, secret):
            yield broken("retired-owner", "the ownership has ended", index)
        if self._owners.count_claims(scope, secret) >= MOST_CLAIMS:
            yield broken("too-many-claims", f"{MOST_CLAIMS} were made before", index)
        approval = Approval(index, scope, secret, retire_by)
        self._approvals[identifier] = approval
        self._owners.claim(approval)
        yield from self._take(index, identifier, (scope, serial))

    def _take(self, index: int, identifier: str, slot: tuple[str, bytes]) -> Iterator[Disagreement]:
        """A claim uses up a slot, which another may have."""
        holder = self._slots.setdefault(slot, identifier)
        if holder != identifier:
            other = self._approvals[holder].index
            yield broken("duplicate-tag", "another claim has used this slot", other, index)


def _offer(group: Group, version: Version, day: date) -> _Offer:
    try:
        predicates = policy_predicates(group, version, day)
        fault = None if version.is_open_on(day) else "the policy is not valid on that day"
    except FormatError as error:
        return _Offer(str(error), 0)
    return _Offer(fault, sum(not isinstance(each, Equals) for each in predicates))


def _policy_faults(claim: _Claim, version: Version, offer: _Offer) -> Iterator[Disagreement]:
    if offer.fault is not None:
        yield broken("claim-policy-not-valid", offer.fault, claim.index)
        return
    try:
        require_offered(version.policy, claim.body)
    except FormatError as error:
        yield broken("claim-policy-not-valid", str(error), claim.index)


def _horizon_faults(claim: _Claim, closes: CloseRules) -> Iterator[Disagreement]:
    if closes.is_lost(claim.body):
        return
    try:
        closes.horizons.require(claim.body)
    except Refused as error:
        yield broken("claim-horizon", str(error), claim.index)


def _date_faults(claim: _Claim) -> Iterator[Disagreement]:
    try:
        require_today(claim.body, claim.moment)
    except Refused as error:
        yield broken("claim-date", str(error), claim.index)
