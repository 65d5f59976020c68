"""What a merchant should know of a policy before it is published, for good.

Whom it could not hide, what could never be claimed, and where the law gives more.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from commitments.attributes import EPOCH
from commitments.gtin import normalise_product
from commitments.sale import Sale
from policies.durations import Duration, parse_duration
from policies.explain import duration_words
from policies.policy import AbsoluteWindow, Policy
from policies.statutes import DISCLAIMER, Rule, rules_for
from policies.versions import purchase_days

__all__ = ["ERROR", "NOTE", "WARNING", "Finding", "Situation", "lint", "lint_together"]

ERROR, WARNING, NOTE = "error", "warning", "note"

_WALLETS_ASK = 16  # sdk.open_wallet.SMALLEST_RING: below it wallets make no proof by themselves
_FEW_DAYS = 7  # a claim that shows fewer days of purchase says when somebody was there
_NARROW = 1.25  # a price band whose ends differ by less says what was paid
_FAR_BELOW = 4  # a smallest ring below this part of what the log offers gives privacy away
_NEXT_VERSION = timedelta(days=30)  # time to publish it in


@dataclass(frozen=True)
class Finding:
    """An ``error``, ``warning`` or ``note``: a stable code, a sentence, and a source in the law."""

    level: str
    code: str
    text: str
    source: str | None = None

    def document(self) -> dict[str, str | None]:
        """As JSON."""
        return {"level": self.level, "code": self.code, "text": self.text, "source": self.source}


@dataclass(frozen=True)
class Situation:
    """What is known of the shop: the day, its ``sales``, and the ``capacity`` of its log's rings.

    ``places`` are those of :data:`policies.statutes.PLACES` where it sells.
    """

    today: date
    sales: Sequence[Sale] | None = None
    capacity: int | None = None
    places: Collection[str] = ("EU",)


def lint(policy: Policy, shop: Situation) -> tuple[Finding, ...]:
    """All findings about one policy, errors in front."""
    found = [
        *_usable(policy, shop),
        *_rings(policy, shop),
        *_narrow(policy),
        *_counted(policy, shop),
        *_duration(policy, shop),
        *_contact(policy),
        *_law(policy, shop),
    ]
    order = ERROR, WARNING, NOTE
    return tuple(sorted(found, key=lambda finding: order.index(finding.level)))


def lint_together(policies: Sequence[Policy], shop: Situation) -> tuple[Finding, ...]:
    """What several policies of one shop say together of who uses more than one of them.

    Claims under two policies cannot be linked, but for the owner who ends the ownership: then they
    all are, and what is left to hide in is what satisfies them all.
    """
    return tuple(
        finding
        for ending in policies
        if ending.ends_ownership
        for other in policies
        if not other.ends_ownership
        for finding in _linked(ending, other, shop)
    )


# ---- can it be claimed under


def _usable(policy: Policy, shop: Situation) -> Iterator[Finding]:
    if policy.valid_to < shop.today.isoformat():
        yield Finding(ERROR, "expired", f"No claim can be made after {policy.valid_to}.")
    if shop.capacity is not None and policy.smallest_ring > shop.capacity:
        yield Finding(
            ERROR,
            "ring-too-large",
            f"No ring of the log has {policy.smallest_ring} members: it offers {shop.capacity}.",
        )
    days = purchase_days(policy, None, date.fromisoformat(policy.valid_to))
    if days is not None and days[0] > days[1]:
        yield Finding(ERROR, "covers-nothing", "No purchase would ever be covered.")


def _duration(policy: Policy, shop: Situation) -> Iterator[Finding]:
    """Claims end with ``valid_to``, whatever the window says."""
    if policy.purchased is None or isinstance(policy.purchased, AbsoluteWindow):
        return
    last = date.fromisoformat(policy.valid_to)
    cut = max(EPOCH, parse_duration(policy.purchased.oldest).before(last) + timedelta(days=1))
    is_soon = cut <= shop.today + _NEXT_VERSION
    yield Finding(
        WARNING if is_soon else NOTE,
        "cut-short",
        f"Claims end with valid_to, {last}: what is bought from {cut} on has less than "
        f"{duration_words(policy.purchased.oldest)}, unless a next version is published in time.",
    )


# ---- whom it hides


def _rings(policy: Policy, shop: Situation) -> Iterator[Finding]:
    if policy.smallest_ring < _WALLETS_ASK:
        yield Finding(
            WARNING,
            "small-ring",
            f"A ring of {policy.smallest_ring} hides hardly anyone; wallets ask for {_WALLETS_ASK} "
            "unless their owner says otherwise.",
        )
    elif shop.capacity is not None and policy.smallest_ring * _FAR_BELOW < shop.capacity:
        yield Finding(
            NOTE,
            "ring-below-capacity",
            f"Claims may hide among {policy.smallest_ring}, though the log's rings have about "
            f"{shop.capacity}: only while the log is young is that needed.",
        )


def _narrow(policy: Policy) -> Iterator[Finding]:
    price = policy.price
    if price is not None and price.max < max(price.min, 1) * _NARROW:
        yield Finding(
            WARNING, "narrow-price", "The price band is so narrow that it says what was paid."
        )
    if policy.purchased is not None:
        first, last = policy.purchased.days(date.fromisoformat(policy.valid_to))
        shown = (last - first).days + 1
        if shown < _FEW_DAYS:
            yield Finding(
                WARNING,
                "short-window",
                f"A claim shows that the purchase was made on one of {shown} days: whoever watches "
                "the shop may know who was there.",
            )
    if policy.products is not None and len(policy.products) == 1:
        yield Finding(NOTE, "one-product", "A claim shows which product was bought: there is one.")


def _counted(policy: Policy, shop: Situation) -> Iterator[Finding]:
    if shop.sales is None or _begins_later([policy], shop):
        return
    hiding, ring = _hiding([policy], shop)
    if ring < policy.smallest_ring:
        yield Finding(
            WARNING,
            "young-log",
            f"Rings would have about {ring} members today, fewer than {policy.smallest_ring}: "
            "nobody can claim before more has been sold.",
        )
    if hiding < policy.smallest_ring:
        yield Finding(
            WARNING,
            "few-qualify",
            f"Of the sales in the file about {hiding} in a ring satisfy the policy today, of "
            f"{policy.smallest_ring} that a claim is to hide among: only those hide the buyer. "
            "Name more products, or widen what is named.",
        )
    yield from _rare(policy, shop.sales)


def _rare(policy: Policy, sales: Sequence[Sale]) -> Iterator[Finding]:
    for code in policy.products or ():
        wanted = normalise_product(code)
        sold = sum(normalise_product(sale.product) == wanted for sale in sales)
        if sold < policy.smallest_ring and len(policy.products or ()) == 1:
            text = f"{code} was sold {sold} times: a claim that names it alone cannot hide anyone."
            yield Finding(WARNING, "rare-product", text)
        elif sold == 0:
            yield Finding(NOTE, "unsold-product", f"{code} is not among the sales: is it right?")


def _linked(ending: Policy, other: Policy, shop: Situation) -> Iterator[Finding]:
    names = f"{other.id} and then under {ending.id}"
    if shop.sales is None or _begins_later([ending, other], shop):
        yield Finding(
            NOTE,
            "linked-claims",
            f"Who claims under {names} links the two: what satisfies both is what hides them.",
        )
        return
    hiding, _ = _hiding([ending, other], shop)
    if hiding < min(ending.smallest_ring, other.smallest_ring):
        yield Finding(
            WARNING,
            "few-in-common",
            f"Who claims under {names} links the two, and about {hiding} of the sales in a ring "
            "satisfy both today.",
        )


def _begins_later(policies: Sequence[Policy], shop: Situation) -> bool:
    """Whether the sales so far tell nothing, since one of these covers none of them."""
    today = shop.today.isoformat()
    return any(policy.covers_from is not None and policy.covers_from > today for policy in policies)


def _hiding(policies: Sequence[Policy], shop: Situation) -> tuple[int, int]:
    """About how many members of a ring satisfy all these today, and how many it has.

    A ring is drawn evenly from the purchases since the window began (docs/protocol.md 4, *Rings*).
    """
    sales, begins = shop.sales or (), date.min
    satisfying = 0
    for policy in policies:
        days = purchase_days(policy, None, shop.today)
        begins = begins if days is None else max(begins, days[0])
    satisfying = sum(
        all(_satisfies(sale, policy, shop.today) for policy in policies) for sale in sales
    )
    span = sum(begins <= sale.date for sale in sales)
    ring = span if shop.capacity is None else min(span, shop.capacity)
    return (satisfying * ring // span if span else 0), ring


def _satisfies(sale: Sale, policy: Policy, today: date) -> bool:
    days, price = purchase_days(policy, None, today), policy.price
    products = None if policy.products is None else {*map(normalise_product, policy.products)}
    return (
        (products is None or normalise_product(sale.product) in products)
        and (days is None or days[0] <= sale.date <= days[1])
        and (
            price is None
            or (sale.currency == price.currency and price.min <= sale.price <= price.max)
        )
        and (policy.batches is None or sale.batch in policy.batches)
    )


# ---- what is missing, and what the law gives


def _contact(policy: Policy) -> Iterator[Finding]:
    if policy.contact_key is None:
        yield Finding(
            NOTE,
            "no-contact-key",
            "Without contact_key buyers can send no evidence and no messages.",
        )
    if policy.terms is None:
        yield Finding(NOTE, "no-terms", "There is no link to the full terms.")


def _law(policy: Policy, shop: Situation) -> Iterator[Finding]:
    rules = rules_for(policy.kind, tuple(shop.places))
    for rule in rules:
        short = list(_shortfalls(policy, rule))
        level = WARNING if short else NOTE
        text = " ".join([*short, rule.text])
        yield Finding(level, f"law-{rule.place.lower()}", text, rule.source)
    if policy.kind == "warranty" and policy.claims_per_purchase == 1 and "EU" in shop.places:
        yield Finding(
            NOTE,
            "one-claim",
            "With one claim per purchase a second fault cannot be claimed for; the legal guarantee "
            "covers any lack of conformity.",
            "Directive (EU) 2019/771, Article 10(1)",
        )
    if rules:
        yield Finding(NOTE, "not-legal-advice", DISCLAIMER)


def _shortfalls(policy: Policy, rule: Rule) -> Iterator[str]:
    """Where the policy alone gives less than the rule."""
    if rule.least is not None and not _lasts(policy, parse_duration(rule.least)):
        yield f"The policy is open for less than {duration_words(rule.least)} after the purchase."
    offered = [remedy for remedy in rule.remedies if remedy in policy.remedies]
    if len(offered) < rule.choice:
        wanted = ", ".join(rule.remedies)
        yield f"The policy offers {len(offered)} of {wanted}, where {rule.choice} are asked for."
    if rule.answer is not None and _exceeds(policy.response_time, rule.answer):
        yield f"The response time is longer than {duration_words(rule.answer)}."


def _lasts(policy: Policy, least: Duration) -> bool:
    """Whether the window alone leaves that long for a claim; ``cut-short`` is about the rest."""
    window, last = policy.purchased, date.fromisoformat(policy.valid_to)
    if window is None:
        return True
    if isinstance(window, AbsoluteWindow):
        return least.after(date.fromisoformat(window.to)) <= last
    newest = parse_duration(window.newest)
    if newest != Duration(0, 0):
        return False
    return parse_duration(window.oldest).before(last) <= least.before(last)


def _exceeds(duration: str, longest: str) -> bool:
    today = date(2026, 1, 1)  # any day: the durations of the law are in one unit
    return parse_duration(duration).after(today) > parse_duration(longest).after(today)
