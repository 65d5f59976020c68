"""What passes between two owners before a transfer (docs/protocol.md 8, *Transfer*).

The old owner makes ``E = attributes + serial * U + beta * H``, without a secret. The new owner
adds keys of its own, ``C_new = E + secret * S + blinding * H``, and proves, compact flavour, that
this is all it has added: else it could shift the date or the price on the way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from commitments.attributes import Attributes
from commitments.domain import transfer_session
from commitments.errors import FormatError
from commitments.generators import attribute_generator, blinding_generator
from commitments.group import Group, Point
from commitments.purchase import BuyerKeys, Opening, commit
from commitments.wire import lp, parse_hex
from zk.linear_relation import Equation, LinearRelation, prove_compact, verify_compact

__all__ = [
    "Acceptance",
    "accepted_with",
    "blind",
    "handed_over",
    "parse_acceptance",
    "prove_acceptance",
    "verify_acceptance",
]

# Elements G, S, H, E, C_new: C_new - E = secret * S + blinding * H.
_EQUATION = Equation(image=((4, 1), (3, -1)), terms=((0, 1, 1), (1, 2, 1)))


@dataclass(frozen=True)
class Acceptance:
    """What the new owner hands to the old one: C_new and the proof, both encoded."""

    commitment: bytes
    proof: bytes

    def document(self) -> dict[str, str]:
        """The acceptance as a JSON object, in hex."""
        return {"commitment": self.commitment.hex(), "proof": self.proof.hex()}


def parse_acceptance(document: Any, group: Group, field: str = "acceptance") -> Acceptance:
    """An acceptance from parsed JSON; ``FormatError`` naming the member that is wrong."""
    if not isinstance(document, dict) or document.keys() != {"commitment", "proof"}:
        raise FormatError("not an object with commitment and proof", field)
    size = group.scalar_size * (1 + len(_EQUATION.terms))
    return Acceptance(
        parse_hex(document["commitment"], f"{field}.commitment", group.point_size),
        parse_hex(document["proof"], f"{field}.proof", size),
    )


def blind(group: Group, opening: Opening, beta: int) -> Point:
    """``E``: the attributes and the serial of ``opening``, no secret, and ``beta`` as blinding."""
    return commit(group, replace(opening, secret=0, blinding=beta))


def handed_over(
    group: Group, attributes: Attributes, serial: int, beta: int, keys: BuyerKeys
) -> Opening:
    """How ``C_new`` opens, for the new owner who knows how E does; ``serial_0`` plays no part."""
    return Opening(attributes, serial, keys.secret, (beta + keys.blinding) % group.order)


def accepted_with(group: Group, E: Point, keys: BuyerKeys) -> Point:
    """``C_new``: E with the secret and the blinding of ``keys``."""
    return group.add(E, group.sum_of_products([keys.secret, keys.blinding], _bases(group)))


def prove_acceptance(
    group: Group,
    origin: str,
    blinded: bytes,
    keys: BuyerKeys,
    random_scalar: Callable[[], int],
) -> Acceptance:
    """The acceptance of what ``blinded``, E as the old owner sent it, commits to.

    Of ``keys``, fresh ones, ``secret`` and ``blinding`` are used. ``FormatError`` if E is no point.
    """
    E = _decoded(group, blinded, "blinded")
    C_new = accepted_with(group, E, keys)
    proof = prove_compact(
        _tag(group, origin),
        _relation(group, E, C_new),
        [keys.secret, keys.blinding],
        random_scalar,
    )
    return Acceptance(group.encode(C_new), proof)


def verify_acceptance(group: Group, origin: str, blinded: bytes, acceptance: Acceptance) -> Point:
    """The decoded ``C_new``, if its maker has added to E what it knows and nothing else.

    Raises
    ------
    FormatError
        not a point or not a proof, or C_new is E itself.
    VerificationError
        the proof is false, or for another origin or another E.
    """
    E = _decoded(group, blinded, "blinded")
    C_new = _decoded(group, acceptance.commitment, "acceptance.commitment")
    verify_compact(_tag(group, origin), _relation(group, E, C_new), acceptance.proof)
    return C_new


def _decoded(group: Group, encoded: bytes, field: str) -> Point:
    try:
        return group.decode(encoded)
    except FormatError:
        raise FormatError("not a point", field) from None


def _tag(group: Group, origin: str) -> bytes:
    return transfer_session(group) + lp(origin.encode("ascii"))


def _bases(group: Group) -> tuple[Point, Point]:
    return attribute_generator(group, "secret"), blinding_generator(group)


def _relation(group: Group, E: Point, C_new: Point) -> LinearRelation:
    elements = (group.generator, *_bases(group), E, C_new)
    return LinearRelation(group, elements, (_EQUATION,))
