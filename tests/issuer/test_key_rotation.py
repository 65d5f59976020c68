"""Changing the keys of logs that are in use."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.exc import OperationalError

from commitments.errors import KvittoError, Refused, VerificationError
from commitments.wire import parse_json
from issuer.key_rotation import retire_keys, rotate_keys
from issuer.merchants import find_merchant
from ledger.checkpoint import open_checkpoint
from ledger.entries import Sale
from ledger.event_receipt import EventReceipt, verify_event_receipt
from ledger.events import events_origin
from ledger.farewells import show_keys, stored_key_history
from ledger.fsck import check_all, find_faults
from ledger.group_commit import Ticket
from ledger.key_history import KeyHistory, follow_keys, parse_shown_keys
from ledger.log import Log
from ledger.note import Note, Verifier
from ledger.schema import farewells, private_keys, published
from ledger.store import CommitFailed, Store, Transaction
from tests.databases import SEALING
from tests.world import ORIGIN, WARRANTY, World
from verifier.rebuild import rebuild

EVENTS = events_origin(ORIGIN)


def rotate(world: World) -> None:
    rotate_keys(world.store, world.clock, world.merchant)


def retire(world: World) -> None:
    retire_keys(world.store, world.clock, world.merchant)


def in_force(world: World, origin: str = EVENTS) -> tuple[Verifier, ...]:
    with world.store.log(origin) as log:
        return log.verifiers


def signers(world: World, origin: str) -> list[bytes]:
    """Key ids on the newest checkpoint."""
    with world.store.log(origin) as log:
        return [signature.key_id for signature in Note.parse(log.checkpoint()).signatures]


def follow(world: World, *trusted: Verifier) -> KeyHistory:
    with world.store.read() as connection:
        return follow_keys(parse_shown_keys(parse_json(show_keys(connection, ORIGIN))), trusted)


def check(world: World) -> None:
    """Logs, keys and tables fit together."""
    with world.store.read() as connection:
        check_all(connection)
        history = stored_key_history(connection, ORIGIN)
        kept = connection.scalar(select(func.count()).select_from(private_keys))
    assert kept == len(history.purchases.in_force) + len(history.events.in_force)
    assert in_force(world) == history.events.in_force
    assert in_force(world, ORIGIN) == history.purchases.in_force


def test_both_keys_sign_until_the_older_is_retired(world: World) -> None:
    world.buy(world.sale())
    first = {origin: in_force(world, origin)[0] for origin in (ORIGIN, EVENTS)}
    rotate(world)
    check(world)
    for origin, old in first.items():
        (_, new) = in_force(world, origin)
        assert signers(world, origin) == [old.key_id, new.key_id]  # at once, at the same size
    world.buy(world.sale())
    world.close()
    for origin, old in first.items():
        (_, new) = in_force(world, origin)
        assert signers(world, origin) == [old.key_id, new.key_id]
        with world.store.log(origin) as log:
            assert open_checkpoint(log.checkpoint(), old) == open_checkpoint(log.checkpoint(), new)
    retire(world)
    check(world)
    for origin, old in first.items():
        (new,) = in_force(world, origin)
        assert signers(world, origin) == [new.key_id]
        with world.store.log(origin) as log, pytest.raises(VerificationError):
            open_checkpoint(log.checkpoint(), old)
    world.buy(world.sale())
    check(world)
    assert [event["type"] for _, event in world.events("log.key_rotated", "log.key_retired")] == [
        "log.key_rotated"
    ] * 2 + ["log.key_retired"] * 2


def test_one_log_alone(world: World) -> None:
    rotate_keys(world.store, world.clock, world.merchant, ["purchases"])
    assert len(in_force(world)) == 1
    assert len(in_force(world, ORIGIN)) == 2
    retire_keys(world.store, world.clock, world.merchant, ["purchases"])
    check(world)
    with world.store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(farewells)) == 0


def test_whoever_knows_any_key_can_follow(world: World) -> None:
    known = [in_force(world)[0]]
    for _ in range(3):
        rotate(world)
        world.buy(world.sale())
        retire(world)
        known += in_force(world)
    world.buy(world.sale())
    histories = [follow(world, key) for key in known]
    assert histories == [histories[0]] * 4
    assert histories[0].events.keys == tuple(known)
    assert histories[0].purchases.in_force == in_force(world, ORIGIN)
    with pytest.raises(VerificationError):
        follow(world, in_force(world, ORIGIN)[0])


def test_old_receipts_stay_true(world: World) -> None:
    world.publish(WARRANTY)
    bought = world.buy(world.sale(), world.sale())[0]
    world.close()
    receipt = EventReceipt.parse(world.claim(bought).receipt)
    old = in_force(world)[0]
    rotate(world)
    retire(world)
    history = follow(world, old)
    verify_event_receipt(receipt, *history.events.keys)
    with pytest.raises(VerificationError):
        verify_event_receipt(receipt, *history.events.in_force)
    assert world.verifier.decision(ORIGIN, receipt.event["claim_id"]).receipt  # under the new key


def test_what_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="one key only"):
        retire(world)
    rotate(world)
    before = world.sizes()
    with pytest.raises(Refused, match="retire the older first"):
        rotate(world)
    assert world.sizes() == before
    check(world)
    with pytest.raises(Refused, match="no such merchant"):
        find_merchant(world.store, "other")


def test_a_key_is_not_retired_before_readers_can_know_its_successor(world: World) -> None:
    """Where witnesses are asked, readers see the log some seconds later."""
    with world.store.read() as connection:
        log = Log(connection, EVENTS)
        row = {"log_id": log.id, "size": log.size, "checkpoint": log.checkpoint()}
    world.store.write(lambda t: t.connection.execute(insert(published).values(row)))
    rotate(world)
    with pytest.raises(Refused, match="not been published"):
        retire(world)
    check(world)
    with world.store.log(EVENTS) as log:
        seen = {"size": log.size, "checkpoint": log.checkpoint()}
    world.store.write(lambda t: t.connection.execute(update(published).values(seen)))
    retire(world)
    check(world)


def test_what_is_published_is_signed_by_the_new_key_too(world: World) -> None:
    world.buy(world.sale())
    with world.store.read() as connection:
        log = Log(connection, ORIGIN)
        note = Note.parse(log.checkpoint())
        cosignature = "— witness.example AAAAAAAA\n".encode()
        row = {"log_id": log.id, "size": 1, "checkpoint": note.serialise() + cosignature}
    world.store.write(lambda t: t.connection.execute(insert(published).values(row)))
    world.buy(world.sale())  # not published yet
    rotate(world)
    with world.store.read() as connection:
        seen = Log.published(connection, ORIGIN)
    assert seen.size == 1
    for key in in_force(world, ORIGIN):
        assert open_checkpoint(seen.checkpoint(), key).size == 1
    assert seen.checkpoint().endswith(cosignature)


def test_another_process_takes_up_the_keys(world: World, database: str) -> None:
    """A service that runs while ``kvitto keys`` works on its database."""
    world.buy(world.sale())
    with Store(database, sealing=SEALING) as other:
        rotate_keys(other, world.clock, world.merchant)
        world.buy(world.sale())
        check(world)
        retire_keys(other, world.clock, world.merchant)
    world.buy(world.sale())
    world.close()
    check(world)


def test_sales_go_on_meanwhile(world: World) -> None:
    with ThreadPoolExecutor(2) as pool:
        sold = pool.map(lambda _: world.buy(world.sale()), range(10))
        for change in (rotate, retire) * 2:
            change(world)
        assert len(list(sold)) == 10
    check(world)
    assert world.sizes()[0] == 10


def test_a_unit_that_fails_leaves_the_keys(world: World) -> None:
    def unit(transaction: Transaction) -> None:
        transaction.add_key(EVENTS, b"n" * 32)
        raise KvittoError("no")

    # After another unit of the same transaction, whose work stays.
    sale = Ticket[Transaction](lambda t: t.append(ORIGIN, [Sale(b"\2" * 33).encode()]), ())
    touch = Ticket[Transaction](lambda t: t.size(EVENTS), ())
    failing = Ticket[Transaction](unit, ())
    world.store._commit([sale, touch, failing])
    assert (sale.error, str(failing.error)) == (None, "no")
    check(world)
    assert world.sizes()[0] == 1
    rotate(world)
    check(world)


def test_tables_are_made_again_beside_the_keys(world: World) -> None:
    rotate(world)
    retire(world)
    rotate(world)
    before = follow(world, in_force(world)[0])
    rebuild(world.store)
    check(world)
    assert follow(world, in_force(world)[0]) == before


@pytest.mark.leaves_damage
def test_fsck_sees_a_key_that_the_log_does_not_know(world: World) -> None:
    """Whoever can write to the database and has the sealing key must still say so in the log."""
    world.store.write(lambda transaction: transaction.add_key(EVENTS, b"n" * 32))
    with world.store.read() as connection:
        assert list(find_faults(connection, EVENTS)) == [
            "the checkpoint is not signed by the keys that the event log says"
        ]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", [rotate, retire])
def test_each_statement_fails_once(world: World, change: Callable[[World], None]) -> None:
    """All of the change or nothing of it, and the next attempt succeeds."""
    if change is retire:
        rotate(world)
    before = world.sizes()
    for failing in range(1, 200):
        seen = 0

        def fail(*_context: object) -> None:
            nonlocal seen
            seen += 1
            if seen == failing:  # noqa: B023 - called within this turn of the loop
                raise OperationalError("statement", {}, OSError("disk"))

        event.listen(world.store._writer, "before_cursor_execute", fail)
        try:
            change(world)
        except CommitFailed:
            assert world.sizes() == before
        else:
            break
        finally:
            event.remove(world.store._writer, "before_cursor_execute", fail)
        check(world)
    assert failing > 20
    assert world.sizes()[1] == before[1] + 2
    check(world)


KILLED = """
import os, sys
from sqlalchemy import event
from commitments.clock import SYSTEM_CLOCKS
from issuer.key_rotation import retire_keys, rotate_keys
from issuer.merchants import find_merchant
from ledger.store import Store
from tests.databases import SEALING

store = Store(sys.argv[1], sealing=SEALING)
merchant = find_merchant(store, "acme")
seen = 0
when = {WHEN}

def die(*_context):
    global seen
    seen += 1
    if seen == when:
        os._exit(9)

event.listen(store._writer, "after_cursor_execute", die)
event.listen(store._writer, "commit", die)
{CHANGE}(store, SYSTEM_CLOCKS, merchant)
"""


@pytest.mark.parametrize("change", ["rotate_keys", "retire_keys"])
@pytest.mark.parametrize("when", [3, 12, 22])
def test_killed_in_the_middle(world: World, database: str, change: str, when: int) -> None:
    if change == "retire_keys":
        rotate(world)
    before = world.sizes()
    script = KILLED.replace("{WHEN}", str(when)).replace("{CHANGE}", change)
    command = [sys.executable, "-c", script, database]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, cwd=root, check=False).returncode == 9
    assert world.sizes() == before
    check(world)
    world.buy(world.sale())
    with suppress(Refused):
        rotate(world)
    retire(world)
    check(world)
