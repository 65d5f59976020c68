"""The versions of a merchant's policies, folded from the events of its log (docs/protocol.md 4).

Pure, and shared by wallet, verifier and auditor: the same events make the same versions.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from commitments.attributes import EPOCH
from commitments.errors import FormatError, VerificationError
from commitments.sale import parse_day
from ledger.closes import CLOSED
from ledger.events import check_event
from policies.policy import Policy, parse_policy
from policies.versions import Ending, Version, purchase_days

__all__ = [
    "ENDINGS",
    "EVENT_MEMBERS",
    "PUBLISHED",
    "READ_EVENTS",
    "SUPERSEDED",
    "WITHDRAWN",
    "VersionFold",
    "publication",
    "require_usable",
]

PUBLISHED, SUPERSEDED, WITHDRAWN = "policy.published", "policy.superseded", "policy.withdrawn"

ENDINGS = (SUPERSEDED, WITHDRAWN)
READ_EVENTS = (CLOSED, PUBLISHED, *ENDINGS)
"""What a fold wants to see: no end can be dated before a close that stands before it."""

EVENT_MEMBERS: Mapping[str, tuple[str, ...]] = {
    PUBLISHED: ("number", "policy"),
    SUPERSEDED: ("number", "policy", "version", "by", "from"),
    WITHDRAWN: ("number", "policy", "version", "from"),
}
"""What events of policies have besides type and time."""

_DAY = timedelta(days=1)


class VersionFold:
    """Folds the events of one log, in its order, to the versions that they publish and end.

    ``count`` is how many of them have a number.
    """

    def __init__(self, origin: str) -> None:
        self.count = 0
        self._origin = origin
        self._versions: dict[tuple[str, int], Version] = {}
        self._latest = EPOCH

    @property
    def versions(self) -> dict[tuple[str, int], Version]:
        """By id and number, in the order of their publication."""
        return dict(self._versions)

    def version(self, policy_id: str, number: int) -> Version | None:
        """One of :attr:`versions`; None where there is none."""
        return self._versions.get((policy_id, number))

    def earliest_end(self, now: str) -> date:
        """The first day that an ending logged at ``now`` may name: the day after."""
        return self._day_of(now) + _DAY

    def newest(self, policy_id: str) -> int:
        """The highest version of a policy; 0 without one."""
        return max((number for name, number in self._versions if name == policy_id), default=0)

    def ending(self, event: Mapping[str, Any]) -> tuple[str, int, Ending] | None:
        """Which version an event, the next, ends, by id and number; None where it has no effect.

        ``FormatError`` for what is no day.
        """
        name, number, by, first = (event.get(each) for each in ("policy", "version", "by", "from"))
        if not (isinstance(name, str) and type(number) is int and isinstance(first, str)):
            return None
        day = parse_day(first)
        if (name, number) not in self._versions or day <= self._day_of(event["time"]):
            return None
        if event["type"] == SUPERSEDED and not (
            type(by) is int and by > number and (name, by) in self._versions
        ):
            return None
        return name, number, Ending(event["time"], day, by)

    def read(self, event: Mapping[str, Any]) -> None:
        """The next event; those of other types than :data:`READ_EVENTS` say nothing here.

        ``FormatError`` for a policy event without exactly its members; ``VerificationError`` for
        one that has not the next number. One that names no policy, publishes a version again or
        ends one that is not there, or ends it for a day that had come, has no effect.
        """
        kind = event["type"]
        if kind in EVENT_MEMBERS:
            check_event(event, kind, EVENT_MEMBERS[kind])
            if type(event["number"]) is not int or event["number"] != self.count:
                raise VerificationError("event log: a policy is hidden, or two have one number")
            self.count += 1
            with suppress(FormatError):
                self._publish(event) if kind == PUBLISHED else self._end(event)
        if kind in READ_EVENTS:
            self._latest = self._day_of(event["time"])

    def _day_of(self, time: str) -> date:
        """That of an event which comes next: no earlier than those before it."""
        return max(self._latest, date.fromisoformat(time[: len("2026-11-22")]))

    def _publish(self, event: Mapping[str, Any]) -> None:
        policy = parse_policy(event["policy"])
        if policy.origin == self._origin:
            key = policy.id, policy.version
            self._versions.setdefault(key, Version(policy, event["time"]))

    def _end(self, event: Mapping[str, Any]) -> None:
        if (found := self.ending(event)) is not None:
            name, number, ending = found
            version = self._versions[name, number]
            self._versions[name, number] = replace(version, endings=(*version.endings, ending))


def require_usable(policy: Policy, capacity: int) -> None:
    """``FormatError`` for a policy under which nobody could ever claim: what is published stays.

    ``capacity`` is that of the log, N.
    """
    if policy.smallest_ring > capacity:
        raise FormatError("above the log's capacity: no ring is as large", "smallest_ring")
    for day in (policy.valid_from, policy.valid_to):
        window = policy.window(parse_day(day))
        if window is not None and window[1] < EPOCH:
            raise FormatError("ends before 1970", "purchased")
    days = purchase_days(policy, None, parse_day(policy.valid_to))
    if days is not None and days[0] > days[1]:
        raise FormatError("no purchase would ever be covered", "covers_from")


def publication(fold: VersionFold, policy: Policy, time: str) -> Sequence[dict[str, Any]]:
    """The events that publish a policy at ``time`` and end the versions before it.

    Those end for purchases of the day from which the new one covers purchases and takes claims,
    and of the day after ``time`` at the earliest. What has ended by then, or takes no claims any
    more, is left alone.
    """
    begins = max(policy.valid_from, policy.covers_from or policy.valid_from)
    first = max(fold.earliest_end(time), parse_day(begins))
    replaced = [
        version.policy.version
        for (name, _), version in fold.versions.items()
        if name == policy.id
        and (version.end is None or first < version.end)
        and first <= parse_day(version.policy.valid_to)
    ]
    return [
        {"type": PUBLISHED, "time": time, "number": fold.count, "policy": policy.document()},
        *(
            {
                "type": SUPERSEDED,
                "time": time,
                "number": number,
                "policy": policy.id,
                "version": version,
                "by": policy.version,
                "from": first.isoformat(),
            }
            for number, version in enumerate(replaced, start=fold.count + 1)
        ),
    ]
