"""The cases of claims: folded from their events, and noted in the tables (docs/protocol.md 8)."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from aftersales.claims import CANCELED, Case, advance, open_case
from commitments.errors import Refused
from commitments.wire import parse_hex
from ledger.events import events_origin, parse_event
from ledger.log import Log
from policies.claim import claim_scopes
from policies.policy import Policy
from verifier.policy_book import published_policy
from verifier.schema import approved, case_events, cases, tags

__all__ = ["CaseBook", "CaseFile", "note_steps"]

_MOST_FILES = 4096  # kept while a log is replayed; about 10 kB each

Event = Mapping[str, Any]


@dataclass(frozen=True)
class CaseFile:
    """A case with the events it was folded from, each with where it stands; first the decision."""

    case: Case
    events: tuple[tuple[int, Event], ...]

    @classmethod
    def open(cls, position: int, event: Event, policy: Policy) -> "CaseFile":
        """That of a claim which has just been decided. Errors as :func:`open_case`."""
        return cls(open_case(event, policy), ((position, event),))

    def after(self, position: int, event: Event) -> "CaseFile":
        """The same after one more event. Errors as :func:`advance`."""
        return replace(
            self, case=advance(self.case, event), events=(*self.events, (position, event))
        )

    @property
    def position(self) -> int:
        """Where the decision stands."""
        return self.events[0][0]

    @property
    def scope(self) -> str:
        """That of both tags."""
        body = self.case.body
        return claim_scopes(body.origin, body.policy, body.number)[0].text

    @property
    def serial_tag(self) -> bytes:
        """What the claim uses up."""
        return parse_hex(self.events[0][1]["tags"][0], "tags")

    @property
    def secret_tag(self) -> bytes:
        """What the owner is known by once the ownership has ended."""
        return parse_hex(self.events[0][1]["tags"][1], "tags")


class CaseBook:
    """The cases of one merchant as a transaction sees them; it lives no longer than that.

    ``known`` are cases that were read before, which may have moved since.
    """

    def __init__(self, connection: Connection, origin: str, known: Iterable[CaseFile] = ()) -> None:
        self.connection = connection
        self.origin = origin
        self._policies: dict[tuple[str, int], Policy] = {}
        self._files = OrderedDict((file.case.claim_id, self._brought_up(file)) for file in known)

    def policy(self, event: Event) -> Policy:
        """The version under which a claim was decided."""
        key = event["claim"]["policy"], event["claim"]["version"]
        if key not in self._policies:
            self._policies[key] = published_policy(self.connection, self.origin, *key)
        return self._policies[key]

    def file(self, claim_id: str) -> CaseFile:
        """The case of a claim; ``Refused`` where there is none."""
        if claim_id not in self._files:
            self._keep(self._read(claim_id))
        return self._files[claim_id]

    def open(self, files: Sequence[CaseFile]) -> None:
        """Note claims that have just been decided, each with a serial tag that is free."""
        self.connection.execute(insert(cases), [self._row(file) for file in files])
        self._note_events((file.case.claim_id, file.position) for file in files)
        self.connection.execute(insert(tags), [self._slot(file) for file in files])

    def advance(self, position: int, event: Event) -> CaseFile:
        """Note one more event of a case. Errors as :func:`aftersales.claims.advance`.

        ``Refused`` where the claim takes its serial tag again, and another has used it meanwhile.
        """
        before = self.file(event["claim_id"])
        after = before.after(position, event)
        self._change_slot(before, after)
        self._note_events([(after.case.claim_id, position)])
        self.connection.execute(
            update(cases)
            .where(cases.c.origin == self.origin, cases.c.claim_id == after.case.claim_id)
            .values(self._row(after))
        )
        if after.case.state == CANCELED != before.case.state:
            chosen = approved.c.origin == self.origin, approved.c.identifier == after.case.claim_id
            self.connection.execute(update(approved).where(*chosen).values(canceled_at=position))
        self._keep(after)
        return after

    # ---- inside

    def _read(self, claim_id: str) -> CaseFile:
        found = self._events_after(claim_id, -1)
        if not found:
            raise Refused("unknown-claim", "no claim in the log has this id", "claim_id")
        (position, event), *others = found
        file = CaseFile.open(position, event, self.policy(event))
        for position, event in others:
            file = file.after(position, event)
        return file

    def _brought_up(self, file: CaseFile) -> CaseFile:
        for position, event in self._events_after(file.case.claim_id, file.events[-1][0]):
            file = file.after(position, event)
        return file

    def _events_after(self, claim_id: str, position: int) -> list[tuple[int, Event]]:
        query = select(case_events.c.position).where(
            case_events.c.origin == self.origin,
            case_events.c.claim_id == claim_id,
            case_events.c.position > position,
        )
        positions = self.connection.scalars(query.order_by(case_events.c.position)).all()
        entries = Log(self.connection, events_origin(self.origin)).entries_at(positions)
        return list(zip(positions, map(parse_event, entries), strict=True))

    def _keep(self, file: CaseFile) -> None:
        self._files[file.case.claim_id] = file
        self._files.move_to_end(file.case.claim_id)
        if len(self._files) > _MOST_FILES:
            self._files.popitem(last=False)

    def _change_slot(self, before: CaseFile, after: CaseFile) -> None:
        slot = self._slot(after)
        if before.case.holds_slot and not after.case.holds_slot:
            chosen = [tags.c[name] == value for name, value in slot.items()]
            self.connection.execute(delete(tags).where(*chosen))
        if after.case.holds_slot and not before.case.holds_slot:
            chosen = [tags.c[name] == slot[name] for name in ("origin", "scope", "tag")]
            if self.connection.execute(select(tags.c.claim_id).where(*chosen)).first() is not None:
                message = "another claim has been made with this purchase meanwhile"
                raise Refused("already-claimed", message, "claim_id")
            self.connection.execute(insert(tags).values(slot))

    def _note_events(self, of_claims: Iterable[tuple[str, int]]) -> None:
        rows = [{"origin": self.origin, "claim_id": c, "position": p} for c, p in of_claims]
        self.connection.execute(insert(case_events), rows)

    def _slot(self, file: CaseFile) -> dict[str, Any]:
        return {
            "origin": self.origin,
            "scope": file.scope,
            "tag": file.serial_tag,
            "claim_id": file.case.claim_id,
        }

    def _row(self, file: CaseFile) -> dict[str, Any]:
        case = file.case
        return {
            "origin": self.origin,
            "claim_id": case.claim_id,
            "position": file.position,
            "state": case.state,
            "opened": case.opened,
            "moved": case.moved,
            "due": case.due,
            "number": case.number,
        }


def note_steps(book: CaseBook, events: Sequence[tuple[int, Event]]) -> None:
    """Enter steps of cases into the tables, from their numbered events."""
    for position, event in events:
        book.advance(position, event)
