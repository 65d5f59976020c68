import pytest
from sqlalchemy import ColumnElement, Executable, delete, insert, literal, select, update

from ledger.entries import Void
from ledger.event_log import event_kinds
from ledger.events import events_origin
from ledger.fsck import Damaged, check_all, check_log
from ledger.schema import entries, logs, published, tiles, voids
from ledger.store import Store
from tests.databases import drop_refusals
from tests.ledger.memory_log import commitment, purchase
from tests.world import ORIGIN, WARRANTY, World

EVENTS = events_origin(ORIGIN)
SIZE = 4200  # more than a chunk, more than one level, and a partial tile in each


@pytest.fixture
def store(world: World) -> Store:
    """A purchase log with a void in it, and events; no trigger watches any more."""
    world.publish(WARRANTY)
    new = [purchase(n) for n in range(SIZE - 1)]
    world.store.write(lambda t: t.append(ORIGIN, [*new, Void(7).encode()]))
    world.close()
    with world.store._writer.begin() as connection:
        drop_refusals(connection)
    return world.store


def _do(store: Store, *statements: Executable) -> None:
    with store._writer.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def _faults(store: Store) -> list[str]:
    with store.read() as connection, pytest.raises(Damaged) as caught:
        check_all(connection)
    return list(caught.value.faults)


def test_a_sound_log(store: Store) -> None:
    with store.read() as connection:
        heads = check_all(connection)
        assert [(head.origin, head.size) for head in heads] == [(ORIGIN, SIZE), (EVENTS, 3)]
        assert check_log(connection, ORIGIN) == heads[0]


def _entry(position: int) -> ColumnElement[bool]:
    return (entries.c.log_id == 1) & (entries.c.position == position)


def _publish(**changes: object) -> Executable:
    """The newest checkpoint of the purchase log, with something changed."""
    head = select(logs.c.id, logs.c.size, logs.c.checkpoint).where(logs.c.id == 1)
    columns = dict(head.selected_columns.items())
    columns |= {name: literal(value) for name, value in changes.items()}
    chosen = select(*columns.values()).where(logs.c.id == 1)
    return insert(published).from_select(["log_id", "size", "checkpoint"], chosen)


def test_a_published_checkpoint_is_checked_too(store: Store) -> None:
    _do(store, _publish())
    with store.read() as connection:
        check_all(connection)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (delete(entries).where(_entry(300)), "entries 0 to 4095 are not all there"),
        (delete(entries).where(_entry(SIZE - 1)), "are not all there"),
        (
            insert(entries).values(log_id=1, position=SIZE, data=purchase(SIZE)),
            "does not cover",
        ),
        (
            update(entries).where(_entry(4199)).values(data=Void(8).encode()),
            "log_voids is not of entries",
        ),
        (
            update(entries).where(_entry(5)).values(data=purchase(99_999)),
            "tile 0 of level 0 is not",
        ),
        (
            update(entries).where(_entry(5)).values(data=b"junk"),
            "entries 0 to 4095 cannot all be read",
        ),
        (
            update(entries).where(_entry(5)).values(commitment=commitment(99_999)),
            "the commitment beside entry 5",
        ),
        (update(tiles).where(tiles.c.level == 1).values(hashes=bytes(512)), "of level 1 is not"),
        (delete(tiles).where(tiles.c.level == 0, tiles.c.position == 16), "tile 16 of level 0"),
        (
            insert(tiles).values(log_id=1, level=0, position=17, hashes=bytes(32)),
            "more or fewer tiles",
        ),
        (update(logs).values(checkpoint=b"junk"), "not signed by the log's key"),
        (_publish(size=SIZE - 1), "the published checkpoint is not of these entries"),
        (_publish(checkpoint=b"junk"), "the published checkpoint is not of this log"),
        (_publish(size=SIZE + 1), "the published checkpoint is not of this log"),
        (update(logs).where(logs.c.id == 1).values(size=SIZE - 1), "does not cover"),
        (update(logs).where(logs.c.id == 1).values(root=bytes(32)), "the stored root"),
        (delete(voids), "log_voids is not of entries"),
        (update(event_kinds).values(type="x"), "kvitto db rebuild"),
        (delete(event_kinds).where(event_kinds.c.position == 1), "event_kinds is not of"),
        (
            insert(event_kinds).values(origin=ORIGIN, position=3, type="x"),
            "event_kinds has rows that the checkpoint does not cover",
        ),
        (
            insert(voids).values(log_id=1, voided=8, position=SIZE),
            "log_voids has rows that the checkpoint does not cover",
        ),
        (insert(voids).values(log_id=1, voided=8, position=7), "log_voids is not of entries"),
        (insert(voids).values(log_id=2, voided=0, position=1), "log_voids is not of entries 0"),
        (
            insert(event_kinds).values(origin="other.example/shop", position=0, type="x"),
            "event_kinds has rows of no log",
        ),
    ],
)
@pytest.mark.leaves_damage
def test_damage_is_found(store: Store, statement: Executable, fault: str) -> None:
    _do(store, statement)
    assert any(fault in found for found in _faults(store))


@pytest.mark.leaves_damage
def test_an_old_checkpoint_brought_back_is_found(store: Store, world: World) -> None:
    """Validly signed, but of a smaller tree: what is served would be a rollback."""
    with store.log(ORIGIN) as log:
        old = log.checkpoint()
    world.buy(world.sale())
    _do(store, update(logs).where(logs.c.id == 1).values(checkpoint=old))
    assert _faults(store) == [f"{ORIGIN}: the checkpoint is not of these entries"]
