"""Tables made again from a log say what they said when its events came one by one."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from aftersales.steps import BUYER, MERCHANT, STEPS
from commitments.errors import Refused
from ledger.event_log import append_event
from ledger.events import events_origin
from ledger.store import Store, Transaction
from policies.policy import Policy, parse_policy
from tests.aftersales.cases import DIGEST, MEMBERS, decided, signed
from tests.databases import SEALING, Sqlite
from tests.steps import LOOKED_AT
from verifier import rebuild
from verifier.case_book import CaseBook
from verifier.decision_book import claims_with_tags, record_decisions
from verifier.schema import approved, case_events, cases, tags

_TIME = "2026-11-21T12:00:00Z"
_LATER = "2026-12-21T12:00:00Z"  # who was asked has had time to answer
_PURCHASES = 2
_origins = count()


@pytest.fixture(scope="module")
def store(sqlite: Sqlite) -> Iterator[Store]:
    url = sqlite.make()
    with Store(url, sealing=SEALING) as opened:
        yield opened
    sqlite.drop(url)


# A claim with one of the purchases, or a step of one of the claims so far.
actions = st.lists(
    st.one_of(
        st.integers(0, _PURCHASES - 1),
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(
                [(MERCHANT, "decline"), (BUYER, "dispute"), (BUYER, "withdraw"), *STEPS]
            ),
        ),
    ),
    max_size=14,
)


class Log:
    """A merchant's event log, whose events come one by one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.origin = f"ledger.example/m{next(_origins)}"
        self.policy: Policy = parse_policy({**LOOKED_AT, "origin": self.origin})
        self.claims: list[str] = []
        store.create_log(events_origin(self.origin), b"k" * 32)
        self.write(self._publish)

    def write(self, unit: Any, *arguments: Any) -> None:
        self.store.write(lambda transaction: unit(transaction, *arguments))

    def _publish(self, transaction: Transaction) -> None:
        event = {"type": "policy.published", "time": _TIME, "policy": self.policy.document()}
        append_event(transaction, self.origin, event)

    def claim(self, transaction: Transaction, purchase: int) -> None:
        """Unless its tag is used: then nothing comes into the log."""
        tag = bytes([purchase]) * 33
        event = decided(
            self.policy.document(),
            claim_id=f"{len(self.claims):064x}",
            tags=[tag.hex(), tag.hex()],
        )
        scope = f"claim|{self.origin}|looked-at|0"
        event["claim"]["origin"] = self.origin
        if not claims_with_tags(transaction.connection, self.origin, scope, [tag]):
            record_decisions(transaction, self.origin, [(event, self.policy)])
            self.claims.append(event["claim_id"])

    def step(self, transaction: Transaction, which: int, by: str, name: str) -> None:
        """Unless it is refused."""
        if which >= len(self.claims):
            return
        book = CaseBook(transaction.connection, self.origin)
        event = {
            "type": "claim.step",
            "time": _LATER,
            "claim_id": self.claims[which],
            "number": book.file(self.claims[which]).case.number,
            "by": by,
            "step": name,
            "attachments": [DIGEST] if name in ("note", "answer") else [],
            **MEMBERS.get(name, {}),
        }
        if name == "redeem":
            event["signed"] = _LATER
        event = signed(event) if by == BUYER else event
        book.advance(append_event(transaction, self.origin, event), event)

    def rows(self, transaction: Transaction) -> dict[str, list[str]]:
        return {
            table.name: sorted(
                repr(row)
                for row in transaction.connection.execute(
                    select(table).where(table.c.origin == self.origin)
                )
            )
            for table in (tags, approved, cases, case_events)
        }

    def replay(self, transaction: Transaction) -> None:
        for table in rebuild.PROJECTIONS:
            transaction.connection.execute(delete(table).where(table.c.origin == self.origin))
        size = transaction.size(events_origin(self.origin))
        rebuild.replay(transaction.connection, self.origin, range(size))


@settings(max_examples=settings().max_examples // 4)
@given(actions)
def test_replayed_in_chunks_of_any_size(
    store: Store, actions: list[int | tuple[int, tuple[str, str]]]
) -> None:
    log = Log(store)
    for action in actions:
        try:
            if isinstance(action, int):
                log.write(log.claim, action)
            else:
                log.write(log.step, action[0], *action[1])
        except Refused:
            continue
    in_order = store.write(log.rows)
    assert len(in_order["tags"]) <= _PURCHASES
    for chunk in (1, 3, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rebuild, "_CHUNK", chunk)
            log.write(log.replay)
        assert store.write(log.rows) == in_order


def test_a_slot_that_changes_hands_within_one_chunk(store: Store) -> None:
    """Claimed, declined, disputed, declined again, and then claimed anew."""
    log = Log(store)
    log.write(log.claim, 0)
    for by, name in ((MERCHANT, "decline"), (BUYER, "dispute"), (MERCHANT, "decline")):
        log.write(log.step, 0, by, name)
    log.write(log.claim, 0)
    before = store.write(log.rows)
    assert len(before["tags"]) == 1
    assert log.claims[1] in before["tags"][0]
    log.write(log.replay)
    assert store.write(log.rows) == before
