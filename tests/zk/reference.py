"""The verifier again, written from docs/protocol.md 2, 5 and 6 alone: slow, obvious, separate.

It shares nothing with ``zk/`` but the data of a statement. Points are added one by one, there is
no accumulator and no weight, and each equation is checked on its own, so that a test can say which
equation stops an attack: :func:`false_equations` names all that do not hold.
"""

from functools import cache
from hashlib import sha256, shake_128
from typing import Any

from commitments.group import Group, Point
from zk.statement import Equals, OneOf, Range, Statement

ATTRIBUTES = ("product", "date", "price", "currency", "batch", "unit")
KEYS = ("serial", "secret")


class Malformed(Exception):  # noqa: N818 - the name is the condition
    """The proof cannot be read."""


def false_equations(statement: Statement, proof: bytes) -> list[str]:
    """The equations that do not hold, by name; empty for a proof that verifies.

    ``Malformed`` for a proof that is rejected before any equation.
    """
    return _Check(statement, proof).run()


def encode(statement: Statement) -> bytes:
    """Section 5, ``encode(statement)``."""
    group = statement.group
    out = lp(b"KVITTO-V01-Shake128_" + group.name.encode())
    out += lp(statement.origin.encode())
    out += le(statement.first, 8) + le(statement.size, 8) + statement.root
    out += le(statement.voided_at, 8) + le(statement.lane, 8)
    members = b"".join(statement.ring.members)
    out += sha256(le(len(statement.ring.members), 8) + members).digest()
    out += le(len(statement.predicates), 4)
    for p in statement.predicates:
        out += bytes([ATTRIBUTES.index(p.attribute) + 1])
        if isinstance(p, Equals):
            out += b"\x01" + be(group, p.value)
        elif isinstance(p, Range):
            out += b"\x02" + le(p.lo, 8) + le(p.hi, 8)
        else:
            out += b"\x03" + le(len(p.values), 4) + b"".join(be(group, v) for v in p.values)
    out += le(len(statement.scopes), 4)
    for scope in statement.scopes:
        out += {"serial": b"\x01", "secret": b"\x02"}[scope.kind] + lp(scope.text.encode())
    out += statement.context
    return out if statement.blinded is None else out + lp(statement.blinded)


def accepts(group: Group, origin: str, E: bytes, C_new: bytes, proof: bytes) -> bool:
    """Section 8, *Transfer*, step 2: whether an acceptance holds. ``Malformed`` as above."""
    q, size = group.order, group.scalar_size
    if len(proof) != 3 * size:
        raise Malformed
    c, *s = (int.from_bytes(proof[i : i + size], "big") for i in range(0, 3 * size, size))
    if any(scalar >= q for scalar in (c, *s)):
        raise Malformed
    S, H = gen(group, "attribute/secret"), gen(group, "blinding")
    try:
        e_point, c_point = group.decode(E), group.decode(C_new)
    except Exception as error:
        raise Malformed from error
    added = group.subtract(c_point, e_point)
    if group.is_identity(added):
        raise Malformed
    one, minus = be(group, 1), be(group, q - 1)
    relation = le(1, 4) + le(2, 4) + le(4, 4) + one + le(3, 4) + minus
    relation += le(2, 4) + le(0, 4) + le(1, 4) + one + le(1, 4) + le(2, 4) + one
    relation += group.encode(S) + group.encode(H) + E + C_new
    commitment = group.add(group.multiply(s[0], S), group.multiply(s[1], H))
    commitment = group.add(commitment, group.multiply(-c % q, added))
    if group.is_identity(commitment):
        return False
    tag = f"KVITTO-V01-TRANSFER-CMPT-with-sigma-proofs_Shake128_{group.name}"
    sponge = _Sponge(_session_id(tag.encode() + lp(origin.encode())))
    sponge.absorb(relation)
    sponge.absorb(group.encode(commitment))
    return int.from_bytes(sponge.squeeze(size + 16), "little") % q == c


def le(n: int, width: int) -> bytes:
    return n.to_bytes(width, "little")


def lp(data: bytes) -> bytes:
    return le(len(data), 4) + data


def be(group: Group, scalar: int) -> bytes:
    return scalar.to_bytes(group.scalar_size, "big")


@cache
def gen(group: Group, label: str) -> Point:
    dst = f"KVITTO-V01-GENERATOR-with-{group.hash_suite}"
    return group.hash_to_curve(label.encode(), dst.encode())


def weights(width: int) -> list[int]:
    """Section 6, part 3: 1, 2, …, 2^(k-2), W - 2^(k-1) + 1."""
    k = width.bit_length()
    return [2**i for i in range(k - 1)] + ([width - 2 ** (k - 1) + 1] if k else [])


class _Sponge:
    def __init__(self, session_id: bytes) -> None:
        self.absorbed = session_id + bytes(136)
        self.squeezed = 0

    def absorb(self, data: bytes) -> None:
        if data:
            self.absorbed += data
            self.squeezed = 0

    def squeeze(self, count: int) -> bytes:
        end = self.squeezed + count
        out = shake_128(self.absorbed).digest(end)[self.squeezed :]
        self.squeezed = end
        return out


def _session_id(tag: bytes) -> bytes:
    sponge = _Sponge(b"irtf-cfrg-fiat-shamir/session-id")
    sponge.absorb(tag)
    return sponge.squeeze(32)


class _Check:
    def __init__(self, statement: Statement, proof: bytes) -> None:
        self.statement, self.group, self.q = statement, statement.group, statement.group.order
        self.rest = proof
        name = f"KVITTO-V01-Shake128_{self.group.name}-CLAIM"
        self.sponge = _Sponge(_session_id(name.encode()))
        self.sponge.absorb(encode(statement))
        self.false: list[str] = []
        self.H = gen(self.group, "blinding")

    # -- reading

    def take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise Malformed
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def points(self, count: int) -> list[Any]:
        points = []
        for _ in range(count):
            data = self.take(self.group.point_size)
            try:
                points.append(self.group.decode(data))
            except Exception as error:
                raise Malformed from error
            self.sponge.absorb(data)
        return points

    def scalars(self, count: int) -> list[int]:
        scalars = [int.from_bytes(self.take(self.group.scalar_size), "big") for _ in range(count)]
        if any(s >= self.q for s in scalars):
            raise Malformed
        return scalars

    def challenge(self) -> int:
        size = self.group.scalar_size + 16
        challenge = int.from_bytes(self.sponge.squeeze(size), "little") % self.q
        if challenge == 0:
            raise Malformed
        return challenge

    # -- arithmetic

    def times(self, scalar: int, point: Point) -> Point:
        return self.group.multiply(scalar % self.q, point)

    def total(self, *terms: tuple[int, Point]) -> Point:
        total = self.times(0, self.group.generator)
        for scalar, point in terms:
            total = self.group.add(total, self.times(scalar, point))
        return total

    def require_equal(self, name: str, left: Point, right: Point) -> None:
        if not self.group.equal(left, right):
            self.false.append(name)

    # -- the parts

    def run(self) -> list[str]:
        s = self.statement
        if self.take(1) != b"\x01":
            raise Malformed
        committed = [p for p in s.predicates if not isinstance(p, Equals)]
        (T,) = self.points(1)
        V = dict(zip([p.attribute for p in committed], self.points(len(committed)), strict=True))
        N = self.points(len(s.scopes))
        self.one_out_of_many("ring", [self.group.decode(m) for m in s.ring.members], T)
        for p in s.predicates:
            if isinstance(p, OneOf):
                values = [self.times(v, self.group.generator) for v in p.values]
                self.one_out_of_many(p.attribute, values, V[p.attribute])
        ranges = [p for p in s.predicates if isinstance(p, Range)]
        if ranges:
            self.ranges(ranges, [V[p.attribute] for p in ranges])
        self.linear(T, V, N)
        if self.rest:
            raise Malformed
        return self.false

    def one_out_of_many(self, name: str, members: list[Point], target: Point) -> None:
        R, m = len(members), 1
        while 4**m < R:
            m += 1
        A, B, *Q = self.points(2 + m)
        x = self.challenge()
        sent = self.scalars(3 * m)
        z_A, z = self.scalars(2)
        f = [[x - sum(sent[3 * j : 3 * j + 3]), *sent[3 * j : 3 * j + 3]] for j in range(m)]
        flat = [value for row in f for value in row]
        E = [gen(self.group, f"one-out-of-many/{t}") for t in range(8 * m)]
        self.require_equal(
            f"digits/{name}",
            self.total((1, A), (x, B)),
            self.total(
                *((flat[t], E[t]) for t in range(4 * m)),
                *((flat[t] * (x - flat[t]), E[4 * m + t]) for t in range(4 * m)),
                (z_A, self.H),
            ),
        )
        terms = []
        for i in range(4**m):
            F = 1
            for j in range(m):
                F = F * f[j][i // 4**j % 4] % self.q
            terms.append((F, members[i % R]))
        powers = [pow(x, k, self.q) for k in range(m)]
        self.require_equal(
            f"member/{name}",
            self.total(
                *terms,
                (-pow(x, m, self.q), target),
                *((-power, Q_k) for power, Q_k in zip(powers, Q, strict=True)),
            ),
            self.times(z, self.H),
        )

    def ranges(self, ranges: list[Range], V: list[Point]) -> None:
        q, G = self.q, self.group.generator
        digits = sum((p.hi - p.lo).bit_length() for p in ranges)
        n = 1
        while n < digits:
            n *= 2
        (A,) = self.points(1)
        y, z = self.challenge(), self.challenge()
        d = [pow(z, 2 * j, q) * w for j, p in enumerate(ranges, 1) for w in weights(p.hi - p.lo)]
        d += [0] * (n - len(d))
        g = [gen(self.group, f"range/g/{i}") for i in range(n)]
        h = [gen(self.group, f"range/h/{i}") for i in range(n)]
        zeta = (z - z * z) * sum(pow(y, i, q) for i in range(1, n + 1))
        zeta -= z * pow(y, n + 1, q) * sum(d)
        P = self.total(
            (1, A),
            *((-z, g_i) for g_i in g),
            *((z + d[i] * pow(y, n - i, q), h[i]) for i in range(n)),
            *(
                (pow(y, n + 1, q) * pow(z, 2 * j, q), self.total((1, V_j), (-p.lo, G)))
                for j, (p, V_j) in enumerate(zip(ranges, V, strict=True), 1)
            ),
            (zeta, G),
        )
        while n > 1:
            half = n // 2
            L, R = self.points(2)
            e = self.challenge()
            e_inv, y_inv = pow(e, -1, q), pow(y, -half, q)
            P = self.total((1, P), (e * e, L), (e_inv * e_inv, R))
            g = [
                self.total((e_inv, u), (e * y_inv, v))
                for u, v in zip(g[:half], g[half:], strict=True)
            ]
            h = [self.total((e, u), (e_inv, v)) for u, v in zip(h[:half], h[half:], strict=True)]
            n = half
        A_end, B_end = self.points(2)
        e = self.challenge()
        r, s, delta = self.scalars(3)
        self.require_equal(
            "ranges",
            self.total((e * e, P), (e, A_end), (1, B_end)),
            self.total((r * e, g[0]), (s * e, h[0]), (r * y * s, G), (delta, self.H)),
        )

    def linear(self, T: Point, V: dict[str, Point], N: list[Point]) -> None:
        s, G = self.statement, self.group.generator
        shown = {p.attribute: p.value for p in s.predicates if isinstance(p, Equals)}
        hidden = [a for a in ATTRIBUTES if a not in shown]
        transfer = ["delta"] if s.blinded is not None else []
        nonces = self.points(1 + len(V) + len(N) + len(transfer))
        e = self.challenge()
        names = [*hidden, *KEYS, "blinding", *(f"gamma/{a}" for a in V), *transfer]
        response = dict(zip(names, self.scalars(len(names)), strict=True))

        def generator_of(name: str) -> Point:
            return gen(self.group, f"attribute/{name}")

        image = self.total((1, T), *((-v, generator_of(a)) for a, v in shown.items()))
        self.require_equal(
            "T",
            self.total((1, nonces[0]), (e, image)),
            self.total(
                *((response[a], generator_of(a)) for a in (*hidden, *KEYS)),
                (response["blinding"], self.H),
            ),
        )
        for nonce, (a, V_a) in zip(nonces[1 : 1 + len(V)], V.items(), strict=True):
            self.require_equal(
                f"V/{a}",
                self.total((1, nonce), (e, V_a)),
                self.total((response[a], G), (response[f"gamma/{a}"], self.H)),
            )
        tag_dst = f"KVITTO-V01-TAG-with-{self.group.hash_suite}".encode()
        tags = zip(nonces[1 + len(V) : 1 + len(V) + len(N)], N, s.scopes, strict=True)
        for k, (nonce, N_k, scope) in enumerate(tags):
            U = self.group.hash_to_curve(f"{scope.kind}/{scope.text}".encode(), tag_dst)
            self.require_equal(
                f"tag/{k}",
                self.total((1, nonce), (e, N_k)),
                self.times(response[scope.kind], U),
            )
        if s.blinded is not None:
            E = self.group.decode(s.blinded)
            self.require_equal(
                "E",
                self.total((1, nonces[-1]), (e, T), (-e, E)),
                self.total(
                    (response["secret"], generator_of("secret")), (response["delta"], self.H)
                ),
            )
