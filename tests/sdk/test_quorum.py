from dataclasses import replace
from pathlib import Path

import pytest

from cli.demo.service import OPERATOR_KEY, running_service, running_witness
from cli.merchant_service import post
from commitments.clock import system_clock
from commitments.errors import VerificationError
from commitments.sale import Sale
from ledger.quorum import NO_QUORUM, Quorum, parse_quorum
from ledger.rings import RingName
from sdk import Shop, Wallet
from sdk.decisions import verify_approval
from sdk.logs import read_merchant
from sdk.rings import fetch_ring
from sdk.state import State
from tests.sdk.shop_server import ShopServer
from tests.world import KETTLE, ORIGIN, WARRANTY, World
from witness.keys import WitnessKeys

OTHERS = 3


def wanted(vkey: str, url: str = "") -> Quorum:
    return parse_quorum(f"witness w {vkey} {url}\nquorum w\n".encode())


NOBODY = wanted(WitnessKeys.create("w2.example").public()["cosignature_keys"][1])
STRANGER = WitnessKeys.create("w2.example").seed_signer.verifier


class CashDesk:
    """A merchant of the service at ``url``, over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        merchant = {"id": "acme", "name": "Acme", "period": "manual"}
        self.key = post(url, OPERATOR_KEY, "merchants", merchant)["api_key"]
        self.shop = Shop(url, "acme")
        self.origin = self.shop.keys().origin

    def post(self, path: str, document: object) -> dict[str, object]:
        answer: dict[str, object] = post(self.url, self.key, f"merchants/acme/{path}", document)
        return answer

    def sell(self, wallet: Wallet, order: str) -> dict[str, object]:
        request = wallet.request(self.shop, order).document()
        sale = Sale(system_clock().date(), KETTLE, 24_900, "EUR").document()
        return self.post("purchases", {"order": order, "sale": sale, "request": request})


@pytest.mark.parametrize("kind", [0, 1])  # Ed25519, ML-DSA-44
def test_from_receipt_to_decision_all_is_cosigned(tmp_path: Path, kind: int) -> None:
    with running_witness(tmp_path, "w1.example", system_clock) as witness:
        asked = wanted(witness.vkeys[kind], witness.url)
        with (
            running_witness(tmp_path, "acme.example", system_clock) as own,
            running_service(
                tmp_path, system_clock, asked.witnesses, [witness.seeds, own.seeds]
            ) as url,
        ):
            desk = CashDesk(url)
            keys = desk.shop.keys()
            for service in (witness.service, own.service):
                service.watch(keys.purchases)
                service.watch(keys.events)
                service.sign_seeds(desk.origin, "manual")
            wallet = Wallet.in_memory(smallest_ring=1)
            wallet.require_quorum(desk.shop, asked)
            for other in range(OTHERS):
                desk.sell(Wallet.in_memory(), f"other-{other}")
            _eventually_cosigned(desk, wallet)
            policy = {**WARRANTY, "origin": desk.origin, "smallest_ring": 1}
            desk.post("policies", {**policy, "valid_from": "2000-01-01", "valid_to": "9999-12-31"})
            desk.post("closes", {})
            assert _advice(wallet, desk) == {"unknown-seed-witness"}
            wallet.trust_seed_witnesses(desk.shop, [STRANGER])
            assert _advice(wallet, desk) == {"unknown-seed-witness"}
            wallet.trust_seed_witnesses(desk.shop, [STRANGER, witness.seeds.key])
            # The other one could sign as often as it takes until the merchant likes the seed.
            assert _advice(wallet, desk) == {"unknown-seed-witness"}
            wallet.trust_seed_witnesses(desk.shop, [own.seeds.key, witness.seeds.key])
            assert _advice(wallet, desk) == set()
            result = wallet.claim(desk.shop, "warranty-2y", remedy="repair")
            assert result.decision == "approved"
            # And who asks for a witness that was never asked believes none of it.
            wallet.require_quorum(desk.shop, NOBODY)
            with pytest.raises(VerificationError, match="quorum"):
                wallet.claim(desk.shop, "warranty-2y", remedy="repair")
            desk.shop.close()


def _advice(wallet: Wallet, desk: CashDesk) -> set[str]:
    shown = wallet.preview(desk.shop, "warranty-2y", remedy="repair")
    return {advice.code for advice in shown.advice}


def _eventually_cosigned(desk: CashDesk, wallet: Wallet) -> None:
    """The witness was made known after the log was; the service asks again within seconds."""
    for attempt in range(200):
        try:
            wallet.accept(desk.shop, desk.sell(wallet, "1001"))
        except VerificationError:
            desk.sell(Wallet.in_memory(), f"again-{attempt}")
        else:
            return
    pytest.fail("the witness is never asked again")


def test_a_log_that_the_witnesses_have_not_cosigned_is_not_believed(
    server: ShopServer, world: World
) -> None:
    wallet, shop = server.wallet(), server.shop()
    receipt = server.receipt(wallet, "1001", world.sale())
    wallet.require_quorum(shop, NOBODY)
    with pytest.raises(VerificationError, match="quorum"):
        wallet.accept(shop, receipt)
    wallet.require_quorum(shop, NO_QUORUM)
    purchase = wallet.accept(shop, receipt)
    world.close()
    merchant = wallet._state.merchants[ORIGIN]
    strict = replace(merchant, quorum=NOBODY)

    view, merchant = read_merchant(shop, merchant, world.clock())
    with pytest.raises(VerificationError, match="quorum"):
        read_merchant(shop, strict, world.clock())

    size = view.closes[-1].close.size
    name = RingName(0, size, size, view.partition.lane_of(purchase.index, 0, size))
    ring, _ = fetch_ring(shop, merchant, view, name, purchase)
    assert purchase.index in ring.ring.indices
    with pytest.raises(VerificationError, match="quorum"):
        fetch_ring(shop, strict, view, name, purchase)

    wallet.claim(shop, "warranty-2y", remedy="repair")
    (claim,) = wallet.claims
    assert verify_approval(claim.receipt, claim, merchant).document() == claim.receipt
    with pytest.raises(VerificationError, match="quorum"):
        verify_approval(claim.receipt, claim, strict)


def test_a_wallet_remembers_whom_it_asks_for(server: ShopServer) -> None:
    wallet = server.wallet()
    wallet.require_quorum(server.shop(), NOBODY)
    wallet.trust_seed_witnesses(server.shop(), [STRANGER])
    state = State.decode(wallet._state.encode())
    assert state.merchants[ORIGIN].quorum == NOBODY
    assert state.merchants[ORIGIN].seed_witnesses == (STRANGER,)
