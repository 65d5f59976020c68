import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from issuer.cells import BadRow, BadRows, ShopSale
from issuer.sales_import import SalesFile, SkippedOrder, read_sales

TODAY = date(2026, 11, 20)

# The head of the export as Shopify writes it; the many columns after it are not read.
COLUMNS = [
    *("Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at"),
    *("Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total"),
    *("Discount Code", "Discount Amount", "Shipping Method", "Created at", "Lineitem quantity"),
    *("Lineitem name", "Lineitem price", "Lineitem compare at price", "Lineitem sku"),
    *("Lineitem requires shipping", "Billing Name", "Notes", "Cancelled at", "Refunded Amount"),
    *("Id", "Tags"),
]

ORDER = {
    "Name": "#1001",
    "Email": "ada@example.com",
    "Financial Status": "paid",
    "Paid at": "2026-11-05 10:15:00 +0100",
    "Created at": "2026-11-05 10:14:58 +0100",
    "Currency": "EUR",
    "Lineitem quantity": "1",
    "Lineitem name": "Earbuds, wireless",
    "Lineitem price": "129.00",
    "Lineitem sku": "4006381333931",
    "Notes": "ring\ntwice",
}
NEXT_LINE = {
    "Name": "#1001",
    "Email": "ada@example.com",
    "Created at": "2026-11-05 10:14:58 +0100",
    "Lineitem quantity": "2",
    "Lineitem name": "Gift wrapping",
    "Lineitem price": "2.50",
    "Lineitem sku": "",
}
FIRST = ShopSale(date(2026, 11, 5), "4006381333931", 12900, "EUR", None, None, "#1001")
WRAPPING = ShopSale(date(2026, 11, 5), "Gift wrapping", 250, "EUR", None, None, "#1001")


def export(*rows: dict[str, str], without: tuple[str, ...] = ()) -> str:
    out = io.StringIO()
    columns = [column for column in COLUMNS if column not in without]
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read(*rows: dict[str, str], without: tuple[str, ...] = ()) -> SalesFile:
    return read_sales(export(*rows, without=without), today=TODAY)


def bad_rows(*rows: dict[str, str]) -> tuple[BadRow, ...]:
    with pytest.raises(BadRows) as caught:
        read(*rows)
    return caught.value.rows


def test_an_order_over_several_lines() -> None:
    second = {**ORDER, "Name": "#1002", "Currency": "SEK", "Lineitem price": "1299.00"}
    result = read(ORDER, NEXT_LINE, second)
    assert result.sales[:3] == [FIRST, WRAPPING, WRAPPING]
    assert [(sale.order, sale.price, sale.currency) for sale in result.sales[3:]] == [
        ("#1002", 129900, "SEK")
    ]
    assert result.skipped == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(
            ({"Financial Status": status}, status)
            for status in (
                *("authorized", "expired", "partially_paid", "partially_refunded"),
                *("pending", "refunded", "unpaid", "voided"),
            )
        ),
        ({"Cancelled at": "2026-11-06 08:00:00 +0100"}, "cancelled"),
    ],
)
def test_orders_that_are_no_sale_are_skipped_with_all_their_lines(
    change: dict[str, str], reason: str
) -> None:
    other = {**ORDER, "Name": "#1002"}
    result = read({**ORDER, **change}, NEXT_LINE, other)
    assert result.skipped == [SkippedOrder("#1001", reason)]
    assert [sale.order for sale in result.sales] == ["#1002"]


def test_day_is_that_of_payment_in_utc() -> None:
    late = {**ORDER, "Paid at": "2026-11-06 00:30:00 +0100"}
    assert read(late).sales == [FIRST]
    assert read({**ORDER, "Paid at": "2026-11-05 23:30:00 -0500"}).sales[0].date.day == 6


def test_day_is_that_of_the_order_where_payment_has_no_time() -> None:
    created = {**ORDER, "Paid at": "", "Created at": "2026-11-01 12:00:00 +0000"}
    assert read(created).sales[0].date == date(2026, 11, 1)


def test_a_file_of_the_few_columns_that_matter() -> None:
    few = ("Financial Status", "Cancelled at", "Created at")
    assert read(ORDER, without=few).sales == [FIRST]
    assert read({**ORDER, "Paid at": ""}, without=few).skipped == [SkippedOrder("#1001", "unpaid")]
    assert read(ORDER, without=("Paid at",)).sales == [FIRST]


@pytest.mark.parametrize(
    ("column", "text", "where"),
    [
        ("Name", "", "Name"),
        ("Financial Status", "gone", "Financial Status"),
        ("Financial Status", "", "Financial Status"),
        ("Paid at", "2026-11-05", "Paid at"),
        ("Paid at", "2026-11-05T10:15:00+01:00", "Paid at"),
        ("Paid at", "2026-13-05 10:15:00 +0100", "Paid at"),
        ("Paid at", "2026-11-05 10:15:00 +9999", "Paid at"),
        ("Paid at", "0001-01-01 00:00:00 +0100", "Paid at"),
        ("Paid at", "1969-12-31 23:59:59 +0000", "Paid at"),
        ("Paid at", "2026-11-21 00:00:00 +0000", "Paid at"),
        ("Currency", "Euro", "Currency"),
        ("Lineitem sku", "4006381333932", "Lineitem sku"),
        ("Lineitem price", "129,00", "Lineitem price"),
        ("Lineitem quantity", "", "Lineitem quantity"),
        ("Lineitem quantity", "-1", "Lineitem quantity"),
        ("Lineitem quantity", "1.0", "Lineitem quantity"),
        ("Lineitem quantity", "10001", "Lineitem quantity"),
    ],
)
def test_bad_cells_are_named(column: str, text: str, where: str) -> None:
    assert read(ORDER).sales == [FIRST]
    assert [(bad.row, bad.column) for bad in bad_rows({**ORDER, column: text})] == [(2, where)]


def test_a_line_without_sku_and_name_is_bad() -> None:
    assert [bad.column for bad in bad_rows(ORDER, {**NEXT_LINE, "Lineitem name": ""})] == [
        "Lineitem name"
    ]


def test_lines_of_an_order_that_cannot_be_read_are_reported_too() -> None:
    broken = {**ORDER, "Paid at": "yesterday"}
    rows = bad_rows(broken, NEXT_LINE)
    assert [(bad.row, bad.column) for bad in rows] == [(2, "Paid at"), (3, "Name")]


def test_joined_exports_do_not_count_an_order_twice() -> None:
    other = {**ORDER, "Name": "#1002"}
    assert [(bad.row, bad.column) for bad in bad_rows(ORDER, ORDER)] == [(3, "Name")]
    assert [(bad.row, bad.column) for bad in bad_rows(ORDER, other, ORDER)] == [(4, "Name")]


def test_a_line_whose_first_row_is_lost_does_not_join_another_order() -> None:
    stray = {**NEXT_LINE, "Name": "#0999"}
    bad = bad_rows(ORDER, stray)[0]
    assert (bad.row, bad.column) == (3, "Currency")


@pytest.mark.parametrize(
    "column", ["Name", "Currency", "Lineitem quantity", "Lineitem price", "Lineitem sku"]
)
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(FormatError, match=f"columns missing: {column}"):
        read(ORDER, without=(column,))


def test_one_of_the_two_times_is_needed() -> None:
    with pytest.raises(FormatError, match="columns missing: Paid at"):
        read(ORDER, without=("Paid at", "Created at"))


rows = st.fixed_dictionaries(
    {
        column: st.sampled_from([text, "", "#1002", "2", "refunded", "2027-01-01 00:00:00 +0000"])
        for column, text in ORDER.items()
    }
)


@given(st.lists(rows, max_size=6))
def test_every_order_is_sold_skipped_or_reported(lines: list[dict[str, str]]) -> None:
    result = read_sales(export(*lines), today=TODAY, skip_bad=True)
    named = {sale.order for sale in result.sales} | {order.order for order in result.skipped}
    bad = {row.row for row in result.bad}
    for number, line in enumerate(lines, start=2):
        assert line["Name"] in named or number in bad or line["Lineitem quantity"] == "0"
    assert all(sale.date <= TODAY for sale in result.sales)
