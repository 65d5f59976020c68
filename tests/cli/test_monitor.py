"""``kvitto log monitor`` and ``verify-fork``; and what a wallet keeps of a fork."""

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import sign
from ledger.note import Signer
from tests.cli.terminal import OPERATOR, PASSPHRASE, Terminal, running_service
from tests.ledger.served import LOG, Files, History
from witness.keys import WitnessKeys

HONEST = History(700)
FORK = History(700, fork_at=290)
VKEY = LOG.verifier.vkey


@pytest.fixture
def auditor(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def publish(auditor: Terminal, files: Files) -> Path:
    """The files of a log in a directory, instead of what was there."""
    directory = auditor.directory / "log"
    shutil.rmtree(directory, ignore_errors=True)
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return directory


def monitor(auditor: Terminal, files: Files, *more: str | Path, status: int) -> Any:
    state = auditor.directory / "state"
    command = ("log", "monitor", publish(auditor, files), "--key", VKEY, "--state", state)
    return auditor.json(*command, *more, status=status)


def test_growth_is_told_from_rest(auditor: Terminal) -> None:
    state = auditor.directory / "state"
    said = monitor(auditor, HONEST.files(300), status=0)
    assert said == {"origin": LOG.name, "before": None, "size": 300, "state": str(state)}
    assert state.read_bytes() == HONEST.note(300)
    assert monitor(auditor, HONEST.files(300), status=3)["size"] == 300
    said = monitor(auditor, HONEST.files(700), "--entries", status=0)
    assert (said["before"], said["size"]) == (300, 700)
    assert state.read_bytes() == HONEST.note(700)


def test_what_an_earlier_key_has_signed_is_still_known(auditor: Terminal) -> None:
    successor = Signer(LOG.name, b"n" * 32)
    monitor(auditor, HONEST.files(300), status=0)
    files = HONEST.files(700)
    files["checkpoint"] = sign(HONEST.checkpoint(700), successor)
    assert monitor(auditor, files, status=1)["error"]["type"] == "not-verified"
    rotated = ("--key", successor.verifier.vkey)
    assert monitor(auditor, files, *rotated, status=0)["before"] == 300
    # And with that key known, the older one alone is believed no more.
    refused = monitor(auditor, HONEST.files(700), *rotated, status=1)
    assert refused["error"]["type"] == "not-verified"


def test_what_does_not_hold_changes_nothing(auditor: Terminal) -> None:
    monitor(auditor, HONEST.files(300), status=0)
    false_tile, false_entry, gone = (HONEST.files(700) for _ in range(3))
    false_tile["tile/0/001"] = bytes(256 * 32)
    false_entry["tile/entries/001"] = bytes(256 * 2)
    del gone["checkpoint"]
    keys = WitnessKeys.create("w.example").public()["cosignature_keys"]
    policy = auditor.file("policy", f"witness w {keys[0]}\nquorum w\n")
    for files, options, status, kind, why in (
        (false_tile, (), 1, "not-verified", "tiles served"),
        (false_entry, ("--entries",), 1, "not-verified", "entries served"),
        (HONEST.files(299), (), 1, "not-verified", "an old checkpoint"),
        (HONEST.files(700), ("--quorum", policy), 1, "not-verified", "keys follow --new-quorum"),
        (gone, (), 4, "not-served", "no checkpoint in the directory"),
        (Files({**HONEST.files(700), "checkpoint": b"junk"}), (), 2, "malformed", "signature"),
    ):
        error = monitor(auditor, files, *options, status=status)["error"]
        assert error["type"] == kind
        assert why in error["message"]
        assert (auditor.directory / "state").read_bytes() == HONEST.note(300)
    nowhere = ["log", "monitor", "http://127.0.0.1:1/log", "--key", VKEY]
    error = auditor.error(*nowhere, "--state", auditor.directory / "state", status=4)
    assert error["type"] == "log-unreachable"
    assert not list(auditor.directory.glob("*.fork"))
    assert monitor(auditor, HONEST.files(700), status=0)["before"] == 300


def test_a_fork_is_proven_to_anybody(auditor: Terminal) -> None:
    monitor(auditor, HONEST.files(300), status=0)
    error = monitor(auditor, FORK.files(700), status=5)["error"]
    assert error["type"] == "forked"
    (proof,) = map(Path, error["proofs"])
    assert proof == auditor.directory / "state.fork"
    assert stat.S_IMODE(proof.stat().st_mode) == 0o600
    assert (auditor.directory / "state").read_bytes() == HONEST.note(300)
    first = proof.read_bytes()
    monitor(auditor, FORK.files(512), status=5)
    assert proof.read_bytes() == first  # one is as good as the other

    said = auditor.json("log", "verify-fork", proof, "--key", VKEY)
    assert said == {
        "origin": LOG.name,
        "size": 300,
        "root": HONEST.checkpoint(300).root.hex(),
        "other_root": FORK.checkpoint(300).root.hex(),
        "shown_at": 700,
    }
    assert "has forked" in auditor.run("log", "verify-fork", proof, "--key", VKEY).stdout
    stranger = Signer(LOG.name, b"s" * 32).verifier.vkey
    auditor.run("log", "verify-fork", proof, "--key", stranger, "--key", VKEY)
    auditor.error("log", "verify-fork", proof, "--key", stranger, status=1)
    junk = auditor.file("junk", first[:-1])
    auditor.error("log", "verify-fork", junk, "--key", VKEY, status=2)


def test_a_state_of_another_log_is_not_used(auditor: Terminal) -> None:
    state = auditor.file("state", b"")
    for content in (b"", b"junk", Signer("other", b"o" * 32).sign_note("other\n").serialise()):
        state.write_bytes(content)
        error = monitor(auditor, HONEST.files(700), status=2)["error"]
        assert error["field"] == str(state)
        assert state.read_bytes() == content


def test_each_log_has_a_state_of_its_own(
    auditor: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(auditor.directory))
    command = ("log", "monitor", publish(auditor, HONEST.files(5)), "--key", VKEY)
    said = auditor.json(*command)
    state = Path(said["state"])
    assert state.parent == auditor.directory / ".kvitto" / "monitor"
    assert state.read_bytes() == HONEST.note(5)
    auditor.json(*command, status=3)


def shop_of(directory: Path) -> Terminal:
    (directory / "shop").mkdir()
    env: dict[str, str | None] = {
        "KVITTO_OPERATOR_KEY": OPERATOR,
        "KVITTO_MERCHANT": "acme",
        "KVITTO_PASSPHRASE": PASSPHRASE,
        "KVITTO_WALLET": str(directory / "wallet"),
    }
    return Terminal(directory, env)


def test_a_service_that_goes_back_to_a_backup_is_found_out(tmp_path: Path) -> None:
    """No malice: the log has forked all the same, and its key has signed both histories."""
    shop, other = shop_of(tmp_path), tmp_path / "other"
    shop.json("wallet", "create")
    with running_service(tmp_path / "shop") as url:
        shop.env["KVITTO_URL"] = url
        created = shop.json("merchant", "create", "acme", "--name", "Acme", "--period", "manual")
        shop.env["KVITTO_API_KEY"] = created["api_key"]
        vkey = created["purchases_vkey"]
        shop.buy("1")
    shutil.copytree(tmp_path / "shop", tmp_path / "backup")
    command = ("log", "monitor", "--key", vkey, "--state", tmp_path / "state", "--entries")
    with running_service(tmp_path / "shop") as url:
        shop.env["KVITTO_URL"] = url
        shop.buy("2")
        assert shop.json(*command, f"{url}/logs/acme/purchases")["size"] == 2
    with running_service(tmp_path / "backup") as url:
        shop.env |= {"KVITTO_URL": url, "KVITTO_WALLET": str(other)}
        shop.json("wallet", "create")
        shop.buy("3")
        by_monitor = shop.json(*command, f"{url}/logs/acme/purchases", status=5)["error"]
        shop.env["KVITTO_WALLET"] = str(tmp_path / "wallet")
        claim = ["wallet", "claim", "warranty-2y", "--remedy", "repair"]
        by_wallet = shop.json(*claim, "--yes", status=5)["error"]
    for error, file in ((by_monitor, "state.fork"), (by_wallet, "wallet.fork")):
        assert error["proofs"] == [str(tmp_path / file)]
        said = shop.json("log", "verify-fork", tmp_path / file, "--key", vkey)
        assert (said["size"], said["shown_at"]) == (2, 2)
