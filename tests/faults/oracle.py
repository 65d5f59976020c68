"""What must be true of a database at any moment: the end of every test in this room."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from aftersales.claims import APPROVED
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.events import parse_event
from ledger.fsck import check_all
from ledger.log import Log
from ledger.merkle import verify_consistency
from ledger.store import Store
from tests.faults.teller import ORIGINS, claim_of, entry_of
from verifier.schema import approved, case_events, cases, tags

__all__ = ["check", "check_extends"]


def check(store: Store, sold: Iterable[int], served: Iterable[str] = ()) -> int:
    """All that was acknowledged is there, nothing is half there, and no log has forked.

    ``served`` are checkpoints that anyone has seen; the number of sales that are recorded.
    """
    with store.read() as connection:
        heads = {head.origin: head for head in check_all(connection)}
        for note in set(served):
            log = Log(connection, note.partition("\n")[0])
            check_extends(log, heads[log.origin], note)
        return _check_sales(connection, set(sold))


def check_extends(log: Log, head: Checkpoint, note: str) -> None:
    """A checkpoint that anyone has seen is of the log that there is."""
    seen = open_checkpoint(note.encode(), *log.verifiers)
    assert seen.size <= head.size
    proof = log.consistency(seen.size, head.size)
    verify_consistency(seen.size, seen.root, head.size, head.root, proof)


def _check_sales(connection: Connection, sold: set[int]) -> int:
    """Purchases, claims, tags and decisions are of the same sales, each once."""
    purchases, events = (Log(connection, origin) for origin in ORIGINS)
    entries = purchases.entries(0, purchases.size)
    claims = [parse_event(data) for data in events.entries(0, events.size)]
    numbers = [int.from_bytes(entry[2:], "big") for entry in entries]
    assert sold <= set(numbers)
    assert len(set(numbers)) == len(numbers)
    assert entries == [entry_of(number) for number in numbers]
    assert claims == [claim_of(number) for number in numbers]
    used = connection.execute(select(tags.c.tag, tags.c.claim_id)).all()
    assert sorted((tag.hex(), claim) for tag, claim in used) == sorted(
        (claim["tags"][0], claim["claim_id"]) for claim in claims
    )
    decided = connection.execute(select(approved.c.identifier).order_by(approved.c.position))
    assert [row.identifier for row in decided] == [claim["claim_id"] for claim in claims]
    stand = connection.execute(select(cases.c.claim_id, cases.c.state).order_by(cases.c.position))
    assert [tuple(row) for row in stand] == [(claim["claim_id"], APPROVED) for claim in claims]
    noted = connection.execute(select(case_events.c.claim_id).order_by(case_events.c.position))
    assert [row.claim_id for row in noted] == [claim["claim_id"] for claim in claims]
    return len(numbers)
