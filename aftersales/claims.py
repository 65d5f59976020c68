"""The case of a claim: what follows once it is in the event log, folded from its events.

Pure, and shared by wallet, service and auditor: the three fold the same events by the same rules
(docs/protocol.md 8, *Cases*).

::

    under_review ── approve ──> approved ── start ──> in_process ── complete ──> completed
         └─ decline ──> declined       (approved straight away where the policy has no review)

    needs_information   after ``ask``, until ``answer``; then as before
    disputed            after ``dispute``, until the merchant takes a step
    canceled            after ``withdraw``
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aftersales.steps import BUYER, MERCHANT, check_step, verify_step
from commitments.errors import FormatError, Refused, VerificationError
from ledger.events import OWNERSHIP_RETIRED, event_time, parse_event_time
from policies.claim import ClaimBody, parse_claim
from policies.policy import Policy

__all__ = [
    "APPROVED",
    "CANCELED",
    "COMPLETED",
    "DECIDED",
    "DECLINED",
    "DISPUTED",
    "IN_PROCESS",
    "MOST_CLAIMS",
    "MOST_STEPS",
    "NEEDS_INFORMATION",
    "STATES",
    "UNDER_REVIEW",
    "Case",
    "Grant",
    "Redemption",
    "advance",
    "begin_case",
    "open_case",
    "require_signed_lately",
]

DECIDED = "claim.decided"

UNDER_REVIEW = "under_review"
APPROVED = "approved"
DECLINED = "declined"
NEEDS_INFORMATION = "needs_information"
IN_PROCESS = "in_process"
COMPLETED = "completed"
CANCELED = "canceled"
DISPUTED = "disputed"
STATES = (
    UNDER_REVIEW,
    APPROVED,
    DECLINED,
    NEEDS_INFORMATION,
    IN_PROCESS,
    COMPLETED,
    CANCELED,
    DISPUTED,
)

MOST_CLAIMS = 16
"""Of one owner with one slot: those before the last have been withdrawn or declined."""

MOST_STEPS = 32  # of each side: whoever has a claim can write so much into the log and no more

_SIGNED_WITHIN = timedelta(days=1)  # a shop may be without network for so long
_CLOCKS_DIFFER = timedelta(minutes=5)
_IN_PARTS = ("refund", "store_credit")  # a repair is whole or none


@dataclass(frozen=True)
class Grant:
    """What the buyer gets: a resolution, and of money what share (percent)."""

    resolution: str
    share: int


@dataclass(frozen=True)
class Redemption:
    """That the approval was cashed in: where, and at what time the buyer signed that."""

    shop: str
    signed: str


@dataclass(frozen=True)
class Case:
    """A claim as it stands after some of its events. Times are event times, which sort as text.

    ``granted`` is what the merchant has approved, which it does not take back; ``agreed`` whether
    the buyer asked for that or has accepted it; ``offer`` what the buyer may accept instead.
    ``due`` is the end of the merchant's response time while the next move is the merchant's, and
    ``answer_by`` that of the buyer's, who was asked for ``wants``; ``before`` is where the question
    came. ``reason`` is that of the decline or dispute. ``number`` counts all steps, ``taken``
    those of merchant and buyer but the redemption. Where the claim ends the ownership, nothing is
    done before its owner has ``retired``.
    """

    claim_id: str
    body: ClaimBody
    policy: Policy
    state: str
    opened: str
    moved: str
    due: str | None
    granted: Grant | None = None
    agreed: bool = True
    offer: Grant | None = None
    reason: str | None = None
    wants: tuple[str, ...] = ()
    answer_by: str | None = None
    before: str | None = None
    started: bool = False
    retired: bool = False
    redeemed: Redemption | None = None
    number: int = 0
    taken: tuple[int, int] = (0, 0)

    def document(self) -> dict[str, Any]:
        """The case as JSON, without what the claim says itself."""
        return {
            "claim_id": self.claim_id,
            "state": self.state,
            "opened": self.opened,
            "moved": self.moved,
            "due": self.due,
            "granted": self.granted and asdict(self.granted),
            "agreed": self.agreed,
            "offer": self.offer and asdict(self.offer),
            "reason": self.reason,
            "wants": list(self.wants),
            "answer_by": self.answer_by,
            "redeemed": self.redeemed and asdict(self.redeemed),
            "number": self.number,
        }

    @property
    def holds_slot(self) -> bool:
        """Whether the claim's serial tag is used up: a claim that came to nothing frees it."""
        return self.state not in (DECLINED, CANCELED)

    @property
    def is_open(self) -> bool:
        """Whether somebody has a move to make."""
        return self.state not in (DECLINED, CANCELED, COMPLETED)

    def is_overdue(self, now: str) -> bool:
        """Whether the merchant should have moved before the event time ``now``."""
        return self.due is not None and self.due < now


def open_case(event: Mapping[str, Any], policy: Policy) -> Case:
    """The case that a ``claim.decided`` event opens.

    ``policy`` is the version that the claim names. ``VerificationError`` for a decision that the
    policy does not give; ``FormatError`` for an event that is none.
    """
    return begin_case(event, parse_claim(event["claim"]), policy)


def begin_case(event: Mapping[str, Any], body: ClaimBody, policy: Policy) -> Case:
    """The same where the claim has been read; ``body`` is the event's."""
    if (body.origin, body.policy, body.version) != (policy.origin, policy.id, policy.version):
        raise VerificationError("names another policy", "claim.policy")
    state = event["decision"]
    if state != (UNDER_REVIEW if policy.review else APPROVED):
        raise VerificationError("not the decision that the policy gives", "decision")
    case = Case(
        claim_id=event["claim_id"],
        body=body,
        policy=policy,
        state=state,
        opened=event["time"],
        moved=event["time"],
        due=None,
    )
    if state == APPROVED:
        case = replace(case, granted=Grant(body.remedy, 100))
    # Until its owner has left, a claim that ends the ownership may still lapse.
    return case if policy.ends_ownership else _merchants_turn(case, event)


def advance(case: Case, event: Mapping[str, Any]) -> Case:
    """The case after one more of its events, a ``claim.step`` or an ``ownership.retired``.

    Raises
    ------
    FormatError
        the event is malformed.
    Refused
        ``already-moved`` for a step with another number than the next; ``wrong-state`` for one
        that cannot be taken now; ``too-many-steps``.
    VerificationError
        the buyer has not signed it, or it is about another claim.
    """
    if event.get("claim_id") != case.claim_id:
        raise VerificationError("about another claim", "claim_id")
    if event.get("type") == OWNERSHIP_RETIRED:
        _require(case.policy.ends_ownership and case.holds_slot and not case.retired)
        return _merchants_turn(replace(case, retired=True, moved=event["time"]), event)
    check_step(event)
    if event["number"] != case.number:
        raise Refused("already-moved", "another step has been taken meanwhile", "number")
    if event["by"] == BUYER:
        _require_buyer(case, event)
    elif event["attachments"] and case.body.buyer is None:
        raise Refused("wrong-state", "the claim has no key to encrypt to", "attachments")
    taken = _counted(case, event)
    moved = _MOVES[event["by"], event["step"]](case, event)
    return replace(moved, moved=event["time"], number=case.number + 1, taken=taken)


def require_signed_lately(redeem: Mapping[str, Any]) -> None:
    """``Refused`` unless a step ``redeem`` was signed within the last day before its time."""
    age = _moment(redeem["time"]) - _moment(redeem["signed"])
    if not -_CLOCKS_DIFFER <= age <= _SIGNED_WITHIN:
        raise Refused("wrong-time", "not signed within the last day", "signed")


def _require_buyer(case: Case, event: Mapping[str, Any]) -> None:
    if case.body.buyer is None:
        raise Refused("wrong-state", "the claim has no keys of its buyer", "by")
    verify_step(event, case.body.buyer)
    if event["attachments"] and case.policy.contact_key is None:
        raise Refused("wrong-state", "the policy has no key to encrypt to", "attachments")


def _counted(case: Case, event: Mapping[str, Any]) -> tuple[int, int]:
    """A redemption comes once and does not count: nobody can be made to use up that step."""
    (merchant, buyer), by = case.taken, event["by"]
    if event["step"] == "redeem":
        return case.taken
    taken = (merchant + (by == MERCHANT), buyer + (by == BUYER))
    if max(taken) > MOST_STEPS:
        raise Refused("too-many-steps", f"each side takes at most {MOST_STEPS}", "step")
    return taken


# ---- the merchant's steps


def _approve(case: Case, event: Mapping[str, Any]) -> Case:
    """What the buyer did not ask for takes effect when the buyer accepts it."""
    _require(_standing(case) in (UNDER_REVIEW, DISPUTED) and case.granted is None)
    granted = _read_grant(case, event)
    agreed = granted == Grant(case.body.remedy, 100)
    approved = replace(_settled(case), state=APPROVED, granted=granted, agreed=agreed)
    return _merchants_turn(approved, event) if agreed else _buyers_turn(approved)


def _offer(case: Case, event: Mapping[str, Any]) -> Case:
    """Something else than what is granted, which stands until the buyer accepts."""
    _require(case.state in (APPROVED, IN_PROCESS, DISPUTED))
    _require(case.granted is not None and case.body.buyer is not None and case.redeemed is None)
    _require_may_act(case)
    return replace(case, offer=_read_grant(case, event))


def _read_grant(case: Case, event: Mapping[str, Any]) -> Grant:
    grant = Grant(event["resolution"], event["share"])
    if grant.resolution not in case.policy.remedies:
        raise FormatError("not a remedy of the policy", "resolution")
    if grant.share < 100 and grant.resolution not in _IN_PARTS:
        raise FormatError("only money has parts", "share")
    return grant


def _decline(case: Case, event: Mapping[str, Any]) -> Case:
    """An approval is not taken back; and who was asked has the response time to answer."""
    _require(_standing(case) in (UNDER_REVIEW, DISPUTED) and case.granted is None)
    _require(case.answer_by is None or case.answer_by < event["time"])
    declined = replace(_settled(case), state=DECLINED, reason=event["reason"])
    return _buyers_turn(declined)


def _ask(case: Case, event: Mapping[str, Any]) -> Case:
    _require(case.state in (UNDER_REVIEW, APPROVED, IN_PROCESS, DISPUTED))
    _require(case.body.buyer is not None and case.policy.contact_key is not None)
    _require_may_act(case)
    return replace(
        _buyers_turn(case),
        state=NEEDS_INFORMATION,
        before=case.state,
        wants=tuple(event["wants"]),
        answer_by=_response_time(case, event),
    )


def _start(case: Case, event: Mapping[str, Any]) -> Case:
    _require(_standing(case) in (APPROVED, DISPUTED))
    _require_agreed(case)
    return _merchants_turn(replace(_settled(case), state=IN_PROCESS, started=True), event)


def _complete(case: Case, _event: Mapping[str, Any]) -> Case:
    _require(_standing(case) in (APPROVED, IN_PROCESS, DISPUTED))
    _require_agreed(case)
    return _buyers_turn(replace(_settled(case), state=COMPLETED, started=True))


def _note(case: Case, _event: Mapping[str, Any]) -> Case:
    return case


# ---- the buyer's steps


def _answer(case: Case, event: Mapping[str, Any]) -> Case:
    _require(case.state == NEEDS_INFORMATION)
    answered = replace(case, state=_standing(case), before=None, wants=(), answer_by=None)
    return _merchants_turn(answered, event)


def _accept(case: Case, event: Mapping[str, Any]) -> Case:
    _require(case.state in (APPROVED, IN_PROCESS, DISPUTED))
    if case.offer is not None:
        case = replace(case, granted=case.offer, agreed=False)
    _require(case.granted is not None and not case.agreed)
    state = APPROVED if case.state == DISPUTED else case.state
    return _merchants_turn(replace(_settled(case), state=state, agreed=True), event)


def _withdraw(case: Case, _event: Mapping[str, Any]) -> Case:
    """Only while nothing has been done for it: the slot is free again."""
    _require(_standing(case) in (UNDER_REVIEW, APPROVED))
    _require(not (case.started or case.retired))
    return _buyers_turn(replace(_settled(case), state=CANCELED))


def _dispute(case: Case, event: Mapping[str, Any]) -> Case:
    _require(case.state in (APPROVED, DECLINED, IN_PROCESS, COMPLETED))
    _require_may_act(case)
    return _merchants_turn(replace(case, state=DISPUTED, reason=event["reason"]), event)


def _redeem(case: Case, event: Mapping[str, Any]) -> Case:
    """Once, and only what both have agreed on; whatever the merchant asks or leaves lying."""
    if case.redeemed is not None:
        raise Refused("already-redeemed", "the approval has been cashed in", "claim_id")
    untouched = _standing(case) == DISPUTED and not case.started
    _require(_standing(case) in (APPROVED, IN_PROCESS) or untouched)
    _require_agreed(case)
    require_signed_lately(event)
    redeemed = Redemption(event["shop"], event["signed"])
    changed = replace(_settled(case), state=IN_PROCESS, started=True, redeemed=redeemed)
    return _merchants_turn(changed, event)


_MOVES: Mapping[tuple[str, str], Callable[[Case, Mapping[str, Any]], Case]] = {
    (MERCHANT, "approve"): _approve,
    (MERCHANT, "offer"): _offer,
    (MERCHANT, "decline"): _decline,
    (MERCHANT, "ask"): _ask,
    (MERCHANT, "start"): _start,
    (MERCHANT, "complete"): _complete,
    (MERCHANT, "note"): _note,
    (BUYER, "answer"): _answer,
    (BUYER, "accept"): _accept,
    (BUYER, "withdraw"): _withdraw,
    (BUYER, "dispute"): _dispute,
    (BUYER, "note"): _note,
    (BUYER, "redeem"): _redeem,
}


# ---- what moves have in common


def _standing(case: Case) -> str:
    """Where the case stands apart from an open question."""
    return str(case.before) if case.state == NEEDS_INFORMATION else case.state


def _settled(case: Case) -> Case:
    """Without the question, dispute or offer that was open."""
    return replace(case, before=None, wants=(), answer_by=None, reason=None, offer=None)


def _merchants_turn(case: Case, event: Mapping[str, Any]) -> Case:
    return replace(case, due=_response_time(case, event))


def _buyers_turn(case: Case) -> Case:
    return replace(case, due=None)


def _response_time(case: Case, event: Mapping[str, Any]) -> str:
    return event_time(case.policy.responds_by(_moment(event["time"])))


def _moment(time: str) -> datetime:
    return parse_event_time(time, "time")


def _require_may_act(case: Case) -> None:
    """Where a claim ends the ownership, its owner leaves first: until then it may lapse."""
    _require(case.retired or not case.policy.ends_ownership)


def _require_agreed(case: Case) -> None:
    _require(case.granted is not None and case.agreed)
    _require_may_act(case)


def _require(condition: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise Refused("wrong-state", "this step cannot be taken now", "step")
