"""The events behind a declaration, each handed to the rules of its type."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aftersales.claims import DECIDED
from aftersales.histories import Histories
from aftersales.report_events import REPORT_PUBLISHED
from aftersales.steps import STEP
from aftersales.versions import PUBLISHED, SUPERSEDED, WITHDRAWN
from auditor.claim_rules import ClaimRules
from auditor.close_rules import CloseRules
from auditor.entry_rules import EntryRules
from auditor.findings import Disagreement
from auditor.owner_rules import OwnerRules
from auditor.policy_rules import NoticeRules, PolicyRules
from auditor.proof_task import ProofTask
from auditor.record import Record
from auditor.rules import broken
from auditor.transfer_rules import TransferRules
from auditor.void_rules import VoidRules
from commitments.errors import FormatError
from commitments.group import Group
from commitments.wire import parse_hex
from ledger.closes import CLOSED
from ledger.events import OWNERSHIP_RETIRED, TRANSFER_APPROVED, LogDeclaration, check_event
from ledger.key_history import DECLARED, RETIRED, ROTATED, WITNESS_ROTATED
from ledger.voided import VOIDED
from policies.notice import NOTICE_PUBLISHED

__all__ = ["EventRules"]

_ID_SIZE, _SECRET_SIZE = 32, 32

Event = dict[str, Any]


class EventRules:
    """Reads the events of a log behind its declaration, in their order.

    ``entries`` are those of the purchase log, read before; ``times`` those of all events.
    """

    def __init__(
        self,
        declaration: LogDeclaration,
        group: Group,
        root_at: Callable[[int], bytes | None],
        entries: EntryRules,
        times: list[str],
    ) -> None:
        origin, histories, owners = (
            declaration.origin,
            Histories(declaration.origin),
            OwnerRules(group),
        )
        self._policies = PolicyRules(origin, declaration.capacity, histories)
        self._notices = NoticeRules(origin)
        self._voids = VoidRules(entries)
        self._closes = CloseRules(declaration, root_at)
        self._claims = ClaimRules(origin, group, histories, owners)
        self._transfers = TransferRules(origin, group, entries, owners)
        self.record = Record(
            declaration,
            histories,
            self._closes.partition,
            closes=self._closes.seen,
            kinds=entries.kinds,
            voids=entries.voids,
            transfers=self._transfers.seen,
            times=times,
        )
        self._readers: Mapping[str, Callable[[int, Event], Iterator[Disagreement]]] = {
            DECLARED: self._declare,
            ROTATED: self._change_keys,
            RETIRED: self._change_keys,
            WITNESS_ROTATED: self._change_keys,
            CLOSED: self._close,
            PUBLISHED: self._change_policies,
            SUPERSEDED: self._change_policies,
            WITHDRAWN: self._change_policies,
            NOTICE_PUBLISHED: self._notices.read,
            VOIDED: self._void,
            DECIDED: self._decide,
            STEP: self._claims.step,
            TRANSFER_APPROVED: self._transfer,
            OWNERSHIP_RETIRED: self._retire,
            REPORT_PUBLISHED: self._report,
        }

    def missing_entries(self) -> Iterator[Disagreement]:
        """Completed transfers whose entry is not in the purchase log; it may come yet."""
        for index in self._transfers.missing.values():
            yield broken("transfer-entry", "the entry of the next owner is missing", index)

    def take_proofs(self) -> list[ProofTask]:
        """The proofs to verify that were not taken yet, in the order of the log."""
        taken = sorted([*self._claims.proofs, *self._transfers.proofs], key=lambda task: task.index)
        self._claims.proofs.clear()
        self._transfers.proofs.clear()
        return taken

    def entry(self, data: bytes) -> None:
        """Another entry has come into the purchase log."""
        self._transfers.entry(data[1:])

    def read(self, index: int, event: Event) -> Iterator[Disagreement]:
        """The next event, at ``index``."""
        yield from self._policies.interrupt(index, event)
        reader = self._readers.get(event["type"])
        if reader is None:
            yield broken("event-type", "what it means is not known here", index)
        else:
            yield from reader(index, event)

    def settle(self, index: int) -> Iterator[Disagreement]:
        """The event at ``index`` is the last under a checkpoint."""
        yield from self._policies.interrupt(index, None)

    # ---- by type

    def _declare(self, index: int, _event: Event) -> Iterator[Disagreement]:
        yield broken("declaration", "the log has one already", index)

    def _change_keys(self, index: int, event: Event) -> Iterator[Disagreement]:
        self.record.key_events.append((index, event))
        yield from self._closes.read_key(index, event)

    def _close(self, index: int, event: Event) -> Iterator[Disagreement]:
        yield from self._closes.read_close(index, event)
        yield from self._voids.close(self._closes.size)
        yield from self._transfers.close(self._closes.size)

    def _change_policies(self, index: int, event: Event) -> Iterator[Disagreement]:
        self.record.policy_events.append((index, event))
        yield from self._policies.read(index, event)

    def _void(self, index: int, event: Event) -> Iterator[Disagreement]:
        yield from self._voids.read(index, event, self._closes.size)

    def _decide(self, index: int, event: Event) -> Iterator[Disagreement]:
        yield from self._claims.decide(index, event, self._closes)

    def _transfer(self, index: int, event: Event) -> Iterator[Disagreement]:
        yield from self._transfers.approve(index, event, self._closes)

    def _retire(self, index: int, event: Event) -> Iterator[Disagreement]:
        kind = "claim_id" if "claim_id" in event else "transfer_id"
        try:
            check_event(event, OWNERSHIP_RETIRED, (kind, "secret"))
            parse_hex(event[kind], kind, _ID_SIZE)
            parse_hex(event["secret"], "secret", _SECRET_SIZE)
        except FormatError as error:
            yield broken("retirement", str(error), index)
            self._claims.pass_over(event)
            self._transfers.pass_over(event)
            return
        if kind == "claim_id":
            yield from self._claims.retire(index, event)
        else:
            yield from self._transfers.retire(index, event, self._closes.size)

    def _report(self, index: int, event: Event) -> Iterator[Disagreement]:
        self.record.reports.append((index, event))
        yield from ()
