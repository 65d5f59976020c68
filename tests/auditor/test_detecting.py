"""All detectors together: what is found stays found, and honest shops are left in peace."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.histories import History
from aftersales.steps import DECLINE_REASONS
from auditor.detecting import DETECTORS, find_all
from auditor.detectors import late_closes, policy_changes, void_rings, void_timing
from auditor.findings import SEVERITIES, Finding
from auditor.record import Sighting
from auditor.shifts import Share, has_risen
from auditor.times import later
from ledger.voided import REASONS
from tests.aftersales.cases import PLAIN, REVIEWED
from tests.auditor.book import Book

SEEDS = st.integers(0, 2**32)
LATE = "2031-01-01T00:00:00Z"


def some(random: Random, mean: float) -> int:
    """A count as of independent events, with this mean (Poisson)."""
    count, left = 0, random.expovariate(1)
    while left < mean:
        count += 1
        left += random.expovariate(1)
    return count


class Shop:
    """A shop day by day, with two policies. Each thing comes at any hour, at an even rate."""

    def __init__(self, random: Random) -> None:
        self.random, self.book = random, Book()
        self.plain = self.book.publish(PLAIN)
        self.reviewed = self.book.publish(REVIEWED, id="reviewed")
        self.plans: dict[int, list[tuple[float, Callable[[], Any]]]] = defaultdict(list)
        self.today = 0

    def plan(self, days: int, action: Callable[[], Any]) -> None:
        """Has something done at some hour of a day to come."""
        self.plans[self.today + days].append((self.random.uniform(0, 24), action))

    def day(self, *, sales: float = 10, voids: float = 0.05, claims: float = 1) -> None:
        for target in self.book.buy(some(self.random, sales)):
            if self.random.random() < voids:
                self.plan(self.random.randint(1, 13), partial(self.take_back, target))
        if self.today:
            for _ in range(some(self.random, claims)):
                self.plan(0, self.repair)
                self.plan(0, self.review)
        for hour, action in sorted(self.plans.pop(self.today, []), key=lambda plan: plan[0]):
            self.book.now = self.book.at(hour)
            action()
        self.today += 1

    def take_back(self, target: int) -> None:
        self.book.void(target, self.random.choice(REASONS))

    def claim(self, policy: dict[str, Any], *, tag: str | None = None) -> History:
        """By whoever bought any of the purchases so far."""
        partition = self.book.record.partition
        size = partition.closes[-1].size
        lane = partition.lane_of(self.random.randrange(size), 0, size) if size else 0
        return self.book.claim(policy, lane=lane, tag=tag)

    def repair(self) -> None:
        claim = self.claim(self.plain)
        self.plan(self.random.randint(1, 5), lambda: self.book.move(claim, "complete", "completed"))

    def review(self) -> None:
        claim, reason = self.claim(self.reviewed), None
        if self.random.random() < 0.15:
            reason = self.random.choice(DECLINE_REASONS)
        step, state = ("decline", "declined") if reason else ("approve", "completed")
        days = self.random.randint(1, 5)
        self.plan(days, lambda: self.book.move(claim, step, state, reason=reason))

    def sight(self, *witnesses: str) -> None:
        log, size = self.random.choice(
            [("events", len(self.book.record.times)), ("purchases", len(self.book.record.kinds))]
        )
        times = dict.fromkeys(witnesses, self.book.now)
        self.book.record.sightings.append(Sighting(log, size, self.book.now, times))


@given(SEEDS)
@settings(max_examples=5)
def test_honest_shops_are_left_in_peace(seed: int) -> None:
    shop = Shop(Random(seed))
    for _ in range(300):
        shop.day()
        shop.book.close()
        shop.sight("one.example", "two.example")
    assert find_all(shop.book.record, shop.book.now) == []


def wild(shop: Shop) -> None:
    """A day of a shop that does one thing or another that deserves a question."""
    random, book = shop.random, shop.book
    shop.day(sales=random.choice([5, 5, 5, 100]), voids=random.choice([0, 0, 0.9]), claims=2)
    if random.random() < 0.1:
        policy = book.publish(PLAIN, version=shop.plain["version"] + 1)
        book.end(shop.plain, random.choice(["2020-01-01", "2028-01-01"]))
        shop.plain = policy
    if random.random() < 0.3:
        shop.claim(shop.reviewed, tag="02ab")
    if random.random() < 0.3:
        book.void(random.randrange(len(book.record.kinds)), random.choice([None, "returned"]))
    if random.random() < 0.1:
        probe(shop)
    if random.random() < 0.1:
        key = {"type": "log.key_rotated", "next_vkey": "one+12345678+AA", "time": book.now}
        book.record.key_events.append((book.event(), key))
    shop.book.close(hours=random.choice([0] * 8 + [10, 24, 200]))
    shop.sight(*random.sample(["one.example", "two.example"], random.randint(0, 2)))


def probe(shop: Shop) -> None:
    """Somebody claims, and most of those who can have done it are declared void."""
    record, claim = shop.book.record, shop.claim(shop.reviewed)
    cell = record.partition.cell(0, claim.case.body.size, claim.case.body.lane)
    for target in cell[-20:]:
        shop.book.void(target)


def checked(shop: Shop, before: list[Finding]) -> list[Finding]:
    """What is found by now: all that was found before, each under a name of its own."""
    found = find_all(shop.book.record, shop.book.now)
    assert [each for each in before if each not in found] == []
    assert len({each.id for each in found}) == len(found)
    return found


@given(SEEDS)
@settings(max_examples=4)
def test_what_is_found_stays_found_as_it_is(seed: int) -> None:
    shop, found = Shop(Random(seed)), list[Finding]()
    shop.day(sales=100)
    shop.book.close()
    for day in range(100):
        wild(shop)
        if day % 5 == 0:
            found = checked(shop, found)
    assert len({each.detector for each in found}) >= 6
    for each in found:
        assert {type(value) for value in each.facts.values()} <= {int, str}
        assert each.time <= shop.book.now
    order = [(-SEVERITIES.index(each.severity), each.time) for each in found]
    assert order == sorted(order)


def test_the_last_five_minutes_are_not_looked_at_yet() -> None:
    book = Book()
    book.day(1)
    late = later("2026-01-03T00:00:00Z", late_closes.LATE)  # the next close was expected then
    assert find_all(book.record, later(late, timedelta(minutes=5))) == []
    assert len(find_all(book.record, later(late, timedelta(minutes=5, seconds=1)))) == 1


# ---- how often chance is taken for intent, with limits that chance can be seen to reach


def test_blind_voids_are_found_in_rings_as_seldom_as_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(void_rings, "ODDS", 20)
    random, found, rings = Random(1), Counter[str](), 0
    for _ in range(150):
        book = Book()
        policy = book.publish(PLAIN)
        bought = list(book.day(190))
        random.shuffle(bought)
        for target in bought[:25]:
            book.void(target)
        book.close()
        for lane in range(4):
            book.claim(policy, lane=lane, size=190)
        for target in bought[25:50]:
            book.void(target)
        book.close()
        rings += 4
        found.update(str(each.facts["side"]) for each in void_rings.find(book.record, LATE))
    assert 0 < found["before"] <= rings / 20
    assert 0 < found["after"] <= rings / 20


def test_blind_voids_follow_claims_as_seldom_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(void_timing, "LIMIT", 20)
    shop = Shop(Random(2))
    for _ in range(300):
        shop.day(voids=0.2, claims=3)
        shop.book.close()
    moments = len(shop.book.record.voids)
    found = list(void_timing.find(shop.book.record, LATE))
    assert moments > 500
    assert len(found) <= moments / 20


def test_even_flows_of_claims_rise_before_an_end_as_seldom_as_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("FALSE_ALARMS", 20), ("RISE", 0), ("FEWEST", 1)):
        monkeypatch.setattr(policy_changes, name, value)
    random, found, ends = Random(3), 0, 200
    for _ in range(ends):
        book = Book()
        policy, start = book.publish(PLAIN), book.now
        for hours in sorted(random.uniform(0, 63 * 24) for _ in range(some(random, 12))):
            book.now = start
            book.wait(hours=hours)
            book.claim(policy)
        book.now = start
        book.wait(days=63)
        book.end(policy, "2027-01-01")
        found += len(list(policy_changes.find(book.record, LATE)))
    assert 0 < found <= ends / 20


def test_shares_that_stay_rise_as_seldom_as_is_said() -> None:
    random, trials = Random(4), 1000

    def share(total: int) -> Share:
        return Share(sum(random.random() < 0.2 for _ in range(total)), total)

    found = sum(has_risen(share(20), share(100), 1, Fraction(1, 20)) for _ in range(trials))
    assert 0 < found <= trials / 20


def test_each_detector_has_a_name_of_its_own_and_says_what_it_finds() -> None:
    assert len({detector.NAME for detector in DETECTORS}) == len(DETECTORS)
    for detector in DETECTORS:
        assert detector.__doc__ is not None
        assert find_all(Book().record, LATE) == []
