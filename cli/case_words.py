"""A case in words and as JSON: the same for its buyer and for its merchant."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aftersales.claims import Case, Grant

__all__ = ["case_document", "case_facts"]


def case_document(case: "Case") -> dict[str, Any]:
    """The case as JSON, with the policy that it is under."""
    return {**case.document(), "policy": case.body.policy, "version": case.body.version}


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
