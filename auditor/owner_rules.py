"""Ownerships that end, and what goes before what (docs/protocol.md 8, *Retiring*)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.findings import Disagreement
from auditor.rules import broken
from commitments.errors import FormatError
from commitments.group import Group
from zk.statement import secret_tag

__all__ = ["Approval", "OwnerRules"]


@dataclass
class Approval:
    """A claim that was decided or a transfer that was approved, at ``index`` of the event log.

    ``retire_by`` is ``None`` for a claim that ends no ownership; ``retired`` where the secret came,
    and ``canceled`` whether the buyer has withdrawn the claim.
    """

    index: int
    scope: str
    secret_tag: bytes
    retire_by: str | None
    retired: int | None = None
    canceled: bool = False

    def awaits_secret(self, now: str) -> bool:
        """Whether its owner may still leave with it at the event time ``now``."""
        ended = self.canceled or self.retired is not None
        return not ended and self.retire_by is not None and now <= self.retire_by


class OwnerRules:
    """All approvals of a log in their order, and the secrets that were published."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._claims: dict[str, dict[bytes | None, list[Approval]]] = defaultdict(dict)
        self._transfers: list[Approval] = []  # that may still be completed
        self._secrets: list[int] = []
        self._left: dict[str, set[bytes | None]] = {}  # tags of the secrets, by scope of claims

    def claim(self, approval: Approval) -> None:
        """Take in a claim that was decided."""
        self._claims[approval.scope].setdefault(approval.secret_tag, []).append(approval)

    def count_claims(self, scope: str, tag: bytes) -> int:
        """How many claims were made by the owner with this secret tag."""
        return len(self._claims[scope].get(tag, ()))

    def transfer(self, approval: Approval) -> None:
        """Take in a transfer that was approved."""
        self._transfers.append(approval)

    def has_left(self, scope: str, tag: bytes) -> bool:
        """Whether this secret tag of a claim is that of a published secret."""
        if scope not in self._left:
            self._left[scope] = {self._tag(scope, secret) for secret in self._secrets}
        return tag in self._left[scope]

    def has_left_by_transfer(self, scope: str, tag: bytes) -> bool:
        """The same for a transfer, whose scope nobody asks for again."""
        return any(self._tag(scope, secret) == tag for secret in self._secrets)

    def retire(
        self, index: int, approval: Approval, encoded: bytes, now: str
    ) -> Iterator[Disagreement]:
        """The owner shows its secret, ``encoded``, to complete an approval."""
        if approval.retire_by is not None and approval.retire_by < now:
            yield broken("approval-lapsed", "its time is over", approval.index, index)
        elif not approval.awaits_secret(now):
            yield broken("retirement", "it awaits no secret", approval.index, index)
        try:
            secret = self._group.decode_scalar(encoded)
        except FormatError as error:
            yield broken("wrong-secret", str(error), index)
            return
        if self._tag(approval.scope, secret) != approval.secret_tag:
            yield broken("wrong-secret", "not that of the tag", approval.index, index)
            return
        tags = {scope: self._tag(scope, secret) for scope in self._left}
        if secret in self._secrets:
            yield broken("approval-lapsed", "this owner has left already", approval.index, index)
        elif (other := self._contests(approval, secret, tags, now)) is not None:
            why = "another approval of this owner goes before"
            yield broken("approval-lapsed", why, other.index, approval.index, index)
        self._secrets.append(secret)
        for scope, tag in tags.items():
            self._left[scope].add(tag)
        self._transfers = [
            each
            for each in self._transfers
            if each is not approval and each.retire_by is not None and each.retire_by >= now
        ]

    def _contests(
        self, approval: Approval, secret: int, tags: Mapping[str, bytes | None], now: str
    ) -> Approval | None:
        """The approval of the same owner that goes before this one, if any.

        ``tags`` are its own, by the scopes of claims. An ordinary claim goes before the approvals
        that it came after: they have lapsed by it. Of two that end the ownership the earlier goes
        before the later, unless it has lapsed.
        """
        own = [each for scope, tag in tags.items() for each in self._claims[scope].get(tag, ())]
        own += self._waiting_transfers(secret, now)
        last = max((each.index for each in own if each.retire_by is None), default=-1)
        for each in own:
            if each.index == last > approval.index:
                return each
            if last < each.index < approval.index and each.awaits_secret(now):
                return each
        return None

    def _waiting_transfers(self, secret: int, now: str) -> Iterator[Approval]:
        """Those of this owner: of all owners' any number may wait."""
        for each in self._transfers:
            if each.awaits_secret(now) and self._tag(each.scope, secret) == each.secret_tag:
                yield each

    def _tag(self, scope: str, secret: int) -> bytes | None:
        return secret_tag(self._group, scope, secret)
