"""The purchase commitment and how buyer and merchant make it together (docs/protocol.md 3)."""

from dataclasses import dataclass, fields
from functools import lru_cache

from commitments.attributes import ATTRIBUTES, KEYS, Attributes
from commitments.domain import SERIAL_DST
from commitments.errors import FormatError
from commitments.generators import attribute_generator, blinding_generator
from commitments.group import Group, Point
from commitments.wire import lp

__all__ = ["BuyerKeys", "Opening", "commit", "complete", "serial_shift"]

_CACHED_TERMS = 4096  # a shop's products, prices, dates and batches repeat; serial numbers do not


@dataclass(frozen=True)
class BuyerKeys:
    """What the buyer chooses, fresh for every order, and shows to nobody."""

    serial_0: int
    secret: int
    blinding: int

    def __repr__(self) -> str:
        return "BuyerKeys(…)"

    def commit(self, group: Group) -> Point:
        """``B = serial_0 * gen(serial) + secret * gen(secret) + blinding * H``."""
        return group.sum_of_products(
            [self.serial_0, self.secret, self.blinding],
            [*(attribute_generator(group, key) for key in KEYS), blinding_generator(group)],
        )


@dataclass(frozen=True)
class Opening:
    """Everything inside a commitment. Whoever has it can claim: it is never shown nor printed."""

    attributes: Attributes
    serial: int
    secret: int
    blinding: int

    def __repr__(self) -> str:
        return "Opening(…)"

    def values(self) -> dict[str, int]:
        """Scalars by name: the attributes, then ``serial`` and ``secret``."""
        named = {field.name: getattr(self.attributes, field.name) for field in fields(Attributes)}
        return {**named, "serial": self.serial, "secret": self.secret}


def commit(group: Group, opening: Opening) -> Point:
    """``C``, the Pedersen vector commitment to all of ``opening``."""
    values = opening.values()
    return group.sum_of_products(
        [*values.values(), opening.blinding],
        [*(attribute_generator(group, name) for name in values), blinding_generator(group)],
    )


def serial_shift(group: Group, origin: str, order_reference: str, request: bytes) -> int:
    """``t``, by which the serial is moved so that no buyer can aim it at another's."""
    message = lp(origin.encode("ascii")) + lp(order_reference.encode("utf-8")) + request
    return group.hash_to_scalar(message, SERIAL_DST)


def complete(group: Group, request: Point, attributes: Attributes, shift: int) -> Point:
    """The merchant's step: ``C = B + attributes + t * gen(serial)``.

    ``FormatError`` if the result is the identity (the buyer then starts again).
    """
    fresh = [attribute_generator(group, name) for name in ("serial", "unit")]
    total = group.add(request, group.sum_of_products([shift, attributes.unit], fresh))
    for name, value in zip(ATTRIBUTES, attributes.values(), strict=True):
        if value and name != "unit":
            total = group.add(total, _term(group, name, value))
    if group.is_identity(total):
        raise FormatError("commits to nothing", "request")
    return total


@lru_cache(maxsize=_CACHED_TERMS)
def _term(group: Group, name: str, value: int) -> Point:
    return group.multiply(value, attribute_generator(group, name))
