"""What a wallet says before it discloses anything, and that the result holds."""

from dataclasses import replace
from datetime import date

import pytest

from commitments.errors import FormatError
from commitments.p256 import P256
from ledger.tlog_proof import TlogProof
from policies.disclosure import parse_disclosure
from sdk import NotEligible, Purchase, WalletError
from sdk.disclosure import Bounds, DisclosurePreview, preview_disclosure
from sdk.state import Claim
from tests.sdk.shop_server import ShopServer
from tests.world import KETTLE, ORIGIN, REFUND
from verifier.disclosure import verify_disclosure

WHO, WHY = "Insurer Ltd", "claim 77/2026"
TODAY = date(2026, 11, 21)


@pytest.fixture
def purchase(server: ShopServer) -> Purchase:
    return server.sell(server.wallet(), "1001", batch="L1")


def preview(
    purchase: Purchase, shown: dict[str, Bounds], claims: tuple[Claim, ...] = ()
) -> DisclosurePreview:
    return preview_disclosure(
        purchase, claims, recipient=WHO, purpose=WHY, shown=shown, today=TODAY
    )


def test_what_was_previewed_is_what_holds(server: ShopServer, purchase: Purchase) -> None:
    asked = len(server.requests)
    shown: dict[str, Bounds] = {"price": (20_000, 30_000), "product": None}
    previewed = preview(purchase, shown)
    made = parse_disclosure(previewed.make().document())
    assert len(server.requests) == asked
    key = server.signer(ORIGIN).verifier
    verified = verify_disclosure(P256, made, key, recipient=WHO, purpose=WHY)
    assert (verified.body, verified.index) == (previewed.body, purchase.index)
    assert verified.body.date == "2026-11-21"
    assert [each.document() for each in verified.body.predicates] == [
        {"equals": KETTLE},
        {"from": 20_000, "to": 30_000},
        {"equals": "EUR"},  # a price without its currency says nothing
    ]


def test_all_that_is_learned_is_said(purchase: Purchase) -> None:
    said = preview(purchase, {"product": None, "price": (20_000, 30_000), "date": None})
    assert said.learns == (
        f"entry {purchase.index} of the log {ORIGIN} is yours; you hide among nobody",
        f"the product: {KETTLE}",
        "the day it was bought: 2026-11-15",
        "the price: from 200.00 EUR to 300.00 EUR",
        "the currency: EUR",
        "when you got its receipt or restored it: the log had 9 entries then",
    )
    assert said.hidden == (
        "the price within these bounds",
        "the batch",
        "the serial number of the device",
        "your name, unless you give it",
    )
    assert any("two of them" in warning for warning in said.warnings)
    assert any("merchant knows" in warning for warning in said.warnings)


@pytest.mark.parametrize(
    ("shown", "kind", "match"),
    [
        ({"price": (1, 24_899)}, NotEligible, "the price is not"),
        ({"date": ("2026-11-16", "2026-11-20")}, NotEligible, "bought is not"),
        ({"product": ("other", "other")}, NotEligible, "the product is not"),
        ({"unit": None}, NotEligible, "names no unit"),
        ({"serial": None}, NotEligible, "has no serial"),
        ({"date": ("2026-11-16", "2026-11-15")}, FormatError, "reversed"),
        ({"batch": ("A", "Z")}, FormatError, "only a date or a price"),
    ],
)
def test_what_is_not_so_is_not_shown(
    purchase: Purchase, shown: dict[str, Bounds], kind: type[Exception], match: str
) -> None:
    preview(purchase, {})
    with pytest.raises(kind, match=match):
        preview(purchase, shown)


def test_data_that_the_shop_put_beside_its_proof_is_not_passed_on(purchase: Purchase) -> None:
    marked = replace(TlogProof.parse(purchase.proof.encode()), extra=b"mark").serialise().decode()
    made = preview(replace(purchase, proof=marked), {}).make()
    assert made.inclusion == purchase.proof


def test_nothing_is_disclosed_once_the_secret_was_handed_in(server: ShopServer) -> None:
    wallet, shop = server.wallet(), server.shop()
    purchase = server.sell(wallet, "1001")
    server.world.publish(REFUND)
    server.world.close()
    refund = wallet.claim(shop, "refund-14d", remedy="refund")
    claimed = preview(purchase, {"product": None}, tuple(wallet.claims))
    assert any("made 1 claim with" in warning for warning in claimed.warnings)
    wallet.retire(shop, refund)
    with pytest.raises(WalletError, match="ended"):
        preview(purchase, {"product": None}, tuple(wallet.claims))
