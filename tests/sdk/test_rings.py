"""The wallet against a poisoned ring: a false one must not get a proof."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64
from ledger.entries import Purchase as PurchaseEntry
from ledger.partition import Partition
from ledger.rings import RingName, build_evidence
from sdk import NotEligible, RingTooSmall, Wallet
from tests.databases import Sqlite, fresh
from tests.ledger.memory_log import MemoryLog
from tests.sdk.forgeries import PrivateLog
from tests.sdk.shop_server import Lie, ShopServer
from tests.world import ORIGIN, WARRANTY, World


@pytest.fixture
def wallet(server: ShopServer) -> Wallet:
    wallet = server.wallet()
    server.sell(wallet, "1001")
    server.world.issuer.void(server.world.merchant, 0, "returned")
    server.world.close()
    return wallet


def claim(server: ShopServer, wallet: Wallet) -> str:
    return wallet.claim(server.shop(), "warranty-2y", remedy="repair").decision


def no_proof(server: ShopServer, wallet: Wallet) -> None:
    """No proof was made, let alone sent; over the true ring one is."""
    assert wallet.claims == ()
    assert server.posted() == []
    server.lies.clear()
    assert claim(server, wallet) == "approved"


def extra_member(ring: Any) -> None:
    ring["entries"].append(ring["entries"][-1])


def omitted_member(ring: Any) -> None:
    ring["entries"].pop()


def replaced_member(ring: Any) -> None:
    sham = PurchaseEntry(b"\x02" + b"\x11" * 32).encode()
    ring["entries"][1] = encode_base64(sham)


def own_entry_replaced(ring: Any) -> None:
    ring["entries"][8] = ring["entries"][1]


def swapped_members(ring: Any) -> None:
    ring["entries"][1:3] = ring["entries"][2:0:-1]


def false_void(ring: Any) -> None:
    """The void of another entry is shown as this one's."""
    ring["removals"].append([1, ring["removals"][0][1]])


def invented_void(ring: Any) -> None:
    ring["removals"].append([1, 7])


def own_entry_voided_by_an_invented_void(ring: Any) -> None:
    ring["removals"].append([8, ring["removals"][0][1]])


def forgotten_hash(ring: Any) -> None:
    ring["consistency"] = [encode_base64(b"\x00" * 32)]


@pytest.mark.parametrize(
    "poison",
    [
        extra_member,
        omitted_member,
        replaced_member,
        own_entry_replaced,
        swapped_members,
        false_void,
        invented_void,
        own_entry_voided_by_an_invented_void,
        forgotten_hash,
    ],
)
def test_server_serves_poisoned_ring(
    server: ShopServer, wallet: Wallet, poison: Callable[[Any], None]
) -> None:
    def lie(honest: Any) -> Any:
        poison(honest["ring"])
        return honest

    server.lies["/ring"] = lie
    with pytest.raises(VerificationError):
        claim(server, wallet)
    no_proof(server, wallet)


def test_server_serves_the_ring_of_another_lane(server: ShopServer, wallet: Wallet) -> None:
    server.world.buy(*(server.world.sale() for _ in range(48)))
    server.world.close()  # more than 3/4 of 64: two lanes

    def other_lane(request: httpx.Request) -> Any:
        params = request.url.params
        return server.ring(params.set("lane", str(1 - int(params["lane"]))))

    server.instead["/ring"] = other_lane
    with pytest.raises(VerificationError):
        claim(server, wallet)
    server.instead.clear()
    no_proof(server, wallet)


def test_ring_from_another_log(server: ShopServer, wallet: Wallet, sqlite: Sqlite) -> None:
    """Another merchant's ring, and a private log under this merchant's key with the buyer in it."""
    with fresh(sqlite) as database, World(database) as world:
        world.buy(*(world.sale() for _ in range(10)))
        world.close()
        server.instead["/ring"] = ShopServer(world)
        with pytest.raises(VerificationError, match="no known key"):
            claim(server, wallet)
    server.instead.clear()
    no_proof(server, wallet)


def test_ring_of_shams_around_the_buyer(server: ShopServer, wallet: Wallet) -> None:
    (purchase,) = wallet.purchases
    shams = [PurchaseEntry(b"\x02" + bytes([n]) * 32).encode() for n in range(8)]
    entries = [*shams, PurchaseEntry(purchase.commitment).encode(), b"\x02" + bytes(8)]
    private = MemoryLog(entries)
    private.close()
    partition = Partition(64, 14, private.closes)
    evidence = build_evidence(private, partition, RingName(0, 10, 10, 0), 10)
    note = PrivateLog(server, ORIGIN, entries).note.decode()
    server.lies["/ring"] = lambda _: {"ring": evidence.to_json(), "checkpoint": note}
    with pytest.raises(VerificationError, match="another root"):
        claim(server, wallet)
    no_proof(server, wallet)


def test_ring_that_cannot_be_read(server: ShopServer, wallet: Wallet) -> None:
    lies: list[Lie] = [
        lambda honest: {**honest, "ring": None},
        lambda honest: {"ring": honest["ring"]},
        lambda honest: {**honest, "checkpoint": 7},
        lambda _: [],
    ]
    for lie in lies:
        server.lies["/ring"] = lie
        with pytest.raises(FormatError):
            claim(server, wallet)
    no_proof(server, wallet)


def test_a_voided_purchase_cannot_claim(server: ShopServer, wallet: Wallet) -> None:
    (purchase,) = wallet.purchases
    server.world.issuer.void(server.world.merchant, purchase.index, "returned")
    shown = wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert shown.ring_size == 8  # the void is not closed yet
    server.world.close()
    with pytest.raises(NotEligible, match="void"):
        claim(server, wallet)
    assert wallet.claims == ()


def test_a_ring_below_the_policys_minimum(server: ShopServer, wallet: Wallet) -> None:
    server.world.publish(WARRANTY, version=2, smallest_ring=9)
    with pytest.raises(RingTooSmall) as caught:
        claim(server, wallet)
    assert (caught.value.size, caught.value.minimum) == (8, 9)
    server.world.buy(server.world.sale())
    server.world.close()
    no_proof(server, wallet)


def test_a_ring_below_the_buyers_own_minimum(server: ShopServer, wallet: Wallet) -> None:
    careful = server.wallet(smallest_ring=9)
    careful._state = wallet._state
    with pytest.raises(RingTooSmall) as caught:
        claim(server, careful)
    assert (caught.value.size, caught.value.minimum) == (8, 9)
    bold = server.wallet(smallest_ring=8)
    bold._state = wallet._state
    no_proof(server, bold)


def test_the_receipt_was_of_a_private_log(server: ShopServer, wallet: Wallet) -> None:
    """Signed for one buyer, who would be alone in every ring. The true log has no such entry."""
    victim = server.wallet()
    receipt = server.receipt(victim, "1002", server.world.sale())
    with server.world.store.log(ORIGIN) as log:
        entry = log.entry(receipt["index"])
    private = PrivateLog(server, ORIGIN, [b"other", entry])
    victim.accept(server.shop(), {**receipt, "index": 1, "proof": private.proof(1)})
    with pytest.raises(VerificationError, match="own purchase is not in it"):
        claim(server, victim)
    assert victim.claims == ()
    assert claim(server, wallet) == "approved"


def test_the_ring_is_the_one_the_verifier_builds(server: ShopServer, wallet: Wallet) -> None:
    assert claim(server, wallet) == "approved"
    (made,) = wallet.claims
    statement = server.world.statement(made.body)
    assert len(statement.ring) == len(made.indices) == 8
    assert wallet.purchases[0].commitment in statement.ring.members


def asked_for_rings(server: ShopServer) -> int:
    return sum(path.endswith("/ring") for path in server.paths())


def test_a_ring_is_fetched_once_for_each_shop(server: ShopServer) -> None:
    wallet = server.wallet()
    first, second = server.sell(wallet, "1"), server.sell(wallet, "2")
    server.world.close()
    server.requests.clear()
    with server.shop() as shop:
        for purchase in (first, second):
            made = wallet.claim(shop, "warranty-2y", remedy="repair", purchase=purchase)
            assert made.decision == "approved"
    assert asked_for_rings(server) == 1
    with pytest.raises(NotEligible):  # and the next shop object is a stranger to the service
        wallet.claim(server.shop(), "warranty-2y", remedy="repair", purchase=second)
    wallet = server.wallet()
    server.sell(wallet, "3")
    server.world.close()
    wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    wallet.preview(server.shop(), "warranty-2y", remedy="repair")
    assert asked_for_rings(server) == 3


def test_a_void_counts_from_the_next_close_on_over_the_same_shop(
    server: ShopServer, wallet: Wallet
) -> None:
    shop = server.shop()
    size = wallet.preview(shop, "warranty-2y", remedy="repair").ring_size
    server.world.issuer.void(server.world.merchant, 1, "returned")
    server.world.close()
    assert wallet.preview(shop, "warranty-2y", remedy="repair").ring_size == size - 1


def test_the_own_purchase_is_looked_for_in_a_known_ring(server: ShopServer, wallet: Wallet) -> None:
    shop = server.shop()
    bought = server.sell(wallet, "1002")
    server.world.close()
    server.world.issuer.void(server.world.merchant, bought.index, "returned")
    server.world.close()
    with pytest.raises(NotEligible, match="void"):
        wallet.preview(shop, "warranty-2y", remedy="repair", purchase=bought)
    kept = next(each for each in wallet.purchases if each.order == "1001")
    wallet.preview(shop, "warranty-2y", remedy="repair", purchase=kept)
    with pytest.raises(NotEligible, match="void"):
        wallet.preview(shop, "warranty-2y", remedy="repair", purchase=bought)
    assert asked_for_rings(server) == 2


def test_after_a_decline_the_ring_is_fetched_again(server: ShopServer, wallet: Wallet) -> None:
    shop = server.shop()

    def hidden_void(honest: Any) -> Any:
        if asked_for_rings(server) == 1:
            honest["ring"]["removals"].clear()
            honest["ring"]["grounds"].clear()
        return honest

    server.lies["/ring"] = hidden_void
    assert wallet.claim(shop, "warranty-2y", remedy="repair").reason == "proof_invalid"
    assert wallet.claim(shop, "warranty-2y", remedy="repair").decision == "approved"
    assert asked_for_rings(server) == 2
