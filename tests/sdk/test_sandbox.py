"""Wallets for sandboxes, and sandboxes that would be taken for shops."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from commitments.sandbox import MOST_AHEAD, is_sandbox, sandbox_origin
from issuer.orders import Order
from ledger.events import events_origin
from ledger.note import Signer
from sdk import Shop, Wallet
from sdk.errors import UnexpectedAnswer, WalletError, WrongWallet
from sdk.state import State
from sdk.state_versions import VERSION
from tests.sdk.shop_server import BASE, ShopServer

ORIGIN = "ledger.example/test/acme-test"
WORDS = "abandon " * 11 + "about"


class Sandbox:
    """A service's answers about its sandbox, as far as a wallet comes that refuses it."""

    def __init__(self, server: ShopServer) -> None:
        self.server = server
        self.ahead: Any = 0

    def shop(self) -> Shop:
        return Shop(BASE, "acme-test", transport=httpx.MockTransport(self))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/clock"):
            shown = {"time": "2026-11-21T12:00:00Z", "ahead": self.ahead}
            return httpx.Response(200, json=shown)
        assert request.url.path == "/v1/merchants/acme-test"
        purchases, events = (
            Signer(origin, b"k" * 32).verifier.vkey for origin in (ORIGIN, events_origin(ORIGIN))
        )
        keys = {"purchases_vkey": purchases, "events_vkey": events}
        return httpx.Response(200, json={"id": "acme-test", "origin": ORIGIN, **keys})


@pytest.fixture
def sandbox(server: ShopServer) -> Sandbox:
    return Sandbox(server)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("ledger.example/test/acme-test", True),
        ("ledger.example/test/acme-test/events", True),
        ("ledger.example:8000/eu/test/acme-test", True),
        ("ledger.example/acme", False),
        ("ledger.example/acme/events", False),
        ("ledger.example/acme-test", False),
        ("ledger.example/test", False),  # a shop of that name
        ("ledger.example/test/events", False),  # and its event log
        ("test/acme", False),
        ("test.example/acme", False),
        ("ledger.example/testing/acme", False),
        ("ledger.example/TEST/acme", False),
    ],
)
def test_an_origin_says_whether_it_is_a_sandbox(origin: str, expected: bool) -> None:  # noqa: FBT001
    assert is_sandbox(origin) is expected


def test_every_sandbox_is_made_with_an_origin_that_says_so() -> None:
    for name in ("ledger.example", "test", "a/b", "localhost:8000"):
        origin = sandbox_origin(name, "acme-test")
        assert is_sandbox(origin)
        assert is_sandbox(events_origin(origin))
        assert not is_sandbox(f"{name}/acme-test")


def test_a_wallet_takes_nothing_of_a_sandbox(server: ShopServer, sandbox: Sandbox) -> None:
    wallet = server.wallet()
    before = wallet._state
    for ask in (
        lambda: wallet.request(sandbox.shop(), "1"),
        lambda: wallet.request(ORIGIN, "1"),
        lambda: wallet.look(sandbox.shop()),
        lambda: wallet.restore(sandbox.shop()),
        lambda: wallet.claim(sandbox.shop(), "warranty-2y", remedy="repair"),
        lambda: wallet.accept(sandbox.shop(), _receipt(server)),
        lambda: wallet.follow_clock(sandbox.shop()),
    ):
        with pytest.raises(WrongWallet, match="nothing is real"):
            ask()
    assert wallet._state == before
    assert not wallet.is_sandbox


def test_a_wallet_for_sandboxes_takes_nothing_of_a_shop(server: ShopServer) -> None:
    wallet = server.wallet(sandbox=True)
    before = wallet._state
    for ask in (
        lambda: wallet.request(server.shop(), "1"),
        lambda: wallet.request("ledger.example/acme", "1"),
        lambda: wallet.look(server.shop()),
        lambda: wallet.restore(server.shop()),
        lambda: wallet.follow_clock(server.shop()),
    ):
        with pytest.raises(WrongWallet, match="for sandboxes only"):
            ask()
    assert wallet._state == before


def _receipt(server: ShopServer) -> dict[str, Any]:
    """A shop's receipt, shown as one of the sandbox."""
    buyer = server.wallet()
    order = Order("7", server.world.sale(), buyer.request(server.shop(), "7"))
    receipt = server.world.issuer.record(server.world.merchant, order)
    return {**receipt, "origin": ORIGIN}


def test_what_a_wallet_is_for_is_kept_in_its_file(tmp_path: Any, sandbox: Sandbox) -> None:
    file = tmp_path / "wallet"
    Wallet.create(file, "correct horse", sandbox=True).close()
    with Wallet.open(file, "correct horse") as wallet:
        assert wallet.is_sandbox
        wallet.request(sandbox.shop(), "1")
    assert not State.decode(_of_version_3()).identity.sandbox


def _of_version_3() -> bytes:
    """A wallet from before there were sandboxes."""
    assert VERSION == 4
    document = Wallet.in_memory()._state.encode()
    return document.replace(b'"sandbox":false,', b"").replace(b'"version":4', b'"version":3')


def test_wallets_of_two_kinds_are_not_merged() -> None:
    own, other = (Wallet.in_memory(words=WORDS, sandbox=kind) for kind in (False, True))
    with pytest.raises(WrongWallet):
        own.merge(other)
    with pytest.raises(WrongWallet):
        other.merge(own)


def test_a_wallet_for_sandboxes_goes_by_their_clock(server: ShopServer, sandbox: Sandbox) -> None:
    wallet = server.wallet(sandbox=True)
    wallet.follow_clock(sandbox.shop())
    real = server.world.clock()
    assert wallet._clock() == real
    sandbox.ahead = 86400
    assert wallet._clock() == real + timedelta(days=1)


@pytest.mark.parametrize("ahead", [-1, 1.5, None, "5", True, 10**12, MOST_AHEAD.days * 86400 + 1])
def test_no_clock_is_followed_beyond_the_possible(
    server: ShopServer, sandbox: Sandbox, ahead: Any
) -> None:
    wallet = server.wallet(sandbox=True)
    wallet.follow_clock(sandbox.shop())
    sandbox.ahead = ahead
    with pytest.raises(UnexpectedAnswer, match=r"no possible time|whole numbers"):
        wallet._clock()


def test_no_service_moves_the_clock_of_a_shops_wallet(server: ShopServer) -> None:
    wallet = server.wallet()
    server.instead["/clock"] = lambda _: {"time": "2030-01-01T00:00:00Z", "ahead": 10**8}
    with pytest.raises(WalletError, match="only a wallet for sandboxes"):
        wallet.follow_clock(server.shop())
    wallet.look(server.shop())
    assert wallet._clock() == server.world.clock()
    assert not any(path.endswith("/clock") for path in server.paths())
