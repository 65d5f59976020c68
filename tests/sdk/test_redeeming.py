"""A slip's code: once, in time, and nothing lost when an answer is."""

from datetime import date

import pytest

from commitments.errors import FormatError, Refused, VerificationError
from issuer.slips import new_code
from sdk import Unreachable, Wallet, WalletError
from sdk.redeeming import parse_code, redeem
from tests.sdk.shop_server import ShopServer


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    return server.wallet()


def slip(server: ShopServer, redeem_by: date | None = None) -> str:
    world = server.world
    (made,) = world.print_slips(world.sale(), redeem_by=redeem_by)
    return made.code


def refused(server: ShopServer, wallet: Wallet, code: str) -> Refused:
    with pytest.raises(Refused) as caught:
        redeem(wallet, server.shop(), code)
    assert not wallet.purchases
    return caught.value


def test_a_code_becomes_a_purchase_however_it_is_typed(server: ShopServer, wallet: Wallet) -> None:
    code = slip(server)
    bought = redeem(wallet, server.shop(), f" {code.lower().replace('-', ' ')}\n")
    assert wallet.purchases == (bought,)
    with server.world.store.log(bought.origin) as log:
        assert log.entry(bought.index) == b"\x01" + bought.commitment
    with pytest.raises(WalletError, match="has the receipt"):
        redeem(wallet, server.shop(), code)


def test_codes_are_read_as_they_are_printed() -> None:
    for _ in range(20):
        code = new_code()
        assert parse_code(code) == parse_code(code.replace("-", "").lower()) == code


@pytest.mark.parametrize(
    "typed", ["", "ABCD", "ABCD-EFGH-IJKL-MNOP-QRST-UVW0", "x" * 25, "Å" * 24, "ABCD\n" * 6]
)
def test_what_is_no_code_is_not_sent(server: ShopServer, wallet: Wallet, typed: str) -> None:
    with pytest.raises(FormatError) as caught:
        redeem(wallet, server.shop(), typed)
    assert caught.value.field == "code"
    assert not server.requests
    assert not wallet.pending


def test_an_unknown_a_used_and_an_expired_code_say_what_to_do(
    server: ShopServer, wallet: Wallet
) -> None:
    unknown = refused(server, wallet, new_code())
    assert (unknown.code, "compare it" in str(unknown)) == ("unknown-code", True)
    used = slip(server)
    redeem(server.wallet(), server.shop(), used)
    other = refused(server, wallet, used)
    assert (other.code, "by the shop" in str(other)) == ("already-redeemed", True)
    late = slip(server, server.world.clock.now.date())
    server.world.clock.advance(days=2)
    expired = refused(server, wallet, late)
    assert expired.code == "expired-code"
    assert "until 2026-11-21; ask the shop" in str(expired)


def test_a_lost_answer_is_asked_for_again_and_is_the_same(
    server: ShopServer, wallet: Wallet
) -> None:
    code = slip(server, server.world.clock.now.date())
    server.lost.add("/redemptions")
    for _ in range(2):
        with pytest.raises(Unreachable):
            redeem(wallet, server.shop(), code)
    size, _ = server.world.sizes()
    server.lost.clear()
    server.world.clock.advance(days=2)  # by now it would have expired
    assert redeem(wallet, server.shop(), code).index == size - 1
    assert server.world.sizes()[0] == size


def test_the_shop_can_redeem_first_and_the_buyer_sees_it(
    server: ShopServer, wallet: Wallet
) -> None:
    """It made the code; what the wallet says beforehand is so."""
    code = slip(server)
    redeem(server.wallet(), server.shop(), code)
    assert refused(server, wallet, code).code == "already-redeemed"


def test_a_service_that_answers_with_another_purchase_is_not_believed(
    server: ShopServer, wallet: Wallet
) -> None:
    code = slip(server)
    other = server.receipt(server.wallet(), "1001", server.world.sale())
    server.lies["/redemptions"] = lambda _receipt: other
    with pytest.raises(VerificationError, match="another order"):
        redeem(wallet, server.shop(), code)
    server.lies.clear()
    assert redeem(wallet, server.shop(), code).order == code


def test_a_service_that_answers_with_another_purchase_of_the_buyers_is_not_believed(
    server: ShopServer, wallet: Wallet
) -> None:
    """Its receipt is true, and the slip could still be redeemed by whoever has seen it."""
    code = slip(server)
    other = server.receipt(wallet, "1001", server.world.sale())
    server.lies["/redemptions"] = lambda _receipt: other
    with pytest.raises(VerificationError, match="another order"):
        redeem(wallet, server.shop(), code)
    server.lies.clear()
    assert redeem(wallet, server.shop(), code).order == code
