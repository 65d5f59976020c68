"""A log as a shop has it after some months: real to the last proof, made by clocks of its own.

What happens is :mod:`benchmarks.trade_plan`'s. All is written as the service writes it; the proofs
are made in processes beside this one and not verified here.
"""

import heapq
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from itertools import count, islice
from multiprocessing import get_context
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from aftersales.claims import APPROVED, UNDER_REVIEW
from aftersales.steps import BUYER, STEP, step_message
from benchmarks.building import purchases
from benchmarks.claiming import purchase_of
from benchmarks.recording import random_scalar
from benchmarks.trade_plan import POLICIES, PlannedClaim, Step, TradePlan
from commitments.clock import OneClock
from commitments.errors import Refused
from commitments.group import Point
from commitments.p256 import P256
from commitments.purchase import Opening
from issuer.closing import Closer
from issuer.merchants import Merchant, create_merchant
from issuer.recording import Issuer
from issuer.voiding import VoidWanted
from ledger.closed import ClosedLogs
from ledger.closes import day_period
from ledger.event_log import append_event
from ledger.events import event_time, events_origin
from ledger.partition import Partition
from ledger.purchases import Purchases
from ledger.rings import RingName, build_ring
from ledger.seed_witnesses import SeedWitnesses
from ledger.store import Store, Transaction
from policies.body import new_nonce
from policies.claim import ClaimBody, FollowUpKeys, claim_id, claim_statement
from policies.versions import Version
from verifier.approvals import CLAIM
from verifier.case_book import CaseBook
from verifier.decision import decided_event
from verifier.decision_book import record_decisions
from verifier.retiring import Owner, retire
from verifier.service import Verifier
from zk.prove import prove
from zk.statement import Ring
from zk.verify import proof_tags

__all__ = ["SHOP", "trade"]

SHOP = Merchant("acme", "Acme Electronics", "ledger.example/acme")
_CAPACITY = 1024
_PROVERS = os.cpu_count() or 1
_AHEAD = timedelta(hours=14)  # as wallets allow for it (sdk/horizons.py)
_OPENS, _SELLS = 7, 8  # hours of the day
_RENEWED = "warranty-2y"


def trade(store: Store, plan: TradePlan, progress: Callable[[str], None]) -> None:
    """Let everything that is planned happen in the logs of :data:`SHOP`, which are made for it."""
    with ProcessPoolExecutor(_PROVERS, mp_context=get_context("spawn")) as provers:
        shop = _Shop(store, plan, provers)
        for day in range(plan.days):
            shop.live(day)
            progress(f"day {day + 1} of {plan.days}: {shop.decided:,} claims")


@dataclass
class _Owned:
    """What the buyer of a claimed purchase knows, and what will become of the claim."""

    planned: PlannedClaim
    opening: Opening
    index: int
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    claim_id: str = ""


@dataclass(frozen=True)
class _Made:
    """A claim that can be decided: its proof and the tags that this shows."""

    owned: _Owned
    version: Version
    body: ClaimBody
    proof: bytes
    tags: tuple[bytes, ...]


class _Shop:
    """The shop, its buyers, and the clock on the wall."""

    def __init__(self, store: Store, plan: TradePlan, provers: ProcessPoolExecutor) -> None:
        self._store, self._plan, self._provers = store, plan, provers
        self._now = datetime.combine(plan.start, time(), tzinfo=UTC)
        clocks = OneClock(lambda: self._now)
        create_merchant(store, P256, clocks, SHOP, capacity=_CAPACITY)
        self._closer = Closer(store, clocks, SeedWitnesses())
        self._verifier = Verifier(store, P256, clocks)
        self._issuer = Issuer(store, P256, clocks)
        self._closed, self._copy, self._size = ClosedLogs(), Purchases(), 0
        self._others = purchases()
        self._owned: dict[int, list[_Owned]] = {}  # by the day of the claim
        self._steps: list[tuple[datetime, int, _Owned, Sequence[Step]]] = []
        self._numbers = count()
        self._contact = X25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        self.decided = 0

    def live(self, day: int) -> None:
        """A day, from its first second on."""
        self._turn_to(day, 0)
        self._closer.close_yesterday(SHOP.origin)
        made = self._claims(day)
        for hour in range(24):
            self._turn_to(day, hour)
            if hour == _OPENS:
                self._publish(day)
            if hour == _SELLS:
                self._sell(day)
            self._void(day, hour)
            self._decide([claim for claim in made if claim.owned.planned.hour == hour])
            self._take_steps(self._now + timedelta(hours=1))

    def _turn_to(self, day: int, hour: int) -> None:
        midnight = datetime.combine(self._plan.start, time(), tzinfo=UTC) + timedelta(days=day)
        self._now = max(self._now, midnight + timedelta(hours=hour))

    # ---- what the merchant does by itself

    def _publish(self, day: int) -> None:
        for document in POLICIES:
            recall = document["kind"] == "recall"
            if day == (self._plan.recalled_on if recall else 0):
                self._publish_version(document, 1)
            if day == self._plan.renewed_on and document["id"] == _RENEWED:
                from_now_on = self._date(day + 1).isoformat()
                changed = {"response_time": "P5D", "covers_from": from_now_on}
                self._publish_version(document | changed, 2)

    def _publish_version(self, document: dict[str, Any], version: int) -> None:
        contact = {"contact_key": self._contact} if document.get("review") else {}
        days = {"valid_from": "2026-01-01", "valid_to": "2099-12-31"}
        named = {"schema": "kvitto-policy/v1", "origin": SHOP.origin, "version": version}
        self._verifier.publish(SHOP.origin, {**named, **days, **contact, **document})

    def _sell(self, day: int) -> None:
        claimed = [(claim, _opening(claim)) for claim in self._plan.sold_on(day)]
        entries = [*islice(self._others, self._plan.sales - len(claimed))]
        places = sorted(secrets.SystemRandom().sample(range(self._plan.sales), len(claimed)))
        for place, (planned, opening) in zip(places, claimed, strict=True):
            entries.insert(place, purchase_of(opening))
            owned = _Owned(planned, opening, self._size + place)
            self._owned.setdefault(planned.day, []).append(owned)
        self._append(entries)

    def _append(self, entries: Sequence[bytes]) -> None:
        self._store.write(lambda tx: tx.append(SHOP.origin, entries), SHOP.origin)
        self._take_in(entries)

    def _take_in(self, entries: Iterable[bytes]) -> None:
        for entry in entries:
            self._copy.append(entry)
            self._size += 1

    def _void(self, day: int, hour: int) -> None:
        """Of what nobody claims for: its buyers would be gone."""
        kept = {owned.index for each in self._owned.values() for owned in each}
        wanted = {
            self._size - back: VoidWanted(self._size - back, reason)
            for *then, back, reason in self._plan.voids
            if then == [day, hour] and self._size - back not in kept
        }
        if wanted:
            self._issuer.void_many(SHOP, [*wanted.values()])
            with self._store.log(SHOP.origin) as log:
                self._take_in(log.entries(self._size, log.size))

    # ---- claims

    def _claims(self, day: int) -> list[_Made]:
        owners = self._owned.get(day, [])
        with self._store.read() as connection:
            partition = self._closed.partition(connection, SHOP.origin)
        running = []
        for owned in owners:
            version, body, root, members = self._task(partition, day, owned)
            proving = self._provers.submit(_prove, version, body, root, members, owned.opening)
            running.append((owned, version, body, proving))
        return [
            _Made(owned, version, body, *proving.result())
            for owned, version, body, proving in running
        ]

    def _task(
        self, partition: Partition, day: int, owned: _Owned
    ) -> tuple[Version, ClaimBody, bytes, tuple[bytes, ...]]:
        planned = owned.planned
        renewed = planned.policy == _RENEWED and planned.sold > self._plan.renewed_on
        version = self._verifier.policy(SHOP.origin, planned.policy, 2 if renewed else 1)
        today = self._date(day)
        days, size = version.days(today), partition.closes[-1].size
        first = 0 if days is None else _last_close_before(partition, days[0])
        name = RingName(first, size, size, partition.lane_of(owned.index, first, size))
        ring = build_ring(self._copy, partition, name, lambda data: data)
        body = ClaimBody(
            origin=SHOP.origin,
            policy=planned.policy,
            version=version.policy.version,
            date=today.isoformat(),
            number=0,
            remedy=planned.remedy,
            first=first,
            size=size,
            voided_at=size,
            lane=name.lane,
            nonce=new_nonce(),
            buyer=_follow_up_keys(owned.key),
        )
        return version, body, ring.root, ring.members

    def _date(self, day: int) -> date:
        return self._plan.start + timedelta(days=day)

    def _decide(self, made: Sequence[_Made]) -> None:
        decided = []
        for claim in made:
            policy, owned = claim.version.policy, claim.owned
            owned.claim_id = claim_id(claim.body, claim.proof)
            lapses = policy.lapses(self._now)
            event = decided_event(
                owned.claim_id,
                event_time(self._now),
                claim.body,
                claim.proof,
                claim.tags,
                retire_by=event_time(lapses) if lapses else None,
                decision=UNDER_REVIEW if policy.review else APPROVED,
            )
            decided.append((event, policy))
            self._plan_next(owned, self._now, owned.planned.steps)
        if decided:
            unit = partial(record_decisions, origin=SHOP.origin, decided=decided)
            self._store.write(unit, events_origin(SHOP.origin))
            self.decided += len(decided)

    # ---- what becomes of them

    def _plan_next(self, owned: _Owned, moment: datetime, steps: Sequence[Step]) -> None:
        if steps:
            then = moment + timedelta(hours=steps[0].after)
            heapq.heappush(self._steps, (then, next(self._numbers), owned, steps))

    def _take_steps(self, until: datetime) -> None:
        due = [*self._due(until)]
        if due:
            self._store.write(partial(self._enter, due), events_origin(SHOP.origin))

    def _due(self, until: datetime) -> Iterator[tuple[datetime, _Owned, Step]]:
        while self._steps and self._steps[0][0] < until:
            moment, _, owned, (step, *following) = heapq.heappop(self._steps)
            self._plan_next(owned, moment, following)
            yield moment, owned, step

    def _enter(
        self, due: Sequence[tuple[datetime, _Owned, Step]], transaction: Transaction
    ) -> None:
        book = CaseBook(transaction.connection, SHOP.origin)
        for moment, owned, step in due:
            now = event_time(moment)
            with suppress(Refused):  # the case has come to an end meanwhile
                if step.step == "retire":
                    owner = Owner(P256, SHOP.origin, owned.opening.secret)
                    retire(transaction, owner, CLAIM, owned.claim_id, now)
                    book = CaseBook(transaction.connection, SHOP.origin)
                else:
                    file = book.file(owned.claim_id)
                    event = _step_event(owned, step, file.case.number, now)
                    file.after(-1, event)
                    book.advance(append_event(transaction, SHOP.origin, event), event)


def _step_event(owned: _Owned, step: Step, number: int, now: str) -> dict[str, Any]:
    event = {
        "type": STEP,
        "claim_id": owned.claim_id,
        "number": number,
        "by": step.by,
        "step": step.step,
        "attachments": [secrets.token_hex(32)] if step.step == "answer" else [],
        **step.members,
    }
    signed = {"signature": owned.key.sign(step_message(event)).hex()} if step.by == BUYER else {}
    return {**event, **signed, "time": now}


def _opening(planned: PlannedClaim) -> Opening:
    return Opening(planned.sale.attributes(P256), *(random_scalar() for _ in range(3)))


def _follow_up_keys(key: Ed25519PrivateKey) -> FollowUpKeys:
    inbox = X25519PrivateKey.generate().public_key().public_bytes_raw()
    redemption = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return FollowUpKeys(key.public_key().public_bytes_raw().hex(), inbox.hex(), redemption.hex())


def _last_close_before(partition: Partition, begins: date) -> int:
    moment = datetime.combine(begins, time(), tzinfo=UTC) - _AHEAD
    day = day_period(moment)  # a period has ended by then if it is before that
    return max((close.size for close in partition.closes if close.period < day), default=0)


def _prove(
    version: Version, body: ClaimBody, root: bytes, members: tuple[bytes, ...], opening: Opening
) -> tuple[bytes, tuple[bytes, ...]]:
    """The proof and its tags; in a process that proves and does nothing else."""
    ring = Ring(P256, members, [_point(member) for member in members])
    statement = claim_statement(P256, version, body, root, ring)
    proof = prove(statement, opening)
    return proof, proof_tags(statement, proof)


@cache
def _point(commitment: bytes) -> Point:
    return P256.decode(commitment)
