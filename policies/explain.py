"""A policy in plain words: what is promised, to whom, and what a claim shows."""

from collections.abc import Iterator, Sequence

from commitments.currency import amount
from policies.durations import Duration, parse_duration
from policies.policy import AbsoluteWindow, Policy, Price, Window
from policies.versions import Version

__all__ = ["duration_words", "explain"]

_UNBOUNDED = 2**48 - 1  # of a price, docs/protocol.md 3


def explain(version: Version) -> tuple[str, ...]:
    """Sentences that say all of a version, in the order in which people ask."""
    policy = version.policy
    named = f"{policy.id} version {policy.version} of {policy.origin}"
    return (
        f"{policy.title}: a {policy.kind}, {named}.",
        *_covered(version),
        *_offered(policy),
        *_claimed(policy),
        *_shown(version),
        *([] if policy.terms is None else [f"The full terms are at {policy.terms}."]),
    )


def duration_words(text: str) -> str:
    """A duration of a policy: ``1 year and 6 months``."""
    duration = parse_duration(text)
    years, months = divmod(duration.months, 12)
    counts = (years, "year"), (months, "month"), (duration.days, "day")
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in counts if count]
    return _joined(parts, "and") or "no time"


def _covered(version: Version) -> Iterator[str]:
    policy, end = version.policy, version.end
    yield f"It covers {_codes('product', policy.products)}."
    if policy.purchased is not None:
        yield f"{_window(policy.purchased)}."
    if policy.covers_from is not None:
        yield f"What was bought before {policy.covers_from} is not covered."
    if end is not None:
        last = min(version.endings, key=lambda ending: ending.first)
        how = "was withdrawn" if last.by is None else f"was superseded by version {last.by}"
        yield f"It {how}: what was bought on {end} or later is not covered; all before still is."
    if policy.price is not None:
        yield f"The price paid was {_price(policy.price)}."
    if policy.batches is not None:
        yield f"Only {_codes('batch', policy.batches, 'es')}."


def _offered(policy: Policy) -> Iterator[str]:
    remedies = _joined([remedy.replace("_", " ") for remedy in policy.remedies], "or")
    yield f"Offered is {remedies}."
    if policy.claims_per_purchase == 1:
        yield "A purchase can be claimed for once, whatever the version, by whoever owns it."
    else:
        yield (
            f"A purchase can be claimed for {policy.claims_per_purchase} times in all, over all "
            "versions and owners."
        )
    if policy.ends_ownership:
        yield (
            "An approved claim ends the ownership: nothing else can be claimed with the purchase, "
            "and all its owner's earlier claims become linked to each other."
        )


def _claimed(policy: Policy) -> Iterator[str]:
    yield f"Claims can be made from {policy.valid_from} to {policy.valid_to} (UTC)."
    answered = duration_words(policy.response_time)
    if policy.review:
        yield f"A person looks at each claim before it is approved, and answers within {answered}."
    else:
        yield (
            "A claim is approved at once if its proof holds; what the shop has to do next it does "
            f"within {answered}."
        )
    if policy.contact_key is not None:
        yield "Buyers can send evidence and messages, which only the shop's contact key opens."


def _shown(version: Version) -> Iterator[str]:
    policy = version.policy
    yield (
        f"A claim hides among at least {policy.smallest_ring} purchases of the shop's log; of "
        "those only the ones that satisfy the policy hide the buyer."
    )
    dated = policy.purchased or policy.covers_from or version.end
    shown = [
        *(
            [
                "which product it is"
                if len(policy.products) == 1
                else "that it is one of these products"
            ]
            if policy.products
            else []
        ),
        *(["that it was bought on one of these days"] if dated else []),
        *(["that its price is within these bounds, and its currency"] if policy.price else []),
        *(["that its batch is one of these"] if policy.batches else []),
    ]
    hidden = [
        *([] if policy.products and len(policy.products) == 1 else ["the product"]),
        "the day",
        "the price",
        *([] if policy.batches and len(policy.batches) == 1 else ["the batch"]),
        "the serial number of the device",
        "who claims",
    ]
    yield f"It shows {_joined(shown, 'and') or 'nothing of the purchase'}."
    yield f"It hides {_joined(hidden, 'and')}."


def _window(window: Window) -> str:
    if isinstance(window, AbsoluteWindow):
        return f"Bought from {window.start} to {window.to}, both days included"
    oldest = f"Bought at most {duration_words(window.oldest)} before the day of the claim"
    if parse_duration(window.newest) == Duration(0, 0):
        return oldest
    return f"{oldest}, and at least {duration_words(window.newest)} before it"


def _price(price: Price) -> str:
    lowest, highest = (amount(bound, price.currency) for bound in (price.min, price.max))
    if price.max == _UNBOUNDED:
        return f"{lowest} or more" if price.min else f"in {price.currency}"
    return f"from {lowest} to {highest}" if price.min else f"{highest} or less"


def _codes(name: str, codes: Sequence[str] | None, plural: str = "s") -> str:
    if codes is None:
        return f"any {name}"
    if len(codes) == 1:
        return f"the {name} {codes[0]}"
    return f"{len(codes)} {name}{plural}: {', '.join(codes)}"


def _joined(parts: Sequence[str], word: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"
