"""A case in words and as JSON: the same for its buyer and for its merchant."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aftersales.claims import Case, Grant

__all__ = ["case_document", "case_facts"]


def case_document(case: "Case") -> dict[str, Any]:
    """The case as JSON, without what the claim says itself."""
    return {
        "claim_id": case.claim_id,
        "policy": case.body.policy,
        "version": case.body.version,
        "state": case.state,
        "opened": case.opened,
        "moved": case.moved,
        "due": case.due,
        "granted": case.granted and asdict(case.granted),
        "agreed": case.agreed,
        "offer": case.offer and asdict(case.offer),
        "reason": case.reason,
        "wants": list(case.wants),
        "answer_by": case.answer_by,
        "redeemed": case.redeemed and asdict(case.redeemed),
        "number": case.number,
    }


def case_facts(case: "Case") -> dict[str, object]:
    """For people."""
    return {
        "claim": case.claim_id,
        "policy": f"{case.body.policy} version {case.body.version}",
        "state": _words(case.state),
        "because": _words(case.reason),
        "granted": _grant(case.granted),
        "to accept": _grant(case.offer) if case.offer or case.agreed else _grant(case.granted),
        "asked for": ", ".join(case.wants) or None,
        "answer by": case.answer_by,
        "merchant moves by": case.due,
        "cashed in": case.redeemed and f"at {case.redeemed.shop}, {case.redeemed.signed}",
        "last move": case.moved,
    }


def _grant(grant: "Grant | None") -> str | None:
    if grant is None:
        return None
    whole = _words(grant.resolution)
    return whole if grant.share == 100 else f"{whole}, {grant.share} % of it"


def _words(code: str | None) -> str | None:
    return None if code is None else code.replace("_", " ")
