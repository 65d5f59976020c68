"""Logs whose overview is known: ``python -m tests.vectors.overview.make`` plays and writes them.

Whoever counts the same of ``events`` (all of the event log, in its order) and ``purchases`` (how
many entries the other log has) gets ``overview``. Proofs are random: each run writes other files.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aftersales.histories import Histories
from aftersales.overview import overview
from aftersales.steps import BUYER, MERCHANT
from ledger.events import events_origin, parse_event
from ledger.log import Log
from ledger.voided import VOIDED
from tests.api.shop import Shop
from tests.steps import ENDING, LOOKED_AT, PLAIN, Followed
from tests.world import ORIGIN, World

__all__ = ["FOLDER", "count", "read"]

FOLDER = Path(__file__).parent
_REFUND = {**ENDING, "purchased": {"oldest": "P60D"}}


def count(events: list[dict[str, Any]], purchases: int) -> dict[str, Any]:
    """The overview of a whole log."""
    histories = Histories(ORIGIN)
    for index, event in enumerate(events):
        histories.read(index, event)
    return overview(
        ORIGIN,
        histories,
        [(event["time"], event["reason"]) for event in events if event["type"] == VOIDED],
        events=len(events),
        purchases=purchases,
        at=events[-1]["time"] if events else None,
    )


def read(world: World) -> tuple[list[dict[str, Any]], int]:
    """All events of a log, and how many entries the other one has."""
    with world.store.read() as connection:
        log = Log(connection, events_origin(ORIGIN))
        events = [parse_event(entry) for entry in log.entries(0, log.size)]
        return events, Log(connection, ORIGIN).size


def _nobody_claims(world: World) -> None:
    """Voids on two days, a policy, no claim."""
    world.buy(*[world.sale()] * 4)
    world.publish(PLAIN)
    world.issuer.void(world.merchant, 0, "returned")
    world.issuer.void(world.merchant, 2, "suspected_fraud")
    world.clock.advance(days=1)
    world.issuer.void(world.merchant, 1, "returned")
    world.close()


def _all_are_answered(world: World) -> None:
    """Each outcome that a claim can have; answers in time and late, of two policies and an end."""
    bought = world.buy(*[world.sale()] * 9)
    world.close()
    for policy in (PLAIN, LOOKED_AT, _REFUND):
        world.publish(policy)
    claims = [Followed(world, buyer, "looked-at") for buyer in bought[:6]]
    completed, declined, canceled, asked, disputed, changed = claims
    world.clock.advance(hours=3)
    completed.take(MERCHANT, "approve")
    declined.take(MERCHANT, "decline")
    canceled.take(BUYER, "withdraw")  # before anybody answered: that response is dropped
    asked.take(MERCHANT, "ask")
    disputed.take(MERCHANT, "decline", reason="not_covered")
    changed.take(MERCHANT, "approve", resolution="refund", share=50)
    world.clock.advance(days=8)
    disputed.take(BUYER, "dispute", reason="decision_wrong")
    asked.take(MERCHANT, "approve")  # nobody has answered it, and so it is no response
    changed.take(BUYER, "accept")
    completed.take(MERCHANT, "complete")
    completed.take(BUYER, "dispute")
    world.clock.advance(minutes=90)
    changed.take(MERCHANT, "complete")
    completed.take(MERCHANT, "complete")
    disputed.take(MERCHANT, "decline", reason="no_fault_found")
    disputed.take(BUYER, "note", disputed.seal(b"I do not agree."))
    world.clock.advance(seconds=30)
    redeemed = Followed(world, bought[6], "warranty-2y")
    redeemed.take(BUYER, "redeem")  # keeps waiting since the decision
    world.clock.advance(days=7, seconds=1)
    redeemed.take(MERCHANT, "complete")
    refund = Followed(world, bought[7], "refund-14d")
    world.clock.advance(hours=1)
    world.verifier.retire(ORIGIN, refund.claim_id, bought[7].keys.secret)
    world.clock.advance(hours=2)
    refund.take(MERCHANT, "start")
    world.issuer.void(world.merchant, bought[8].index, "duplicate")


def _some_wait(world: World) -> None:
    """Open and overdue responses, beside answered ones, under two versions of a policy."""
    bought = world.buy(*[world.sale()] * 6)
    world.close()
    world.publish(LOOKED_AT)
    first = [Followed(world, buyer, "looked-at") for buyer in bought[:3]]
    world.clock.advance(seconds=59)
    first[0].take(MERCHANT, "approve")
    first[0].take(BUYER, "note", first[0].seal(b"Thank you. By when?"))  # and so waits again
    world.clock.advance(days=1)
    first[1].take(MERCHANT, "ask")
    first[1].take(BUYER, "answer", first[1].seal(b"a photo"))
    world.clock.advance(days=6, hours=1)
    world.publish(LOOKED_AT, version=2, response_time="P1D")
    second = Followed(world, bought[3], "looked-at", version=2)
    Followed(world, bought[4], "looked-at")
    world.clock.advance(hours=25)
    second.take(MERCHANT, "decline", reason="other")
    world.publish(_REFUND)
    Followed(world, bought[5], "refund-14d")  # its owner has not left: nobody waits


_STORIES: Mapping[str, Callable[[World], None]] = {
    "nobody-claims": _nobody_claims,
    "all-are-answered": _all_are_answered,
    "some-wait": _some_wait,
}


def make() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each vector with its name."""
    for name, story in _STORIES.items():
        with (
            TemporaryDirectory() as directory,
            Shop(f"sqlite:///{directory}/kvitto.db") as world,
        ):
            story(world)
            events, purchases = read(world)
        yield name, {"events": events, "overview": count(events, purchases)}


def main() -> None:
    for name, vector in make():
        text = json.dumps(vector, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
