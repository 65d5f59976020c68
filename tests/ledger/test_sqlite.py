"""What SQLite's write-ahead log holds reaches the file without anyone waiting."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from shutil import copyfile

from ledger.store import Store
from tests.databases import SEALING
from tests.ledger.memory_log import ORIGIN, purchase

KEY = b"k" * 32
MOVED_WITHIN = 30  # seconds, on a machine that has much else to do


def entries_without_the_wal(database: Path, copy: Path) -> int:
    """How many entries the file alone holds; what it lacks is in the write-ahead log."""
    copyfile(database, copy)
    with closing(sqlite3.connect(copy)) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM log_entries").fetchone()
        except sqlite3.DatabaseError:  # copied while pages were being moved
            return 0
    return int(count)


def test_commits_reach_the_file_while_the_store_is_open(tmp_path: Path) -> None:
    database = tmp_path / "kvitto.db"
    with Store(f"sqlite:///{database}", sealing=SEALING) as store:
        store.create()
        store.create_log(ORIGIN, KEY)
        store.write(lambda transaction: transaction.append(ORIGIN, [purchase(1), purchase(2)]))
        deadline = time.monotonic() + MOVED_WITHIN
        while entries_without_the_wal(database, tmp_path / "copy.db") != 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_closed_store_leaves_one_file(tmp_path: Path) -> None:
    database = tmp_path / "kvitto.db"
    with Store(f"sqlite:///{database}", sealing=SEALING) as store:
        store.create()
        store.create_log(ORIGIN, KEY)
    assert [path.name for path in tmp_path.iterdir()] == [database.name]
