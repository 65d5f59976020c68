"""What a shop may change, and from when; what of it a claim has to heed."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from commitments.attributes import day_number
from commitments.errors import FormatError, Refused
from ledger.event_log import append_event
from ledger.events import event_time, events_origin
from tests.databases import Databases, Sqlite
from tests.world import ORIGIN, REFUND, WARRANTY, Bought, World
from verifier.pending import Pending
from verifier.policy_book import PolicyBook
from zk.prove import Unsatisfied, prove
from zk.statement import Range

POLICY = "warranty-2y"


@pytest.fixture(scope="session")
def databases(sqlite: Sqlite) -> Databases:
    """Policies are events, which tests/ledger appends to every engine: one is enough."""
    return sqlite


@pytest.fixture
def world(world: World) -> World:
    world.publish(WARRANTY)
    return world


def withdraw(world: World, first: str, version: int = 1) -> Any:
    return world.verifier.withdraw(ORIGIN, (POLICY, version), date.fromisoformat(first))


def buy(world: World, *days: str) -> list[Bought]:
    bought = world.buy(*[world.sale(date=date.fromisoformat(day)) for day in days])
    world.buy(*[world.sale()] * 2)
    world.close()
    return bought


def outcome(world: World, bought: Bought, **changes: Any) -> str:
    try:
        decision = world.claim(bought, **changes)
    except Refused as refused:
        return refused.code
    except Unsatisfied:
        return "not provable"
    return decision.reason or decision.status


# ---- what is covered


def test_an_earlier_purchase_stays_covered_and_a_later_one_does_not(world: World) -> None:
    world.publish(WARRANTY, version=2, price={"currency": "EUR", "min": 1000, "max": 2000})
    world.clock.advance(days=3)
    before, after = buy(world, "2026-11-21", "2026-11-22")
    assert outcome(world, after) == "not provable"
    assert outcome(world, before) == "approved"
    (event,) = (event for _, event in world.events("policy.superseded"))
    assert (event["version"], event["by"], event["from"]) == (1, 2, "2026-11-22")


def test_buyer_claims_for_a_later_purchase_as_if_nothing_had_ended(world: World) -> None:
    """The proof is of the version without its end; the verifier makes its own statement."""
    withdraw(world, "2026-11-22")
    world.clock.advance(days=1)
    (later,) = buy(world, "2026-11-22")
    body = world.body(later)
    endless = Range("date", *map(day_number, (date(2024, 11, 22), date(2026, 11, 22))))
    honest = world.statement(body)
    predicates = [endless if p.attribute == "date" else p for p in honest.predicates]
    proof = prove(replace(honest, predicates=tuple(predicates)), later.opening)
    assert world.verifier.decide(ORIGIN, body, proof).reason == "proof_invalid"


def test_covers_from_is_the_first_day_of_purchase(world: World) -> None:
    world.publish(WARRANTY, id="new", covers_from="2026-11-16")
    early, late = buy(world, "2026-11-15", "2026-11-16")
    with pytest.raises(Unsatisfied, match="date"):
        world.claim(early, "new")
    assert world.claim(late, "new").approved


def test_a_claim_of_the_day_before_is_judged_as_if_nothing_had_ended(world: World) -> None:
    """A wallet that has prepared a claim today cannot have seen what is logged tonight."""
    (bought,) = buy(world, "2026-11-15")
    body = world.body(bought)
    proof = world.prove(bought, body)
    withdraw(world, "2026-11-22")
    world.clock.advance(hours=13)
    assert world.clock().date() == date(2026, 11, 22)
    assert world.verifier.decide(ORIGIN, body, proof).approved


def test_when_no_purchase_is_left_the_policy_is_not_valid(world: World) -> None:
    world.publish(WARRANTY, id="week", purchased={"oldest": "P7D"})
    world.verifier.withdraw(ORIGIN, ("week", 1), date(2026, 11, 22))
    (bought,) = buy(world, "2026-11-21")
    world.clock.advance(days=7)
    assert world.claim(bought, "week").approved
    world.clock.advance(days=1)
    body = world.body(bought, "week")
    with pytest.raises(Refused) as refused:
        world.verifier.decide(ORIGIN, body, b"proof")
    assert refused.value.code == "policy-not-valid"


def test_an_end_between_judging_and_recording(world: World) -> None:
    """Another process logs it a moment before midnight, and it is committed a moment after."""
    (bought,) = buy(world, "2026-11-15")
    withdraw(world, "2026-12-24")
    judge, recorder = world.verifier._claims._judge, world.verifier._claims._recorder
    body = world.body(bought)
    pending = Pending(ORIGIN, body, proof := world.prove(bought, body), "id")
    judge.judge([pending])
    event = {
        "type": "policy.withdrawn",
        "time": event_time(world.clock() - timedelta(days=1)),
        "number": 2,
        "policy": POLICY,
        "version": 1,
        "from": world.clock().date().isoformat(),
    }
    world.store.write(lambda t: append_event(t, ORIGIN, event), events_origin(ORIGIN))
    recorder.record([pending])
    assert isinstance(pending.error, Refused)
    assert pending.error.code == "policy-not-valid"
    assert world.events("claim.decided") == []
    other = Pending(ORIGIN, body, proof, "id")
    judge.judge([other])  # it knows of the event, which is back-dated and so has no effect
    recorder.record([other])
    assert other.decision is not None


# ---- what a service may log


@pytest.mark.parametrize("first", ["2026-11-21", "2026-11-20", "1970-01-01"])
def test_nothing_ends_retroactively(world: World, first: str) -> None:
    size = world.sizes()
    with pytest.raises(Refused) as refused:
        withdraw(world, first)
    assert (refused.value.code, refused.value.field) == ("retroactive-end", "from")
    assert world.sizes() == size
    withdraw(world, "2026-11-22")


def test_a_clock_that_is_set_back_ends_nothing_retroactively(world: World) -> None:
    world.buy(world.sale())
    world.close()
    world.clock.advance(days=-30)
    with pytest.raises(Refused):
        withdraw(world, "2026-11-21")
    world.publish(WARRANTY, version=2)
    (event,) = (event for _, event in world.events("policy.superseded"))
    assert event["from"] == "2026-11-22"


def test_an_end_can_come_sooner_and_not_later(world: World) -> None:
    index = withdraw(world, "2027-01-01")
    assert [position for position, _ in world.events("policy.withdrawn")] == [index]
    for later in ("2027-01-01", "2027-06-01"):
        with pytest.raises(Refused) as refused:
            withdraw(world, later)
        assert refused.value.code == "already-ended"
    withdraw(world, "2026-12-01")
    version = world.verifier.policy(ORIGIN, POLICY, 1)
    assert [ending.first for ending in version.endings] == [date(2027, 1, 1), date(2026, 12, 1)]
    assert version.end == date(2026, 12, 1)


def test_what_is_not_there_is_not_withdrawn(world: World) -> None:
    for version in (0, 2, 2**40):
        with pytest.raises(Refused) as refused:
            withdraw(world, "2027-01-01", version)
        assert refused.value.code == "unknown-policy"


@pytest.mark.parametrize("version", [1, 3, 4])
def test_versions_are_published_in_turn(world: World, version: int) -> None:
    with pytest.raises(Refused) as refused:
        world.publish(WARRANTY, version=version)
    assert refused.value.code == ("duplicate-policy" if version == 1 else "not-next-version")
    with pytest.raises(Refused) as refused:
        world.publish(WARRANTY, id="other", version=2)
    assert (refused.value.code, refused.value.field) == ("not-next-version", "version")
    world.publish(WARRANTY, version=2)
    world.publish(WARRANTY, id="other")


def test_all_policy_events_share_one_sequence(world: World) -> None:
    world.publish(REFUND)
    world.publish(WARRANTY, version=2)
    withdraw(world, "2027-01-01", 2)
    types = "policy.published", "policy.superseded", "policy.withdrawn"
    assert [event["number"] for _, event in world.events(*types)] == [0, 1, 2, 3, 4]


def test_a_version_and_what_it_ends_are_logged_together_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = world.sizes()
    monkeypatch.setattr("ledger.event_log.note_kinds", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.publish(WARRANTY, version=2)
    monkeypatch.undo()
    assert world.sizes() == size
    world.publish(WARRANTY, version=2)
    assert world.sizes()[1] == size[1] + 2


@pytest.mark.parametrize(
    "changes",
    [
        {"covers_from": "2031-01-01"},
        {"covers_from": "2026-02-01", "purchased": {"from": "2026-01-01", "to": "2026-01-31"}},
    ],
)
def test_what_could_never_cover_anything_is_not_published(
    world: World, changes: dict[str, Any]
) -> None:
    with pytest.raises(FormatError):
        world.publish(WARRANTY, id="other", **changes)
    world.publish(WARRANTY, id="other", covers_from="2026-02-01")


def test_what_was_read_is_kept_until_there_is_more(world: World) -> None:
    book = PolicyBook()
    with world.store.read() as connection:
        found = book.read(connection, ORIGIN)
        assert book.read(connection, ORIGIN) is found
    world.publish(WARRANTY, version=2)
    with world.store.read() as connection:
        assert len(book.read(connection, ORIGIN).versions) == 2
    assert len(found.versions) == 1
