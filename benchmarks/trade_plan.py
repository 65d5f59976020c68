"""What happens in a shop over some months: sales, claims and what becomes of them, as a plan.

The plan is drawn from a generator with a fixed seed: the same numbers give the same plan.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from aftersales.steps import DECLINE_REASONS
from commitments.sale import Sale

__all__ = ["POLICIES", "PlannedClaim", "Step", "TradePlan", "plan_trade"]

_SEED = 1
_PRODUCTS = ("4006381333931", "4006381333948", "4006381333955")
_FIRST_CLAIMS = 1  # days after the first sales
_RECALLED = "L2026-7"
_PRICE = {"currency": "EUR", "min": 1_000, "max": 500_000}
_RETURN_DAYS, _REFUND_DAYS = 30, 60

POLICIES: tuple[dict[str, Any], ...] = (
    {
        "id": "warranty-2y",
        "kind": "warranty",
        "title": "Two-year guarantee",
        "products": list(_PRODUCTS),
        "purchased": {"oldest": "P2Y"},
        "price": _PRICE,
        "smallest_ring": 64,
        "remedies": ["repair", "replacement"],
        "response_time": "P7D",
    },
    {
        "id": "return-30d",
        "kind": "return",
        "title": "Return within thirty days",
        "purchased": {"oldest": f"P{_RETURN_DAYS}D"},
        "price": _PRICE,
        "smallest_ring": 64,
        "remedies": ["store_credit"],
        "response_time": "P3D",
    },
    {
        "id": "damage-1y",
        "kind": "warranty",
        "title": "Accidental damage, looked at by our workshop",
        "products": list(_PRODUCTS[:1]),
        "purchased": {"oldest": "P1Y"},
        "price": _PRICE,
        "review": True,
        "smallest_ring": 64,
        "remedies": ["repair", "refund"],
        "response_time": "P5D",
    },
    {
        "id": "refund-60d",
        "kind": "refund",
        "title": "Your money back within sixty days",
        "purchased": {"oldest": f"P{_REFUND_DAYS}D"},
        "price": _PRICE,
        "ends_ownership": True,
        "smallest_ring": 64,
        "remedies": ["refund"],
        "response_time": "P7D",
    },
    {
        "id": "recall-l2026-7",
        "kind": "recall",
        "title": "Recall of a batch of chargers",
        "batches": [_RECALLED],
        "smallest_ring": 64,
        "remedies": ["replacement", "refund"],
        "response_time": "P14D",
    },
)
"""Without origin, version, days and the merchant's key."""

_SHARES = {"warranty-2y": 45, "return-30d": 22, "damage-1y": 24, "refund-60d": 3}
_RECALLS = 6  # once the recall is out


@dataclass(frozen=True)
class Step:
    """A step of a case, ``after`` so many hours from the one before; ``retire`` is the owner's."""

    after: float
    by: str
    step: str
    members: dict[str, Any]


@dataclass(frozen=True)
class PlannedClaim:
    """A claim on ``day`` (the number of a day) for something sold on day ``sold``."""

    sold: int
    day: int
    hour: int
    policy: str
    remedy: str
    sale: Sale
    steps: Sequence[Step]


@dataclass(frozen=True)
class TradePlan:
    """``claims`` by their days; ``voids`` are day, hour, how many sales back, and reason."""

    start: date
    days: int
    sales: int
    recalled_on: int
    renewed_on: int
    claims: Sequence[PlannedClaim]
    voids: Sequence[tuple[int, int, int, str]]

    def sold_on(self, day: int) -> list[PlannedClaim]:
        """The claims whose purchases are sold on this day."""
        return [claim for claim in self.claims if claim.sold == day]


def plan_trade(*, start: date, days: int, sales: int, claims: int) -> TradePlan:
    """``sales`` on each of so many days, and so many claims spread over them."""
    generator = random.Random(_SEED)
    recalled_on = days // 2
    draw = range(_FIRST_CLAIMS, days)
    chosen = sorted(generator.choices(draw, [day + 10 for day in draw], k=claims))
    room: dict[int, int] = defaultdict(lambda: sales)
    planned = [_claim(generator, start, day, recalled_on, room) for day in chosen]
    reasons = ("returned", "order_canceled", "payment_failed", "duplicate", "entry_error")
    voids = [
        (day, generator.randrange(9, 21), generator.randrange(1, 4 * sales), reason)
        for day in range(4, days)
        for reason in generator.choices(reasons, k=generator.choice((0, 1, 1, 2, 3)))
    ]
    return TradePlan(start, days, sales, recalled_on, 2 * days // 3, planned, voids)


def _claim(
    generator: random.Random, start: date, day: int, recalled_on: int, room: dict[int, int]
) -> PlannedClaim:
    shares = _SHARES | ({"recall-l2026-7": _RECALLS} if day > recalled_on else {})
    policy = generator.choices(list(shares), list(shares.values()))[0]
    longest = min(day, _RETURN_DAYS if policy == "return-30d" else _REFUND_DAYS)
    sold = day - min(longest, 1 + int(generator.expovariate(1 / 20)))
    while not room[sold]:
        sold = generator.randrange(day - longest, day)
    room[sold] -= 1
    remedies = next(document["remedies"] for document in POLICIES if document["id"] == policy)
    remedy = generator.choice(remedies)
    sale = Sale(
        start + timedelta(days=sold),
        _PRODUCTS[0] if policy == "damage-1y" else generator.choice(_PRODUCTS),
        generator.randrange(1_000, 100_000, 50),
        "EUR",
        _RECALLED if policy == "recall-l2026-7" else "L2026-1",
    )
    late = day > 3 * recalled_on // 2  # the workshop has become stricter
    steps = _steps(generator, policy, remedy, late=late)
    return PlannedClaim(sold, day, generator.randrange(9, 21), policy, remedy, sale, steps)


def _steps(generator: random.Random, policy: str, remedy: str, *, late: bool) -> list[Step]:
    luck = generator.random()
    if policy == "refund-60d":
        left = Step(generator.uniform(1, 100), "owner", "retire", {})
        return [left, *_done(generator, 30)] if luck < 0.92 else []
    if luck < 0.02:
        return [Step(generator.uniform(1, 40), "buyer", "withdraw", {})]
    if luck < 0.05:
        return []  # nobody moves: it will be overdue
    if policy == "damage-1y":
        return _reviewed(generator, remedy, late=late)
    return _repaired(generator, luck, 30 if policy == "return-30d" else 70)


def _repaired(generator: random.Random, luck: float, hours: float) -> list[Step]:
    if luck < 0.08:
        dispute = Step(generator.uniform(5, 90), "buyer", "dispute", {"reason": "done_badly"})
        return [*_done(generator, hours), dispute, *_done(generator, hours)]
    if luck < 0.18:
        return [Step(generator.uniform(60, 260), "merchant", "complete", {})]  # some come too late
    return _done(generator, hours)


def _done(generator: random.Random, hours: float) -> list[Step]:
    return [
        Step(generator.expovariate(2 / hours), "merchant", "start", {}),
        Step(generator.expovariate(1 / hours), "merchant", "complete", {}),
    ]


def _reviewed(generator: random.Random, remedy: str, *, late: bool) -> list[Step]:
    steps: list[Step] = []
    if generator.random() < 0.2:
        steps = [
            Step(generator.uniform(4, 60), "merchant", "ask", {"wants": ["photo"]}),
            Step(generator.uniform(4, 70), "buyer", "answer", {}),
        ]
    looked = generator.uniform(5, 130)
    if generator.random() < 0.3:
        weights = (3, 1, 6 if late else 2, 2, 0, 1)
        reason = generator.choices(DECLINE_REASONS, weights)[0]
        steps.append(Step(looked, "merchant", "decline", {"reason": reason}))
        if generator.random() < 0.15:
            steps += [
                Step(generator.uniform(3, 60), "buyer", "dispute", {"reason": "decision_wrong"}),
                _approved(generator.uniform(10, 90), remedy),
                *_done(generator, 60),
            ]
        return steps
    return [*steps, _approved(looked, remedy), *_done(generator, 60)]


def _approved(after: float, remedy: str) -> Step:
    return Step(after, "merchant", "approve", {"resolution": remedy, "share": 100})
