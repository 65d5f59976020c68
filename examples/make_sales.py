"""Writes sales.csv: two years of an invented shop for electronics and household goods.

    python examples/make_sales.py [FILE]

The file lies beside this script; a test compares the two byte for byte. Each sale is drawn
independently: a day (more in December and on Saturdays), a product (fans sell in summer), a
currency. Then everything else follows from tables: the list price on that day, campaigns, the
production lot, and a serial number for what has one.

GTINs begin with 952, which GS1 keeps for examples, so none belongs to a real product. Only
``Random.random`` is used, the one generator that Python promises not to change.
"""

import csv
import io
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate, count
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

__all__ = ["sales_csv"]

_T = TypeVar("_T")

SEED = 4217
SALES = 3_200
FIRST_DAY = date(2024, 11, 21)
LAST_DAY = date(2026, 11, 20)
COLUMNS = ("date", "product", "price", "currency", "batch", "unit")


class Product(NamedTuple):
    """One catalogue entry. ``cents``: list price in EUR; ``model``: begins its serial numbers."""

    code: str
    name: str
    group: str
    cents: int
    demand: int
    model: str = ""


class Campaign(NamedTuple):
    """``percent`` off everything in ``groups``, both days included."""

    first: date
    last: date
    percent: int
    groups: str


def ean(brand: int, item: int) -> str:
    """The EAN-13 of an item, with its check digit (GS1 General Specifications 7.9)."""
    body = f"952{brand:04}{item:05}"
    total = sum((1, 3)[place % 2] * (ord(digit) - ord("0")) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


NORD, HEM, KOK, LYSA, REN, VOLT = 1042, 1187, 2310, 3075, 4406, 5521

PRODUCTS = (
    Product(ean(NORD, 101), "Headphones, noise cancelling", "audio", 24900, 44, "NK1"),
    Product(ean(NORD, 102), "Headphones, on-ear", "audio", 8995, 60),
    Product(ean(NORD, 110), "Earbuds, wireless", "audio", 12900, 95, "NK3"),
    Product(ean(NORD, 111), "Earbuds, wired USB-C", "audio", 1995, 70),
    Product(ean(NORD, 120), "Speaker, portable", "audio", 14900, 62, "NK5"),
    Product(ean(NORD, 121), "Speaker, kitchen radio DAB+", "audio", 11900, 40, "NK6"),
    Product(ean(NORD, 130), "Soundbar", "audio", 32900, 22, "NK7"),
    Product(ean(NORD, 140), "Turntable", "audio", 27900, 14, "NK8"),
    Product(ean(HEM, 201), "Fan, table", "summer", 4995, 70),
    Product(ean(HEM, 202), "Fan, tower", "summer", 10900, 48, "HV2"),
    Product(ean(HEM, 203), "Air conditioner, mobile", "summer", 44900, 16, "HV3"),
    Product(ean(HEM, 210), "Heater, oil-filled", "winter", 8995, 50),
    Product(ean(HEM, 211), "Heater, ceramic", "winter", 5995, 62),
    Product(ean(HEM, 220), "Air purifier", "home", 19900, 30, "HV6"),
    Product(ean(HEM, 221), "Air purifier filter", "home", 3495, 55),
    Product(ean(HEM, 230), "Humidifier", "winter", 6995, 42),
    Product(ean(HEM, 240), "Dehumidifier", "home", 17900, 22, "HV8"),
    Product(ean(KOK, 301), "Coffee machine, fully automatic", "kitchen", 59900, 24, "KK1"),
    Product(ean(KOK, 302), "Coffee machine, filter", "kitchen", 6995, 60),
    Product(ean(KOK, 303), "Milk frother", "kitchen", 3995, 48),
    Product(ean(KOK, 304), "Descaler, 3 bottles", "kitchen", 1495, 85),
    Product(ean(KOK, 310), "Kettle, variable temperature", "kitchen", 5995, 66),
    Product(ean(KOK, 311), "Toaster, long slot", "kitchen", 4995, 54),
    Product(ean(KOK, 320), "Blender", "kitchen", 8995, 44),
    Product(ean(KOK, 321), "Stand mixer", "kitchen", 34900, 26, "KK6"),
    Product(ean(KOK, 322), "Hand blender", "kitchen", 3495, 58),
    Product(ean(KOK, 330), "Air fryer, 5 litres", "kitchen", 12900, 72, "KK7"),
    Product(ean(KOK, 331), "Induction hob, portable", "kitchen", 7995, 26),
    Product(ean(KOK, 340), "Kitchen scale", "kitchen", 2495, 64),
    Product(ean(LYSA, 401), "Lamp, desk", "light", 4495, 46),
    Product(ean(LYSA, 402), "Lamp, floor", "light", 11900, 24),
    Product(ean(LYSA, 410), "Bulb, smart, two", "light", 2995, 88),
    Product(ean(LYSA, 411), "Light strip, 5 metres", "light", 3995, 58),
    Product(ean(LYSA, 420), "Wake-up light", "winter", 9995, 34),
    Product(ean(REN, 501), "Robot vacuum", "home", 39900, 30, "RL1"),
    Product(ean(REN, 502), "Vacuum, cordless", "home", 27900, 40, "RL2"),
    Product(ean(REN, 503), "Vacuum bags, ten", "home", 1295, 92),
    Product(ean(REN, 510), "Steam iron", "home", 5995, 42),
    Product(ean(REN, 511), "Steam cleaner", "home", 13900, 18, "RL5"),
    Product(ean(REN, 520), "Toothbrush, electric", "care", 7995, 76),
    Product(ean(REN, 521), "Toothbrush heads, four", "care", 1995, 110),
    Product(ean(REN, 530), "Shaver", "care", 15900, 34, "RL8"),
    Product(ean(REN, 531), "Hair dryer", "care", 4995, 52),
    Product(ean(VOLT, 601), "Power bank, 20,000 mAh", "power", 4495, 84),
    Product(ean(VOLT, 602), "Charger, 65 W", "power", 3995, 90),
    Product(ean(VOLT, 603), "Power station, 512 Wh", "power", 49900, 12, "VO3"),
    Product(ean(VOLT, 610), "Extension lead, six sockets", "power", 1995, 66),
    Product(ean(VOLT, 620), "Smart plug with meter", "power", 1795, 74),
    Product("KABEL-USBC-1M", "Cable USB-C, 1 m, own brand", "power", 895, 98),
    Product("KABEL-USBC-2M", "Cable USB-C, 2 m, own brand", "power", 1195, 72),
    Product("KABEL-HDMI-2M", "Cable HDMI, 2 m, own brand", "power", 1495, 46),
    Product("DEMO-KOKETT-301", "Coffee machine, from the showroom", "kitchen", 42900, 3),
)

BY_MONTH = (90, 74, 82, 78, 84, 92, 86, 80, 88, 96, 138, 190)
BY_WEEKDAY = (88, 84, 90, 96, 122, 158, 72)
SEASONS = {  # per cent of the year's average, January to December
    "summer": (5, 5, 20, 60, 150, 290, 340, 240, 60, 15, 8, 7),
    "winter": (190, 150, 90, 50, 20, 8, 6, 12, 70, 160, 220, 224),
}
ALL_YEAR = (100,) * 12
CLOSED = {(1, 1), (12, 25), (12, 26)}

# Each list price after these days, in per cent of the catalogue's.
PRICE_LISTS = ((date(2025, 4, 1), 103), (date(2026, 2, 1), 107))
CAMPAIGNS = (
    Campaign(date(2024, 11, 25), date(2024, 12, 2), 20, "audio kitchen home power"),
    Campaign(date(2025, 1, 2), date(2025, 1, 18), 15, "audio light winter"),
    Campaign(date(2025, 6, 16), date(2025, 7, 5), 10, "summer power"),
    Campaign(date(2025, 8, 18), date(2025, 9, 6), 25, "summer"),
    Campaign(date(2025, 11, 24), date(2025, 12, 1), 20, "audio kitchen home power care"),
    Campaign(date(2026, 1, 2), date(2026, 1, 17), 15, "audio light winter"),
    Campaign(date(2026, 3, 23), date(2026, 4, 4), 10, "kitchen"),
    Campaign(date(2026, 8, 17), date(2026, 9, 5), 25, "summer"),
    Campaign(date(2026, 11, 16), date(2026, 11, 20), 15, "audio care"),
)
VOUCHER_EVERY = 24  # one sale in so many was made with a 10 % voucher

# Currency, sales out of 100, rate to EUR in per cent: prices abroad are a list of their own.
CURRENCIES = (("EUR", 88, 100), ("SEK", 8, 1120), ("GBP", 4, 86))


def sales_csv() -> str:
    """The whole file, header first, oldest sale first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(Random(SEED)))
    return out.getvalue()


def _rows(random: Random) -> Iterator[tuple[str, ...]]:
    days = [FIRST_DAY + timedelta(n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    busy = [_busyness(day) for day in days]
    serials = count(20_417, 3)
    for day in sorted(_draw(random, days, busy) for _ in range(SALES)):
        product = _draw(random, PRODUCTS, [_demand(product, day) for product in PRODUCTS])
        alpha, _, rate = _draw(random, CURRENCIES, [share for _, share, _ in CURRENCIES])
        minor = _price(product, day, rate)
        if random.random() * VOUCHER_EVERY < 1:
            minor -= minor // 10
        unit = f"{product.model}{day:%y}{next(serials):06}" if product.model else ""
        price = f"{minor // 100}.{minor % 100:02}"
        yield day.isoformat(), product.code, price, alpha, _batch(product, day), unit


def _draw(random: Random, options: Sequence[_T], weights: Sequence[int]) -> _T:
    bounds = list(accumulate(weights))
    return options[bisect_right(bounds, random.random() * bounds[-1])]


def _busyness(day: date) -> int:
    if (day.month, day.day) in CLOSED:
        return 0
    rush = 180 if any(c.first <= day <= c.last for c in CAMPAIGNS) else 100
    return BY_MONTH[day.month - 1] * BY_WEEKDAY[day.weekday()] * rush


def _demand(product: Product, day: date) -> int:
    season = SEASONS.get(product.group, ALL_YEAR)[day.month - 1]
    return product.demand * season * (100 + 3 * _discount(product, day))


def _discount(product: Product, day: date) -> int:
    return max(
        (c.percent for c in CAMPAIGNS if c.first <= day <= c.last and product.group in c.groups),
        default=0,
    )


def _price(product: Product, day: date, rate: int) -> int:
    """Minor units of the currency with this rate, on the price points shops use."""
    percent = max((percent for start, percent in PRICE_LISTS if day >= start), default=100)
    minor = product.cents * percent * rate // 10_000
    return _price_point(minor * (100 - _discount(product, day)) // 100)


def _price_point(minor: int) -> int:
    """The nearest of 8.95, 9.45 … below 20, of 19.95, 20.95 … below 100, of 99, 109 … above."""
    if minor < 2_000:
        return (minor + 30) // 50 * 50 - 5
    if minor < 10_000:
        return (minor + 55) // 100 * 100 - 5
    return (minor + 600) // 1_000 * 1_000 - 100


def _batch(product: Product, day: date) -> str:
    """The production lot in stock: one for each GTIN and month, numbered through the year."""
    if not product.code.isdigit():
        return ""
    number = (day.month - 1) * len(PRODUCTS) + PRODUCTS.index(product) + 1
    return f"L{day.year}-{number:03}"


def main() -> None:
    """Write the file named on the command line, or sales.csv beside this script."""
    named = sys.argv[1:] or [str(Path(__file__).with_name("sales.csv"))]
    Path(named[0]).write_bytes(sales_csv().encode("ascii"))


if __name__ == "__main__":
    main()
