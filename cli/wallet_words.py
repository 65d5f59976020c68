"""What a wallet holds and does, as documents for scripts and in words for people."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cli.advice_words import warranty_bar, warranty_document
from cli.output import table

if TYPE_CHECKING:
    from rich.table import Table

    from sdk import Claim, ClaimResult, Preview, Purchase, Transfer, TransferPreview, Wallet
    from sdk.advisor import Prospect

__all__ = [
    "claim_words",
    "decision_facts",
    "ending_words",
    "in_words",
    "preview_document",
    "purchase_document",
    "purchase_facts",
    "received_document",
    "received_facts",
    "transfer_words",
    "wallet_document",
    "wallet_tables",
]

_REASONS = {
    "proof_invalid": "the proof does not hold",
    "already_claimed": "the same purchase was claimed with before",
    "ownership_ended": "the ownership of the purchase has ended",
    "acceptance_invalid": "the new owner's acceptance does not hold",
}


def in_words(reason: str | None) -> str | None:
    """Why something was declined; as the service says it, where there are no words for it."""
    return _REASONS.get(reason, reason) if reason else None


def purchase_document(purchase: "Purchase") -> dict[str, Any]:
    """A purchase as JSON, without its keys."""
    return {
        "origin": purchase.origin,
        "order": purchase.order,
        "index": purchase.index,
        "sale": purchase.sale.document(),
    }


def purchase_facts(purchase: "Purchase") -> dict[str, object]:
    """A purchase in words."""
    from commitments.currency import amount

    sale = purchase.sale
    return {
        "order": purchase.order,
        "merchant": purchase.origin,
        "bought": sale.date,
        "product": sale.product,
        "price": amount(sale.price, sale.currency),
        "batch": sale.batch,
        "unit": sale.unit,
        "entry": purchase.index,
    }


def _left(wallet: "Wallet", prospect: "Prospect") -> str | None:
    owned = wallet.is_owned(prospect.purchase)
    return warranty_bar(prospect) if owned else "no longer yours"


def _brief(purchase: "Purchase") -> dict[str, object]:
    shown = ("order", "merchant", "bought", "product", "price")
    every = purchase_facts(purchase)
    return {name: every[name] for name in shown}


def preview_document(preview: "Preview") -> dict[str, Any]:
    """What a claim would show, as JSON."""
    return {
        "order": preview.order,
        "policy": preview.policy,
        "ring_size": preview.ring_size,
        "learns": list(preview.learns),
        "service_sees": list(preview.service_sees),
        "hidden": list(preview.hidden),
        "advice": [{"code": each.code, "text": each.text} for each in preview.advice],
        "offline": preview.offline,
    }


def wallet_document(wallet: "Wallet", found: "Sequence[Prospect]") -> dict[str, Any]:
    """All that a wallet holds as JSON, without secrets; ``found`` of its purchases."""
    return {
        "purchases": [
            {
                "number": n,
                **purchase_document(each.purchase),
                "owned": wallet.is_owned(each.purchase),
                "warranty": warranty_document(each),
            }
            for n, each in enumerate(found, start=1)
        ],
        "pending": [{"origin": each.origin, "order": each.order} for each in wallet.pending],
        "claims": [_claim_document(claim) for claim in wallet.claims],
        "transfers": [_transfer_document(transfer) for transfer in wallet.transfers],
        "words_shown": wallet.words_shown,
        "backed_up": wallet.backed_up,
        "not_backed_up": [purchase.order for purchase in wallet.not_backed_up],
    }


def wallet_tables(wallet: "Wallet", found: "Sequence[Prospect]") -> "list[Table | str]":
    """The same for people."""
    rows: dict[str, list[dict[str, object]]] = {
        "purchases": [
            {"number": n, **_brief(each.purchase), "warranty left": _left(wallet, each)}
            for n, each in enumerate(found, start=1)
        ],
        "waiting for a receipt": [
            {"order": each.order, "merchant": each.origin} for each in wallet.pending
        ],
        "claims": [_claim_facts(claim) for claim in wallet.claims],
        "transfers": [_transfer_facts(transfer) for transfer in wallet.transfers],
    }
    tables = [
        table(list(listed[0]), [row.values() for row in listed], title)
        for title, listed in rows.items()
        if listed
    ]
    return [*tables, *_backup_words(wallet)] if tables else ["the wallet is empty"]


def _backup_words(wallet: "Wallet") -> Iterator[str]:
    if wallet.words_shown is None:
        yield "If this file is lost, so is all of it: kvitto wallet words shows what to write down."
    if missing := [purchase.order for purchase in wallet.not_backed_up]:
        orders = ", ".join(missing)
        yield f"The words bring back all but {orders}: kvitto wallet backup leaves a copy."


def received_document(purchase: "Purchase") -> dict[str, Any]:
    """A purchase that was received as JSON, with the claims that are used up."""
    return {
        **purchase_document(purchase),
        "used": [{"policy": policy, "number": number} for policy, number in _used(purchase)],
    }


def received_facts(purchase: "Purchase") -> dict[str, object]:
    """A purchase that was received, in words."""
    used = ", ".join(f"{policy} number {number + 1}" for policy, number in _used(purchase))
    return {**purchase_facts(purchase), "claims used up": used or "none"}


def claim_words(preview: "Preview") -> Iterator[str]:
    """What the verifier will learn, and what not."""
    yield from transfer_words(preview)
    if preview.offline:
        yield "All this is as the wallet last saw the logs. A claim reads them again."


def transfer_words(preview: "Preview | TransferPreview") -> Iterator[str]:
    """What everybody will learn from a transfer, as from a claim, and what not."""
    yield f"With order {preview.order}, everybody learns that"
    yield from _list(preview.learns)
    yield "Whoever runs the merchant's service sees besides"
    yield from _list(preview.service_sees)
    yield "Nobody learns"
    yield from _list(preview.hidden)
    for advice in preview.advice:
        yield f"Be aware: {advice.text}"


def ending_words(claim: "Claim", claims: "Sequence[Claim]") -> Iterator[str]:
    """What handing in the secret for ``claim`` ends; ``claims`` are all that the wallet made."""
    key = (claim.body.origin, claim.order)
    linked = sum((each.body.origin, each.order) == key for each in claims)
    yield f"This ends the ownership of order {claim.order} for good:"
    yield from _list(["nothing can be claimed for it afterwards, by you or by a later owner"])
    yield from _list(["its secret becomes public, and cannot be taken back"])
    if linked > 1:
        yield from _list(
            [f"everybody can then see that your {linked} claims for it are of one buyer"]
        )


def decision_facts(result: "ClaimResult") -> dict[str, object]:
    """A decision in words, with what to do next."""
    waits = result.status == "awaiting_secret"
    following = None if result.decision == "declined" else f"case show {result.claim_id}"
    next_step = f"retire {result.claim_id}" if waits else following
    return {
        "decision": result.decision.replace("_", " "),
        "because": in_words(result.reason),
        "order": result.order,
        "policy": result.policy,
        "claim": result.claim_id,
        "status": result.status,
        "earlier claim": result.earlier,
        "next": next_step and f"kvitto wallet {next_step}",
        "at the latest": result.retire_by if waits else None,
    }


def _claim_document(claim: "Claim") -> dict[str, Any]:
    return {
        "claim_id": claim.claim_id,
        "order": claim.order,
        "claim": claim.body.document(),
        "outcome": claim.outcome,
        "state": claim.case and claim.case.state,
        "reason": claim.reason,
        "ends_ownership": claim.ends_ownership,
        "secret_sent": claim.secret_sent,
    }


def _transfer_document(transfer: "Transfer") -> dict[str, Any]:
    return {
        "transfer_id": transfer.transfer_id,
        "order": transfer.order,
        "transfer": transfer.body.document(),
        "outcome": transfer.outcome,
        "reason": transfer.reason,
        "secret_sent": transfer.secret_sent,
        "completed": transfer.completion is not None,
    }


def _transfer_facts(transfer: "Transfer") -> dict[str, object]:
    done = "handed over" if transfer.completion is not None else None
    return {
        "transfer": transfer.transfer_id,
        "order": transfer.order,
        "date": transfer.body.date,
        "outcome": done or transfer.outcome or "no answer yet",
        "because": in_words(transfer.reason),
    }


def _used(purchase: "Purchase") -> "Sequence[tuple[str, int]]":
    return () if purchase.handed is None else purchase.handed.used


def _claim_facts(claim: "Claim") -> dict[str, object]:
    return {
        "claim": claim.claim_id,
        "order": claim.order,
        "policy": claim.body.policy,
        "remedy": claim.body.remedy,
        "date": claim.body.date,
        "outcome": _state(claim) or claim.outcome or "no answer yet",
        "because": in_words(claim.reason),
    }


def _state(claim: "Claim") -> str | None:
    """That of its case, as the wallet has last heard of it."""
    return None if claim.case is None else claim.case.state.replace("_", " ")


def _list(sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        yield f"  - {sentence}"
