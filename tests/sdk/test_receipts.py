from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commitments.errors import FormatError, KvittoError, Refused, VerificationError
from commitments.p256 import P256
from issuer.orders import Order
from ledger.checkpoint import Checkpoint, sign
from ledger.merkle import build_inclusion, build_root, leaf_hash
from ledger.note import Signer
from ledger.tlog_proof import TlogProof
from sdk import Shop, Wallet, WalletError
from tests.ledger.memory_log import LeafReader
from tests.sdk.shop_server import ShopServer
from tests.world import KETTLE, ORIGIN
from zk.issuance import verify_request


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    return server.wallet()


@pytest.fixture
def receipt(server: ShopServer, wallet: Wallet) -> dict[str, Any]:
    return server.receipt(wallet, "1001", server.world.sale(batch="L1"))


def refused(
    server: ShopServer, wallet: Wallet, receipt: Any, kind: type[KvittoError], match: str
) -> None:
    """The receipt is refused and changes nothing; the true one is still accepted."""
    pending = wallet.pending
    with pytest.raises(kind, match=match):
        wallet.accept(server.shop(), receipt)
    assert wallet.pending == pending
    assert not wallet.purchases


def test_a_receipt_is_accepted_and_its_request_dropped(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    purchase = wallet.accept(server.shop(), receipt)
    assert (purchase.order, purchase.index, purchase.sale.batch) == ("1001", 8, "L1")
    assert wallet.purchases == (purchase,)
    assert wallet.pending == ()
    with server.world.store.log(ORIGIN) as log:
        assert log.entry(8) == b"\x01" + purchase.commitment


def test_the_same_receipt_again_changes_nothing(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    first = wallet.accept(server.shop(), receipt)
    assert wallet.accept(server.shop(), receipt) == first
    other = {**receipt, "sale": {**receipt["sale"], "price": 1}}
    with pytest.raises(WalletError, match="no request"):
        wallet.accept(server.shop(), other)


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 24_901},
        {"price": 0},
        {"date": "2026-11-16"},
        {"product": "other"},
        {"currency": "SEK"},
        {"batch": None},
        {"batch": "L2"},
        {"unit": "SN-1"},
    ],
)
def test_receipt_with_another_attribute_is_refused(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any], changes: dict[str, Any]
) -> None:
    forged = {**receipt, "sale": {**receipt["sale"], **changes}}
    refused(server, wallet, forged, VerificationError, "does not hold this sale")
    assert wallet.accept(server.shop(), receipt).order == "1001"


def test_the_same_product_in_another_spelling_is_the_same(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    respelt = {**receipt, "sale": {**receipt["sale"], "product": KETTLE.zfill(14)}}
    assert wallet.accept(server.shop(), respelt).order == "1001"


def test_someone_elses_receipt_is_refused(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    other = server.wallet()
    theirs = server.receipt(other, "1002", server.world.sale())
    refused(server, wallet, theirs, WalletError, "no request")
    refused(server, wallet, {**theirs, "order": "1001"}, VerificationError, "wallet's keys")
    assert wallet.accept(server.shop(), receipt).order == "1001"
    assert other.accept(server.shop(), theirs).order == "1002"


def test_merchant_records_the_order_under_other_keys(server: ShopServer, wallet: Wallet) -> None:
    """A merchant who swaps the request could claim in the buyer's place."""
    mine = wallet.request(server.shop(), "1001")
    swapped = server.wallet().request(ORIGIN, "1001")
    sale = server.world.sale()
    order = Order("1001", sale, swapped)
    receipt = server.world.issuer.record(server.world.merchant, order)
    refused(server, wallet, receipt, VerificationError, "wallet's keys")
    assert mine != swapped


@pytest.mark.parametrize(
    ("changes", "kind", "match"),
    [
        ({"index": 7}, VerificationError, "another entry"),
        ({"index": -1}, FormatError, "not an index"),
        ({"index": True}, FormatError, "not an index"),
        ({"origin": "ledger.example/other"}, VerificationError, "another merchant"),
        ({"order": "1002"}, WalletError, "no request"),
        ({"type": "slip"}, FormatError, "receipt"),
        ({"proof": "c2sp.org/tlog-proof@v1\n"}, FormatError, "tlog-proof"),
        ({"proof": None}, FormatError, "not text"),
        ({"extra": 1}, FormatError, "members"),
        ({"sale": None}, FormatError, "not an object"),
    ],
)
def test_receipt_with_another_member_is_refused(
    server: ShopServer,
    wallet: Wallet,
    receipt: dict[str, Any],
    changes: dict[str, Any],
    kind: type[KvittoError],
    match: str,
) -> None:
    refused(server, wallet, {**receipt, **changes}, kind, match)
    assert wallet.accept(server.shop(), receipt).order == "1001"


def test_proof_of_another_log_is_refused(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    """The merchant signs a second log for one buyer, with a key that nobody else knows."""
    purchase = wallet.accept(server.shop(), receipt)
    victim = server.wallet()
    other = server.receipt(victim, "1002", server.world.sale())
    leaf = leaf_hash(b"\x01" + purchase.commitment)
    note = sign(Checkpoint(ORIGIN, 1, leaf), Signer(ORIGIN, b"k" * 32))
    proof = TlogProof(0, (), note).serialise().decode()
    refused(server, victim, {**other, "index": 0, "proof": proof}, VerificationError, "known key")
    assert victim.accept(server.shop(), other).order == "1002"


def test_proof_under_a_key_that_is_no_longer_the_logs(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    """The wallet has pinned the log's keys; a new one comes with a new name, not by itself."""
    new = Signer(ORIGIN, b"n" * 32)
    proof = TlogProof.parse(receipt["proof"].encode())
    with server.world.store.log(ORIGIN) as log:
        note = sign(Checkpoint(ORIGIN, log.size, log.root(log.size)), new)
    renewed = replace(proof, checkpoint=note).serialise().decode()
    server.lies["/v1/merchants/acme"] = lambda honest: {
        **honest,
        "purchases_vkey": new.verifier.vkey,
    }
    refused(server, wallet, {**receipt, "proof": renewed}, VerificationError, "known key")
    server.lies.clear()
    assert wallet.accept(server.shop(), receipt).order == "1001"


def test_a_forked_receipt_is_recognised(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    """Two heads of one size, both signed by the merchant: one log is for this buyer only."""
    wallet.accept(server.shop(), receipt)
    second = server.receipt(wallet, "1002", server.world.sale())
    with server.world.store.log(ORIGIN) as log:
        entry = log.entry(second["index"])
    private = LeafReader([leaf_hash(entry), *(leaf_hash(b"%d" % n) for n in range(8))])
    head = Checkpoint(ORIGIN, 9, build_root(private, 9))  # of the size that the wallet has seen
    note = sign(head, server.signer(ORIGIN))
    proof = TlogProof(0, tuple(build_inclusion(private, 0, 9)), note).serialise().decode()
    with pytest.raises(VerificationError, match="another root"):
        wallet.accept(server.shop(), {**second, "index": 0, "proof": proof})
    assert wallet.accept(server.shop(), second).order == "1002"


def test_asking_again_gives_the_same_request(server: ShopServer, wallet: Wallet) -> None:
    first = wallet.request(server.shop(), "1001")
    assert wallet.request(ORIGIN, "1001") == first
    assert len(wallet.pending) == 1


def test_no_key_serves_two_orders(wallet: Wallet) -> None:
    requests = {wallet.request(ORIGIN, f"{n}").commitment for n in range(5)}
    scalars = {
        scalar
        for pending in wallet.pending
        for scalar in (pending.keys.serial_0, pending.keys.secret, pending.keys.blinding)
    }
    assert len(requests) == 5
    assert len(scalars) == 15


def test_a_request_verifies_for_its_order_only(wallet: Wallet) -> None:
    request = wallet.request(ORIGIN, "1001")
    assert verify_request(P256, ORIGIN, "1001", request)
    with pytest.raises(VerificationError):
        verify_request(P256, ORIGIN, "1002", request)
    with pytest.raises(VerificationError):
        verify_request(P256, "ledger.example/other", "1001", request)


def test_no_second_request_for_an_order_that_has_its_receipt(
    server: ShopServer, wallet: Wallet, receipt: dict[str, Any]
) -> None:
    wallet.accept(server.shop(), receipt)
    with pytest.raises(WalletError, match="receipt of this order"):
        wallet.request(server.shop(), "1001")


@pytest.mark.parametrize("order", ["", "a\nb", "x" * 201, " 1"])
def test_an_order_that_no_shop_would_take(wallet: Wallet, order: str) -> None:
    with pytest.raises(FormatError):
        wallet.request(ORIGIN, order)
    assert not wallet.pending


def test_a_slip_is_redeemed(server: ShopServer, wallet: Wallet) -> None:
    (slip,) = server.world.print_slips(server.world.sale())
    shop = server.shop()
    receipt = shop.redeem(slip.code, wallet.request(shop, slip.code))
    assert wallet.accept(shop, receipt).order == slip.code
    with pytest.raises(Refused) as caught:
        shop.redeem(slip.code, server.wallet().request(shop, slip.code))
    assert caught.value.code == "already-redeemed"


def test_keys_are_on_the_disk_before_the_request_is_handed_out(
    server: ShopServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "buyer.wallet"
    with Wallet.create(path, "passphrase", clock=server.world.clock) as wallet:
        request = wallet.request(server.shop(), "1001")
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", _fails)
            with pytest.raises(WalletError):
                wallet.request(server.shop(), "1002")
        assert [pending.order for pending in wallet.pending] == ["1001"]
    with Wallet.open(path, "passphrase", clock=server.world.clock) as wallet:
        assert wallet.request(server.shop(), "1001") == request
        order = Order("1001", server.world.sale(), request)
        receipt = server.world.issuer.record(server.world.merchant, order)
        purchase = wallet.accept(server.shop(), receipt)
    with Wallet.open(path, "passphrase") as wallet:
        assert wallet.purchases == (purchase,)
        assert wallet.purchases[0].opening == purchase.opening


def _fails(*_: Any) -> None:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.example",
        "ftp://shop.example",
        "http://",
        "https://a:b",
        "https://a/?b=c",
        "https://a/#b",
        "https://name@a",
        "https://:password@a",
        "http://name:password@localhost",
    ],
)
def test_a_shop_needs_the_url_of_a_service(url: str) -> None:
    with pytest.raises(FormatError):
        Shop(url, "acme")
    assert Shop("https://a:8000/", "acme").address == "https://a:8000/v1/merchants/acme"


@pytest.mark.parametrize("host", ["shop.example", "localhost.shop.example", "127.0.0.2", "[::2]"])
def test_somebody_on_the_way_reads_and_changes_plain_http(host: str) -> None:
    with pytest.raises(FormatError, match="use https"):
        Shop(f"http://{host}", "acme")
    for shop in (Shop(f"http://{host}", "acme", insecure=True), Shop(f"https://{host}", "acme")):
        assert host in shop.address


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_plain_http_within_one_machine(host: str) -> None:
    assert Shop(f"http://{host}", "acme").address == f"http://{host}/v1/merchants/acme"


@pytest.mark.parametrize("merchant", ["", "ACME", "../x", "a b", "a" * 41])
def test_a_shop_needs_a_merchants_id(merchant: str) -> None:
    with pytest.raises(FormatError):
        Shop("https://shop.example", merchant)
