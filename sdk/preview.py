"""What a claim would say, in words, before it is made.

There is no figure for how well the buyer hides: that is the number of the ring's members that
satisfy the policy, which only the merchant can count (docs/protocol.md 1).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from commitments.currency import amount
from policies.policy import Policy
from policies.versions import Version
from sdk.advice import Advice
from sdk.claiming import Prepared

__all__ = ["Preview", "preview_of"]

_NAMED = 5  # values of a list that are written out


@dataclass(frozen=True)
class Preview:
    """What everybody learns from a claim (``learns``), what stays hidden, what to be aware of.

    ``service_sees`` is what only whoever runs the service learns, from the way the claim comes.

    ``prepared`` is that very claim, for :meth:`sdk.wallet.Wallet.send`; ``offline`` says that it
    was made from what the wallet had kept, and is not to be sent.
    """

    prepared: Prepared = field(repr=False)
    order: str
    policy: str
    ring_size: int
    learns: tuple[str, ...]
    service_sees: tuple[str, ...]
    hidden: tuple[str, ...]
    advice: tuple[Advice, ...]
    offline: bool = False


def preview_of(prepared: Prepared) -> Preview:
    """The preview of a prepared claim."""
    policy, body, size = prepared.version.policy, prepared.body, len(prepared.ring.members)
    return Preview(
        prepared=prepared,
        order=prepared.purchase.order,
        policy=policy.id,
        ring_size=size,
        learns=(
            f"the claim under {policy.id} is for one of {size} purchases of the merchant's log",
            "of those only the ones that satisfy the policy hide you: the merchant can count them",
            *_shown(prepared.version, body.day),
            *_told(prepared),
            f"the remedy asked for is {body.remedy}, on {body.date}",
            "three keys made for this claim alone, by which you can follow it up",
            f"claim {body.number + 1} of {policy.claims_per_purchase} is used up for this purchase",
            *_ending(policy),
        ),
        service_sees=(
            "the network address that you come from, and the moment",
            "that somebody there has asked for this ring",
        ),
        hidden=("which of the purchases it is, nor from the claim who you are", *_hidden(policy)),
        advice=prepared.advice,
    )


def _shown(version: Version, today: date) -> Iterator[str]:
    policy = version.policy
    if policy.products is not None:
        yield f"its product is {_either(policy.products)}"
    days = version.days(today)
    if days is not None:
        yield f"it was bought from {days[0]} to {days[1]}"
    if policy.price is not None:
        price = policy.price
        lowest, highest = amount(price.min, price.currency), amount(price.max, price.currency)
        yield f"its price is from {lowest} to {highest}"
    if policy.batches is not None:
        yield f"its batch is {_either(policy.batches)}"


def _told(prepared: Prepared) -> Iterator[str]:
    if prepared.others:
        yield (
            f"version {prepared.body.version} is named, though others are open too: whoever knows "
            "them sees that it is the best one for your purchase"
        )


def _ending(policy: Policy) -> Iterator[str]:
    if policy.ends_ownership:
        yield (
            "after the approval you hand in the purchase's secret, which becomes public: it links "
            "all claims you have made with this purchase to each other"
        )


def _hidden(policy: Policy) -> Iterator[str]:
    products, batches = policy.products or (), policy.batches or ()
    if len(products) != 1:
        yield "which of these products it is" if products else "the product"
    yield "the day" if policy.purchased is None else "on which of these days it was bought"
    yield "the price and the currency" if policy.price is None else "the price within these bounds"
    if len(batches) != 1:
        yield "which of these batches it is of" if batches else "the batch"
    yield "the serial number of the device"


def _either(values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return values[0]
    more = f" and {len(values) - _NAMED} more" if len(values) > _NAMED else ""
    return f"one of {len(values)}: {', '.join(values[:_NAMED])}{more}"
