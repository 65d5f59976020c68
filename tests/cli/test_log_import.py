"""Logs that come back from files: as they were, or not at all."""

import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from commitments.wire import parse_json
from issuer.key_rotation import retire_keys, rotate_keys
from ledger.event_log import append_event
from ledger.farewells import show_keys, stored_key_history
from ledger.handover import Handover
from ledger.key_history import follow_keys, parse_shown_keys, rotation_event
from ledger.log import Log
from ledger.note import Signer, parse_vkey
from ledger.schema import logs, metadata
from ledger.store import ReadOnly, Store, Transaction
from ledger.witness_rotation import record_handovers
from tests.api.shop import Shop
from tests.cli.terminal import Terminal
from tests.databases import SEALING, Databases, check, fresh
from tests.ledger.memory_log import TIME, purchase
from tests.world import ORIGIN, Bought
from verifier.rebuild import PROJECTIONS

EVENTS = f"{ORIGIN}/events"
PUBLIC = (
    *("/v1/merchants", "", "policies", "claims", "events"),
    *(f"/logs/acme/{kind}/checkpoint" for kind in ("purchases", "events")),
    "ring?first=0&size=304&voided_at=304&lane=0",
)


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with Shop(database) as opened:
        yield opened


@pytest.fixture
def copy(databases: Databases) -> Iterator[str]:
    """Another database, with tables and nothing else."""
    with fresh(databases) as url:
        yield url


def at(directory: Path, database: str) -> Terminal:
    key = directory / "sealing.key"
    key.write_bytes(SEALING.encode())
    return Terminal(directory, {"KVITTO_DATABASE": database, "KVITTO_KEYS": str(key)})


def trade(shop: Shop) -> list[Bought]:
    """Something of everything that a log can hold; the purchases that are left to claim for."""
    bought = shop.open_for_claims()
    shop.store.write(partial(_sell, numbers=range(300)))
    shop.issuer.void(shop.merchant, bought[2].index, "returned")
    shop.close()
    shop.claim(bought[0])
    ended = shop.claim(bought[1], "refund-14d")
    shop.verifier.retire(ORIGIN, ended.claim_id, bought[1].keys.secret)
    return bought


def files(directory: Path) -> dict[str, bytes]:
    paths = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def seen(shop: Shop) -> list[bytes]:
    """What the service says to everybody."""
    return [shop.get(*path.split("?")).content for path in PUBLIC]


def tables(shop: Shop) -> dict[str, list[Any]]:
    with shop.store.read() as connection:
        return {t.name: sorted(map(repr, connection.execute(select(t)))) for t in PROJECTIONS}


def test_a_lost_database_comes_back(shop: Shop, database: str, copy: str, tmp_path: Path) -> None:
    trade(shop)
    at(tmp_path, database).json("log", "export", tmp_path / "out")
    terminal = at(tmp_path, copy)
    imported = terminal.json("log", "import", tmp_path / "out")["logs"]
    assert [(log["origin"], log["size"], log["new"]) for log in imported] == [
        (ORIGIN, 304, 304),
        (EVENTS, 9, 9),
    ]
    assert [log["vkey"] for log in imported] == [
        shop.get("").json()[f"{kind}_vkey"] for kind in ("purchases", "events")
    ]
    terminal.json("log", "export", tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "out")
    with Shop(copy, entered=False) as restored:
        assert seen(restored) == seen(shop)
        assert tables(restored) == tables(shop)
        terminal.json("db", "rebuild")
        assert tables(restored) == tables(shop)


def test_a_copy_follows_what_it_is_a_copy_of(
    shop: Shop, database: str, copy: str, tmp_path: Path
) -> None:
    source, mirror, out = at(tmp_path, database), at(tmp_path, copy), tmp_path / "out"
    new = []
    for _ in range(2):
        for more in (0, 1, 255, 256, 300):
            shop.store.write(partial(_grow, count=more))
            source.json("log", "export", out)
            new.append(mirror.json("log", "import", out)["logs"][0]["new"])
            check(copy)
        shop.close()
    assert new == [0, 1, 255, 256, 300] * 2
    source.json("log", "export", out)
    assert mirror.json("log", "import", out)["logs"][1]["new"] == 1
    mirror.json("log", "export", tmp_path / "again")
    again = files(tmp_path / "again")
    assert again == {path: content for path, content in files(out).items() if path in again}


def _grow(transaction: Transaction, count: int) -> None:
    size = transaction.size(ORIGIN)
    transaction.append(ORIGIN, [purchase(n) for n in range(size, size + count)])


def test_a_copy_does_not_grow_by_itself(
    shop: Shop, database: str, copy: str, tmp_path: Path
) -> None:
    bought = trade(shop)
    body = shop.claim_body(bought[0], "refund-14d")
    at(tmp_path, database).json("log", "export", tmp_path)
    at(tmp_path, copy).json("log", "import", tmp_path)
    with Shop(copy, entered=False) as mirror:
        before = mirror.state()
        answer = mirror.post("claims", body)
        assert (answer.status_code, answer.json()["type"]) == (501, "urn:kvitto:problem:read-only")
        with pytest.raises(ReadOnly):
            mirror.store.write(lambda t: t.append(ORIGIN, [purchase(900)]))
        assert mirror.state() == before


def test_a_copy_is_closed_by_its_owner(databases: Databases, tmp_path: Path) -> None:
    with fresh(databases) as database, fresh(databases) as copy:
        with Shop(database, entered=False) as shop:
            key = shop.enter("acme", period="P1D")["api_key"]
            shop.post("sales", {"sales": [shop.sale().document()]}, key)
            at(tmp_path, database).json("log", "export", tmp_path)
        at(tmp_path, copy).json("log", "import", tmp_path)
        with Shop(copy, entered=False) as mirror:
            mirror.clock.advance(days=2)
            assert mirror.app.state.service.closer.due() == 0


def test_an_older_backup_is_brought_up_to_what_was_seen(
    databases: Databases, tmp_path: Path
) -> None:
    """And goes on from there with its own key, instead of forking."""
    with fresh(databases) as old, fresh(databases) as lost:
        with Shop(old) as shop:
            shop.buy(shop.sale())
            _same_log(old, lost)
        with Store(lost, sealing=SEALING) as store:
            store.write(lambda t: t.append(ORIGIN, [purchase(n) for n in range(400)]))
        with Shop(lost, entered=False):
            at(tmp_path, lost).json("log", "export", tmp_path)
        assert at(tmp_path, old).json("log", "import", tmp_path)["logs"][0]["new"] == 400
        with Store(old, sealing=SEALING) as store:
            assert store.write(lambda t: t.append(ORIGIN, [purchase(900)])) == range(401, 402)


def _same_log(url: str, other: str) -> None:
    """Make ``other`` what ``url`` is, keys included."""
    with Store(url, sealing=SEALING) as source, Store(other, sealing=SEALING) as target:
        with source.read() as connection:
            content = {t: connection.execute(select(t)).all() for t in metadata.sorted_tables}

        def fill(transaction: Transaction) -> None:
            for table, rows in content.items():
                if rows:
                    transaction.connection.execute(
                        table.insert(), [dict(row._mapping) for row in rows]
                    )

        target.write(fill)


def test_a_fork_is_refused_and_so_is_what_is_older(databases: Databases, tmp_path: Path) -> None:
    with fresh(databases) as one, fresh(databases) as two, fresh(databases) as copy:
        with Shop(one) as shop:
            shop.buy(shop.sale())
        _same_log(one, two)
        at(tmp_path, one).json("log", "export", tmp_path / "short")
        for url, sizes in ((one, (1, 2, 3)), (two, (7, 8, 9))):
            with Store(url, sealing=SEALING) as store:
                store.write(partial(_sell, numbers=sizes))
        at(tmp_path, one).json("log", "export", tmp_path / "one")
        at(tmp_path, two).json("log", "export", tmp_path / "two")
        with Store(two, sealing=SEALING) as store:
            store.write(lambda t: t.append(ORIGIN, [purchase(n) for n in range(20, 300)]))
        at(tmp_path, two).json("log", "export", tmp_path / "longer")
        mirror = at(tmp_path, copy)
        mirror.json("log", "import", tmp_path / "one")
        before = heads(copy)
        for name, why in (("two", "a fork"), ("longer", "a fork"), ("short", "older")):
            said = mirror.error("log", "import", tmp_path / name, status=1)
            assert said["type"] == "not-verified"
            assert why in said["message"]
            assert heads(copy) == before
        assert mirror.json("log", "import", tmp_path / "one")["logs"][0]["new"] == 0


def _sell(transaction: Transaction, numbers: Iterable[int]) -> None:
    transaction.append(ORIGIN, [purchase(n) for n in numbers])


def heads(url: str) -> list[Any]:
    with Store(url, sealing=SEALING) as store, store.read() as connection:
        return list(connection.execute(select(logs)).all())


FLIP = bytes.maketrans(bytes(range(256)), bytes(range(1, 256)) + b"\0")

ATTACKS: dict[str, tuple[str, Any, int]] = {
    "an entry": ("purchases/tile/entries/000", lambda b: b[:40] + b"\x02" + b[41:], 1),
    "an entry cut": ("purchases/tile/entries/000", lambda b: b[:-1], 2),
    "an entry more": ("purchases/tile/entries/001.p/48", lambda b: b + b"\0\1x", 2),
    "a tile": ("purchases/tile/0/000", lambda b: b.translate(FLIP), 1),
    "a partial tile": ("purchases/tile/0/001.p/48", lambda b: b[:-32], 1),
    "a high tile": ("purchases/tile/1/000.p/1", lambda b: b.translate(FLIP), 1),
    "no tile": ("purchases/tile/0/000", None, 2),
    "no bundle": ("events/tile/entries/000.p/9", None, 2),
    "no checkpoint": ("purchases/checkpoint", None, 2),
    "junk for a checkpoint": ("events/checkpoint", lambda _: b"junk", 2),
    "another size": ("purchases/checkpoint", lambda b: b.replace(b"\n304\n", b"\n303\n"), 1),
    "a signature": ("purchases/checkpoint", lambda b: b[:-9] + b"AAAAAAA=\n", 1),
    "no merchant": ("merchant.json", None, 2),
    "another id": ("merchant.json", lambda b: b.replace(b'"acme"', b'"other"'), 2),
    "another origin": ("merchant.json", lambda b: b.replace(b"example/acme", b"example/x"), 1),
    "no name": ("merchant.json", lambda b: b.replace(b'"name":"Acme"', b'"name":""'), 2),
    "a list for a merchant": ("merchant.json", lambda _: b"[]", 2),
    "a number for a name": ("merchant.json", lambda b: b.replace(b'"Acme"', b"7"), 2),
}


def test_what_was_tampered_with_is_refused(
    shop: Shop, database: str, copy: str, tmp_path: Path
) -> None:
    trade(shop)
    at(tmp_path, database).json("log", "export", tmp_path / "out")
    mirror = at(tmp_path, copy)
    for name, (path, change, status) in ATTACKS.items():
        shutil.copytree(tmp_path / "out", tmp_path / name)
        file = tmp_path / name / "acme" / path
        if change is None:
            file.unlink()
        else:
            assert file.read_bytes() != change(file.read_bytes())
            file.write_bytes(change(file.read_bytes()))
        said = mirror.error("log", "import", tmp_path / name, status=status)
        assert said["field"].startswith(str(tmp_path / name)), name
        assert heads(copy) == [], name
    assert mirror.json("log", "import", tmp_path / "out")["logs"][0]["new"] == 304


def test_a_key_that_another_log_declares_is_not_believed(
    databases: Databases, tmp_path: Path
) -> None:
    """Whoever makes a log of the same origin with keys of its own cannot extend ours."""
    with fresh(databases) as ours, fresh(databases) as theirs:
        for url in (ours, theirs):
            with Shop(url) as shop:
                shop.buy(shop.sale())
        at(tmp_path, theirs).json("log", "export", tmp_path)
        before = heads(ours)
        said = at(tmp_path, ours).error("log", "import", tmp_path, status=1)
        assert said["type"] == "not-verified"
        assert heads(ours) == before


def test_a_history_that_leads_to_our_key_is_not_believed(
    databases: Databases, tmp_path: Path
) -> None:
    """One that begins with a key of the attacker's, and names ours as its successor."""
    with fresh(databases) as ours, fresh(databases, damaged=True) as theirs:
        with Shop(ours) as shop:
            shop.buy(shop.sale())
            with shop.store.log(ORIGIN) as log:
                bought, (key,) = log.entries(0, 1), log.verifiers

        def forge(transaction: Transaction) -> None:
            transaction.append(ORIGIN, [*bought, purchase(900)])
            history = stored_key_history(transaction.connection, ORIGIN)
            (old,) = transaction.signers(ORIGIN)
            event = rotation_event(history, old, key, TIME)
            append_event(transaction, ORIGIN, event)

        with Shop(theirs) as shop:
            shop.store.write(forge)
            at(tmp_path, theirs).json("log", "export", tmp_path)
        before = heads(ours)
        said = at(tmp_path, ours).error("log", "import", tmp_path, status=1)
        assert said["message"].endswith("the log has another key")
        assert heads(ours) == before


def test_logs_of_different_days_are_no_copy(
    shop: Shop, database: str, copy: str, tmp_path: Path
) -> None:
    """A close that names a size which the purchase log does not have yet."""
    source = at(tmp_path, database)
    shop.buy(shop.sale())
    source.json("log", "export", tmp_path / "old")
    shop.buy(shop.sale())
    shop.close()
    source.json("log", "export", tmp_path / "new")
    shutil.rmtree(tmp_path / "new/acme/purchases")
    shutil.copytree(tmp_path / "old/acme/purchases", tmp_path / "new/acme/purchases")
    said = at(tmp_path, copy).error("log", "import", tmp_path / "new", status=1)
    assert "not the root of the log" in said["message"]
    with Shop(copy, entered=False) as mirror:
        assert mirror.get("/v1/merchants").json() == {"merchants": []}


def test_an_import_that_was_interrupted_is_done_again(
    shop: Shop, database: str, copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(shop)
    at(tmp_path, database).json("log", "export", tmp_path)

    def stop(*_arguments: object) -> None:
        raise OSError(4, "interrupted")

    mirror = at(tmp_path, copy)
    with monkeypatch.context() as patch:
        patch.setattr("cli.log_directory.replay", stop)
        mirror.run("log", "import", tmp_path, status=1)
    assert [row.origin for row in heads(copy)] == [ORIGIN]
    check(copy)
    assert [log["new"] for log in mirror.json("log", "import", tmp_path)["logs"]] == [0, 9]
    assert mirror.json("log", "import", tmp_path)["logs"][1]["new"] == 0


def test_a_new_database_is_made_for_its_owner_only(
    shop: Shop, database: str, tmp_path: Path
) -> None:
    shop.buy(shop.sale())
    at(tmp_path, database).json("log", "export", tmp_path / "out")
    terminal = Terminal(tmp_path)
    terminal.json("log", "import", tmp_path / "out", "--data", tmp_path / "data")
    assert (tmp_path / "data/kvitto.db").stat().st_mode & 0o077 == 0
    found = terminal.json("log", "fsck", "--data", tmp_path / "data")["logs"]
    assert [log["size"] for log in found] == [1, 1]


def test_a_checkpoint_given_for_other_entries_fails_the_commit(shop: Shop, copy: str) -> None:
    """The last guard, should a caller of adopt forget to compare."""
    shop.buy(shop.sale())
    with shop.store.log(ORIGIN) as log, Store(copy, sealing=SEALING) as store:

        def forget(transaction: Transaction) -> None:
            transaction.adopt(ORIGIN, log.verifiers, log.verifiers, log.checkpoint())
            transaction.append(ORIGIN, [purchase(5)])

        with pytest.raises(Exception, match="not confirmed"):
            store.write(forget)
        with pytest.raises(Exception, match="not confirmed"):
            store.write(lambda t: t.adopt(ORIGIN, log.verifiers, log.verifiers, log.checkpoint()))
    assert heads(copy) == []


def test_a_log_that_has_changed_its_keys(
    shop: Shop, database: str, copy: str, tmp_path: Path
) -> None:
    """The copy grows across the change, and leads from the first key to the present one."""
    out = tmp_path / "out"
    shop.buy(shop.sale())
    at(tmp_path, database).run("log", "export", out)
    at(tmp_path, copy).run("log", "import", out)
    first = shop.get("").json()["events_vkey"]
    for change in (rotate_keys, retire_keys):
        change(shop.store, shop.clock, shop.merchant)
    shop.buy(shop.sale())
    at(tmp_path, database).run("log", "export", out)
    at(tmp_path, copy).run("log", "import", out)
    at(tmp_path, copy).run("log", "fsck")
    with Store(copy) as store, store.read() as connection:
        shown = parse_shown_keys(parse_json(show_keys(connection, ORIGIN)))
        assert Log(connection, ORIGIN).size == 2
    assert follow_keys(shown, [parse_vkey(first)]).changes == 4


def test_a_log_whose_witnesses_have_changed_their_keys(
    shop: Shop, database: str, copy: str, tmp_path: Path
) -> None:
    """The copy knows it, and is not written to when they change again."""
    out = tmp_path / "out"
    shop.buy(shop.sale())
    at(tmp_path, database).run("log", "export", out)
    at(tmp_path, copy).run("log", "import", out)
    old, new = (Signer("w.example", letter * 32) for letter in (b"o", b"n"))
    handover = Handover.sign(old, new)
    record_handovers(shop.store, shop.clock, ORIGIN, [old.verifier], [handover])
    at(tmp_path, database).run("log", "export", out)
    at(tmp_path, copy).run("log", "import", out)
    at(tmp_path, copy).run("log", "fsck")
    said = at(tmp_path, copy).json("keys", "list", "acme")
    assert said["witnesses"] == [{"vkey": old.verifier.vkey, "next_vkey": new.verifier.vkey}]
    again = Handover.sign(new, Signer("w.example", b"m" * 32))
    with Store(copy, sealing=SEALING) as store, pytest.raises(ReadOnly):
        record_handovers(store, shop.clock, ORIGIN, [old.verifier], [again])
