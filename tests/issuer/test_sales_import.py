import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.currency import Currency, currency
from commitments.errors import FormatError
from commitments.wire import nfc
from issuer.cells import BadRow, BadRows, ShopSale, parse_date, parse_price
from issuer.sales_import import COLUMNS, read_sales

TODAY = date(2026, 11, 20)
HEADER = ",".join(COLUMNS)
GOOD = "2026-11-19,4006381333931,249.00,EUR,L2026-114,SN-1"
SALE = ShopSale(date(2026, 11, 19), "4006381333931", 24900, "EUR", "L2026-114", "SN-1", None)


def plain(*rows: str) -> str:
    return "\n".join([HEADER, *rows, ""])


def with_cell(column: str, text: str) -> str:
    cells = dict(zip(COLUMNS, GOOD.split(","), strict=True))
    out = io.StringIO()
    csv.writer(out).writerow({**cells, column: text}.values())
    return plain(out.getvalue().removesuffix("\r\n"))


def sales_of(source: str | bytes | Path) -> list[ShopSale]:
    return read_sales(source, today=TODAY).sales


def bad_rows(source: str) -> tuple[BadRow, ...]:
    with pytest.raises(BadRows) as caught:
        read_sales(source, today=TODAY)
    return caught.value.rows


def test_reads_a_plain_file() -> None:
    assert sales_of(plain(GOOD)) == [SALE]


def test_columns_may_stand_in_any_order() -> None:
    assert sales_of(
        "unit,batch,currency,price,product,date\nSN-1,L2026-114,EUR,249.00,4006381333931,2026-11-19"
    ) == [SALE]


@pytest.mark.parametrize(
    "content",
    [
        plain(GOOD).encode(),
        b"\xef\xbb\xbf" + plain(GOOD).encode(),
        plain(GOOD).replace("\n", "\r\n").encode(),
        plain(GOOD, "", "").encode(),
        plain(GOOD).rstrip("\n").encode(),
    ],
    ids=["utf-8", "byte order mark", "crlf", "blank lines at the end", "no last line end"],
)
def test_reads_what_spreadsheets_write(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(content)
    assert sales_of(content) == sales_of(path) == sales_of(content.decode()) == [SALE]


def test_empty_batch_and_unit_are_none() -> None:
    (sale,) = sales_of(plain("2026-11-19,CABLE,0,EUR,,"))
    assert (sale.price, sale.batch, sale.unit) == (0, None, None)


def test_text_is_normalised() -> None:
    (sale,) = sales_of(with_cell("batch", "Ka\u0308se"))
    assert sale.batch == "K\u00e4se"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("date", "2026-11-20"),
        ("date", "2024-02-29"),
        ("date", "1970-01-01"),
        ("product", "96385074"),
        ("product", "614141000036"),
        ("product", "10614141000415"),
        ("product", "KABEL-USBC-1M"),
        ("product", "x" * 200),
        ("price", "0.5"),
        ("price", "2814749767106.55"),
        ("currency", "SEK"),
        ("batch", "Charge 7, Süd"),
    ],
)
def test_good_cells(column: str, text: str) -> None:
    assert len(sales_of(with_cell(column, text))) == 1


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("date", "", "like 2026-11-20"),
        ("date", "20.11.2026", "like 2026-11-20"),
        ("date", "20261119", "like 2026-11-20"),
        ("date", "2026-W47-4", "like 2026-11-20"),
        ("date", "2026-11-19 ", "like 2026-11-20"),
        ("date", "2026-11-31", "no such day"),
        ("date", "2026-02-29", "no such day"),
        ("date", "2026-11-21", "future"),
        ("date", "1969-12-31", "before 1970"),
        ("product", "", "empty"),
        ("product", "4006381333932", "check digit"),
        ("product", "96385075", "check digit"),
        ("product", "4.00638E+12", "spreadsheet"),
        ("product", " CABLE", "space"),
        ("product", "CAB\tLE", "control"),
        ("product", "CAB\nLE", "control"),
        ("product", "CAB\u200bLE", "control"),
        ("product", "x" * 201, "longer"),
        ("price", "", "like 249.00"),
        ("price", "-1.00", "like 249.00"),
        ("price", "+1.00", "like 249.00"),
        ("price", "19,95", "like 249.00"),
        ("price", "1,249.00", "like 249.00"),
        ("price", "1_000", "like 249.00"),
        ("price", "1e3", "like 249.00"),
        ("price", "NaN", "like 249.00"),
        ("price", "Infinity", "like 249.00"),
        ("price", "007", "like 249.00"),
        ("price", ".50", "like 249.00"),
        ("price", "5.", "like 249.00"),
        ("price", "\u0661\u0662", "like 249.00"),
        ("price", "€ 5", "like 249.00"),
        ("price", "19.950", "more than 2 decimals"),
        ("price", "2814749767106.56", "out of range"),
        ("price", "9" * 5000, "out of range"),
        ("currency", "", "ISO 4217"),
        ("currency", "eur", "ISO 4217"),
        ("currency", "DEM", "ISO 4217"),
        ("batch", "L\x00", "control"),
        ("batch", "L2026-114 ", "space"),
        ("unit", "x" * 201, "longer"),
        ("unit", "\x7f", "control"),
    ],
)
def test_bad_cells_are_named(column: str, text: str, reason: str) -> None:
    assert sales_of(plain(GOOD)) == [SALE]
    ((row, where, why),) = bad_rows(with_cell(column, text))
    assert (row, where) == (2, column)
    assert reason in why
    assert len(text) < 4 or text not in why


def test_a_bad_currency_does_not_make_the_price_bad() -> None:
    assert [bad.column for bad in bad_rows(plain("2026-11-19,A,1.234,ZZZ,,"))] == ["currency"]


def test_decimals_depend_on_the_currency() -> None:
    assert sales_of(with_cell("currency", "KWD"))[0].price == 249000
    assert [bad.column for bad in bad_rows(with_cell("currency", "JPY"))] == ["price"]


def test_all_bad_rows_are_named_and_nothing_is_read() -> None:
    source = plain(GOOD, "2027-01-01,,x,EUR,,", GOOD, "1,2,3", f"{GOOD},extra")
    rows = bad_rows(source)
    assert [(bad.row, bad.column) for bad in rows] == [
        (3, "date"),
        (3, "price"),
        (3, "product"),
        (5, "all"),
        (6, "all"),
    ]
    with pytest.raises(FormatError, match="row 3, date: in the future\nrow 3, price: not an"):
        read_sales(source, today=TODAY)


def test_skip_bad_keeps_the_good_and_lists_the_bad() -> None:
    read = read_sales(plain(GOOD, "2027-01-01,A,1,EUR,,", GOOD), today=TODAY, skip_bad=True)
    assert read.sales == [SALE, SALE]
    assert read.bad == [BadRow(3, "date", "in the future")]


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    quoted = '2026-11-19,"A\nB",1,EUR,,'
    assert [bad.row for bad in bad_rows(plain(quoted, "", "2027-01-01,A,1,EUR,,"))] == [2, 4]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "header"),
        (b"\n", "header"),
        (b"\xef\xbb\xbf", "header"),
        (plain(GOOD).encode("utf-16"), "file"),
        (plain(GOOD).encode() + b"\xff", "file"),
        (plain(GOOD, '2026-11-19,"A').encode(), "file"),
        (plain(GOOD, '2026-11-19,"A"B",1,EUR,,').encode(), "file"),
        (plain(GOOD).replace("unit", "batch").encode(), "header"),
        (plain(GOOD).replace("unit", "serial").encode(), "header"),
        (plain(GOOD).replace("date", "Date").encode(), "header"),
        (plain(GOOD).replace(",", ";").encode(), "header"),
        (f"{HEADER},email\n{GOOD},a@example.com\n".encode(), "header"),
        (f"{GOOD}\n".encode(), "header"),
    ],
)
def test_files_that_are_no_sales_file(content: bytes, field: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_sales(content, today=TODAY, skip_bad=True)
    assert caught.value.field == field
    assert not isinstance(caught.value, BadRows)


def test_a_header_alone_is_a_file_without_sales() -> None:
    assert sales_of(plain()) == []


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for source in (content, HEADER.encode() + b"\n" + content):
        try:
            read = read_sales(source, today=TODAY)
        except FormatError:
            continue
        assert all(sale.date <= TODAY and sale.price >= 0 for sale in read.sales)


cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["2026-11-19", "4006381333931", "249.00", "EUR", "1e3", "2027-01-01", ""]),
)


@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=8))
def test_every_row_is_either_a_sale_or_reported(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *rows])
    read = read_sales(out.getvalue(), today=TODAY, skip_bad=True)
    assert len(read.sales) + len({bad.row for bad in read.bad}) == len(rows)
    if read.bad:
        with pytest.raises(BadRows):
            read_sales(out.getvalue(), today=TODAY)


codes = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20).map(
    lambda text: nfc(f"#{text}")
)


@given(
    st.builds(
        ShopSale,
        st.dates(date(1970, 1, 1), TODAY),
        codes,
        st.integers(0, 2**48 - 1),
        st.sampled_from(["EUR", "SEK", "GBP", "JPY", "KWD", "CLF"]),
        st.none() | codes,
        st.none() | codes,
        st.none(),
    )
)
def test_what_is_written_is_read_back(sale: ShopSale) -> None:
    amount = Decimal(sale.price).scaleb(-currency(sale.currency).minor_digits)
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            COLUMNS,
            [sale.date, sale.product, f"{amount:f}", sale.currency, sale.batch, sale.unit],
        ]
    )
    assert sales_of(out.getvalue()) == [sale]


@given(st.integers(0, 2**48 - 1), st.integers(0, 4))
def test_price_agrees_with_decimal(minor: int, digits: int) -> None:
    text = f"{Decimal(minor).scaleb(-digits):f}"
    assert parse_price(text, Currency("TST", 1, digits)) == minor
    with pytest.raises(FormatError):
        parse_price(f"{text}{'' if '.' in text else '.'}" + "0" * 5, Currency("TST", 1, digits))


@given(st.text("0123456789.,-+eE_ \u0661", max_size=20))
def test_an_accepted_price_is_what_decimal_says(text: str) -> None:
    try:
        minor = parse_price(text, currency("EUR"))
    except FormatError:
        return
    assert Decimal(text) * 100 == minor


@given(st.dates(date(1970, 1, 1), TODAY + timedelta(400)))
def test_days_until_today_are_read(day: date) -> None:
    if day <= TODAY:
        assert parse_date(day.isoformat(), TODAY) == day
    else:
        with pytest.raises(FormatError, match="future"):
            parse_date(day.isoformat(), TODAY)
