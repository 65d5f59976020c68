"""A prover that lies on request: every part of an honest proof, each with its own witness.

Where nothing is said otherwise it does what :func:`zk.prove.prove` does, so a proof in which one
field of :class:`Lie` deviates is false in exactly that respect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from commitments.errors import VerificationError
from commitments.generators import blinding_generator, numbered_generators
from commitments.group import Group, Point
from commitments.purchase import Opening, commit
from tests.zk.claims import ENTROPY
from zk import claim_relation, one_out_of_many, range_proof
from zk.claim_relation import Relation
from zk.encoding import ProofWriter
from zk.hedged import HedgedScalars
from zk.statement import Statement, digit_weights, tag_base


@dataclass(frozen=True)
class Selector:
    """What stands in for the digits of a position: a weight for each of four members."""

    weights: tuple[int, int, int, int]


@dataclass(frozen=True)
class Shift:
    """So many times the base point, whatever the group."""

    steps: int

    def __call__(self, group: Group) -> Point:
        return group.multiply(self.steps, group.generator)


@dataclass(frozen=True)
class Lie:
    """How a proof deviates; empty means not at all."""

    position: int | Selector | None = None
    """Claimed place in the ring."""
    sets: Mapping[str, int | Selector] = field(default_factory=dict)
    """Claimed place in the set of an attribute."""
    committed: Mapping[str, int] = field(default_factory=dict)
    """Values inside the V_a."""
    tags: Mapping[int, int] = field(default_factory=dict)
    """Keys behind the tags, by number of the scope."""
    digits: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Digits of a range."""
    witness: Mapping[str, int] = field(default_factory=dict)
    """Values in the responses of the linear relation."""
    nonces: Mapping[int, Shift] = field(default_factory=dict)
    """What is added to a nonce commitment, by number of the equation."""


HONEST = Lie()


def forge(statement: Statement, opening: Opening, lie: Lie = HONEST, beta: int = 0) -> bytes:
    """A proof by the owner of ``opening`` in which ``lie`` deviates; ``beta`` is for transfers."""
    randomness = HedgedScalars(statement.group, [opening.blinding], statement.encode(), ENTROPY)
    while True:  # in a small group a challenge can be zero, or a point the identity
        try:
            return _Forger(statement, opening, lie, beta, randomness).proof()
        except (VerificationError, _Identity):
            continue


class _Identity(Exception):  # noqa: N818 - the name is the condition
    """A point that cannot be written."""


@dataclass(frozen=True)
class _Forger:
    statement: Statement
    opening: Opening
    lie: Lie
    beta: int
    randomness: HedgedScalars

    def proof(self) -> bytes:
        statement, lie, group = self.statement, self.lie, self.statement.group
        H = blinding_generator(group)
        writer = _Writer(group, statement.encode())
        values = self.opening.values()
        rho = self.randomness.scalar()
        gammas = {name: self.randomness.scalar() for name in statement.committed}
        committed = {name: lie.committed.get(name, values[name]) for name in gammas}
        writer.points(
            [
                group.add(commit(group, self.opening), group.multiply(rho, H)),
                *(
                    group.sum_of_products([committed[name], gamma], [group.generator, H])
                    for name, gamma in gammas.items()
                ),
                *(
                    group.multiply(lie.tags.get(k, values[scope.kind]), tag_base(group, scope))
                    for k, scope in enumerate(statement.scopes)
                ),
            ]
        )
        ring = one_out_of_many.PointMembers(group, statement.ring.points)
        place = lie.position
        if place is None:
            place = statement.ring.members.index(group.encode(commit(group, self.opening)))
        self._member(writer, ring, place, rho)
        for p in statement.sets:
            members = one_out_of_many.ScalarMembers(group, p.values)
            index = lie.sets.get(p.attribute)
            if index is None:
                index = p.values.index(committed[p.attribute])
            self._member(writer, members, index, gammas[p.attribute])
        if statement.ranges:
            digits = [d for p in statement.ranges for d in self._digits(p.attribute, committed)]
            blindings = [gammas[p.attribute] for p in statement.ranges]
            range_proof.prove(writer, self.randomness, statement.ranges, digits, blindings)
        witness = {
            **values,
            "blinding": self.opening.blinding + rho,
            "delta": self.opening.blinding + rho - self.beta,
            **{f"gamma/{name}": gamma for name, gamma in gammas.items()},
            **lie.witness,
        }
        self._linear(writer, witness)
        return writer.proof()

    def _digits(self, attribute: str, committed: Mapping[str, int]) -> Sequence[int]:
        if attribute in self.lie.digits:
            return self.lie.digits[attribute]
        (p,) = (p for p in self.statement.ranges if p.attribute == attribute)
        return range_proof.digits_of(committed[attribute] - p.lo, digit_weights(p.width))

    def _member(
        self,
        writer: ProofWriter,
        members: one_out_of_many.Members,
        place: int | Selector,
        rho: int,
    ) -> None:
        if isinstance(place, Selector):
            _prove_selected(writer, self.randomness, members, place.weights, rho)
        else:
            one_out_of_many.prove(writer, self.randomness, members, place, rho)

    def _linear(self, writer: ProofWriter, witness: Mapping[str, int]) -> None:
        """As ``zk.claim_relation.prove``, but with shifted nonce commitments."""
        group, relation = self.statement.group, Relation.of(self.statement)
        if not self.lie.nonces:
            claim_relation.prove(writer, self.randomness, relation, witness)
            return
        drawn = self.randomness.scalars(len(relation.names))
        nonces = dict(zip(relation.names, drawn, strict=True))
        points = []
        for k, terms in enumerate(relation.equations):
            point = group.sum_of_products([nonces[n] for n, _ in terms], [p for _, p in terms])
            shift = self.lie.nonces.get(k)
            points.append(point if shift is None else group.add(point, shift(group)))
        writer.points(points)
        e = writer.challenge()
        writer.scalars([nonces[name] + e * witness[name] for name in relation.names])


class _Writer(ProofWriter):
    def points(self, points: Sequence[Point]) -> None:
        if any(map(self.group.is_identity, points)):
            raise _Identity
        super().points(points)


def _prove_selected(
    writer: ProofWriter,
    randomness: HedgedScalars,
    members: one_out_of_many.Members,
    weights: Sequence[int],
    rho: int,
) -> None:
    """One out of at most four (m = 1) with weights that need be no bits: ``T = sum w_i C_i``."""
    group = writer.group
    q, H = group.order, blinding_generator(group)
    E = numbered_generators(group, "one-out-of-many", 8)
    rest = randomness.scalars(3)
    a = [-sum(rest) % q, *rest]
    r_A, r_B, rho_0 = randomness.scalars(3)
    A = group.sum_of_products([*a, *(-v * v for v in a), r_A], [*E, H])
    mixed = [v * (1 - 2 * w) for v, w in zip(a, weights, strict=True)]
    B = group.sum_of_products([*weights, *mixed, r_B], [*E, H])
    folded = [0] * len(members)
    for i, mask in enumerate(a):
        folded[i % len(members)] += mask
    (Q,) = members.combine([folded], [rho_0])
    writer.points([A, B, Q])
    x = writer.challenge()
    f = [w * x + v for w, v in zip(weights[1:], a[1:], strict=True)]
    writer.scalars([*f, r_B * x + r_A, -rho * x - rho_0])
