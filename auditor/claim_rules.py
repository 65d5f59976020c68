"""Claims: each decision, and each step of its case (docs/protocol.md 5 and 8)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aftersales.claims import CANCELED, DECIDED, MOST_CLAIMS
from aftersales.histories import Histories
from aftersales.horizons import Horizons, require_today
from aftersales.steps import check_step
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

    event: Event
    body: ClaimBody
    proof: bytes
    tags: tuple[bytes, ...]

    @property
    def scope(self) -> str:
        return claim_scopes(self.body.origin, self.body.policy, self.body.number)[0].text


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
        self._committed: dict[tuple[str, int, date, date | None], int] = {}

    def decide(self, index: int, event: Event, horizons: Horizons) -> Iterator[Disagreement]:
        """A claim that was approved, or is to be looked at."""
        try:
            claim = self._read(event)
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
            why = "it names a policy that is not published"
            yield broken("claim-policy-not-valid", why, index)
            return
        unstated = [
            *_policy_faults(index, claim, version),
            *_horizon_faults(index, claim, horizons),
        ]
        yield from unstated
        if not unstated:
            self.proofs.append(ProofTask(index, "claim", claim.body, version, claim.tags))
            if claim.tags != self._shown_tags(claim, version):
                yield broken("tag-mismatch", "not the tags that the proof shows", index)
        yield from _date_faults(index, claim)
        yield from self._open(index, claim, version)

    def step(self, index: int, event: Event) -> Iterator[Disagreement]:
        """A step of a case."""
        try:
            check_step(event)
        except FormatError as error:
            yield from self._broken_step(index, event, str(error))
            return
        identifier = event["claim_id"]
        if identifier in self._passed_over:
            return
        history = self._histories.claims.get(identifier)
        if history is None:
            yield broken("step", "about a claim that was not decided", index)
            return
        before = history.case
        try:
            self._histories.read(index, event)
        except KvittoError as error:
            yield from self._broken_step(index, event, str(error))
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

    def _read(self, event: Event) -> _Claim:
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
        return _Claim(event, body, parse_base64(event["proof"], "proof"), tuple(encoded))

    def _shown_tags(self, claim: _Claim, version: Version) -> tuple[bytes, ...]:
        """Those in the proof; how many points stand before them is the policy's to say."""
        body = claim.body
        key = body.policy, body.version, body.day, version.end
        if key not in self._committed:
            predicates = policy_predicates(self._group, version, body.day)
            self._committed[key] = sum(not isinstance(each, Equals) for each in predicates)
        return shown_tags(self._group, self._committed[key], _TAGS, claim.proof)

    def _open(self, index: int, claim: _Claim, version: Version) -> Iterator[Disagreement]:
        """The case begins, and the claim uses up its slot."""
        event = claim.event
        try:
            lapses = version.policy.lapses(parse_event_time(event["time"], "time"))
            self._histories.read(index, event)
        except KvittoError as error:
            self.pass_over(event)
            yield broken("claim-case", str(error), index)
            return
        if event["retire_by"] != (lapses and event_time(lapses)):
            yield broken("claim-case", "not the deadline that the policy gives", index)
        scope, (serial, secret) = claim.scope, claim.tags
        if self._owners.has_left(scope, secret):
            yield broken("retired-owner", "the ownership has ended", index)
        if self._owners.count_claims(scope, secret) >= MOST_CLAIMS:
            yield broken("too-many-claims", f"{MOST_CLAIMS} were made before", index)
        approval = Approval(index, scope, secret, event["retire_by"])
        self._approvals[event["claim_id"]] = approval
        self._owners.claim(approval)
        yield from self._take(index, event["claim_id"], (scope, serial))

    def _take(self, index: int, identifier: str, slot: tuple[str, bytes]) -> Iterator[Disagreement]:
        """A claim uses up a slot, which another may have."""
        holder = self._slots.setdefault(slot, identifier)
        if holder != identifier:
            other = self._approvals[holder].index
            yield broken("duplicate-tag", "another claim has used this slot", other, index)

    def _broken_step(self, index: int, event: Event, why: str) -> Iterator[Disagreement]:
        identifier = event.get("claim_id")
        if not (isinstance(identifier, str) and identifier in self._passed_over):
            self.pass_over(event)
            yield broken("step", why, index)


def _policy_faults(index: int, claim: _Claim, version: Version) -> Iterator[Disagreement]:
    try:
        require_offered(version.policy, claim.body)
        is_open = version.is_open_on(claim.body.day)
    except FormatError as error:
        yield broken("claim-policy-not-valid", str(error), index)
        return
    if not is_open:
        yield broken("claim-policy-not-valid", "the policy is not valid on that day", index)


def _horizon_faults(index: int, claim: _Claim, horizons: Horizons) -> Iterator[Disagreement]:
    try:
        horizons.require(claim.body)
    except Refused as error:
        yield broken("claim-horizon", str(error), index)


def _date_faults(index: int, claim: _Claim) -> Iterator[Disagreement]:
    try:
        require_today(claim.body, parse_event_time(claim.event["time"], "time"))
    except Refused as error:
        yield broken("claim-date", str(error), index)
