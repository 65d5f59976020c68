"""The keys of a service: made, encrypted, changed, lost."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.secret_files import open_sealing_key
from commitments.wire import parse_json
from ledger.checkpoint import open_checkpoint
from ledger.note import parse_vkey
from ledger.store import Store
from tests.api.shop import Shop
from tests.cli.terminal import Terminal
from tests.databases import SEALING, Databases, Sqlite, fresh
from tests.witness.world import LOG
from tests.world import ORIGIN, WARRANTY

SECRET = "correct horse"


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def databases(sqlite: Sqlite) -> Databases:
    """What the commands do is tested on both engines where it is done."""
    return sqlite


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with Shop(database) as opened:
        yield opened


@pytest.fixture
def operator(shop: Shop, database: str, tmp_path: Path) -> Terminal:
    """At the terminal of the machine that the shop's service runs on."""
    assert shop.merchant.id == "acme"
    key = tmp_path / "sealing.key"
    key.write_bytes(SEALING.encode())
    return Terminal(tmp_path, {"KVITTO_DATABASE": database, "KVITTO_KEYS": str(key)})


# ---- the sealing key


def test_a_key_is_made_once(terminal: Terminal) -> None:
    made = terminal.json("keys", "create", "--data", terminal.directory / "data")
    file = terminal.directory / "data/sealing.key"
    assert made == {"keys": str(file), "encrypted": False}
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    said = terminal.error("keys", "create", "--data", terminal.directory / "data", status=2)
    assert (said["type"], said["field"]) == ("unreadable", str(file))
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]  # nothing unfinished is left


def test_a_key_that_is_encrypted(terminal: Terminal) -> None:
    data = ["--data", str(terminal.directory)]
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = SECRET
    assert terminal.json("keys", "create", *data)["encrypted"] is True
    file = terminal.directory / "sealing.key"
    key = open_sealing_key(file, SECRET)
    assert key.encode().strip() not in file.read_bytes()
    terminal.run("db", "upgrade", *data)
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = "correct house"
    assert terminal.error("db", "upgrade", *data, status=2)["type"] == "wrong-passphrase"
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = None
    said = terminal.error("db", "upgrade", *data, status=1)
    assert (
        said["message"] == f"{file}: is encrypted; give KVITTO_KEYS_PASSPHRASE or --passphrase-file"
    )
    passphrase = terminal.file("passphrase", f"{SECRET}\n")
    terminal.run("db", "upgrade", *data, "--passphrase-file", passphrase)


def test_a_passphrase_for_a_key_that_is_not_encrypted(terminal: Terminal) -> None:
    """Whoever gives one believes that the key is safe."""
    data = ["--data", str(terminal.directory)]
    terminal.run("keys", "create", *data)
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = SECRET
    said = terminal.error("db", "upgrade", *data, status=1)
    assert "is not encrypted" in said["message"]


def test_a_lost_key_is_not_made_anew(terminal: Terminal) -> None:
    data = ["--data", str(terminal.directory)]
    terminal.run("db", "upgrade", *data)
    file = terminal.directory / "sealing.key"
    file.rename(terminal.directory / "backup")
    said = terminal.error("db", "upgrade", *data, status=1)
    assert "no such file, and the database's keys are sealed with it" in said["message"]
    assert not file.exists()
    terminal.run("keys", "create", *data)
    assert terminal.error("db", "upgrade", *data, status=1)["type"] == "wrong-sealing-key"
    (terminal.directory / "backup").replace(file)
    terminal.run("db", "upgrade", *data)


@pytest.mark.parametrize(
    ("content", "passphrase", "kind"),
    [
        (b"", None, "malformed"),
        (b"00", None, "malformed"),
        (b"\xff" * 64, None, "malformed"),
        (b'{"cipher":1}', SECRET, "damaged-file"),
    ],
)
def test_a_damaged_key(
    terminal: Terminal, content: bytes, passphrase: str | None, kind: str
) -> None:
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = passphrase
    terminal.file("sealing.key", content)
    said = terminal.error("db", "upgrade", "--data", terminal.directory, status=2)
    assert said["type"] == kind


@pytest.mark.parametrize("content", [b"", b"\n", b"\x1b\n"])
def test_a_passphrase_file_without_passphrase(terminal: Terminal, content: bytes) -> None:
    file = terminal.file("passphrase", content)
    data = ["--data", str(terminal.directory)]
    where = [*data, "--passphrase-file", str(file)]
    assert "no passphrase" in terminal.error("keys", "create", *where, status=1)["message"]
    assert not (terminal.directory / "sealing.key").exists()
    missing = [*data, "--passphrase-file", str(terminal.directory / "none")]
    assert terminal.error("keys", "create", *missing, status=2)["type"] == "unreadable"


# ---- the keys of logs


def test_keys_are_changed_while_the_service_runs(operator: Terminal, shop: Shop) -> None:
    first = shop.get("").json()
    shop.buy(shop.sale())
    rotated = operator.json("keys", "rotate", "acme")["rotated"]
    assert [keys["vkey"] for keys in rotated] == [first["purchases_vkey"], first["events_vkey"]]
    shop.buy(shop.sale())
    new = shop.get("").json()
    assert [keys["next_vkey"] for keys in rotated] == [new["purchases_vkey"], new["events_vkey"]]
    for vkey in (first["purchases_vkey"], new["purchases_vkey"]):
        note = shop.get("/logs/acme/purchases/checkpoint").content
        assert open_checkpoint(note, parse_vkey(vkey)).size == 2
    assert operator.error("keys", "rotate", "acme", status=1)["type"] == "key-not-retired"
    retired = operator.json("keys", "retire", "acme")["retired"]
    assert retired == [first["purchases_vkey"], first["events_vkey"]]
    assert operator.error("keys", "retire", "acme", status=1)["type"] == "only-key"
    shop.buy(shop.sale())
    operator.run("log", "fsck")
    operator.run("db", "check")
    operator.run("db", "rebuild")
    operator.run("log", "fsck")
    listed = operator.json("keys", "list", "acme")
    assert listed["events"] == {"in_force": [new["events_vkey"]], "retired": [first["events_vkey"]]}
    assert f"retired:  {first['events_vkey']}" in operator.run("keys", "list", "acme").stdout


def test_one_log_is_named(operator: Terminal) -> None:
    rotated = operator.json("keys", "rotate", "acme", "--log", "events")["rotated"]
    assert [parse_vkey(keys["vkey"]).name for keys in rotated] == [f"{ORIGIN}/events"]
    said = operator.error("keys", "rotate", "acme", "--log", "other", status=2)
    assert said["type"] == "usage"
    assert operator.error("keys", "rotate", "nobody", status=1)["type"] == "unknown-merchant"


def test_what_is_exported_is_what_is_served(operator: Terminal, shop: Shop) -> None:
    for _ in range(2):
        operator.run("keys", "rotate", "acme")
        operator.run("keys", "retire", "acme")
    out = operator.directory / "out"
    operator.run("log", "export", out)
    answer = shop.get("/logs/acme/keys.json")
    assert answer.content == (out / "acme/keys.json").read_bytes()
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.json()["history"]) == 3
    assert shop.get("/logs/nobody/keys.json").status_code == 404


def test_keys_are_followed_offline(operator: Terminal, shop: Shop) -> None:
    first = shop.get("").json()["events_vkey"]
    for _ in range(2):
        operator.run("keys", "rotate", "acme")
        operator.run("keys", "retire", "acme")
    file = operator.file("keys.json", shop.get("/logs/acme/keys.json").content)
    found = operator.json("keys", "follow", file, "--key", first)
    assert found == operator.json("keys", "list", "acme")
    stranger = LOG.verifier.vkey
    assert (
        operator.error("keys", "follow", file, "--key", stranger, status=1)["type"]
        == "not-verified"
    )
    shown = parse_json(file.read_bytes())
    operator.file("keys.json", json.dumps({"history": shown["history"][1:]}))
    assert (
        operator.error("keys", "follow", file, "--key", first, status=1)["type"] == "not-verified"
    )
    operator.file("keys.json", "{}")
    assert operator.error("keys", "follow", file, "--key", first, status=2)["type"] == "malformed"


def test_without_a_policy_none_is_written_anew(operator: Terminal, shop: Shop) -> None:
    """It would accept everything, under a name that promises otherwise."""
    key = shop.get("").json()["events_vkey"]
    file = operator.file("keys.json", shop.get("/logs/acme/keys.json").content)
    new = operator.directory / "new.policy"
    operator.error("keys", "follow", file, "--key", key, "--new-quorum", new, status=2)
    assert not new.exists()
    old = operator.file("old.policy", "quorum none\n")
    operator.run("keys", "follow", file, "--key", key, "--quorum", old, "--new-quorum", new)
    assert new.read_bytes() == old.read_bytes()


def test_a_receipt_under_an_old_key(operator: Terminal, shop: Shop) -> None:
    bought = shop.open_for_claims()[0]
    assert WARRANTY["id"] == "warranty-2y"
    receipt = shop.claim(bought).receipt
    assert receipt is not None
    old = shop.get("").json()["events_vkey"]
    operator.run("keys", "rotate", "acme")
    operator.run("keys", "retire", "acme")
    file = operator.file("receipt.json", json.dumps(receipt))
    operator.run("receipt", "verify", file, "--key", old)
    new = shop.get("").json()["events_vkey"]
    said = operator.error("receipt", "verify", file, "--key", new, status=1)
    assert said["type"] == "not-verified"


def test_without_a_database_none_is_made(terminal: Terminal) -> None:
    for command in ("rotate", "retire", "list"):
        where = ["keys", command, "acme", "--data", terminal.directory]
        assert terminal.error(*where, status=2)["type"] == "unreadable"
    assert list(terminal.directory.iterdir()) == []


def test_the_key_of_another_service(operator: Terminal, shop: Shop) -> None:
    (operator.directory / "sealing.key").unlink()
    operator.run("keys", "create")
    before = shop.state()
    assert operator.error("keys", "rotate", "acme", status=1)["type"] == "wrong-sealing-key"
    assert shop.state() == before


# ---- the keys of witnesses


def test_keys_of_a_witness_are_encrypted(terminal: Terminal) -> None:
    data = ["--data", str(terminal.directory)]
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = SECRET
    terminal.run("witness", "keys", "create", "--name", "witness.example/w1", *data)
    content = (terminal.directory / "witness.keys").read_bytes()
    assert b"ed25519" not in content
    terminal.run("witness", "watch", LOG.verifier.vkey, *data)
    terminal.run("witness", "unwatch", LOG.verifier.vkey, *data)
    terminal.env["KVITTO_KEYS_PASSPHRASE"] = None
    said = terminal.error("witness", "watch", LOG.verifier.vkey, *data, status=1)
    assert "is encrypted" in said["message"]
    assert "ed25519" not in str(said)


def test_a_database_of_an_earlier_version(terminal: Terminal, sqlite: Sqlite) -> None:
    with fresh(sqlite) as url, Store(url) as store:
        assert not store.is_sealed()
        terminal.env |= {"KVITTO_DATABASE": url}
        terminal.run("db", "upgrade", "--data", terminal.directory)
        assert store.is_sealed()
    assert (terminal.directory / "sealing.key").exists()
