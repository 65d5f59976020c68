"""Whether a purchase qualifies, in words: which predicate fails, and by how much.

Only for the buyer's eyes. The proof says nothing but that every predicate holds.
"""

from collections.abc import Iterator
from datetime import date

from commitments.currency import amount, decimal
from commitments.gtin import normalise_product
from commitments.sale import Sale
from policies.policy import Policy, Price
from policies.versions import Version

__all__ = ["shortfalls"]


def shortfalls(version: Version, sale: Sale, today: date) -> list[str]:
    """One sentence for each condition of a policy that ``sale`` does not satisfy today."""
    policy = version.policy
    return [
        *_product(policy, sale),
        *_window(policy, sale, today),
        *_covered(version, sale, today),
        *(_price(policy.price, sale) if policy.price else ()),
        *_batch(policy, sale),
    ]


def _product(policy: Policy, sale: Sale) -> Iterator[str]:
    covered = policy.products
    if covered is not None and normalise_product(sale.product) not in map(
        normalise_product, covered
    ):
        yield f"product {sale.product} is not covered"


def _window(policy: Policy, sale: Sale, today: date) -> Iterator[str]:
    window = policy.window(today)
    if window is None:
        return
    first, last = window
    if sale.date < first:
        early = _days((first - sale.date).days)
        yield f"bought {sale.date}, {early} before the window begins {first}"
    elif sale.date > last:
        late = _days((sale.date - last).days)
        yield f"bought {sale.date}, {late} after the window ends {last}"


def _covered(version: Version, sale: Sale, today: date) -> Iterator[str]:
    first, end = version.policy.covers_from, version.end_on(today)
    covers = f"bought {sale.date}, and version {version.policy.version} covers purchases"
    if first is not None and sale.date.isoformat() < first:
        yield f"{covers} from {first} on"
    if end is not None and sale.date >= end:
        yield f"{covers} before {end} only"


def _price(price: Price, sale: Sale) -> Iterator[str]:
    paid = f"price {amount(sale.price, sale.currency)}"
    if sale.currency != price.currency:
        yield f"{paid} is not in {price.currency}"
    elif sale.price < price.min:
        below = decimal(price.min - sale.price, sale.currency)
        yield f"{paid} is {below} below the minimum {decimal(price.min, sale.currency)}"
    elif sale.price > price.max:
        above = decimal(sale.price - price.max, sale.currency)
        yield f"{paid} is {above} above the maximum {decimal(price.max, sale.currency)}"


def _batch(policy: Policy, sale: Sale) -> Iterator[str]:
    if policy.batches is not None and sale.batch not in policy.batches:
        named = "no batch is known" if sale.batch is None else f"batch {sale.batch} is not covered"
        yield named


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
