from collections import Counter
from datetime import date
from pathlib import Path

from commitments.gtin import is_gtin
from examples.make_sales import sales_csv
from issuer.sales_import import read_sales

FILE = Path(__file__).parents[2] / "examples" / "sales.csv"
SALES = read_sales(FILE, today=date(2026, 11, 20)).sales


def test_the_script_makes_the_committed_file() -> None:
    assert sales_csv().encode() == FILE.read_bytes()


def test_the_file_is_a_realistic_size() -> None:
    assert len(SALES) >= 3_000
    assert SALES[0].date == date(2024, 11, 21)
    assert SALES[-1].date == date(2026, 11, 20)
    assert {sale.currency for sale in SALES} == {"EUR", "SEK", "GBP"}


def test_most_products_are_gtins_and_some_are_not() -> None:
    products = {sale.product for sale in SALES}
    assert 40 <= len(products) <= 60
    own = {product for product in products if not is_gtin(product)}
    assert 1 <= len(own) <= 6


def test_serial_numbers_are_for_the_dear_and_occur_once() -> None:
    units = Counter(sale.unit for sale in SALES if sale.unit)
    assert units
    assert set(units.values()) == {1}
    assert all(sale.price >= 5_000 for sale in SALES if sale.unit)


def test_a_batch_belongs_to_one_product_and_month() -> None:
    meant: dict[str, set[tuple[str, int, int]]] = {}
    for sale in SALES:
        if sale.batch:
            meant.setdefault(sale.batch, set()).add((sale.product, sale.date.year, sale.date.month))
    assert len(meant) > 500
    assert all(len(where) == 1 for where in meant.values())
