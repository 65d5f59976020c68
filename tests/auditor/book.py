"""A shop's two logs as their record, written down day by day: no service, no proofs."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from aftersales.claims import open_case
from aftersales.histories import Histories, History, Move
from aftersales.versions import VersionFold
from auditor.record import Record, SeenClose, SeenVoid
from auditor.times import later, moment
from ledger.closes import Close, day_period
from ledger.events import DAILY, LogDeclaration, event_time
from ledger.note import Signer
from ledger.partition import Partition
from tests.aftersales.cases import REVIEWED, decided
from tests.world import ORIGIN

SUITE = "KVITTO-V01-Shake128_P256"


class Book:
    """Writes events and entries with the times it is told; ``now`` is that of the last of them."""

    def __init__(
        self,
        *,
        period: str = DAILY,
        capacity: int = 64,
        void_window: int = 14,
        origin: str = ORIGIN,
        start: date = date(2026, 1, 1),
    ) -> None:
        keys = [Signer(name, b"k" * 32).verifier for name in (origin, f"{origin}/events")]
        declaration = LogDeclaration(origin, SUITE, capacity, period, void_window, (), *keys)
        self.record = Record(declaration, Histories(origin), Partition(capacity, void_window))
        self.now = event_time(datetime.combine(start, datetime.min.time(), UTC))
        self.event()

    def at(self, hours: float) -> str:
        """The time so many hours after the midnight before ``now``."""
        return later(f"{self.now[:10]}T00:00:00Z", timedelta(hours=hours))

    def wait(self, **units: float) -> None:
        self.now = later(self.now, timedelta(**units))

    def event(self) -> int:
        self.record.times.append(self.now)
        return len(self.record.times) - 1

    # ---- purchases

    def buy(self, count: int, kind: int = 0x01) -> range:
        start = len(self.record.kinds)
        self.record.kinds += bytes([kind]) * count
        return range(start, start + count)

    def void(self, target: int, reason: str | None = "returned") -> int:
        """Declares a purchase void; the position of the void."""
        position = self.buy(1, 0x02)[0]
        void = SeenVoid(position, target)
        if reason is not None:
            void = SeenVoid(position, target, self.event(), self.now, reason)
        self.record.voids.append(void)
        return position

    def close(self, **after: float) -> int:
        """Goes on to ten seconds after midnight and closes the day; the size.

        With units of time the close comes that much later, for the last day that has ended then.
        """
        self.now = later(self.at(24), timedelta(seconds=10) + timedelta(**after))
        return self.close_now(day_period(moment(self.now)) - 1)

    def close_now(self, period: int) -> int:
        size, number = len(self.record.kinds), len(self.record.closes)
        close = Close(number, period, size, sha256(b"%d" % size).digest(), ())
        self.record.closes.append(SeenClose(self.event(), self.now, close))
        self.record.partition.extend([close])
        return size

    def day(self, purchases: int) -> range:
        """A day with so many purchases, closed after it."""
        bought = self.buy(purchases)
        self.close()
        return bought

    # ---- policies and claims

    def publish(self, policy: dict[str, Any] = REVIEWED, **changes: Any) -> dict[str, Any]:
        policy = {**policy, **changes}
        self._policy_event({"type": "policy.published", "policy": policy})
        return policy

    def end(self, policy: dict[str, Any], day: str, by: int | None = None) -> int:
        event = {"policy": policy["id"], "version": policy["version"], "from": day}
        kind = {"type": "policy.withdrawn"} if by is None else {"type": "policy.superseded"}
        return self._policy_event({**kind, **event, **({} if by is None else {"by": by})})

    def _policy_event(self, event: dict[str, Any]) -> int:
        fold: VersionFold = self.record.histories.versions
        numbered = {**event, "time": self.now, "number": fold.count}
        fold.read(numbered)
        self.record.policy_events.append((self.event(), numbered))
        return self.record.policy_events[-1][0]

    def claim(
        self,
        policy: dict[str, Any],
        *,
        first: int = 0,
        lane: int = 0,
        size: int | None = None,
        tag: str | None = None,
    ) -> History:
        """A claim over the last close, unless ``size`` names another."""
        claims, fold = self.record.histories.claims, self.record.histories.versions
        version = fold.version(policy["id"], policy["version"])
        assert version is not None
        closes = self.record.closes
        body = {"first": first, "lane": lane, "voided_at": closes[-1].close.size if closes else 1}
        body["size"] = body["voided_at"] if size is None else size
        event = decided(policy, time=self.now, claim_id=f"{len(claims):064x}")
        event["claim"] |= body
        case = open_case(event, version.policy)
        tags = (tag or f"{len(claims):066x}", "03")
        history = History(self.event(), version, case, case.due, tags)
        claims[case.claim_id] = history
        return history

    def move(
        self,
        history: History,
        step: str,
        state: str,
        *,
        by: str = "merchant",
        due: str | None = None,
        reason: str | None = None,
    ) -> None:
        history.moves.append(Move(self.event(), self.now, by, step, state, due, reason))
