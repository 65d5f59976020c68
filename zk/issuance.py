"""The proof in a buyer's request, without which a buyer could shift the date or the price.

docs/protocol.md 3, step 1: ``B = serial_0 * U + secret * S + blinding * H``, compact flavour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from commitments.attributes import KEYS
from commitments.domain import issue_session
from commitments.errors import FormatError
from commitments.generators import attribute_generator, blinding_generator
from commitments.group import Group, Point
from commitments.purchase import BuyerKeys
from commitments.wire import lp, parse_hex
from zk.linear_relation import CompactCheck, Equation, LinearRelation, prove_compact

__all__ = [
    "BuyerRequest",
    "RequestCheck",
    "parse_request",
    "prove_request",
    "request_sizes",
    "verify_request",
]

_EQUATION = Equation(image=((4, 1),), terms=((0, 1, 1), (1, 2, 1), (2, 3, 1)))


@dataclass(frozen=True)
class BuyerRequest:
    """What the buyer hands to the merchant: B and the proof, both encoded."""

    commitment: bytes
    proof: bytes

    def document(self) -> dict[str, str]:
        """The request as a JSON object, in hex."""
        return {"commitment": self.commitment.hex(), "proof": self.proof.hex()}


def request_sizes(group: Group) -> tuple[int, int]:
    """The bytes of a request's commitment and of its proof."""
    return group.point_size, group.scalar_size * (1 + len(_EQUATION.terms))


def parse_request(document: Any, group: Group) -> BuyerRequest:
    """A request from parsed JSON; ``FormatError`` naming the member that is wrong."""
    if not isinstance(document, dict) or document.keys() != {"commitment", "proof"}:
        raise FormatError("not an object with commitment and proof", "request")
    point, proof = request_sizes(group)
    return BuyerRequest(
        parse_hex(document["commitment"], "request.commitment", point),
        parse_hex(document["proof"], "request.proof", proof),
    )


def prove_request(
    group: Group,
    origin: str,
    order_reference: str,
    keys: BuyerKeys,
    random_scalar: Callable[[], int],
) -> BuyerRequest:
    """The request for one order with one merchant."""
    blinded = keys.commit(group)
    proof = prove_compact(
        _tag(group, origin, order_reference),
        _relation(group, blinded),
        [keys.serial_0, keys.secret, keys.blinding],
        random_scalar,
    )
    return BuyerRequest(group.encode(blinded), proof)


def verify_request(group: Group, origin: str, order_reference: str, request: BuyerRequest) -> Point:
    """The decoded ``B``, if its sender knows what is in it; errors as :class:`RequestCheck`."""
    check = RequestCheck(group, origin, order_reference, request)
    return check.finish(group.sum_of_products(*check.sum()))


class RequestCheck:
    """The check of a request with its multiplications left to the caller.

    As :class:`zk.linear_relation.CompactCheck`, whose sums of many requests go together.

    Raises
    ------
    FormatError
        not a point or not a proof.
    VerificationError
        from :meth:`finish`: the proof is false, or for another origin or order.
    """

    def __init__(
        self, group: Group, origin: str, order_reference: str, request: BuyerRequest
    ) -> None:
        try:
            self._blinded = group.decode(request.commitment)
        except FormatError:
            raise FormatError("not a point", "request.commitment") from None
        tag = _tag(group, origin, order_reference)
        relation = _relation(group, self._blinded)
        encoded = _encoded_head(group) + request.commitment
        self._check = CompactCheck(tag, relation, request.proof, encoded)

    def sum(self) -> tuple[list[int], list[Point]]:
        """Scalars and points to multiply: the relation has one equation."""
        (one,) = self._check.sums()
        return one

    def finish(self, commitment: Point) -> Point:
        """The decoded ``B``, if ``commitment`` is the sum that was asked for."""
        self._check.finish([commitment])
        return self._blinded


def _tag(group: Group, origin: str, order_reference: str) -> bytes:
    return issue_session(group) + lp(origin.encode("ascii")) + lp(order_reference.encode("utf-8"))


@cache
def _encoded_head(group: Group) -> bytes:
    """How the relation of every request is encoded, up to its own B at the end."""
    return _relation(group, group.generator).encode()[: -group.point_size]


def _relation(group: Group, blinded: Point) -> LinearRelation:
    fixed = (attribute_generator(group, key) for key in KEYS)
    elements = (group.generator, *fixed, blinding_generator(group), blinded)
    return LinearRelation(group, elements, (_EQUATION,))
