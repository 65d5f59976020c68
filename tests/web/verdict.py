"""Whether a claim should have been approved, in a log with one event changed."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from aftersales.horizons import RECENT_CLOSES, Horizons, require_today
from aftersales.versions import EVENT_MEMBERS, VersionFold
from commitments.domain import suite_name
from commitments.errors import FormatError, KvittoError, VerificationError
from commitments.p256 import P256
from commitments.wire import encode_base64, parse_base64
from ledger.closes import CLOSED, CloseFold
from ledger.events import (
    LogDeclaration,
    check_event,
    event_time,
    parse_event,
    parse_event_time,
)
from ledger.key_history import KEY_EVENTS, WITNESS_ROTATED, KeyHistory
from ledger.merkle import leaf_hash, root_of
from ledger.partition import Partition
from ledger.purchases import Purchases
from ledger.rings import RingName, build_ring
from policies.claim import claim_id, claim_statement, parse_claim
from tests.web.changes import changes
from tests.web.expected import read_entries
from zk.statement import Ring
from zk.verify import verify

__all__ = ["Judge"]

RootAt = Callable[[int], bytes | None]

_SEED = 7  # of the changes that are kept
_TRIED = 2000
_KEPT = 2  # of each event, after which a claim holds, and as many after which it does not

_CLAIMS_DEPEND_ON = re.compile(rb'"type":"(?:log|policy)\.')  # others may be no events at all
_DECISION = ("claim_id", "decision", "claim", "proof", "tags", "retire_by")


class Judge:
    """Of the logs of one merchant, whose files are in ``home``."""

    def __init__(self, home: Path) -> None:
        self.events = read_entries(home / "events")
        self._bought = read_entries(home / "purchases")
        self._purchases = Purchases(self._bought)
        self._root_at = cache(self._root)

    def holds(self, index: int, data: bytes, claim: int) -> bool:
        """Whether the log up to the claim allows it, and its proof holds, were ``data`` there."""
        events = [*self.events[:index], data, *self.events[index + 1 :]]
        try:
            _judge(events, claim, self._purchases, self._root_at)
        except KvittoError:
            return False
        return True

    def changes(self) -> list[dict[str, Any]]:
        """Some of what claims depend on, and whether they hold after each."""
        claims = [i for i, data in enumerate(self.events) if b'"type":"claim.decided"' in data]
        found: list[dict[str, Any]] = []
        counts: Counter[tuple[int, bool]] = Counter()
        for index, data, claim in islice(changes(self.events, claims, _SEED), _TRIED):
            if index == claim or data == self.events[index]:
                continue
            holds = self.holds(index, data, claim)
            counts[index, holds] += 1
            if counts[index, holds] <= _KEPT:
                event = encode_base64(data)
                found.append({"index": index, "event": event, "claim": claim, "holds": holds})
        return found

    def _root(self, size: int) -> bytes | None:
        entries = self._bought[:size]
        return None if size > len(self._bought) else root_of([*map(leaf_hash, entries)])


def _judge(events: Sequence[bytes], index: int, purchases: Purchases, root_at: RootAt) -> None:
    declaration = LogDeclaration.from_event(parse_event(events[0]))
    _require(declaration.suite == suite_name(P256).decode())
    keys, versions = KeyHistory.declared(declaration), VersionFold(declaration.origin)
    closes = CloseFold(declaration, root_at)
    for data in filter(_CLAIMS_DEPEND_ON.search, events[1:index]):
        event = parse_event(data)
        if event["type"] in {*EVENT_MEMBERS, CLOSED}:
            versions.read(event)
        if event["type"] in KEY_EVENTS:
            keys = keys.after(event)
        if event["type"] == WITNESS_ROTATED:
            closes.hand_over(event)
        elif event["type"] == CLOSED:
            _accept(closes, event)
    _judge_claim(parse_event(events[index]), declaration, versions, closes, purchases)


def _accept(closes: CloseFold, event: dict[str, Any]) -> None:
    try:
        closes.accept(event)
    except (FormatError, VerificationError):
        return  # it has no effect


def _judge_claim(
    event: dict[str, Any],
    declaration: LogDeclaration,
    versions: VersionFold,
    closes: CloseFold,
    purchases: Purchases,
) -> None:
    check_event(event, "claim.decided", _DECISION)
    body, proof = parse_claim(event["claim"]), parse_base64(event["proof"], "proof")
    moment = parse_event_time(event["time"], "time")
    version = versions.version(body.policy, body.version)
    _require(event["claim_id"] == claim_id(body, proof) and body.origin == declaration.origin)
    require_today(body, moment)
    if version is None or not version.is_open_on(body.day):
        raise VerificationError("no policy")
    lapses = version.policy.lapses(moment)
    _require(event["retire_by"] == (None if lapses is None else event_time(lapses)))
    _require(event["decision"] == ("under_review" if version.policy.review else "approved"))
    partition = Partition(declaration.capacity, declaration.void_window, closes.closes)
    sizes = [close.size for close in closes.closes]
    Horizons(partition, set(sizes), set(sizes[-RECENT_CLOSES:])).require(body)
    name = RingName(body.first, body.size, body.voided_at, body.lane)
    ring = build_ring(purchases, partition, name, P256.decode)
    _require(len(ring.members) >= version.policy.smallest_ring)
    known = Ring(P256, ring.members, ring.points)
    statement = claim_statement(P256, version, body, ring.root, known)
    shown = verify(statement, proof)
    _require(event["tags"] == [tag.hex() for tag in shown.tags])


def _require(holds: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise VerificationError("it differs")
