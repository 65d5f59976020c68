"""The logs' private keys at rest."""

from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, select, text, update

import api.service  # noqa: F401 - all rooms, and so all tables
from commitments.errors import FormatError
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.migrate import _config
from ledger.note import Signer
from ledger.schema import private_keys
from ledger.sealing import NoSealingKey, SealingKey, WrongSealingKey
from ledger.store import Store
from tests.databases import SEALING, Databases, files_of, fresh
from tests.ledger.memory_log import ORIGIN, purchase

SEED = b"the seed of a log, thirty-two byt"[:32]
OTHER = "ledger.example/other"


def size(store: Store, origin: str = ORIGIN) -> int:
    with store.log(origin) as log:
        return open_checkpoint(log.checkpoint(), Signer(origin, SEED).verifier).size


# ---- sealing


@pytest.mark.hypothesis
@given(st.text(max_size=50), st.binary(max_size=100))
def test_what_is_sealed_comes_back(use: str, secret: bytes) -> None:
    sealed = SEALING.seal(use, secret)
    assert SEALING.open(use, sealed) == secret
    assert SealingKey.parse(SEALING.encode()).open(use, sealed) == secret
    assert SEALING.seal(use, secret) != sealed  # a nonce of its own each time


@pytest.mark.parametrize("place", range(12 + 32 + 16))
def test_each_byte_is_authenticated(place: int) -> None:
    sealed = SEALING.seal("use", SEED)
    assert len(sealed) == 12 + 32 + 16
    changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
    for damaged in (changed, sealed[:place]):
        with pytest.raises(WrongSealingKey):
            SEALING.open("use", damaged)


def test_a_secret_opens_for_its_own_use_only() -> None:
    sealed = SEALING.seal("use", SEED)
    with pytest.raises(WrongSealingKey):
        SEALING.open("another use", sealed)
    with pytest.raises(WrongSealingKey):
        SealingKey.create().open("use", sealed)


@pytest.mark.parametrize(
    "line",
    [b"", b"00" * 31 + b"\n", b"00" * 33 + b"\n", b"0A" * 32 + b"\n", b" " + b"00" * 32 + b"\n",
     b"00" * 32, b"00" * 32 + b"\n\n", b"\xff\n"],
)  # fmt: skip
def test_a_file_that_is_no_sealing_key(line: bytes) -> None:
    with pytest.raises(FormatError):
        SealingKey.parse(line)


def test_nothing_shows_the_key() -> None:
    shown = f"{SEALING!r} {SEALING} {SEALING.id.hex()}"
    assert SEALING.encode().decode().strip() not in shown
    assert SealingKey.create().id != SEALING.id


# ---- in the database


@pytest.fixture
def url(database: str) -> str:
    with Store(database, sealing=SEALING) as store:
        store.create()
        for origin in (ORIGIN, OTHER):
            store.create_log(origin, SEED if origin == ORIGIN else b"o" * 32)
    return database


def write(store: Store, entry: int = 0, origin: str = ORIGIN) -> None:
    store.write(lambda transaction: transaction.append(origin, [purchase(entry)]))


def test_a_log_is_continued_with_the_same_sealing_key(url: str) -> None:
    with Store(url, sealing=SealingKey.parse(SEALING.encode())) as store:
        write(store)
        assert size(store) == 1


def test_without_the_key_everything_can_be_read_and_nothing_signed(url: str) -> None:
    with Store(url) as store:
        assert size(store) == 0
        with pytest.raises(NoSealingKey):
            write(store)
        with pytest.raises(NoSealingKey):
            store.create_log("ledger.example/third", SEED)
        assert size(store) == 0


def test_the_key_of_another_service_is_refused(url: str) -> None:
    with Store(url, sealing=SealingKey.create()) as store:
        with pytest.raises(WrongSealingKey, match="another sealing key"):
            store.create()
        with pytest.raises(WrongSealingKey):
            write(store)
        with pytest.raises(WrongSealingKey):
            store.create_log("ledger.example/third", SEED)
        assert size(store) == 0


def test_keys_that_somebody_has_exchanged_are_refused(url: str) -> None:
    """Whoever can write to the database must not make one log sign with the key of another."""

    def rewrite(connection: Connection) -> None:
        other = select(private_keys.c.sealed).where(private_keys.c.vkey.startswith(OTHER))
        sealed = connection.scalars(other).one()
        connection.execute(update(private_keys).values(sealed=sealed))

    with Store(url, sealing=SEALING) as store:
        store.write(lambda transaction: rewrite(transaction.connection))
        with pytest.raises(WrongSealingKey):
            write(store)
        write(store, origin=OTHER)


def test_a_key_under_a_false_name_is_refused(url: str) -> None:
    """Sealed for the name it bears, and not the key of that name."""
    vkey = Signer(ORIGIN, SEED).verifier.vkey
    sealed = SEALING.seal(vkey, b"x" * 32)
    mine = update(private_keys).where(private_keys.c.vkey == vkey).values(sealed=sealed)
    with Store(url, sealing=SEALING) as store:
        store.write(lambda transaction: transaction.connection.execute(mine))
        with pytest.raises(WrongSealingKey, match="its verifier key"):
            write(store)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_no_private_key_is_in_the_files(url: str) -> None:
    with Store(url, sealing=SEALING) as store:
        write(store)
        assert not any(SEED in file.read_bytes() for file in files_of(url))


# ---- databases of earlier versions


def _as_before(connection: Connection) -> None:
    """A database whose private keys lie there as they are."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0004")
    signer = Signer(ORIGIN, SEED)
    checkpoint = signer.sign_note(Checkpoint(ORIGIN, 0, _EMPTY).text()).serialise()
    log = {"origin": ORIGIN, "vkey": signer.verifier.vkey, "root": _EMPTY, "checkpoint": checkpoint}
    connection.execute(
        text(
            "INSERT INTO logs (id, origin, vkey, size, root, checkpoint)"
            " VALUES (1, :origin, :vkey, 0, :root, :checkpoint)"
        ),
        log,
    )
    connection.execute(
        text("INSERT INTO log_keys (log_id, private_key) VALUES (1, :key)"), {"key": SEED}
    )


_EMPTY = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


@pytest.fixture
def plain(databases: Databases) -> str:
    url = databases.make_empty()
    with Store(url) as store, store._writer.begin() as connection:
        _as_before(connection)
    return url


def test_keys_of_an_earlier_version_become_sealed(plain: str) -> None:
    with Store(plain, sealing=SEALING) as store:
        store.create()
        write(store)
        assert size(store) == 1
        store.check()
        assert store.is_sealed()
        with store.read() as connection:
            assert SEED not in connection.scalars(select(private_keys.c.sealed)).one()
    with Store(plain) as again, pytest.raises(NoSealingKey):
        write(again, 1)


def _keep_what_is_deleted(connection: Any, _record: Any) -> None:
    """As SQLite does where it was not compiled otherwise."""
    connection.execute("PRAGMA secure_delete = OFF").close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_nothing_of_them_stays_in_the_files(plain: str) -> None:
    with Store(plain) as reader, reader.read() as connection:
        connection.execute(text("SELECT 1"))  # the write-ahead log is not removed by a last close
        assert any(SEED in file.read_bytes() for file in files_of(plain))
        connection.rollback()
        with Store(plain, sealing=SEALING) as store:
            event.listen(store._writer, "connect", _keep_what_is_deleted)
            store.create()
            assert not any(SEED in file.read_bytes() for file in files_of(plain))


def test_they_stay_as_they_are_without_a_sealing_key(plain: str) -> None:
    with Store(plain) as store:
        with pytest.raises(NoSealingKey):
            store.create()
        with store.read() as connection:
            assert connection.scalars(text("SELECT private_key FROM log_keys")).one() == SEED
        assert not store.is_sealed()
    with Store(plain, sealing=SEALING) as store:
        store.create()
        write(store)


def test_a_fresh_database_waits_for_its_first_sealing_key(databases: Databases) -> None:
    with fresh(databases) as url, Store(url) as store:
        store.create()
        assert not store.is_sealed()
        with Store(url, sealing=SEALING) as sealing:
            sealing.create()
        assert store.is_sealed()
