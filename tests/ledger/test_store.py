import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    ColumnElement,
    Executable,
    Integer,
    MetaData,
    Table,
    delete,
    event,
    func,
    insert,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError, OperationalError

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.entries import Sale, Transferred, Void
from ledger.events import encode_event, events_origin
from ledger.log import Log
from ledger.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
    verify_multiproof,
)
from ledger.partition import Partition
from ledger.purchases import Purchases
from ledger.rings import RingName, build_evidence, build_ring, verify_ring
from ledger.schema import entries as log_entries
from ledger.schema import logs, private_keys, published, tiles
from ledger.store import CommitFailed, DuplicateCommitment, NotInLog, Store, Transaction
from ledger.tiles import TileReader, decode_bundle
from tests.databases import SEALING, Databases, drop_refusals, fresh, wait_for_a_waiter
from tests.ledger.memory_log import ORIGIN, TIME, commitment, purchase, signed_close

KEY = b"k" * 32
OTHER = "ledger.example/other"

notes = Table("test_notes", MetaData(), Column("id", Integer, primary_key=True))


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with Store(database, sealing=SEALING) as opened:
        opened.create_log(ORIGIN, KEY)
        notes.create(opened._writer)
        yield opened


def append(store: Store, *entries: bytes, origin: str = ORIGIN) -> range:
    return store.write(lambda transaction: transaction.append(origin, entries))


def checkpoint(store: Store, origin: str = ORIGIN) -> Checkpoint:
    with store.log(origin) as log:
        return open_checkpoint(log.checkpoint(), *log.verifiers)


def check_log(store: Store, expected: list[bytes], origin: str = ORIGIN) -> None:
    """All that is served of the log is of exactly these entries."""
    leaves = [leaf_hash(entry) for entry in expected]
    head = checkpoint(store, origin)
    assert head == Checkpoint(origin, len(expected), root_of(leaves))
    with store.log(origin) as log:
        assert log.size == head.size
        assert log.entries(0, log.size) == expected
        reader = TileReader(
            lambda tiles: [log.tile(tile.level, tile.index, tile.width) for tile in tiles], log.size
        )
        assert reader.hashes([(0, n) for n in range(log.size)]) == leaves
        with pytest.raises(NotInLog):
            log.entry(log.size)


# ---- one log


def test_an_empty_log(store: Store) -> None:
    assert checkpoint(store) == Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    check_log(store, [])


def test_entries_are_served_as_appended(store: Store) -> None:
    entries = [purchase(n) for n in range(600)]
    assert append(store, *entries[:1]) == range(1)
    assert append(store, *entries[1:300]) == range(1, 300)
    assert append(store) == range(300, 300)
    assert append(store, *entries[300:]) == range(300, 600)
    check_log(store, entries)


def test_proofs_of_every_kind(store: Store) -> None:
    entries = [purchase(n) for n in range(700)]
    append(store, *entries)
    leaves = [leaf_hash(entry) for entry in entries]
    with store.log(ORIGIN) as log:
        for size in (1, 255, 256, 257, 511, 512, 700):
            root = log.root(size)
            assert root == root_of(leaves[:size])
            index = size // 2
            verify_inclusion(leaves[index], index, size, log.inclusion(index, size), root)
            verify_consistency(index, log.root(index), size, root, log.consistency(index, size))
            wanted = {0, size // 2, size - 1}
            proof = log.multiproof(sorted(wanted), size)
            verify_multiproof({i: leaves[i] for i in wanted}, size, root, proof)
        for refused in (
            lambda: log.root(701),
            lambda: log.inclusion(0, 701),
            lambda: log.consistency(0, 701),
            lambda: log.multiproof([0], 701),
            lambda: log.root(-1),
        ):
            with pytest.raises(NotInLog):
                refused()
        with pytest.raises(FormatError):
            log.inclusion(700, 700)


def test_old_partial_tiles_and_bundles_stay_what_they_were(store: Store) -> None:
    """Every width is served, not only that of a published size; the content never changes."""
    entries = [purchase(n) for n in range(520)]
    served: dict[tuple[int, int, int], bytes] = {}
    for start, stop in ((0, 7), (7, 255), (255, 256), (256, 300), (300, 520)):
        append(store, *entries[start:stop])
        with store.log(ORIGIN) as log:
            last = (stop - 1) // 256
            width = stop - 256 * last
            served[0, last, width] = log.tile(0, last, width)
            assert decode_bundle(log.bundle(last, width), width) == entries[256 * last : stop]
    with store.log(ORIGIN) as log:
        for (level, index, width), tile in served.items():
            assert log.tile(level, index, width) == tile
            leaves = [leaf_hash(entry) for entry in entries[256 * index : 256 * index + width]]
            assert tile == b"".join(leaves)
        assert len(log.tile(1, 0, 2)) == 64
        for level, index, width in [
            (0, 2, 9),
            (0, 2, 256),
            (0, 3, 1),
            (1, 0, 3),
            (2, 0, 1),
            (0, 0, 0),
            (0, 0, 257),
            (0, -1, 1),
            (64, 0, 1),
        ]:
            with pytest.raises(NotInLog):
                log.tile(level, index, width)
        for index, width in [(2, 9), (3, 1), (0, 0), (0, 257), (-1, 1), (2**62, 1)]:
            with pytest.raises(NotInLog):
                log.bundle(index, width)


def test_reopening_gives_the_same_checkpoint_and_appending_goes_on(database: str) -> None:
    entries = [purchase(n) for n in range(800)]
    with Store(database, sealing=SEALING) as store:
        store.create_log(ORIGIN, KEY)
        append(store, *entries[:300])
        with store.log(ORIGIN) as log:
            before = log.checkpoint()
    with Store(database, sealing=SEALING) as store:
        with store.log(ORIGIN) as log:
            assert log.checkpoint() == before
        assert append(store, *entries[300:]) == range(300, 800)
        check_log(store, entries)


@given(batches=st.lists(st.integers(1, 300), min_size=1, max_size=6), reopen=st.booleans())
def test_any_batches_make_the_same_log(
    databases: Databases, batches: list[int], *, reopen: bool
) -> None:
    entries = [purchase(n) for n in range(sum(batches))]
    with fresh(databases) as database, ExitStack() as opened:
        store = opened.enter_context(Store(database, sealing=SEALING))
        store.create_log(ORIGIN, KEY)
        done = 0
        for batch in batches:
            append(store, *entries[done : done + batch])
            done += batch
            if reopen:
                opened.close()
                store = opened.enter_context(Store(database, sealing=SEALING))
        check_log(store, entries)


def test_there_is_no_such_log(store: Store) -> None:
    with pytest.raises(NotInLog), store.log(OTHER):
        pass
    with pytest.raises(NotInLog):
        append(store, purchase(1), origin=OTHER)
    check_log(store, [])


def test_an_origin_is_taken_once(store: Store) -> None:
    append(store, purchase(1))
    with pytest.raises(FormatError, match="of that origin"):
        store.create_log(ORIGIN, b"x" * 32)
    with pytest.raises(FormatError):
        store.create_log("not an origin", KEY)
    check_log(store, [purchase(1)])


def test_only_what_lasts_is_opened() -> None:
    for wrong in (
        *("sqlite://", "sqlite:///:memory:", "postgresql://localhost"),
        *("mysql://localhost/kvitto", "kvitto.db", ""),
    ):
        with pytest.raises(FormatError):
            Store(wrong)


# ---- what a log refuses


def test_a_commitment_enters_a_log_once(store: Store) -> None:
    store.create_log(OTHER, b"o" * 32)
    append(store, purchase(0), Sale(commitment(1)).encode(), Transferred(commitment(2)).encode())
    for repeated in (purchase(0), purchase(1), Sale(commitment(2)).encode(), purchase(51)):
        new = [purchase(50), purchase(51), repeated, purchase(52)]
        with pytest.raises(DuplicateCommitment) as caught:
            append(store, *new)
        assert caught.value.position == 2
    assert append(store, purchase(50)) == range(3, 4)
    assert append(store, purchase(0), origin=OTHER) == range(1)  # another log, another matter


def test_a_unit_may_go_on_after_a_duplicate(store: Store) -> None:
    def unit(transaction: Transaction) -> range:
        with pytest.raises(DuplicateCommitment):
            transaction.append(ORIGIN, [purchase(2), purchase(1)])
        return transaction.append(ORIGIN, [purchase(3)])

    append(store, purchase(1))
    assert store.write(unit) == range(1, 2)
    check_log(store, [purchase(1), purchase(3)])


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x05" + bytes(33), b"\x02" + bytes(33)])
def test_a_purchase_log_takes_only_its_entries(store: Store, junk: bytes) -> None:
    with pytest.raises(FormatError):
        append(store, purchase(1), junk)
    append(store, purchase(1))
    check_log(store, [purchase(1)])


def test_a_commitment_must_decode(database: str) -> None:
    def decode(data: bytes) -> object:
        if data == commitment(7):
            raise FormatError("not a point")
        return data

    with Store(database, decode, sealing=SEALING) as store:
        store.create_log(ORIGIN, KEY)
        with pytest.raises(FormatError, match="not a point"):
            append(store, purchase(6), purchase(7))
        append(store, purchase(6), Void(0).encode())
        check_log(store, [purchase(6), Void(0).encode()])


def test_a_void_names_an_earlier_purchase(store: Store) -> None:
    append(store, purchase(0), Sale(commitment(1)).encode(), Transferred(commitment(2)).encode())
    for voided in (1, 2, 3, 4, 2**63, 2**64 - 1):
        with pytest.raises(VerificationError, match="no purchase"):
            append(store, Void(voided).encode(), purchase(9))
    append(store, Void(0).encode(), purchase(4), Void(4).encode(), Void(0).encode())
    with pytest.raises(VerificationError, match="no purchase"):
        append(store, Void(3).encode())
    with store.log(ORIGIN) as log:
        assert log.voids_of([0, 1, 4]) == {0: [3, 6], 4: [5]}


@pytest.mark.leaves_damage  # no room has entered these events into event_kinds
def test_an_event_log_takes_only_events(store: Store) -> None:
    origin = events_origin(ORIGIN)
    store.create_log(origin, b"e" * 32)
    good = encode_event({"type": "x", "time": TIME})
    for bad in (purchase(1), good + b"\n", b"{}"):
        with pytest.raises(FormatError):
            append(store, good, bad, origin=origin)
    append(store, good, good, origin=origin)  # an event may happen twice
    check_log(store, [good, good], origin)


# ---- units of work


def test_units_see_what_earlier_ones_of_the_transaction_did(store: Store) -> None:
    """They are run by one commit, so nothing is committed in between."""
    append(store, purchase(0))
    seen: list[object] = []

    def first(transaction: Transaction) -> None:
        transaction.append(ORIGIN, [purchase(1), purchase(2)])
        transaction.connection.execute(insert(notes).values(id=7))

    def second(transaction: Transaction) -> None:
        log = transaction.log(ORIGIN)
        seen.append(transaction.size(ORIGIN))
        seen.append(transaction.root(ORIGIN))
        seen.append(log.entry(2))
        seen.append(log.size)
        seen.append(transaction.connection.scalar(select(notes.c.id)))
        with pytest.raises(DuplicateCommitment):
            transaction.append(ORIGIN, [purchase(1)])

    together(store, first, second)
    entries = [purchase(n) for n in range(3)]
    root = root_of([leaf_hash(entry) for entry in entries])
    assert seen == [3, root, entries[2], 1, 7]
    check_log(store, entries)


def appending(n: int) -> Callable[[Transaction], range]:
    return lambda transaction: transaction.append(ORIGIN, [purchase(n)])


def together(store: Store, *units: Callable[[Transaction], object]) -> list[Exception | None]:
    """Run units in one transaction, in this order; the error of each."""
    errors: list[Exception | None] = [None] * len(units)
    barrier = Barrier(2)
    release = Barrier(2)

    def block(_transaction: Transaction) -> None:
        barrier.wait(30)
        release.wait(30)

    def caller(place: int, unit: Callable[[Transaction], object]) -> None:
        try:
            store.write(unit)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            errors[place] = error

    def blocker() -> None:
        with suppress(CommitFailed):  # where every commit fails, so does this one
            store.write(block)

    threads = [Thread(target=blocker)]
    threads[0].start()
    barrier.wait(30)
    for place, unit in enumerate(units):
        threads.append(Thread(target=caller, args=(place, unit)))
        threads[-1].start()
        while len(store._commits._queue) <= place:
            threads[-1].join(0.001)
    release.wait(30)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return errors


class RefusedError(Exception):
    pass


def test_a_unit_that_raises_undoes_its_own_work_only(store: Store) -> None:
    def bad(transaction: Transaction) -> None:
        transaction.append(ORIGIN, [purchase(50), purchase(51)])
        transaction.create_log(OTHER, KEY)
        transaction.append(OTHER, [purchase(1)])
        transaction.connection.execute(insert(notes).values(id=1))
        raise RefusedError

    errors = together(store, appending(1), bad, appending(2), bad, appending(50))
    assert [type(error) for error in errors] == [
        type(None),
        RefusedError,
        type(None),
        RefusedError,
        type(None),
    ]
    check_log(store, [purchase(1), purchase(2), purchase(50)])
    with store.read() as connection:
        assert connection.execute(select(notes)).all() == []
    with pytest.raises(NotInLog), store.log(OTHER):
        pass


def test_a_log_made_in_a_unit_grows_in_the_next_one(store: Store) -> None:
    errors = together(
        store,
        lambda transaction: transaction.create_log(OTHER, KEY),
        lambda transaction: transaction.append(OTHER, [purchase(1)]),
    )
    assert errors == [None, None]
    check_log(store, [purchase(1)], OTHER)


def test_one_transaction_signs_one_checkpoint(store: Store) -> None:
    updates: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE logs"):
            updates.append(statement)

    event.listen(store._writer, "before_cursor_execute", count)
    together(store, *(appending(n) for n in range(10)))
    assert len(updates) == 1
    check_log(store, [purchase(n) for n in range(10)])


def test_sixteen_threads_and_every_second_unit_fails(store: Store) -> None:
    indices: dict[int, int] = {}
    failures: list[int] = []

    def caller(first: int) -> None:
        for n in range(first, first + 20):
            if n % 2:
                with pytest.raises(RefusedError):
                    store.write(failing(n))
                failures.append(n)
            else:
                (indices[n],) = append(store, purchase(n))

    def failing(n: int) -> Callable[[Transaction], None]:
        def unit(transaction: Transaction) -> None:
            transaction.append(ORIGIN, [purchase(n)])
            raise RefusedError

        return unit

    threads = [Thread(target=caller, args=(20 * k,)) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) == 160
    assert sorted(indices.values()) == list(range(160))
    order = sorted(indices, key=indices.__getitem__)
    check_log(store, [purchase(n) for n in order])


@pytest.mark.parametrize("applied", [False, True])
def test_a_commit_that_fails_and_one_whose_answer_is_lost(
    store: Store, database: str, *, applied: bool
) -> None:
    append(store, purchase(0))
    before = checkpoint(store)

    def fail(connection) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        if applied:
            connection.connection.commit()
        raise OperationalError("COMMIT", {}, OSError("disk"))

    event.listen(store._writer, "commit", fail)
    errors = together(
        store,
        appending(1),
        appending(2),
    )
    event.remove(store._writer, "commit", fail)
    assert [type(error) for error in errors] == [CommitFailed, CommitFailed]
    kept = [purchase(0), *([purchase(1), purchase(2)] if applied else [])]
    assert (checkpoint(store) == before) is not applied
    check_log(store, kept)
    append(store, purchase(3))  # the log goes on from what is stored
    check_log(store, [*kept, purchase(3)])
    with Store(database, sealing=SEALING) as again:
        check_log(again, [*kept, purchase(3)])


def test_a_statement_that_fails_at_the_end_fails_all(store: Store) -> None:
    append(store, purchase(0))

    def fail(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE log_tiles"):
            raise OperationalError(statement, {}, OSError("disk"))

    event.listen(store._writer, "before_cursor_execute", fail)
    with pytest.raises(CommitFailed):
        append(store, purchase(1))
    event.remove(store._writer, "before_cursor_execute", fail)
    check_log(store, [purchase(0)])
    assert append(store, purchase(1)) == range(1, 2)
    check_log(store, [purchase(0), purchase(1)])


def test_a_lost_transaction_fails_all_and_not_only_one_unit(store: Store) -> None:
    """As when the disk is full: SQLite rolls everything back, savepoints included."""

    def lose(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql("ROLLBACK")
        raise RefusedError

    errors = together(
        store,
        appending(1),
        lose,
        appending(2),
    )
    assert [type(error) for error in errors] == [CommitFailed] * 3
    check_log(store, [])
    append(store, purchase(1))
    check_log(store, [purchase(1)])


def test_no_checkpoint_is_signed_over_what_a_unit_rolled_back_itself(store: Store) -> None:
    def sly(transaction: Transaction) -> None:
        savepoint = transaction.connection.begin_nested()
        transaction.append(ORIGIN, [purchase(1)])
        savepoint.rollback()

    with pytest.raises(CommitFailed) as caught:
        store.write(sly)
    assert isinstance(caught.value.__cause__, VerificationError)
    check_log(store, [])
    append(store, purchase(1))
    check_log(store, [purchase(1)])


def test_two_programs_on_one_database(store: Store, database: str) -> None:
    """What one keeps in memory is not believed after the other has written."""
    with Store(database, sealing=SEALING) as other:
        for n in range(0, 20, 2):
            append(store, purchase(n))
            append(other, purchase(n + 1))
        check_log(store, [purchase(n) for n in range(20)])
        check_log(other, [purchase(n) for n in range(20)])


def test_programs_that_append_at_once_make_one_log(store: Store, database: str) -> None:
    """And none is refused: whoever comes second waits, and goes on from what the first left."""
    store.create_log(OTHER, KEY)

    def caller(opened: Store, first: int, *origins: str) -> None:
        for n in range(first, first + 15):
            opened.write(partial(both, n), *origins)

    def both(n: int, transaction: Transaction) -> None:
        for origin in (ORIGIN, OTHER) if n % 2 else (OTHER, ORIGIN):
            transaction.append(origin, [purchase(n)])

    with Store(database, sealing=SEALING) as other, ThreadPoolExecutor(2) as pool:
        one = pool.submit(caller, store, 0, ORIGIN, OTHER)
        two = pool.submit(caller, other, 100, OTHER, ORIGIN)
        one.result()
        two.result()
    with store.log(ORIGIN) as log, store.log(OTHER) as twin:
        written = log.entries(0, 30)
        assert twin.entries(0, 30) == written
    assert set(written) == {purchase(n) for n in (*range(15), *range(100, 115))}
    check_log(store, written)
    check_log(store, written, OTHER)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_check_does_not_run_ahead_of_another_program(store: Store, database: str) -> None:
    """Two programs that see that a tag is new would both use it."""

    def use(transaction: Transaction) -> bool:
        connection = transaction.connection
        if connection.execute(select(notes)).first():
            return False
        connection.execute(insert(notes).values(id=1))
        transaction.append(ORIGIN, [purchase(1)])
        return True

    with Store(database, sealing=SEALING) as other, ThreadPoolExecutor(1) as pool:

        def slow(transaction: Transaction) -> Future[bool]:
            second = pool.submit(other.write, use, ORIGIN)
            wait_for_a_waiter(transaction)
            assert use(transaction)
            return second

        assert not store.write(slow, ORIGIN).result()
    check_log(store, [purchase(1)])


def test_no_checkpoint_replaces_one_that_was_not_read(store: Store) -> None:
    append(store, purchase(0))

    def unit(transaction: Transaction) -> None:
        transaction.append(ORIGIN, [purchase(1)])
        _unguarded(transaction, update(logs).values(size=7))

    with pytest.raises(CommitFailed) as caught:
        store.write(unit)
    assert "another head" in str(caught.value.__cause__)
    check_log(store, [purchase(0)])


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_server_that_was_gone_is_found_again(store: Store) -> None:
    def unit(transaction: Transaction) -> None:
        transaction.append(ORIGIN, [purchase(0)])
        transaction.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises((CommitFailed, OperationalError)):
        store.write(unit)
    append(store, purchase(1))
    check_log(store, [purchase(1)])


def test_a_snapshot_stays_as_it_is(store: Store) -> None:
    append(store, purchase(0))
    with store.read() as connection:
        log = Log(connection, ORIGIN)
        append(store, purchase(1))
        again = Log(connection, ORIGIN)
        assert (log.size, again.size) == (1, 1)
        with pytest.raises(NotInLog):
            again.entry(1)
    check_log(store, [purchase(0), purchase(1)])


# ---- what the database refuses, and what is noticed when it did not


def _head(origin: str, size: int) -> bytes:
    """As far as the database reads a checkpoint."""
    return f"{origin}\n{size}\n".encode()


def _where(table: Table, position: int) -> ColumnElement[bool]:
    columns = table.c
    return (columns.log_id == 1) & (columns.position == position)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (update(logs).values(size=1, checkpoint=_head(ORIGIN, 1)), "log_shrinks"),
        (update(logs).values(root=b"x" * 32), "log_forks"),
        (
            update(logs).values(origin="x.example", checkpoint=_head("x.example", 2)),
            "log_is_renamed",
        ),
        (update(logs).values(id=7), "log_is_renamed"),
        (update(logs).values(size=9, root=b"x" * 32), "checkpoint_is_another"),
        (update(logs).values(checkpoint=_head(ORIGIN, 1)), "checkpoint_is_another"),
        (update(logs).values(checkpoint=_head("x.example", 2)), "checkpoint_is_another"),
        (delete(logs), "log_is_deleted"),
        (update(log_entries).values(data=b"x"), "entry_changes"),
        (update(log_entries).where(_where(log_entries, 1)).values(position=9), "entry_changes"),
        (delete(log_entries), "entry_is_deleted"),
        (update(tiles).values(hashes=b"x" * 96), "tile_changes"),
        (update(tiles).values(hashes=func.substr(tiles.c.hashes, 1, 32)), "tile_changes"),
        (update(tiles).values(position=9), "tile_changes"),
        (update(tiles).values(level=1), "tile_changes"),
        (delete(tiles), "tile_is_deleted"),
        (update(published).values(size=1), "published_shrinks"),
    ],
)
def test_the_database_refuses_to_rewrite_a_log(
    store: Store, statement: Executable, why: str
) -> None:
    append(store, purchase(0), purchase(1))

    def rewrite(transaction: Transaction) -> None:
        transaction.connection.execute(delete(private_keys))  # or their foreign key would refuse
        shown = select(logs.c.id, logs.c.size, logs.c.checkpoint)
        names = ["log_id", "size", "checkpoint"]
        transaction.connection.execute(insert(published).from_select(names, shown))
        transaction.connection.execute(statement)

    with pytest.raises(DatabaseError, match=why):
        store.write(rewrite)
    check_log(store, [purchase(0), purchase(1)])


_COLUMNS = {
    "logs": "id, origin, vkeys, size, root, checkpoint",
    "log_entries": "log_id, position, data, commitment",
    "log_tiles": "log_id, level, position, hashes",
}
_EMPTY = "'v', 0, zeroblob(32), zeroblob(9)"
_REPLACEMENTS = [
    ("logs", f"1, 'y', {_EMPTY}", "log_is_replaced"),
    ("logs", f"9, '{ORIGIN}', {_EMPTY}", "log_is_replaced"),
    ("logs", f"NULL, '{ORIGIN}', {_EMPTY}", "log_is_replaced"),
    ("log_entries", "1, 0, zeroblob(34), zeroblob(33)", "entry_is_replaced"),
    ("log_entries", f"1, 2, zeroblob(34), x'{commitment(0).hex()}'", "entry_is_replaced"),
    ("log_tiles", "1, 0, 0, zeroblob(64)", "tile_is_replaced"),
]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("table", "row", "why"), _REPLACEMENTS)
@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
def test_nothing_is_replaced_behind_the_triggers_for_deletions(
    store: Store, database: str, table: str, row: str, why: str, recursive_triggers: str
) -> None:
    """By a program that sets no pragma of ours."""
    append(store, purchase(0), purchase(1))
    values = f"INTO {table} ({_COLUMNS[table]}) VALUES ({row})"
    upsert = f"INSERT {values} ON CONFLICT DO UPDATE SET {_COLUMNS[table].split(', ')[1]} = 9"
    attacker = sqlite3.connect(make_url(database).database or "")
    attacker.execute(f"PRAGMA recursive_triggers = {recursive_triggers}")
    for attack in (f"REPLACE {values}", upsert):
        with pytest.raises(sqlite3.IntegrityError, match=why):
            attacker.execute(attack)
    attacker.close()
    check_log(store, [purchase(0), purchase(1)])


_UPSERT = "INSERT INTO {table} SELECT {row} FROM {table} ON CONFLICT ({key}) DO UPDATE SET {change}"
_UPSERTS = {
    "log_forks": {
        "table": "logs",
        "row": "id, origin, vkeys, size, 'x'::bytea, checkpoint",
        "key": "id",
        "change": "root = EXCLUDED.root",
    },
    "entry_changes": {
        "table": "log_entries",
        "row": "log_id, position, 'x'::bytea, NULL::bytea",
        "key": "log_id, position",
        "change": "data = EXCLUDED.data",
    },
    "tile_changes": {
        "table": "log_tiles",
        "row": "log_id, level, position, 'x'::bytea",
        "key": "log_id, level, position",
        "change": "hashes = EXCLUDED.hashes",
    },
}
_MERGE = "MERGE INTO log_entries USING logs ON log_id = id WHEN MATCHED THEN DELETE"


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("why", "statement"),
    [
        *((why, _UPSERT.format(**parts)) for why, parts in _UPSERTS.items()),
        ("entry_is_deleted", _MERGE),
    ],
)
def test_nothing_is_replaced_on_conflict(store: Store, statement: str, why: str) -> None:
    append(store, purchase(0), purchase(1))
    with pytest.raises(DatabaseError, match=why):
        store.write(lambda t: t.connection.execute(text(statement)))
    check_log(store, [purchase(0), purchase(1)])


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("logs", "logs_are_truncated"),
        ("log_entries", "entries_are_truncated"),
        ("log_tiles", "tiles_are_truncated"),
    ],
)
def test_a_log_is_not_truncated(store: Store, table: str, why: str) -> None:
    append(store, purchase(0))
    with pytest.raises(DatabaseError, match=why):
        store.write(lambda t: t.connection.execute(text(f"TRUNCATE {table} CASCADE")))
    check_log(store, [purchase(0)])


def _unguarded(transaction: Transaction, statement: Executable) -> None:
    drop_refusals(transaction.connection)
    transaction.connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        update(tiles).values(hashes=bytes(64)),
        update(logs).values(
            checkpoint=select(logs.c.checkpoint).where(logs.c.origin == "empty").scalar_subquery()
        ),
    ],
)
@pytest.mark.leaves_damage
def test_a_log_whose_tiles_and_checkpoint_disagree_does_not_grow(
    database: str, statement: Executable
) -> None:
    with Store(database, sealing=SEALING) as store:
        store.create_log(ORIGIN, KEY)
        store.create_log("empty", KEY)
        append(store, purchase(0), purchase(1))
        store.write(partial(_unguarded, statement=statement))
    with Store(database, sealing=SEALING) as store, pytest.raises((VerificationError, FormatError)):
        append(store, purchase(2))
    with Store(database, sealing=SEALING) as store, store.log(ORIGIN) as log:
        assert log.entries(0, 2) == [purchase(0), purchase(1)]


@pytest.mark.leaves_damage
def test_a_false_size_is_noticed(database: str) -> None:
    with Store(database, sealing=SEALING) as store:
        store.create_log(ORIGIN, KEY)
        append(store, purchase(0))
        store.write(partial(_unguarded, statement=update(logs).values(size=9, root=b"x" * 32)))
    with (
        Store(database, sealing=SEALING) as store,
        pytest.raises(VerificationError, match="size and root"),
    ):
        append(store, purchase(1))


# ---- rings from the database


def test_rings_from_the_database_are_those_of_the_entries(store: Store) -> None:
    entries = [purchase(n) if n % 7 else Sale(commitment(n)).encode() for n in range(300)]
    entries += [Void(n).encode() for n in range(1, 40, 7)] + [Transferred(commitment(900)).encode()]
    store.create_log(OTHER, KEY)
    append(store, *(purchase(n + 100) for n in range(300)), origin=OTHER)
    append(store, *(Void(n).encode() for n in range(20)), origin=OTHER)
    append(store, *entries)
    with store.log(ORIGIN) as log:
        size = log.size
        partition = Partition(64, 1, [signed_close(0, 0, size, log.root(size))])
        head = open_checkpoint(log.checkpoint(), *log.verifiers)
        members = 0
        for lane in range(partition.lanes(0, size)):
            name = RingName(0, size, size, lane)
            ring = build_ring(log, partition, name, bytes)
            assert ring == build_ring(Purchases(entries), partition, name, bytes)
            evidence = build_evidence(log, partition, name, size)
            assert verify_ring(evidence, head, partition, name, bytes) == ring
            members += len(ring.members)
        assert members == 300 - 43 - 6 + 1
        with pytest.raises(NotInLog):
            log.entries_at([0, size])
