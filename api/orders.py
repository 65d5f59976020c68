"""Orders and sales as request bodies have them, and errors that name the place in the body."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from api.bodies import members, placed, text
from commitments.errors import FormatError, Refused, VerificationError
from commitments.group import Group
from commitments.sale import Sale, parse_day, parse_sale
from issuer.recording import Order
from zk.issuance import parse_request

__all__ = ["ORDER_MEMBERS", "alone", "read_day", "read_order", "read_sale"]

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


@contextmanager
def alone(place: str = "purchases[0]") -> Iterator[None]:
    """Errors of the issuer about the only item of a list do not mention the list."""
    try:
        yield
    except (FormatError, Refused, VerificationError) as error:
        error.field = (error.field or "").removeprefix(place).removeprefix(".") or None
        raise
