"""The rules that an audit holds both logs of a merchant against: name and one sentence each.

``docs/methodology.md`` lists them, too. Names are stable: pages and programs go by them.
"""

from collections.abc import Mapping, Sequence

from auditor.findings import Disagreement, Entry

__all__ = ["RULES", "broken"]

RULES: Mapping[str, str] = {
    # the purchase log
    "entry-unreadable": "An entry of the purchase log has one of its four forms, with a point.",
    "commitment-repeated": "A commitment comes into the purchase log once.",
    "void-entry": "A void names a purchase that stands before it and is not void yet.",
    # events of any type
    "event-unreadable": "An event is a JSON object in its one spelling, with a type and a time.",
    "event-type": "An event has a type that is known.",
    "event-time": "The times of events have come, and do not go back by more than five minutes.",
    "declaration": "The event log begins with its declaration, and has no other.",
    # keys and closes
    "key-event": "A change of keys has the next number and is signed by the old key.",
    "close-without-effect": "A close has the next number, a later period, all seeds and the root.",
    "close-early": "A day is closed when it is over.",
    # policies and notices
    "policy-number": "Policy events are numbered without gaps.",
    "policy-event": "A policy event has its form, and publishes what somebody can claim under.",
    "policy-version": "The versions of a policy are published in turn.",
    "policy-superseded": "A new version ends those before it at once, as far as they go on.",
    "policy-end": "A version ends for purchases of days to come, once for each such day.",
    "notice-number": "Notices are numbered without gaps.",
    "notice-event": "A notice has its form, and an id of its own.",
    # voids
    "void-number": "Reasons of voids are numbered without gaps.",
    "void-event": "The reason of a void has its form and comes once, in the order of the voids.",
    "void-of-nothing": "The reason of a void is about a void that the purchase log has.",
    "void-without-reason": "Once voids have reasons, each has one.",
    # claims
    "claim-event": "A decision has its form, and is about a claim with this merchant.",
    "claim-id": "A claim has the id that its body and proof make, and is decided once.",
    "claim-date": "A claim is dated on the day of its decision or the day before.",
    "claim-policy-not-valid": "A claim asks for what its policy offers on that day.",
    "claim-horizon": "A claim names closes of the log, the last one or two back, and a lane.",
    "claim-case": "A claim gets the decision and the deadline that its policy gives.",
    "tag-mismatch": "The tags beside a proof are those in it.",
    "duplicate-tag": "No two claims that stand have used one slot of one purchase.",
    "too-many-claims": "At most sixteen claims are made by one owner with one slot.",
    "proof-invalid": "The proof of a claim or transfer holds for its statement.",
    "ring-too-small": "A claim hides in a ring of the size that its policy promises.",
    "step": "A step of a case can be taken there, and its buyer's are signed by its buyer.",
    # ends of ownerships
    "retirement": "An ownership ends by an approval that awaits its secret.",
    "wrong-secret": "The secret that ends an ownership is that of the approval's tag.",
    "approval-lapsed": "An approval whose time is over, or that another goes before, ends nothing.",
    "retired-owner": "Who has left claims nothing more, takes no slot again, cashes nothing in.",
    # transfers
    "transfer-event": "An approval of a transfer with this merchant has its form and deadline.",
    "transfer-id": "A transfer has the id that its body and proof make, and is approved once.",
    "transfer-date": "A transfer is dated on the day of its approval or the day before.",
    "transfer-horizon": "A transfer names closes, a lane, and a span whose voids are settled.",
    "transfer-commitment": "A transfer leads to a commitment that is new.",
    "transfer-acceptance": "The next owner has accepted a transfer.",
    "transfer-entry": "Each completed transfer has its entry, and each such entry its transfer.",
    # reports
    "report-differs": "A published report says what the events say.",
}


def broken(rule: str, why: str, *events: int, purchases: Sequence[int] = ()) -> Disagreement:
    """That a rule, one of :data:`RULES`, is broken by these entries of both logs."""
    if rule not in RULES:
        raise KeyError(rule)
    entries = [Entry("events", index) for index in events]
    return Disagreement(rule, why, (*entries, *(Entry("purchases", i) for i in purchases)))
