"""One out of many, base 4 (docs/protocol.md 6, parts 1 and 2).

Shows ``target - member_l = rho * H`` for one member l of a list, in 2 + m points and 3m + 2
scalars for 4^m members. Groth and Kohlweiss 2014/764, Bootle et al. 2015/643, the two bit
commitments merged as in Lelantus Spark 2021/1173.

Symbols are the papers': ``l`` the secret position, ``sigma[j][i]`` whether its j-th digit is i,
``a`` the masks, ``p_i(X) = prod_j (sigma[j][i_j] X + a[j][i_j])``, ``x`` the challenge, ``f`` the
masked digits. Flat index ``t = 4j + i``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from commitments.generators import blinding_generator, numbered_generators
from commitments.group import Group, Point
from zk.accumulator import Accumulator, random_weight
from zk.encoding import ProofReader, ProofWriter
from zk.hedged import HedgedScalars
from zk.tensor import Tensor, expand, fold

__all__ = ["Members", "PointMembers", "ScalarMembers", "digit_count", "prove", "verify"]

_BASE = 4


class Members(Protocol):
    """A list of group elements, in whatever form makes sums over it cheap."""

    def __len__(self) -> int:
        """How many members there are."""

    def combine(self, rows: Sequence[list[int]], rho: Sequence[int]) -> list[Point]:
        """``sum(row[i] * member[i mod len]) + rho * H`` for each row and its rho."""

    def accumulate(self, coefficients: Tensor, accumulator: Accumulator) -> None:
        """Add ``sum(coefficients[i] * member[i mod len])`` to ``accumulator``."""


@dataclass(frozen=True)
class PointMembers:
    """Members given as points: the commitments of a ring."""

    group: Group
    points: Sequence[Point]

    def __len__(self) -> int:
        return len(self.points)

    def combine(self, rows: Sequence[list[int]], rho: Sequence[int]) -> list[Point]:
        """Nearly all of a prover's work; over half of the coefficients are zero.

        How many are not is the same for every position, but how many members those fall on is
        not, when members have several. So that the work does not tell the position, members with
        zero make up for it.
        """
        H = blinding_generator(self.group)
        sums = []
        for row, r in zip(rows, rho, strict=True):
            pairs = list(zip(fold(row, len(self)), self.points, strict=True))
            pairs.sort(key=lambda pair: not pair[0])
            terms = [*pairs[: len(row) - row.count(0)], (r, H)]
            sums.append(([c for c, _ in terms], [p for _, p in terms]))
        return self.group.sums_of_products(sums)

    def accumulate(self, coefficients: Tensor, accumulator: Accumulator) -> None:
        """A term for each member, for all proofs over these points together."""
        accumulator.add_tensor(coefficients, self.points)


@dataclass(frozen=True)
class ScalarMembers:
    """Members ``v * G`` for public scalars v: the values of a one_of predicate."""

    group: Group
    values: Sequence[int]

    def __len__(self) -> int:
        return len(self.values)

    def combine(self, rows: Sequence[list[int]], rho: Sequence[int]) -> list[Point]:
        """Two terms for each row, however many members there are."""
        points = [self.group.generator, blinding_generator(self.group)]
        return [
            self.group.sum_of_products([self._dot(fold(row, len(self))), r], points)
            for row, r in zip(rows, rho, strict=True)
        ]

    def accumulate(self, coefficients: Tensor, accumulator: Accumulator) -> None:
        """One term, however many members there are."""
        row = fold(expand(coefficients, self.group.order), len(self.values))
        accumulator.add(self._dot(row), self.group.generator)

    def _dot(self, coefficients: list[int]) -> int:
        pairs = zip(coefficients, self.values, strict=True)
        return sum(c * v for c, v in pairs) % self.group.order


def digit_count(members: int) -> int:
    """m, the least with ``4^m >= members`` and at least 1."""
    digits = 1
    while _BASE**digits < members:
        digits += 1
    return digits


def prove(
    writer: ProofWriter, randomness: HedgedScalars, members: Members, position: int, rho: int
) -> None:
    """Append the argument that ``target = member[position] + rho * H``.

    The target itself has been absorbed before; it does not occur here.
    """
    group = writer.group
    q = group.order
    m = digit_count(len(members))
    sigma = [[int(position >> 2 * j & 3 == i) for i in range(_BASE)] for j in range(m)]
    a = [_masks(randomness, q) for _ in range(m)]
    r_A, r_B = randomness.scalars(2)
    rho_k = randomness.scalars(m)

    flat_a = [mask for row in a for mask in row]
    flat_sigma = [bit for row in sigma for bit in row]
    A = _commit(group, flat_a, [-v * v for v in flat_a], r_A)
    mixed = [v * (1 - 2 * s) for v, s in zip(flat_a, flat_sigma, strict=True)]
    B = _commit(group, flat_sigma, mixed, r_B)
    Q = members.combine(_polynomials(sigma, a, q), rho_k)
    writer.points([A, B, *Q])

    x = writer.challenge()
    f = [sigma[j][i] * x + a[j][i] for j in range(m) for i in range(1, _BASE)]
    z_A = r_B * x + r_A
    z = -rho * pow(x, m, q) - sum(r * pow(x, k, q) for k, r in enumerate(rho_k))
    writer.scalars([*f, z_A, z])


def verify(reader: ProofReader, accumulator: Accumulator, members: Members, target: Point) -> None:
    """Read the argument and add its two equations to ``accumulator``."""
    group = accumulator.group
    q = group.order
    m = digit_count(len(members))
    A, B, *Q = reader.points(2 + m)
    x = reader.challenge()
    *sent, z_A, z = reader.scalars((_BASE - 1) * m + 2)
    f = [_complete_digit(x, sent[3 * j : 3 * j + 3], q) for j in range(m)]
    H = blinding_generator(group)

    # A + x B = sum f_t E_t + sum f_t (x - f_t) E_{M+t} + z_A H
    w = random_weight()
    flat = [v for row in f for v in row]
    E = numbered_generators(group, "one-out-of-many", 2 * len(flat))
    accumulator.extend([w, w * x % q, -w * z_A % q], [A, B, H])
    scaled = [-w * v % q for v in flat]
    squares = [s * (x - v) for s, v in zip(scaled, flat, strict=True)]
    accumulator.add_family([*scaled, *squares], E)

    # sum_i F_i member_{i mod R} - x^m target - sum_k x^k Q_k = z H
    w = random_weight()
    members.accumulate(Tensor(w, tuple(map(tuple, f))), accumulator)
    powers = [w]
    for _ in range(m):
        powers.append(powers[-1] * x % q)
    accumulator.extend([-p for p in powers], [*Q, target])
    accumulator.add(-w * z % q, H)


def _masks(randomness: HedgedScalars, q: int) -> list[int]:
    rest = randomness.scalars(_BASE - 1)
    return [-sum(rest) % q, *rest]


def _complete_digit(x: int, rest: Sequence[int], q: int) -> list[int]:
    return [(x - sum(rest)) % q, *rest]


def _commit(group: Group, first: list[int], second: list[int], blinding: int) -> Point:
    """``sum first_t E_t + sum second_t E_{M+t} + blinding * H``."""
    E = numbered_generators(group, "one-out-of-many", 2 * len(first))
    return group.sum_of_products([*first, *second, blinding], [*E, blinding_generator(group)])


def _polynomials(sigma: list[list[int]], a: list[list[int]], q: int) -> list[list[int]]:
    """Coefficient lists of the p_i: entry ``[k][i]`` is that of X^k, for k below m."""
    by_power = [[1]]  # by_power[k][i], over the digits taken so far
    for bits, masks in zip(sigma, a, strict=True):
        size = len(by_power[0])
        zeros = [0] * size
        constant = [[v * p % q for v in masks for p in row] for row in by_power]
        raised = [[p for s in bits for p in (row if s else zeros)] for row in by_power]
        empty = [0] * (_BASE * size)
        by_power = [
            [c + r for c, r in zip(low, high, strict=True)]
            for low, high in zip([*constant, empty], [empty, *raised], strict=True)
        ]
    return by_power[:-1]
