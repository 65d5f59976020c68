"""Policies and notices: what is published, and what ends (docs/protocol.md 4, *Events*)."""

from collections.abc import Iterator, Mapping
from typing import Any

from aftersales.histories import Histories
from aftersales.versions import (
    EVENT_MEMBERS,
    PUBLISHED,
    SUPERSEDED,
    publication,
    require_usable,
)
from auditor.findings import Disagreement
from auditor.numbers import Numbers
from auditor.rules import broken
from commitments.errors import FormatError
from ledger.events import check_event
from policies.notice import NOTICE_PUBLISHED, parse_notice
from policies.policy import Policy, parse_policy

__all__ = ["NoticeRules", "PolicyRules"]

Event = Mapping[str, Any]


class PolicyRules:
    """Reads the events that publish and end policies, in their order."""

    def __init__(self, origin: str, capacity: int, histories: Histories) -> None:
        self._origin = origin
        self._capacity = capacity
        self._histories = histories
        self._versions = histories.versions
        self._following: list[dict[str, Any]] = []
        self._supersedes = False
        self._numbers = Numbers()

    def interrupt(self, index: int, event: Event | None) -> Iterator[Disagreement]:
        """Any event, or that there are no more: a publication ends earlier versions at once.

        A log in which no version was ever superseded is from before there were such events.
        """
        if self._following and event != self._following[0]:
            self._following = []
            if self._supersedes:
                yield broken("policy-superseded", "an earlier version is not ended by it", index)

    def read(self, index: int, event: Event) -> Iterator[Disagreement]:
        """An event of a policy; :meth:`interrupt` has seen it."""
        number, last = event.get("number"), self._numbers.last
        if not self._numbers.is_next(number):
            yield broken("policy-number", "its number is not the next one", index)
            if self._numbers.last == last:
                return
        if isinstance(number, int):  # what comes after a gap is read all the same
            self._versions.count = number
        try:
            check_event(event, event["type"], EVENT_MEMBERS[event["type"]])
        except FormatError as error:
            yield broken("policy-event", str(error), index)
            self._versions.count += 1
            return
        try:
            if event["type"] == PUBLISHED:
                yield from self._publish(index, event, self._published(event["policy"]))
            else:
                yield from self._end(index, event)
        except FormatError as error:
            yield broken("policy-event", str(error), index)
        self._histories.read(index, event)

    def _published(self, document: Any) -> Policy:
        policy = parse_policy(document)
        if policy.origin != self._origin:
            raise FormatError("the policy is for another merchant's purchases", "origin")
        if policy.document() != document:
            raise FormatError("the policy is not written out", "policy")
        require_usable(policy, self._capacity)
        return policy

    def _publish(self, index: int, event: Event, policy: Policy) -> Iterator[Disagreement]:
        if policy.version != self._versions.newest(policy.id) + 1:
            yield broken("policy-version", "its version is not the next one", index)
        if self._versions.version(policy.id, policy.version) is None:
            _, *self._following = publication(self._versions, policy, event["time"])

    def _end(self, index: int, event: Event) -> Iterator[Disagreement]:
        if event["type"] == SUPERSEDED:
            self._supersedes = True
        if self._following:  # it is the first of them
            del self._following[0]
        elif event["type"] == SUPERSEDED:
            yield broken("policy-superseded", "not by a version that was just published", index)
        elif (found := self._versions.ending(event)) is None:
            yield broken("policy-end", "no such version, or a day that had come", index)
        else:
            policy_id, number, ending = found
            version = self._versions.version(policy_id, number)
            if version and version.end and version.end <= ending.first:
                yield broken("policy-end", "the version has ended by then", index)


class NoticeRules:
    """Reads the notices of a log, in their order."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._numbers = Numbers()
        self._ids: set[str] = set()

    def read(self, index: int, event: Event) -> Iterator[Disagreement]:
        """The next notice."""
        if not self._numbers.is_next(event.get("number")):
            yield broken("notice-number", "its number is not the next one", index)
        try:
            check_event(event, NOTICE_PUBLISHED, ("number", "notice"))
            notice = parse_notice(event["notice"])
        except FormatError as error:
            yield broken("notice-event", str(error), index)
            return
        if notice.origin != self._origin:
            yield broken("notice-event", "it is about another merchant's goods", index)
        elif notice.id in self._ids:
            yield broken("notice-event", "its id has been published", index)
        elif notice.document() != event["notice"]:
            yield broken("notice-event", "it is not written out", index)
        self._ids.add(notice.id)
