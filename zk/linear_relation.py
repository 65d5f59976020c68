"""Sigma proofs for linear relations (draft-irtf-cfrg-sigma-protocols-03), both flavours.

A relation says ``sum(coefficient * element) = sum(coefficient * scalar * element)`` for each of
its equations, the scalars being the witness. Element 0 is the base point and is never encoded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from commitments.errors import FormatError, VerificationError
from commitments.group import Group, Point
from commitments.wire import le
from zk.transcript import DuplexSponge, challenge_size, derive_session_id

__all__ = [
    "CompactCheck",
    "Equation",
    "LinearRelation",
    "prove_batchable",
    "prove_compact",
    "verify_batchable",
    "verify_compact",
]

_COUNT_LIMIT = 2**32  # counts and indices are written in four bytes


@dataclass(frozen=True)
class Equation:
    """One equation, sparse.

    ``image``: pairs (element index, coefficient), the left-hand side.
    ``terms``: triples (scalar index, element index, coefficient), the right-hand side.
    """

    image: tuple[tuple[int, int], ...]
    terms: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class LinearRelation:
    """Elements and equations; valid by construction.

    ``FormatError`` unless all ten checks of the draft's instance validation hold.
    """

    group: Group
    elements: tuple[Point, ...]
    equations: tuple[Equation, ...]

    def __post_init__(self) -> None:
        self._validate_shape()
        self._validate_elements()

    @property
    def scalar_count(self) -> int:
        """How many scalars a witness has."""
        return 1 + max(s for equation in self.equations for s, _, _ in equation.terms)

    def image(self) -> list[Point]:
        """The left-hand side of each equation."""
        return [
            self._combine([(coefficient, e) for e, coefficient in equation.image])
            for equation in self.equations
        ]

    def map(self, scalars: Sequence[int]) -> list[Point]:
        """The right-hand side of each equation for these scalars."""
        return [
            self._combine([(scalars[s] * coefficient, e) for s, e, coefficient in equation.terms])
            for equation in self.equations
        ]

    def encode(self) -> bytes:
        """``SerializeLinearRelation`` of the draft."""
        scalar = self.group.encode_scalar
        order = self.group.order
        data = le(len(self.equations), 4)
        for equation in self.equations:
            data += le(len(equation.image), 4)
            for e, coefficient in equation.image:
                data += le(e, 4) + scalar(coefficient % order)
            data += le(len(equation.terms), 4)
            for s, e, coefficient in equation.terms:
                data += le(s, 4) + le(e, 4) + scalar(coefficient % order)
        return data + b"".join(map(self.group.encode, self.elements[1:]))

    def _combine(self, terms: Sequence[tuple[int, int]]) -> Point:
        if len(terms) == 1 and terms[0][0] == 1:  # most of what instance validation asks for
            return self.elements[terms[0][1]]
        return self.group.sum_of_products(
            [coefficient for coefficient, _ in terms],
            [self.elements[e] for _, e in terms],
        )

    def _validate_shape(self) -> None:
        if not self.equations:  # 1
            raise FormatError("a relation without equations")
        if any(not equation.image or not equation.terms for equation in self.equations):  # 2
            raise FormatError("an equation with an empty side")
        elements = {e for q in self.equations for e, _ in q.image}
        elements |= {e for q in self.equations for _, e, _ in q.terms}
        scalars = {s for q in self.equations for s, _, _ in q.terms}
        if not all(0 <= i < _COUNT_LIMIT for i in elements | scalars):  # 3
            raise FormatError("an index out of range")
        if max(elements) >= len(self.elements):  # 4
            raise FormatError("an equation names an element that is not there")
        if set(range(1, len(self.elements))) - elements:  # 5
            raise FormatError("an element that no equation names")
        if len(scalars) != max(scalars) + 1:  # 6
            raise FormatError("a scalar that no equation names")

    def _validate_elements(self) -> None:
        group = self.group
        if not group.equal(self.elements[0], group.generator):  # 7
            raise FormatError("element 0 is not the base point")
        if any(map(group.is_identity, self.elements)):  # 8
            raise FormatError("an element is the identity")
        if any(map(group.is_identity, self.image())):  # 9
            raise FormatError("an image is the identity")
        if not all(map(self._constrains, range(self.scalar_count))):  # 10
            raise FormatError("a scalar that no equation constrains")

    def _constrains(self, scalar: int) -> bool:
        """Whether some equation multiplies ``scalar`` by something other than the identity."""
        for equation in self.equations:
            terms = [(coefficient, e) for s, e, coefficient in equation.terms if s == scalar]
            if terms and not self.group.is_identity(self._combine(terms)):
                return True
        return False


def prove_batchable(
    tag: bytes,
    relation: LinearRelation,
    witness: Sequence[int],
    random_scalar: Callable[[], int],
) -> bytes:
    """A NARG string that carries the commitments, then the responses."""
    commitments, _, responses = _prove(tag, relation, witness, random_scalar)
    return commitments + _encode_scalars(relation.group, responses)


def prove_compact(
    tag: bytes,
    relation: LinearRelation,
    witness: Sequence[int],
    random_scalar: Callable[[], int],
) -> bytes:
    """A NARG string that carries the challenge, then the responses."""
    _, challenge, responses = _prove(tag, relation, witness, random_scalar)
    return _encode_scalars(relation.group, [challenge, *responses])


def verify_batchable(tag: bytes, relation: LinearRelation, narg: bytes) -> None:
    """Check a batchable NARG string.

    ``FormatError`` for a wrong length or encoding, ``VerificationError`` for a false proof.
    """
    group = relation.group
    split = group.point_size * len(relation.equations)
    if len(narg) != split + group.scalar_size * relation.scalar_count:
        raise FormatError("a proof of the wrong length")
    commitments = [
        group.decode(narg[i : i + group.point_size]) for i in range(0, split, group.point_size)
    ]
    responses = _decode_scalars(group, narg[split:])
    challenge = _challenge(group, tag, relation.encode(), narg[:split])
    expected = relation.map(responses)
    images = relation.image()
    for commitment, image, value in zip(commitments, images, expected, strict=True):
        moved = group.add(commitment, group.multiply(challenge, image))
        if not group.equal(moved, value):
            raise VerificationError("the proof does not verify")


def verify_compact(tag: bytes, relation: LinearRelation, narg: bytes) -> None:
    """Check a compact NARG string; errors as :func:`verify_batchable`."""
    check = CompactCheck(tag, relation, narg)
    check.finish(relation.group.sums_of_products(check.sums()))


class CompactCheck:
    """The check of a compact NARG string with its multiplications left to the caller.

    So that the sums of many proofs can be computed together: give the points that
    :meth:`sums` asks for to :meth:`finish`. ``FormatError`` for a wrong length or encoding.
    """

    def __init__(
        self, tag: bytes, relation: LinearRelation, narg: bytes, encoded: bytes | None = None
    ) -> None:
        """``encoded`` is the relation's encoding, where the caller has it."""
        group = relation.group
        if len(narg) != group.scalar_size * (1 + relation.scalar_count):
            raise FormatError("a proof of the wrong length")
        self._tag = tag
        self._relation = relation
        self._encoded = relation.encode() if encoded is None else encoded
        self._challenge, *self._responses = _decode_scalars(group, narg)

    def sums(self) -> list[tuple[list[int], list[Point]]]:
        """Scalars and points of the simulated commitment of each equation."""
        elements = self._relation.elements
        sums = []
        for equation in self._relation.equations:
            terms = [(self._responses[s] * c, elements[e]) for s, e, c in equation.terms]
            terms += [(-self._challenge * c, elements[e]) for e, c in equation.image]
            sums.append(([scalar for scalar, _ in terms], [point for _, point in terms]))
        return sums

    def finish(self, commitments: Sequence[Point]) -> None:
        """``VerificationError`` unless these sums give the challenge in the proof."""
        group = self._relation.group
        if any(map(group.is_identity, commitments)):
            raise VerificationError("a simulated commitment is the identity")
        encoded = b"".join(map(group.encode, commitments))
        if _challenge(group, self._tag, self._encoded, encoded) != self._challenge:
            raise VerificationError("the proof does not verify")


def _prove(
    tag: bytes,
    relation: LinearRelation,
    witness: Sequence[int],
    random_scalar: Callable[[], int],
) -> tuple[bytes, int, list[int]]:
    if len(witness) != relation.scalar_count:
        raise ValueError("the witness has another length than the relation asks for")
    group = relation.group
    nonces = [random_scalar() for _ in witness]
    commitments = b"".join(map(group.encode, relation.map(nonces)))
    challenge = _challenge(group, tag, relation.encode(), commitments)
    responses = [
        (nonce + challenge * value) % group.order
        for nonce, value in zip(nonces, witness, strict=True)
    ]
    return commitments, challenge, responses


def _challenge(group: Group, tag: bytes, relation: bytes, commitments: bytes) -> int:
    sponge = DuplexSponge(derive_session_id(tag))
    sponge.absorb(relation)
    sponge.absorb(commitments)
    squeezed = sponge.squeeze(challenge_size(group))
    return int.from_bytes(squeezed, "little") % group.order


def _encode_scalars(group: Group, scalars: Sequence[int]) -> bytes:
    return b"".join(map(group.encode_scalar, scalars))


def _decode_scalars(group: Group, data: bytes) -> list[int]:
    size = group.scalar_size
    return [group.decode_scalar(data[i : i + size]) for i in range(0, len(data), size)]
