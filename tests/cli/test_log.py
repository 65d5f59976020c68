from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.store import Store, Transaction
from ledger.tiles import tile_width
from tests.api.shop import Shop
from tests.cli.terminal import Terminal
from tests.databases import drop_refusals
from tests.ledger.memory_log import purchase
from tests.world import ORIGIN


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with Shop(database) as opened:
        yield opened


def _lose_tiles(transaction: Transaction) -> None:
    drop_refusals(transaction.connection)
    transaction.connection.execute(text("DELETE FROM log_tiles WHERE level = 0"))


@pytest.mark.leaves_damage
def test_logs_are_checked(shop: Shop, database: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"KVITTO_DATABASE": database})
    shop.buy(shop.sale())
    found = terminal.json("log", "fsck")["logs"]
    assert found == [{"origin": ORIGIN, "size": 1}, {"origin": f"{ORIGIN}/events", "size": 1}]
    with Store(database) as store:
        store.write(_lose_tiles)
    said = terminal.error("log", "fsck", status=1)
    assert (said["type"], len(said["faults"])) == ("not-verified", 4)


def test_tables_are_made_again(shop: Shop, database: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"KVITTO_DATABASE": database})
    with Store(database) as store:
        store.write(lambda t: t.connection.execute(text("DELETE FROM event_kinds")))
    terminal.run("log", "fsck", status=1)
    assert terminal.json("db", "rebuild") == {"events": shop.sizes()[1]}
    terminal.run("log", "fsck")


def _append(new: list[bytes], transaction: Transaction) -> None:
    transaction.append(ORIGIN, new)


def test_exported_files_are_what_is_served(shop: Shop, database: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {"KVITTO_DATABASE": database})
    out = tmp_path / "out"
    size = 0
    for more in (1, 300, 400):
        new = [purchase(n) for n in range(size, size + more)]
        shop.store.write(partial(_append, new))
        size += more
        written = terminal.json("log", "export", out)["written"]
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "merchant.json"]
    for path in files:
        served = shop.get(f"/logs/{path.relative_to(out)}")
        if path.name != "checkpoint":
            assert served.content == path.read_bytes()
    for kind in ("purchases", "events"):
        checkpoint = (out / "acme" / kind / "checkpoint").read_bytes()
        assert checkpoint == shop.get(f"/logs/acme/{kind}/checkpoint").content
    assert tile_width(0, 2, size) == 189
    assert (out / "acme/purchases/tile/0/002.p/189").exists()
    assert (out / "acme/purchases/tile/entries/001").exists()
    assert (
        written == 9
    )  # merchant.json, keys.json; two checkpoints; 001 and 002.p/189 of both; 000.p/2 above
    assert terminal.json("log", "export", out) == {"written": 4}
