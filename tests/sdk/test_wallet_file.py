import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import commitments.envelope
from commitments.errors import FormatError
from commitments.wire import canonical_json
from sdk import DamagedFile, NewerFile, Wallet, WalletError, WalletInUse, WrongPassphrase
from sdk.wallet_file import WalletFile

CONTENT = b"what only its owner knows"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flipped byte is found before the key is derived; where it is not, tests may not wait."""
    monkeypatch.setattr(commitments.envelope, "_N", 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "buyer.wallet"
    WalletFile.create(path, "correct horse", CONTENT).close()
    return path


def content_of(path: Path, passphrase: str = "correct horse") -> bytes:
    file, content = WalletFile.open(path, passphrase)
    file.close()
    return content


def rewrite(path: Path, **changes: Any) -> None:
    """What somebody does who knows the format: change members and repair the checksum."""
    document = {**json.loads(path.read_bytes()), **changes}
    del document["sha256"]
    document["sha256"] = sha256(canonical_json(document)).hexdigest()
    path.write_bytes(canonical_json(document))


def test_the_content_comes_back(path: Path) -> None:
    assert content_of(path) == CONTENT
    assert CONTENT not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_passphrase_is_the_same_in_every_unicode_form(tmp_path: Path) -> None:
    WalletFile.create(tmp_path / "w", "Gr\u00fc\u00dfe", CONTENT).close()
    assert content_of(tmp_path / "w", "Gru\u0308\u00dfe") == CONTENT


def test_a_wrong_passphrase_is_named(path: Path) -> None:
    with pytest.raises(WrongPassphrase):
        content_of(path, "correct house")
    with pytest.raises(FormatError, match="empty"):
        content_of(path, "")
    assert content_of(path) == CONTENT


def test_each_flipped_byte_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises((DamagedFile, NewerFile)):
            content_of(path)
    path.write_bytes(whole)
    assert content_of(path) == CONTENT


def test_each_truncation_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFile):
            content_of(path)
    path.write_bytes(whole + b"\n")
    with pytest.raises(DamagedFile):
        content_of(path)


def test_another_file_is_no_wallet(path: Path) -> None:
    for data in (b"", b"[]", b"{}", b'{"format":"kvitto-wallet","version":1}', b"\xff" * 64):
        path.write_bytes(data)
        with pytest.raises(DamagedFile):
            content_of(path)


def test_a_newer_file_is_not_called_damaged(path: Path) -> None:
    rewrite(path, version=2, kdf={"name": "argon2id"})
    with pytest.raises(NewerFile):
        content_of(path)


def test_somebody_changes_the_file_on_purpose(path: Path) -> None:
    document = json.loads(path.read_bytes())
    rewrite(path, nonce="AAAAAAAAAAAAAAAA")
    with pytest.raises(WrongPassphrase):
        content_of(path)
    rewrite(path, nonce=document["nonce"])
    assert content_of(path) == CONTENT


def test_somebody_asks_for_a_terabyte_of_scrypt(path: Path) -> None:
    kdf = json.loads(path.read_bytes())["kdf"]
    rewrite(path, kdf={**kdf, "n": 2**30})
    with pytest.raises(DamagedFile):
        content_of(path)
    rewrite(path, kdf=kdf)
    assert content_of(path) == CONTENT


def test_each_writing_has_a_nonce_of_its_own(path: Path) -> None:
    file, _ = WalletFile.open(path, "correct horse")
    seen = set()
    for _ in range(20):
        file.write(CONTENT)
        seen.add(json.loads(path.read_bytes())["nonce"])
    file.close()
    assert len(seen) == 20


def test_the_key_is_derived_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = WalletFile.open(path, "correct horse")
    monkeypatch.setattr(commitments.envelope, "Scrypt", None)
    file.write(b"new")
    file.close()
    monkeypatch.undo()
    monkeypatch.setattr(commitments.envelope, "_N", 2)
    assert content_of(path) == b"new"


def test_power_cut_between_writing_and_renaming(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = WalletFile.open(path, "correct horse")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            file.write(b"new")
    file.close()
    assert (path.parent / "buyer.wallet.new").exists()
    assert content_of(path) == CONTENT
    file, _ = WalletFile.open(path, "correct horse")  # what the power cut left is in no one's way
    file.write(b"new")
    file.close()
    assert content_of(path) == b"new"


def _power_cut(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["fsync", "fdopen"])
def test_a_full_disk_keeps_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    file, _ = WalletFile.open(path, "correct horse")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        with pytest.raises(WalletError, match="No space left"):
            file.write(b"new")
    file.close()
    assert content_of(path) == CONTENT


def test_content_reaches_the_disk_before_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(descriptor: int) -> None:
        order.append("fsync")
        fsync(descriptor)

    def seen_replace(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    file, _ = WalletFile.open(path, "correct horse")
    file.write(b"new")
    file.close()
    assert order == ["fsync", "rename", "fsync"]


def test_a_second_process_is_kept_out(path: Path) -> None:
    program = (
        "import sys, sdk; from sdk.wallet_file import WalletFile; from pathlib import Path\n"
        "try: WalletFile.open(Path(sys.argv[1]), 'correct horse')\n"
        "except sdk.WalletInUse: print('in use')\n"
        "except sdk.DamagedFile: print('mine')\n"  # its scrypt is not the cheap one
    )
    root = Path(__file__).parents[2]

    def other() -> str:
        command = [sys.executable, "-c", program, str(path)]
        return subprocess.run(
            command, cwd=root, capture_output=True, check=True, text=True
        ).stdout.strip()

    file, _ = WalletFile.open(path, "correct horse")
    assert other() == "in use"
    file.close()
    assert other() == "mine"


def test_a_wallet_is_open_once(path: Path) -> None:
    file, _ = WalletFile.open(path, "correct horse")
    with pytest.raises(WalletInUse):
        WalletFile.open(path, "correct horse")
    file.close()
    with pytest.raises(WalletError, match="closed"):
        file.write(b"new")
    assert content_of(path) == CONTENT


def test_a_forgotten_wallet_unlocks_itself(path: Path) -> None:
    WalletFile.open(path, "correct horse")
    assert content_of(path) == CONTENT


def test_a_failed_opening_unlocks(path: Path) -> None:
    with pytest.raises(WrongPassphrase):
        WalletFile.open(path, "correct house")
    assert content_of(path) == CONTENT


def test_creating_overwrites_nothing(path: Path) -> None:
    with pytest.raises(WalletError, match="there is a file"):
        Wallet.create(path, "another")
    assert content_of(path) == CONTENT


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(WalletError, match="No such file"):
        Wallet.open(tmp_path / "none", "x")
    with pytest.raises(WalletError, match="No such file"):
        Wallet.create(tmp_path / "nowhere" / "w", "x")
