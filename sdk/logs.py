"""What a merchant's two logs say, as far as they have proven it: the wallet's view of a merchant.

Nothing is taken from the service but bytes under signed checkpoints. Every close the wallet has
ever seen must be a prefix of the purchase log it sees now, so that a merchant who shows different
people different logs must keep doing so for ever.

What is fetched depends on the logs alone and not on what this wallet saw before. Proving that
*any* earlier checkpoint is a prefix would take the tiles around its size: fetching those shortly
before a claim would tell the service when the claimant last came, or bought. Closes are earlier
checkpoints that all wallets have in common.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from aftersales.versions import ENDINGS, VersionFold
from commitments.attributes import EPOCH
from commitments.domain import suite_name
from commitments.errors import FormatError, VerificationError
from commitments.wire import le
from ledger.closes import CLOSED, Close, CloseFold, day_period
from ledger.events import DAILY, LogDeclaration, check_event, encode_event
from ledger.evidence import verify_event_evidence
from ledger.handover import NO_HANDOVERS, Succession
from ledger.key_history import WITNESS_ROTATED, told_handovers
from ledger.merkle import leaf_hash
from ledger.monitor import Head, newest_head, require_no_older
from ledger.partition import Partition
from ledger.quorum import open_cosigned
from ledger.true_roots import TrueRoots
from policies.notice import Notice, parse_notice
from policies.versions import Version
from sdk.errors import NotEligible, WalletError
from sdk.key_following import follow_merchant, learn_keys
from sdk.shop import Shop
from sdk.state import GROUP, Merchant

__all__ = ["DatedClose", "MerchantView", "read_merchant"]

_NOTICE = "recall.published"
_OLDEST_DAILY = timedelta(days=2)  # a daily log closes within a day
_OLDEST_MANUAL = timedelta(days=31)  # nobody has promised when; a month leaves rings useful
_LARGEST_LOG = 1 << 24  # entries; choosing a ring takes a hash of each, and so seconds
_AHEAD = timedelta(days=1)  # clocks differ, and by less
_SUITE = suite_name(GROUP).decode("ascii")


@dataclass(frozen=True)
class DatedClose:
    """A close, the moment at which its period ended, and the one at which it was recorded."""

    close: Close
    ended: datetime
    recorded: datetime


@dataclass(frozen=True)
class MerchantView:
    """What the logs of a merchant have proven: its declaration, closes, policies and notices.

    ``partition`` is made from the accepted closes, which ``closes`` holds with their dates;
    ``versions`` are those of all policies, in the order of the log; ``handovers`` are those of
    the witnesses.
    """

    declaration: LogDeclaration
    closes: tuple[DatedClose, ...]
    partition: Partition
    versions: tuple[Version, ...]
    notices: tuple[Notice, ...] = ()
    handovers: Succession = NO_HANDOVERS

    def valid_versions(self, policy_id: str, today: date) -> list[Version]:
        """The versions of a policy that are valid today, ascending; ``NotEligible`` without one."""
        of_it = [version for version in self.versions if version.policy.id == policy_id]
        if not of_it:
            raise NotEligible([f"the merchant has published no policy {policy_id}"])
        of_it.sort(key=lambda version: version.policy.version)
        valid = [version for version in of_it if version.policy.is_valid_on(today)]
        if not valid:
            newest = of_it[-1].policy
            period = f"from {newest.valid_from} to {newest.valid_to}"
            raise NotEligible([f"the policy {policy_id} is valid {period} only, not on {today}"])
        return valid

    def version(self, policy_id: str, number: int) -> Version | None:
        """One version of a policy, if there is such."""
        key = policy_id, number
        return next((v for v in self.versions if (v.policy.id, v.policy.version) == key), None)

    def is_stale(self, now: datetime) -> bool:
        """Whether the last close is so old that newer ones may be hidden."""
        return bool(self.closes) and self.is_too_old(self.closes[-1].recorded, now)

    def is_too_old(self, moment: datetime, now: datetime) -> bool:
        """Whether there should have been a close since ``moment``."""
        oldest = _OLDEST_DAILY if self.declaration.period == DAILY else _OLDEST_MANUAL
        return now - moment > oldest


def read_merchant(shop: Shop, merchant: Merchant, now: datetime) -> tuple[MerchantView, Merchant]:
    """The present view of a merchant, and what the wallet is to remember of it.

    ``VerificationError`` names what does not hold, and nothing is to be remembered then.
    """
    # 1. The keys that sign now follow from those that were known. The events come meanwhile.
    with ThreadPoolExecutor(1, "events") as pool:
        coming = pool.submit(shop.events)
        merchant = follow_merchant(shop, merchant)
    # 2. The events are in the event log, and those shown before are where they were.
    evidence = coming.result()
    handovers = told_handovers(event for _, event in evidence.events)
    quorum = merchant.quorum.following(handovers)
    verify_event_evidence(evidence, *merchant.events_keys, policy=quorum)
    event_head = _grown(merchant.events, evidence.checkpoint)
    indices = [index for index, _ in evidence.events]
    if indices != sorted(indices):
        raise FormatError("the events are not in order", "events")
    shown = _shown(evidence.events, [_NOTICE])
    as_before = [shown, _shown(evidence.events, [_NOTICE, *ENDINGS])]
    if merchant.shown_digest not in [_digest(each[: merchant.shown]) for each in as_before]:
        raise VerificationError("event log: what was shown before is hidden or another")
    declaration = _declaration(evidence.events)
    merchant = learn_keys(merchant, (event for _, event in evidence.events))
    open_cosigned(evidence.checkpoint, *merchant.events_keys, policy=merchant.quorum)
    # 3. The purchase log is read after the events that speak of it.
    note = shop.checkpoint("purchases")
    open_cosigned(note, *merchant.purchases_keys, policy=merchant.quorum)
    purchase_head = _grown(merchant.purchases, note)
    # 4. The closes are those that the rules accept; each is a prefix of the purchase log.
    events = [event for _, event in evidence.events]
    roots = TrueRoots(shop.tiles("purchases"), purchase_head.size, purchase_head.root)
    closes = tuple(_accepted_closes(events, declaration, roots))
    _require_true_times(closes, now)
    if len(closes) < merchant.closes:
        raise VerificationError("purchase log: it contradicts a close that was seen before")
    view = MerchantView(
        declaration,
        closes,
        _partition(declaration, closes),
        _versions(events, merchant.origin),
        tuple(_notices(events, merchant.origin)),
        handovers,
    )
    return view, replace(
        merchant,
        purchases=purchase_head,
        events=event_head,
        shown=len(shown),
        shown_digest=_digest(shown),
        closes=len(closes),
    )


def _shown(
    events: Sequence[tuple[int, Mapping[str, Any]]], without: Collection[str]
) -> list[bytes]:
    """What is remembered of the events; ``without`` those that earlier wallets did not ask for.

    Version 0.1 asked for no notices, and for no ends of policies.
    """
    return [
        leaf_hash(le(index, 8) + encode_event(event))
        for index, event in events
        if event["type"] not in without
    ]


def _grown(known: Head | None, note: bytes) -> Head:
    new = Head.of(note)
    if new.size > _LARGEST_LOG:
        raise WalletError(f"a log of more than {_LARGEST_LOG:,} entries is too large to read here")
    require_no_older(known, new)
    return newest_head(known, new)


def _digest(shown: Sequence[bytes]) -> bytes:
    return sha256(b"".join(shown)).digest()


def _declaration(
    events: Sequence[tuple[int, Mapping[str, Any]]],
) -> LogDeclaration:
    """Event 0, which names a ciphersuite that is known here."""
    if not events or events[0][0] != 0:
        raise VerificationError("event log: its declaration is not shown")
    declaration = LogDeclaration.from_event(events[0][1])
    if declaration.suite != _SUITE:
        raise VerificationError("event log: it declares an unknown ciphersuite")
    return declaration


def _partition(declaration: LogDeclaration, closes: Sequence[DatedClose]) -> Partition:
    accepted = (dated.close for dated in closes)
    return Partition(declaration.capacity, declaration.void_window, accepted)


def _accepted_closes(
    events: Sequence[Mapping[str, Any]], declaration: LogDeclaration, roots: TrueRoots
) -> Iterator[DatedClose]:
    """The closes that count, in order; those that the rules do not accept have no effect."""
    shown = list(_readable_closes(events, declaration.origin))
    roots.fetch(close.size for close, _ in shown if close)
    fold = CloseFold(declaration, roots.at)
    for close, event in shown:
        if close is None:
            fold.hand_over(event)
            continue
        if close.number > len(fold.closes):
            raise VerificationError("event log: a close is hidden")
        try:
            accepted = fold.accept(event)
        except (FormatError, VerificationError):
            # The service's tiles are proven in roots.at before they are compared with a close;
            # tiles that are false must not make a true close look false.
            roots.at(close.size)
            continue
        yield _dated(accepted, event, declaration.period)


def _require_true_times(closes: Sequence[DatedClose], now: datetime) -> None:
    """A close that is dated later than it is makes an old log look fresh."""
    if any(dated.recorded > now + _AHEAD for dated in closes):
        raise VerificationError(
            "event log: a close is dated in the future, if this computer's clock is right"
        )


def _readable_closes(
    events: Sequence[Mapping[str, Any]], origin: str
) -> Iterator[tuple[Close | None, Mapping[str, Any]]]:
    """In their order, and among them the handovers of witnesses, which are none."""
    for event in events:
        if event.get("type") == WITNESS_ROTATED:
            yield None, event
        if event.get("type") == CLOSED:
            with suppress(FormatError):
                yield Close.from_event(event, origin), event


def _dated(close: Close, event: Mapping[str, Any], period: str) -> DatedClose:
    """With the end of the close's day, or the moment of a close that was made by a call."""
    recorded = datetime.fromisoformat(event["time"])
    if period != DAILY:
        return DatedClose(close, recorded, recorded)
    if close.period > day_period(recorded):
        raise VerificationError("event log: a close was recorded before its day")
    ended = datetime.combine(EPOCH + timedelta(days=close.period + 1), time.min, tzinfo=UTC)
    return DatedClose(close, ended, recorded)


def _versions(events: Sequence[Mapping[str, Any]], origin: str) -> tuple[Version, ...]:
    """The versions of all policies in the order of the log, with what has ended them.

    Their events are numbered 0, 1, 2, … whatever they hold: a wallet that sees 0 to n sees every
    version and every end up to n, and so none that others do not.
    """
    fold = VersionFold(origin)
    for event in events:
        fold.read(event)
    return tuple(fold.versions.values())


def _notices(events: Sequence[Mapping[str, Any]], origin: str) -> Iterator[Notice]:
    """The notices in the order of the log, of which none is left out before the last."""
    published = [event for event in events if event.get("type") == _NOTICE]
    seen = set()
    for number, event in enumerate(published):
        check_event(event, _NOTICE, ["number", "notice"])
        if type(event["number"]) is not int or event["number"] != number:
            raise VerificationError("event log: a notice is hidden, or two have one number")
        with suppress(FormatError):  # what is no notice says nothing
            notice = parse_notice(event["notice"])
            if notice.origin == origin and notice.id not in seen:
                seen.add(notice.id)
                yield notice
