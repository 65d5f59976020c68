"""What the wallet keeps of what it fetched: nothing of it is believed, and nothing tells."""

import os
from pathlib import Path
from typing import Any

import pytest

import commitments.envelope
from commitments.errors import VerificationError
from commitments.wire import canonical_json, parse_json
from sdk import NotEligible, NotKept, Wallet, WalletError
from sdk.kept_answers import Answer, KeptFiles, KeptInMemory
from tests.sdk.shop_server import BASE, ShopServer
from tests.world import WARRANTY

KEY = bytes(32)
URL = f"{BASE}/logs/acme/purchases/tile/0/000"


def answer(content: bytes = b"tile") -> Answer:
    return Answer("application/octet-stream", content)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitments.envelope, "_N", 2)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "buyer.wallet.kept"


@pytest.fixture
def wallet(server: ShopServer, tmp_path: Path) -> Wallet:
    path = tmp_path / "buyer.wallet"
    wallet = Wallet.create(path, "correct horse", clock=server.world.clock, smallest_ring=2)
    server.sell(wallet, "1001")
    server.world.close()
    return wallet


def preview_offline(server: ShopServer, wallet: Wallet) -> tuple[str, ...]:
    """What it would show; that it asked nobody is checked here."""
    asked = len(server.requests)
    try:
        with server.shop() as shop:
            return wallet.preview_offline(shop, "warranty-2y", remedy="repair").learns
    finally:
        assert len(server.requests) == asked


def preview(server: ShopServer, wallet: Wallet) -> tuple[str, ...]:
    with server.shop() as shop:
        return wallet.preview(shop, "warranty-2y", remedy="repair").learns


def test_a_preview_without_the_network_shows_what_the_last_one_did(
    server: ShopServer, wallet: Wallet, tmp_path: Path
) -> None:
    with pytest.raises(NotKept):
        preview_offline(server, wallet)
    shown = preview(server, wallet)
    assert preview_offline(server, wallet) == shown
    wallet.close()
    path = tmp_path / "buyer.wallet"
    with Wallet.open(path, "correct horse", clock=server.world.clock, smallest_ring=2) as again:
        assert preview_offline(server, again) == shown


def test_after_a_claim_it_says_that_no_claim_is_left(server: ShopServer, wallet: Wallet) -> None:
    assert wallet.claim(server.shop(), "warranty-2y", remedy="repair").decision == "approved"
    with pytest.raises(NotEligible, match="its one claim has been made"):
        preview_offline(server, wallet)


def test_a_preview_without_the_network_is_not_sent(server: ShopServer, wallet: Wallet) -> None:
    preview(server, wallet)
    shop = server.shop()
    made = wallet.preview_offline(shop, "warranty-2y", remedy="repair")
    with pytest.raises(WalletError, match="without the network"):
        wallet.send(shop, made)
    assert wallet.claims == ()
    assert not any(path.endswith("/claims") for path in server.paths())


@pytest.mark.parametrize("damage", [b"", b"short", b"\x00" * 200])
def test_a_damaged_file_is_a_miss(
    server: ShopServer, wallet: Wallet, directory: Path, damage: bytes
) -> None:
    shown = preview(server, wallet)
    for file in sorted(directory.iterdir()):
        honest = file.read_bytes()
        file.write_bytes(damage or honest[:-1])
        with pytest.raises(NotKept):
            preview_offline(server, wallet)
        assert preview(server, wallet) == shown  # which keeps it anew
        assert preview_offline(server, wallet) == shown


def test_files_that_change_places_are_misses(
    server: ShopServer, wallet: Wallet, directory: Path
) -> None:
    preview(server, wallet)
    first, second = sorted(directory.iterdir())[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(NotKept):
        preview_offline(server, wallet)


def test_who_has_the_key_cannot_forge_a_ring(
    server: ShopServer, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from the network: the evidence is verified, whoever has written the file."""
    kept = KeptInMemory()
    monkeypatch.setattr(wallet, "_kept", kept)
    shown = preview(server, wallet)
    (url,) = (str(r.url) for r in server.requests if r.url.path.endswith("/ring"))
    honest = kept.find(url)
    assert honest is not None
    forged = parse_json(honest.content)
    forged["ring"]["entries"][1] = forged["ring"]["entries"][2]
    kept.keep({url: honest._replace(content=canonical_json(forged))})
    with pytest.raises(NotKept):
        preview_offline(server, wallet)
    kept.keep({url: honest})
    assert preview_offline(server, wallet) == shown


def test_an_answer_that_was_seen_to_be_old_is_a_miss(
    server: ShopServer, wallet: Wallet, directory: Path
) -> None:
    preview(server, wallet)
    old = {file: file.read_bytes() for file in directory.iterdir()}
    server.world.publish(WARRANTY, version=2)
    preview(server, wallet)
    for file, content in old.items():
        file.write_bytes(content)
    with pytest.raises(NotKept):
        preview_offline(server, wallet)


def other_time(honest: Any) -> Any:
    honest["events"][-1]["event"]["time"] = "2026-01-01T00:00:00Z"
    return honest


def test_what_did_not_hold_is_not_kept(server: ShopServer, wallet: Wallet, directory: Path) -> None:
    shown = preview(server, wallet)
    before = {file: file.read_bytes() for file in directory.iterdir()}
    server.lies["/events"] = other_time
    with pytest.raises(VerificationError):
        preview(server, wallet)
    assert {file: file.read_bytes() for file in directory.iterdir()} == before
    assert preview_offline(server, wallet) == shown


def test_what_is_kept_replaces_no_request(server: ShopServer, wallet: Wallet) -> None:
    """Who was here before asks for the same as who was not."""
    server.requests.clear()
    preview(server, wallet)
    first = sorted(server.paths())
    server.requests.clear()
    preview(server, wallet)
    assert sorted(server.paths()) == first
    assert any(path.endswith("/ring") for path in server.paths())
    assert any("/tile/" in path for path in server.paths())


def test_names_and_contents_say_nothing(
    server: ShopServer, wallet: Wallet, directory: Path
) -> None:
    preview(server, wallet)
    files = list(directory.iterdir())
    assert len(files) >= 5
    assert directory.stat().st_mode & 0o077 == 0
    for file in files:
        assert file.stat().st_mode & 0o077 == 0
        bytes.fromhex(file.name)
        content = file.read_bytes()
        assert not any(word in content for word in (b"acme", b"json", b"ring", b"entries"))


def test_the_oldest_give_way(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept", KEY, most_bytes=1000)
    for number in range(10):
        kept.keep({f"{URL}{number}": answer(bytes(200))})
        os.utime(kept._path(f"{URL}{number}"), ns=(number, number))
    found = [number for number in range(10) if kept.find(f"{URL}{number}")]
    assert found == [7, 8, 9]
    in_memory = KeptInMemory(most_bytes=1000)
    for number in range(10):
        in_memory.keep({f"{URL}{number}": answer(bytes(200))})
    assert [n for n in range(10) if in_memory.find(f"{URL}{n}")] == [5, 6, 7, 8, 9]


def test_a_disk_that_fails_keeps_nothing_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"no directory")
    kept = KeptFiles(tmp_path / "kept", KEY)
    kept.keep({URL: answer()})
    assert kept.find(URL) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept", KEY)
    kept.keep({URL: answer(b"old")})
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    kept._path(URL).with_suffix(".new").symlink_to(target)
    kept.keep({URL: answer(b"new")})
    assert target.read_bytes() == b"precious"
