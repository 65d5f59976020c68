"""Aggregated Bulletproofs+ over weighted digits (docs/protocol.md 6, part 3).

Shows ``0 <= value_j - lo_j <= width_j`` for every range predicate j at once. Chung, Han, Ju, Kim
and Seo 2020/735, with digit weights whose subset sums are exactly ``[0, width]`` in place of
powers of two, so that a two-sided range costs one digit per bit of its width.

Symbols are the paper's: ``aL`` the digits, ``d`` the weights scaled by ``z^(2j)``, ``y, z, e,
e_f`` challenges, ``L, R`` the cross terms of a round, ``alpha, delta, eta`` blindings. Indices
run from 0, so the paper's ``y^i`` is ``y^(i+1)`` here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from commitments.generators import blinding_generator, numbered_generators
from commitments.group import Group, Point
from zk.accumulator import Accumulator, random_weight
from zk.encoding import ProofReader, ProofWriter
from zk.hedged import HedgedScalars
from zk.statement import Range, digit_weights

__all__ = ["digits_of", "prove", "rounds", "verify"]

_FOLD = 8  # generators in one, in a prover; three rounds


def digits_of(value: int, weights: Sequence[int]) -> list[int]:
    """The digits of ``value`` under ``weights``; the last is set iff the rest could not reach it.

    For a value outside ``[0, sum(weights)]`` they sum to something else, and no proof succeeds.
    """
    if not weights:
        return []
    last = int(value >= 1 << (len(weights) - 1))
    rest = value - last * weights[-1]
    return [rest >> i & 1 for i in range(len(weights) - 1)] + [last]


def rounds(ranges: Sequence[Range]) -> int:
    """How often the vectors are halved: n = 2^rounds digits, padded."""
    digits = sum(predicate.width.bit_length() for predicate in ranges)
    return max(digits - 1, 0).bit_length()


@dataclass(frozen=True)
class _Digits:
    """The public numbers that prover and verifier derive from the ranges and from y, z."""

    n: int
    d: list[int]  # weight of digit i times z^(2j), 0 in the padding
    y: list[int]  # powers of y, exponents 0 to n + 1
    z_squares: list[int]  # z^(2j) for the ranges j = 1, 2, …

    @classmethod
    def derive(cls, ranges: Sequence[Range], y: int, z: int, q: int) -> "_Digits":
        n = 1 << rounds(ranges)
        z_squares = [pow(z, 2 * j, q) for j in range(1, len(ranges) + 1)]
        d = [
            square * weight % q
            for square, predicate in zip(z_squares, ranges, strict=True)
            for weight in digit_weights(predicate.width)
        ]
        powers = [1]
        for _ in range(n + 1):
            powers.append(powers[-1] * y % q)
        return cls(n, d + [0] * (n - len(d)), powers, z_squares)

    def shifted(self, z: int, q: int) -> list[int]:
        """``z + d_i y^(n-i)``, what is added to the h side."""
        return [(z + v * self.y[self.n - i]) % q for i, v in enumerate(self.d)]


def prove(
    writer: ProofWriter,
    randomness: HedgedScalars,
    ranges: Sequence[Range],
    digits: Sequence[int],
    gammas: Sequence[int],
) -> None:
    """Append the argument for the already absorbed ``V_j = value_j * G + gammas[j] * H``.

    ``digits`` are those of ``value_j - lo_j``, concatenated.
    """
    group = writer.group
    q = group.order
    n = 1 << rounds(ranges)
    aL = [*digits, *[0] * (n - len(digits))]
    g, h = _generators(group, n)
    alpha = randomness.scalar()
    A = group.sum_of_products(
        [*aL, *(v - 1 for v in aL), alpha], [*g, *h, blinding_generator(group)]
    )
    writer.points([A])
    y, z = writer.challenge(), writer.challenge()

    public = _Digits.derive(ranges, y, z, q)
    a = [(v - z) % q for v in aL]
    b = [(v - 1 + s) % q for v, s in zip(aL, public.shifted(z, q), strict=True)]
    pairs = zip(public.z_squares, gammas, strict=True)
    alpha += public.y[n + 1] * sum(square * gamma for square, gamma in pairs)
    _InnerProduct(group, y, public.y, a, b, alpha).prove(writer, randomness)


class _InnerProduct:
    """The prover of the zero-knowledge weighted inner-product argument (2020/735, 3.2).

    Generators are folded after each third round only: in between, ``g_scale[i]`` is the coefficient
    that ``g[i]`` has in the folded generator it belongs to, so that the cross terms of a round are
    two multi-scalar multiplications, and nearly all of the work.
    """

    def __init__(
        self,
        group: Group,
        y: int,
        y_powers: list[int],
        a: list[int],
        b: list[int],
        alpha: int,
    ) -> None:
        self.group, self.q = group, group.order
        self.y_powers = y_powers
        self.y_inverse = pow(y, -1, self.q)
        self.a, self.b, self.alpha = a, b, alpha
        self.g_scale = [1] * len(a)
        self.h_scale = [1] * len(a)
        self.g: Sequence[Point]
        self.h: Sequence[Point]
        self.g, self.h = _generators(group, len(a))
        self.ends = [group.generator, blinding_generator(group)]

    def prove(self, writer: ProofWriter, randomness: HedgedScalars) -> None:
        while len(self.a) > 1:
            self._round(writer, randomness)
        self._finish(writer, randomness)

    def _round(self, writer: ProofWriter, randomness: HedgedScalars) -> None:
        q, half = self.q, len(self.a) // 2
        y_half = self.y_powers[half]
        y_half_inverse = pow(self.y_inverse, half, q)
        a1, a2 = self.a[:half], self.a[half:]
        b1, b2 = self.b[:half], self.b[half:]
        c_L = self._weighted(a1, b2)
        c_R = self._weighted(a2, b1) * y_half % q
        d_L, d_R = randomness.scalars(2)
        zeros = [0] * half
        left = self._terms([*zeros, *(v * y_half_inverse for v in a1)], [*b2, *zeros], c_L, d_L)
        right = self._terms([*(v * y_half for v in a2), *zeros], [*zeros, *b1], c_R, d_R)
        writer.points(self.group.sums_of_products([left, right]))

        e = writer.challenge()
        e_inverse = pow(e, -1, q)
        fold = y_half * e_inverse % q
        self.a = [(e * u + fold * v) % q for u, v in zip(a1, a2, strict=True)]
        self.b = [(e_inverse * u + e * v) % q for u, v in zip(b1, b2, strict=True)]
        self.alpha = (e * e * d_L + self.alpha + e_inverse * e_inverse * d_R) % q
        self._rescale(half, (e_inverse, e * y_half_inverse % q), (e, e_inverse))
        if len(self.g) == half * _FOLD:
            self.g, self.h = self._folded(half)
            self.g_scale, self.h_scale = [1] * half, [1] * half

    def _finish(self, writer: ProofWriter, randomness: HedgedScalars) -> None:
        q, y = self.q, self.y_powers[1]
        (a,), (b,) = self.a, self.b
        r, s, delta, eta = randomness.scalars(4)
        end = [r * y * s % q, eta], self.ends
        both = [self._terms([r], [s], r * y * b + s * y * a, delta), end]
        writer.points(self.group.sums_of_products(both))
        e = writer.challenge()
        writer.scalars([r + a * e, s + b * e, eta + delta * e + self.alpha * e * e])

    def _weighted(self, a: list[int], b: list[int]) -> int:
        """``sum a_i b_i y^(i+1)``."""
        powers = self.y_powers[1 : len(a) + 1]
        return sum(u * v * y for u, v, y in zip(a, b, powers, strict=True)) % self.q

    def _terms(
        self, on_g: list[int], on_h: list[int], c: int, blinding: int
    ) -> tuple[list[int], list[Point]]:
        """``on_g·g' + on_h·h' + c G + blinding H`` over the folded generators."""
        size = len(on_g)
        q = self.q
        scalars = [on_g[i % size] * scale % q for i, scale in enumerate(self.g_scale)]
        scalars += [on_h[i % size] * scale % q for i, scale in enumerate(self.h_scale)]
        terms = [
            (scalar, point)
            for scalar, point in zip(
                [*scalars, c, blinding], [*self.g, *self.h, *self.ends], strict=True
            )
            if scalar
        ]
        return [s for s, _ in terms], [p for _, p in terms]

    def _folded(self, size: int) -> tuple[Sequence[Point], Sequence[Point]]:
        """The folded generators themselves, ``size`` of each kind."""
        sums = [
            (scale[i::size], points[i::size])
            for scale, points in ((self.g_scale, self.g), (self.h_scale, self.h))
            for i in range(size)
        ]
        folded = self.group.sums_of_products(sums)
        return folded[:size], folded[size:]

    def _rescale(self, half: int, on_g: tuple[int, int], on_h: tuple[int, int]) -> None:
        q = self.q
        for i in range(len(self.g_scale)):
            upper = i // half & 1
            self.g_scale[i] = self.g_scale[i] * on_g[upper] % q
            self.h_scale[i] = self.h_scale[i] * on_h[upper] % q


def verify(
    reader: ProofReader,
    accumulator: Accumulator,
    ranges: Sequence[Range],
    targets: Sequence[Point],
) -> None:
    """Read the argument for ``targets`` (the V_j) and add its equation to ``accumulator``."""
    group = accumulator.group
    q = group.order
    (A,) = reader.points(1)
    y, z = reader.challenge(), reader.challenge()
    cross, e = [], []
    for _ in range(rounds(ranges)):
        cross += reader.points(2)
        e.append(reader.challenge())
    A_end, B_end = reader.points(2)
    e_f = reader.challenge()
    r, s, delta = reader.scalars(3)

    # e_f^2 P + e_f A' + B' = r e_f g + s e_f h + r y s G + delta H
    w = random_weight()
    public = _Digits.derive(ranges, y, z, q)
    n, e2 = public.n, e_f * e_f % q
    *inverses, y_inverse = _inverses([*e, y], q)
    scale = w * e2 % q
    g, h = _generators(group, n)
    folded = _challenge_products(e, inverses, q)
    shifted = public.shifted(z, q)
    constant = scale * z
    on_g_scale = w * r * e_f * pow(y_inverse, n, q) % q
    on_h_scale = w * s * e_f % q
    # y^-i = y^(n-i) y^-n
    on_g = [
        -constant - on_g_scale * (p * v % q) for p, v in zip(public.y[n:0:-1], folded, strict=True)
    ]
    on_h = [scale * u - on_h_scale * v for u, v in zip(shifted, reversed(folded), strict=True)]
    accumulator.add_family(on_g, g)
    accumulator.add_family(on_h, h)

    y_end = public.y[n + 1]
    zeta = (z - z * z) * sum(public.y[1 : n + 1]) - z * y_end * sum(public.d)
    on_targets = [y_end * square % q for square in public.z_squares]
    lows = sum(c * predicate.lo for c, predicate in zip(on_targets, ranges, strict=True))
    accumulator.extend([scale * c % q for c in on_targets], targets)
    on_cross = [scale * v * v % q for pair in zip(e, inverses, strict=True) for v in pair]
    accumulator.extend(on_cross, cross)
    accumulator.extend(
        [scale, w * e_f % q, w, (scale * (zeta - lows) - w * r * y * s) % q, -w * delta % q],
        [A, A_end, B_end, group.generator, blinding_generator(group)],
    )


def _generators(group: Group, n: int) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    return numbered_generators(group, "range/g", n), numbered_generators(group, "range/h", n)


def _inverses(values: list[int], q: int) -> list[int]:
    """All inverses for the price of one (Montgomery's trick)."""
    prefixes = [1]
    for value in values:
        prefixes.append(prefixes[-1] * value % q)
    inverse = pow(prefixes[-1], -1, q)
    inverses = []
    for value, prefix in zip(reversed(values), reversed(prefixes[:-1]), strict=True):
        inverses.append(inverse * prefix % q)
        inverse = inverse * value % q
    return inverses[::-1]


def _challenge_products(e: list[int], inverses: list[int], q: int) -> list[int]:
    """``s_i``: for every round the challenge if i lies in the upper half, else its inverse."""
    products = [1]
    for challenge, inverse in zip(e, inverses, strict=True):
        products = [p * v % q for p in products for v in (inverse, challenge)]
    return products
