"""Showing one recipient some of a purchase's attributes, proven, and nothing else of it.

Made from what the wallet has; nothing is sent. :mod:`verifier.disclosure` checks the result.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from commitments.attributes import ATTRIBUTES
from commitments.currency import amount
from commitments.sale import Sale
from ledger.checkpoint import Checkpoint
from ledger.note import Note
from ledger.tlog_proof import TlogProof
from policies.body import new_nonce
from policies.disclosure import Disclosure, DisclosureBody, Shown, disclosure_statement
from sdk.errors import NotEligible, WalletError
from sdk.state import GROUP, Claim, Proof, Purchase
from zk.prove import prove

__all__ = ["Bounds", "DisclosurePreview", "preview_disclosure"]

Bounds = tuple[str | int, str | int] | None
"""The lowest and highest value that is shown, or None to show the value itself."""

_NAMES = {
    "product": "the product",
    "date": "the day it was bought",
    "price": "the price",
    "currency": "the currency",
    "batch": "the batch",
    "unit": "the serial number of the device",
}


@dataclass(frozen=True)
class DisclosurePreview:
    """What the recipient will learn (``learns``), what not, and what to be aware of.

    ``body`` is what :meth:`make` proves.
    """

    purchase: Purchase = field(repr=False)
    body: DisclosureBody
    learns: tuple[str, ...]
    hidden: tuple[str, ...]
    warnings: tuple[str, ...]

    def make(self) -> Disclosure:
        """The disclosure, proven."""
        purchase, inclusion, checkpoint = self.purchase, *_place(self.purchase)
        statement = disclosure_statement(
            GROUP,
            self.body,
            purchase.commitment,
            inclusion.index,
            checkpoint.size,
            checkpoint.root,
        )
        # Extra data is in no signature: a shop could have marked the receipt by it.
        shown = replace(inclusion, extra=b"").serialise().decode("utf-8")
        proof = prove(statement, purchase.opening)
        return Disclosure(self.body, purchase.entry, shown, proof)


def preview_disclosure(
    purchase: Purchase,
    made: Sequence[Proof],
    *,
    recipient: str,
    purpose: str,
    shown: Mapping[str, Bounds],
    today: date,
) -> DisclosurePreview:
    """What a disclosure would show; nothing is made yet.

    Parameters
    ----------
    made
        all claims and transfers that the wallet has made with this purchase.
    recipient, purpose
        who may rely on it and for what, in the words that the recipient expects.
    shown
        attributes by name, with their bounds. The currency is shown with a price.
    today
        the date that it will bear.

    Raises
    ------
    FormatError
        for a recipient or a purpose that cannot be one, or bounds that are none.
    NotEligible
        the purchase does not have an attribute, or its value is outside of the bounds.
    WalletError
        the ownership of the purchase has ended.
    """
    if any(proof.secret_sent for proof in made):
        raise WalletError("the ownership has ended: the purchase's secret was handed in")
    predicates = tuple(_chosen(purchase.sale, shown))
    body = DisclosureBody(
        origin=purchase.origin,
        recipient=recipient,
        purpose=purpose,
        date=today.isoformat(),
        nonce=new_nonce(),
        predicates=predicates,
    )
    _, checkpoint = _place(purchase)
    return DisclosurePreview(
        purchase=purchase,
        body=body,
        learns=(
            f"entry {purchase.index} of the log {purchase.origin} is yours; you hide among nobody",
            *(_words(each, purchase.sale) for each in predicates),
            f"when you got its receipt or restored it: the log had {checkpoint.size} entries then",
        ),
        hidden=tuple(_hidden(predicates)),
        warnings=tuple(_warnings([proof for proof in made if isinstance(proof, Claim)])),
    )


def _place(purchase: Purchase) -> tuple[TlogProof, Checkpoint]:
    """Where the receipt has found the purchase; it was verified when the wallet accepted it."""
    inclusion = TlogProof.parse(purchase.proof.encode("utf-8"))
    return inclusion, Checkpoint.parse(Note.parse(inclusion.checkpoint).text)


def _chosen(sale: Sale, shown: Mapping[str, Bounds]) -> Iterator[Shown]:
    document = sale.document()
    wanted = {"currency": None, **shown} if "price" in shown else shown
    for name in sorted(wanted, key=_order):
        value, bounds = document[name], wanted[name]
        if value is None:
            raise NotEligible([f"the receipt names no {name}"])
        each = Shown(name, *(bounds or (value, value)))
        if not each.predicate(GROUP).admits(getattr(sale.attributes(GROUP), name)):
            raise NotEligible([f"{_NAMES[name]} is not what was to be shown"])
        yield each


def _order(name: str) -> int:
    if name not in ATTRIBUTES:
        raise NotEligible([f"a purchase has no {name}"])
    return ATTRIBUTES.index(name)


def _words(shown: Shown, sale: Sale) -> str:
    lowest, highest = (
        amount(value, sale.currency) if isinstance(value, int) else value
        for value in (shown.lowest, shown.highest)
    )
    between = lowest if shown.is_exact else f"from {lowest} to {highest}"
    return f"{_NAMES[shown.attribute]}: {between}"


def _hidden(predicates: Sequence[Shown]) -> Iterator[str]:
    shown = {each.attribute: each for each in predicates}
    for name, words in _NAMES.items():
        if name not in shown:
            yield words
        elif not shown[name].is_exact:
            yield f"{words} within these bounds"
    yield "your name, unless you give it"


def _warnings(claims: Sequence[Claim]) -> Iterator[str]:
    yield (
        "Every disclosure of this purchase names the same entry: whoever sees two of them knows "
        "that they are of one purchase."
    )
    yield "The merchant knows the whole sale behind the entry, and can tell whoever asks."
    yield (
        "If you later hand in the purchase's secret, for a refund or to sell it, whoever has this "
        "file can tell which claims were made with this entry."
    )
    if claims:
        made = "1 claim" if len(claims) == 1 else f"{len(claims)} claims"
        yield (
            f"You have made {made} with this purchase. As long as its secret is not handed in, "
            "nothing in this file links it to them."
        )
