"""Orders and sales as request bodies have them."""

from datetime import date
from typing import Any

from api.bodies import members, placed, text
from commitments.errors import FormatError
from commitments.group import Group
from commitments.sale import Sale, parse_day, parse_sale
from issuer.orders import Order
from zk.issuance import parse_request

__all__ = ["ORDER_MEMBERS", "read_day", "read_order", "read_sale"]

ORDER_MEMBERS = ("order", "sale", "request")


def read_order(document: Any, group: Group) -> Order:
    """One purchase of a request body; ``FormatError`` names the member, as ``sale.price``."""
    order = members(document, ORDER_MEMBERS)
    with placed("sale"):
        sale = read_sale(order["sale"])
    return Order(text(order, "order"), sale, parse_request(order["request"], group))


def read_sale(document: Any) -> Sale:
    """One sale of a request body; ``FormatError`` names the member, as ``price``."""
    if not isinstance(document, dict):
        raise FormatError("not an object")
    return parse_sale(document)


def read_day(document: dict[str, Any], name: str) -> date:
    """The day in a member of a request body; ``FormatError`` names the member."""
    try:
        return parse_day(text(document, name))
    except FormatError as error:
        raise FormatError(str(error), name) from None
