from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import insert

from commitments.errors import FormatError, Refused, VerificationError
from commitments.generators import attribute_generator
from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening, commit
from commitments.sale import Sale
from issuer.merchants import Merchant, create_merchant, find_merchant, list_merchants, merchants
from issuer.recording import Order
from issuer.slips import slip_keys
from ledger.entries import parse_entry
from ledger.events import LogDeclaration
from ledger.note import parse_vkey
from ledger.store import Store, Transaction
from ledger.tlog_proof import TlogProof, verify_tlog_proof
from tests.databases import SEALING, files_of, wait_for_a_waiter
from tests.world import ORIGIN, World, new_keys, new_request, opening_of


def _vkey(world: World) -> str:
    with world.store.log(ORIGIN) as log:
        return log.vkeys[-1]


def test_a_purchase_is_the_commitment_that_the_buyer_can_open(world: World) -> None:
    (bought,) = world.buy(world.sale())
    entry = b"\x01" + P256.encode(commit(P256, bought.opening))
    with world.store.log(ORIGIN) as log:
        assert log.entry(bought.index) == entry
    proof = TlogProof.parse(bought.receipt["proof"].encode())
    assert verify_tlog_proof(proof, entry, parse_vkey(_vkey(world))).origin == ORIGIN


def test_the_receipt_repeats_order_and_sale(world: World) -> None:
    sale = world.sale(batch="L1", unit="SN1")
    (bought,) = world.buy(sale)
    assert bought.receipt["sale"] == sale.document()
    assert bought.receipt["order"] == "order-1"
    assert bought.receipt["origin"] == ORIGIN


def test_nothing_is_recorded_when_one_of_many_is_bad(world: World) -> None:
    good = [world.order(world.sale(), new_keys()) for _ in range(3)]
    bad = replace(good[1], reference="another order than the request was made for")
    with pytest.raises(VerificationError) as refused:
        world.issuer.record(world.merchant, [good[0], bad, good[2]])
    assert refused.value.field == "purchases[1]"
    assert world.sizes() == (0, 1)
    assert len(world.issuer.record(world.merchant, good)) == 3


def test_a_request_without_its_proof_could_shift_the_price(world: World) -> None:
    """B + 100 * gen(price) would make the merchant sign a price a hundred units higher."""
    order = world.order(world.sale(), new_keys())
    shifted = P256.add(
        P256.decode(order.request.commitment),
        P256.multiply(100, attribute_generator(P256, "price")),
    )
    forged = replace(order, request=replace(order.request, commitment=P256.encode(shifted)))
    with pytest.raises(VerificationError):
        world.issuer.record(world.merchant, [forged])
    assert world.issuer.record(world.merchant, [order])


def test_a_request_for_another_merchant_is_refused(world: World) -> None:
    keys = new_keys()
    foreign = Order("order-1", world.sale(), new_request("order-1", keys, "ledger.example/other"))
    own = Order("order-1", world.sale(), new_request("order-1", keys))
    with pytest.raises(VerificationError):
        world.issuer.record(world.merchant, [foreign])
    assert world.issuer.record(world.merchant, [own])


def test_an_order_counts_once(world: World) -> None:
    first = world.order(world.sale(), new_keys())
    second = world.order(world.sale(), new_keys())
    world.issuer.record(world.merchant, [first])
    for orders in (
        [second, replace(first, sale=world.sale(price=1))],
        [second, Order(first.reference, first.sale, new_request(first.reference, new_keys()))],
        [second, second],
    ):
        with pytest.raises(Refused) as refused:
            world.issuer.record(world.merchant, orders)
        assert refused.value.code == "duplicate-order"
        assert refused.value.field == "purchases[1].order"
    assert world.sizes() == (1, 1)
    assert world.issuer.record(world.merchant, [second])


def test_a_request_counts_once(world: World) -> None:
    """One B in two orders would give two purchases the same keys."""
    keys = new_keys()
    first, second = (Order(r, world.sale(), new_request(r, keys)) for r in ("a", "b"))
    for before, orders in (([], [first, second]), ([first], [second])):
        world.issuer.record(world.merchant, before)
        with pytest.raises(Refused) as refused:
            world.issuer.record(world.merchant, orders)
        assert refused.value.code == "duplicate-request"
    assert world.sizes() == (1, 1)


def test_a_lost_answer_is_given_again_and_nothing_is_recorded_twice(world: World) -> None:
    orders = [world.order(world.sale(), new_keys()) for _ in range(3)]
    receipts = world.issuer.record(world.merchant, orders[:2])
    again = world.issuer.record(world.merchant, [orders[1], orders[2], orders[0]])
    assert [r["index"] for r in again] == [1, 2, 0]
    assert [r["index"] for r in receipts] == [0, 1]
    assert again[0]["sale"] == receipts[1]["sale"]
    assert world.sizes() == (3, 1)


def test_serials_differ_even_when_a_buyer_repeats_its_serial(world: World) -> None:
    """Nobody can aim a new purchase at another purchase's serial, and so at its tags."""
    serial = new_keys().serial_0
    keys = [BuyerKeys(serial, *_rest(new_keys())) for _ in range(2)]
    orders = [world.order(world.sale(), k) for k in keys]
    world.issuer.record(world.merchant, orders)
    openings = [opening_of(order, k) for order, k in zip(orders, keys, strict=True)]
    assert openings[0].serial != openings[1].serial


def _rest(keys: BuyerKeys) -> tuple[int, int]:
    return keys.secret, keys.blinding


@pytest.mark.parametrize(("ahead", "accepted"), [(0, True), (1, True), (2, False), (400, False)])
def test_a_sale_in_the_future_is_refused(world: World, ahead: int, *, accepted: bool) -> None:
    """It is noon UTC: in the east of the world tomorrow has begun, the day after has not."""
    sale = world.sale(date=world.clock().date() + timedelta(days=ahead))
    order = world.order(sale, new_keys())
    if accepted:
        assert world.issuer.record(world.merchant, [order])
    else:
        with pytest.raises(Refused) as refused:
            world.issuer.record(world.merchant, [order])
        assert (refused.value.code, refused.value.field) == (
            "future-date",
            "purchases[0].sale.date",
        )
        assert world.sizes() == (0, 1)


def test_sales_without_a_buyer_are_dated_records_that_the_slip_opens(world: World) -> None:
    sales = [world.sale(price=p) for p in (100, 200)]
    printed = world.issuer.record_sales(world.merchant, sales)
    assert len({slip.code for slip in printed}) == 2
    for slip, sale in zip(printed, sales, strict=True):
        keys = slip_keys(P256, ORIGIN, slip.code)
        opening = Opening(sale.attributes(P256), keys.serial_0, keys.secret, keys.blinding)
        with world.store.log(ORIGIN) as log:
            assert log.entry(slip.index) == b"\x04" + P256.encode(commit(P256, opening))
        assert slip.code not in repr(slip)


def test_a_slip_is_redeemed_once_for_a_purchase_of_the_holder(world: World) -> None:
    (slip,) = world.issuer.record_sales(world.merchant, [world.sale(unit="SN7")])
    keys = new_keys()
    request = new_request(slip.code, keys)
    receipt = world.issuer.redeem(world.merchant, slip.code, request)
    assert receipt["sale"]["unit"] == "SN7"
    opening = opening_of(Order(slip.code, world.sale(unit="SN7"), request), keys)
    with world.store.log(ORIGIN) as log:
        assert log.entry(receipt["index"]) == b"\x01" + P256.encode(commit(P256, opening))
    with pytest.raises(Refused) as refused:
        world.issuer.redeem(world.merchant, slip.code, new_request(slip.code, new_keys()))
    assert refused.value.code == "already-redeemed"


def test_a_guessed_code_or_a_request_for_another_one_redeems_nothing(world: World) -> None:
    (slip,) = world.issuer.record_sales(world.merchant, [world.sale()])
    with pytest.raises(Refused) as refused:
        world.issuer.redeem(world.merchant, "AAAA-AAAA", new_request("AAAA-AAAA", new_keys()))
    assert refused.value.code == "unknown-code"
    with pytest.raises(VerificationError):
        world.issuer.redeem(world.merchant, slip.code, new_request("other", new_keys()))
    assert world.issuer.redeem(world.merchant, slip.code, new_request(slip.code, new_keys()))


def test_a_redemption_whose_answer_was_lost_is_answered_again(world: World) -> None:
    (slip,) = world.issuer.record_sales(world.merchant, [world.sale()])
    request = new_request(slip.code, new_keys())
    receipt = world.issuer.redeem(world.merchant, slip.code, request)
    assert world.issuer.redeem(world.merchant, slip.code, request)["index"] == receipt["index"]
    assert world.sizes() == (2, 1)


def test_a_code_expires_when_its_last_day_is_over_everywhere(world: World) -> None:
    """Noon of 22 November in UTC is the end of the 21st where that day ends last."""
    last = world.clock.now.date()
    early, late = (
        slip.code
        for slip in world.issuer.record_sales(
            world.merchant, [world.sale(), world.sale()], redeem_by=last
        )
    )
    (lasting,) = world.issuer.record_sales(world.merchant, [world.sale()])
    world.clock.advance(hours=23, minutes=59)
    request = new_request(early, new_keys())
    receipt = world.issuer.redeem(world.merchant, early, request)
    world.clock.advance(minutes=1)
    with pytest.raises(Refused, match=f"until {last}") as refused:
        world.issuer.redeem(world.merchant, late, new_request(late, new_keys()))
    assert refused.value.code == "expired-code"
    # Who has redeemed in time, and lost the answer, gets it also now; nobody else does.
    again = world.issuer.redeem(world.merchant, early, request)
    assert (again["index"], again["sale"]) == (receipt["index"], receipt["sale"])
    with pytest.raises(Refused) as refused:
        world.issuer.redeem(world.merchant, early, new_request(early, new_keys()))
    assert refused.value.code == "already-redeemed"
    world.clock.advance(days=10_000)
    assert world.issuer.redeem(world.merchant, lasting.code, new_request(lasting.code, new_keys()))


def test_no_code_is_printed_that_has_expired_already(world: World) -> None:
    before = world.sizes()
    yesterday = world.clock.now.date() - timedelta(days=1)
    with pytest.raises(Refused) as refused:
        world.issuer.record_sales(world.merchant, [world.sale()], redeem_by=yesterday)
    assert (refused.value.code, refused.value.field) == ("past-date", "redeem_by")
    assert world.sizes() == before
    today = world.clock.now.date()
    assert world.issuer.record_sales(world.merchant, [world.sale()], redeem_by=today)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_codes_are_not_stored(world: World, database: str) -> None:
    (slip,) = world.issuer.record_sales(world.merchant, [world.sale()])
    stored = b"".join(path.read_bytes() for path in files_of(database))
    assert b"4006381333931" in stored
    assert slip.code.encode() not in stored


def test_a_purchase_is_voided_once(world: World) -> None:
    (bought,) = world.buy(world.sale())
    position = world.issuer.void(world.merchant, bought.index)
    with world.store.log(ORIGIN) as log:
        assert parse_entry(log.entry(position)).encode() == b"\x02" + bytes(8)
    for index, code in (
        (bought.index, "not-voidable"),
        (position, "not-voidable"),
        (9, "unknown-entry"),
    ):
        with pytest.raises(Refused) as refused:
            world.issuer.void(world.merchant, index)
        assert refused.value.code == code


def test_recording_nothing_writes_nothing(world: World) -> None:
    assert world.issuer.record(world.merchant, []) == []
    assert world.issuer.record_sales(world.merchant, []) == []
    assert world.sizes() == (0, 1)


def test_the_first_event_declares_both_logs(world: World) -> None:
    ((position, event),) = world.events("log.declared")
    declaration = LogDeclaration.from_event(event)
    assert position == 0
    assert declaration.purchases.vkey == _vkey(world)
    assert (declaration.capacity, declaration.period) == (64, "manual")


def test_merchants_are_found_by_their_id(world: World) -> None:
    assert find_merchant(world.store, "acme") == world.merchant
    assert list_merchants(world.store) == [world.merchant]
    with pytest.raises(Refused) as refused:
        find_merchant(world.store, "nobody")
    assert refused.value.code == "unknown-merchant"


@pytest.mark.parametrize(
    "merchant_id", ["", "Acme", "a/b", "-a", "a-", "a" * 41, "a|b", "ä", "a\n"]
)
def test_ids_that_could_not_stand_in_an_origin_are_refused(world: World, merchant_id: str) -> None:
    merchant = Merchant(merchant_id, "Name", "ledger.example/other")
    with pytest.raises(FormatError) as refused:
        create_merchant(world.store, P256, world.clock, merchant)
    assert refused.value.field == "id"


def test_an_id_is_taken_once(world: World) -> None:
    again = Merchant("acme", "Other", "ledger.example/other")
    with pytest.raises(Refused) as refused:
        create_merchant(world.store, P256, world.clock, again)
    assert refused.value.code == "duplicate-merchant"
    assert list_merchants(world.store) == [world.merchant]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"product": ""}, "product"),
        ({"product": "4006381333932"}, "product"),
        ({"price": -1}, "price"),
        ({"price": 2**48}, "price"),
        ({"currency": "XXX"}, "currency"),
        ({"date": date(1969, 12, 31)}, "date"),
        ({"batch": ""}, "batch"),
        ({"unit": "a\0b"}, "unit"),
    ],
)
def test_a_sale_that_no_commitment_can_hold(changes: dict[str, object], field: str) -> None:
    sale = Sale(date(2026, 1, 1), "4006381333931", 1, "EUR")
    with pytest.raises(FormatError) as refused:
        replace(sale, **changes)  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_two_programs_enter_the_same_merchant(world: World, database: str) -> None:
    merchant = Merchant("both", "Both", "ledger.example/both")
    enter = partial(create_merchant, group=P256, clocks=world.clock, merchant=merchant)

    with Store(database, sealing=SEALING) as other, ThreadPoolExecutor(1) as pool:

        def slow(transaction: Transaction) -> Future[LogDeclaration]:
            row = {"id": "both", "name": "Both", "origin": merchant.origin}
            transaction.connection.execute(insert(merchants), row)
            second = pool.submit(enter, other)
            wait_for_a_waiter(transaction)
            return second

        with pytest.raises(Refused) as refused:
            world.store.write(slow).result()
    assert refused.value.code == "duplicate-merchant"
