from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, insert

from commitments.errors import FormatError, Refused, VerificationError
from commitments.generators import attribute_generator
from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening, commit
from commitments.sale import Sale
from issuer.merchants import Merchant, create_merchant, find_merchant, list_merchants, merchants
from issuer.orders import Order, issued
from issuer.slips import slip_keys
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


def outcomes(rows: list[dict[str, Any]]) -> list[str]:
    return [row.get("code", row["status"]) for row in rows]


def test_one_that_is_bad_keeps_no_other_out(world: World) -> None:
    good = [world.order(world.sale(), new_keys()) for _ in range(4)]
    forged = replace(good[1], reference="another order than the request was made for")
    late = replace(good[2], sale=world.sale(date=date(2030, 1, 1)))
    unreadable = FormatError("not text", "order")
    rows = world.issuer.record_many(world.merchant, [good[0], forged, unreadable, late, good[3]])
    assert outcomes(rows) == ["accepted", "not-verified", "malformed", "future-date", "accepted"]
    assert [row.get("field") for row in rows[1:4]] == [None, "order", "sale.date"]
    assert [row["value"]["index"] for row in (rows[0], rows[4])] == [0, 1]
    assert world.sizes() == (2, 1)


def test_a_request_without_its_proof_could_shift_the_price(world: World) -> None:
    """B + 100 * gen(price) would make the merchant sign a price a hundred units higher."""
    order = world.order(world.sale(), new_keys())
    shifted = P256.add(
        P256.decode(order.request.commitment),
        P256.multiply(100, attribute_generator(P256, "price")),
    )
    forged = replace(order, request=replace(order.request, commitment=P256.encode(shifted)))
    with pytest.raises(VerificationError):
        world.issuer.record(world.merchant, forged)
    assert world.issuer.record(world.merchant, order)


def test_a_request_for_another_merchant_is_refused(world: World) -> None:
    keys = new_keys()
    foreign = Order("order-1", world.sale(), new_request("order-1", keys, "ledger.example/other"))
    own = Order("order-1", world.sale(), new_request("order-1", keys))
    with pytest.raises(VerificationError):
        world.issuer.record(world.merchant, foreign)
    assert world.issuer.record(world.merchant, own)


def test_an_order_counts_once(world: World) -> None:
    first = world.order(world.sale(), new_keys())
    second = world.order(world.sale(), new_keys())
    others = [
        replace(first, sale=world.sale(price=1)),
        Order(first.reference, first.sale, new_request(first.reference, new_keys())),
    ]
    for orders in ([first, *others, second, second], [second, *others, first]):
        rows = world.issuer.record_many(world.merchant, orders)
        assert outcomes(rows)[1:3] == ["duplicate-order"] * 2
        assert [row["field"] for row in rows[1:3]] == ["order"] * 2
        receipts = {row["value"]["index"] for row in (rows[0], *rows[3:])}
        assert receipts == {0, 1}
    assert world.sizes() == (2, 1)
    for other in others:
        with pytest.raises(Refused) as refused:
            world.issuer.record(world.merchant, other)
        assert (refused.value.code, refused.value.field) == ("duplicate-order", "order")


def test_a_request_counts_once(world: World) -> None:
    """One B in two orders would give two purchases the same keys."""
    keys = new_keys()
    first, second = (Order(r, world.sale(), new_request(r, keys)) for r in ("a", "b"))
    for expected in (["accepted", "duplicate-request"], ["duplicate", "duplicate-request"]):
        assert outcomes(world.issuer.record_many(world.merchant, [first, second])) == expected
    assert world.sizes() == (1, 1)


def test_a_commitment_that_is_in_the_log_keeps_no_other_out(world: World) -> None:
    """The records were lost and the log was not, as after an import of its files."""
    orders = [world.order(world.sale(), new_keys()) for _ in range(3)]
    world.record(orders[1])
    world.store.write(lambda tx: tx.connection.execute(delete(issued)))
    rows = world.issuer.record_many(world.merchant, orders)
    assert outcomes(rows) == ["accepted", "duplicate-commitment", "accepted"]


def test_a_lost_answer_is_given_again_and_nothing_is_recorded_twice(world: World) -> None:
    orders = [world.order(world.sale(), new_keys()) for _ in range(3)]
    receipts = world.record(*orders[:2])
    again = world.record(orders[1], orders[2], orders[0])
    assert [r["index"] for r in again] == [1, 2, 0]
    assert [r["index"] for r in receipts] == [0, 1]
    assert again[0]["sale"] == receipts[1]["sale"]
    assert world.sizes() == (3, 1)


def test_serials_differ_even_when_a_buyer_repeats_its_serial(world: World) -> None:
    """Nobody can aim a new purchase at another purchase's serial, and so at its tags."""
    serial = new_keys().serial_0
    keys = [BuyerKeys(serial, *_rest(new_keys())) for _ in range(2)]
    orders = [world.order(world.sale(), k) for k in keys]
    world.record(*orders)
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
        assert world.issuer.record(world.merchant, order)
    else:
        with pytest.raises(Refused) as refused:
            world.issuer.record(world.merchant, order)
        assert (refused.value.code, refused.value.field) == (
            "future-date",
            "sale.date",
        )
        assert world.sizes() == (0, 1)


def test_sales_without_a_buyer_are_dated_records_that_the_slip_opens(world: World) -> None:
    sales = [world.sale(price=p) for p in (100, 200)]
    printed = world.print_slips(*sales)
    assert len({slip.code for slip in printed}) == 2
    for slip, sale in zip(printed, sales, strict=True):
        keys = slip_keys(P256, ORIGIN, slip.code)
        opening = Opening(sale.attributes(P256), keys.serial_0, keys.secret, keys.blinding)
        with world.store.log(ORIGIN) as log:
            assert log.entry(slip.index) == b"\x04" + P256.encode(commit(P256, opening))


def test_a_slip_is_redeemed_once_for_a_purchase_of_the_holder(world: World) -> None:
    (slip,) = world.print_slips(world.sale(unit="SN7"))
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
    (slip,) = world.print_slips(world.sale())
    with pytest.raises(Refused) as refused:
        world.issuer.redeem(world.merchant, "AAAA-AAAA", new_request("AAAA-AAAA", new_keys()))
    assert refused.value.code == "unknown-code"
    with pytest.raises(VerificationError):
        world.issuer.redeem(world.merchant, slip.code, new_request("other", new_keys()))
    assert world.issuer.redeem(world.merchant, slip.code, new_request(slip.code, new_keys()))


def test_a_redemption_whose_answer_was_lost_is_answered_again(world: World) -> None:
    (slip,) = world.print_slips(world.sale())
    request = new_request(slip.code, new_keys())
    receipt = world.issuer.redeem(world.merchant, slip.code, request)
    assert world.issuer.redeem(world.merchant, slip.code, request)["index"] == receipt["index"]
    assert world.sizes() == (2, 1)


def test_a_code_expires_when_its_last_day_is_over_everywhere(world: World) -> None:
    """Noon of 22 November in UTC is the end of the 21st where that day ends last."""
    last = world.clock.now.date()
    early, late = (
        slip.code for slip in world.print_slips(world.sale(), world.sale(), redeem_by=last)
    )
    (lasting,) = world.print_slips(world.sale())
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
        world.print_slips(world.sale(), redeem_by=yesterday)
    assert (refused.value.code, refused.value.field) == ("past-date", "redeem_by")
    assert world.sizes() == before
    today = world.clock.now.date()
    assert world.print_slips(world.sale(), redeem_by=today)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_codes_are_not_stored(world: World, database: str) -> None:
    (slip,) = world.print_slips(world.sale())
    stored = b"".join(path.read_bytes() for path in files_of(database))
    assert b"4006381333931" in stored
    assert slip.code.encode() not in stored


def test_recording_nothing_writes_nothing(world: World) -> None:
    bad = FormatError("not an object")
    for rows in ([], [bad]):
        assert outcomes(world.issuer.record_many(world.merchant, rows)) == ["malformed"] * len(rows)
        assert outcomes(world.issuer.record_sales(world.merchant, rows)) == ["malformed"] * len(
            rows
        )
        assert outcomes(world.issuer.void_many(world.merchant, rows)) == ["malformed"] * len(rows)
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
