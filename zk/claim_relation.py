"""Part 4 of a proof: the linear relation that ties everything together (docs/protocol.md 6).

One set of responses for all equations: that the same values are in the commitment, in the
attribute commitments and in the tags is what makes the other parts speak of one purchase.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from commitments.attributes import ATTRIBUTES, KEYS
from commitments.generators import attribute_generator, blinding_generator
from commitments.group import Group, Point
from zk.accumulator import Accumulator, random_weight
from zk.encoding import ProofReader, ProofWriter
from zk.hedged import HedgedScalars
from zk.statement import Scope, Statement, tag_base

__all__ = ["Head", "Relation", "prove", "verify"]

_BLINDING = "blinding"
_DELTA = "delta"  # the blinding of T - E, in a transfer
_CACHED = 1024  # relations; a policy has one for each number of a claim


@dataclass(frozen=True)
class Head:
    """Part 0: the re-randomised commitment T, the commitments V_a and the tags N_k."""

    commitment: Point
    attributes: tuple[Point, ...]
    tags: tuple[Point, ...]

    def points(self) -> list[Point]:
        """In the order in which they are absorbed."""
        return [self.commitment, *self.attributes, *self.tags]


@dataclass(frozen=True)
class Relation:
    """The equations of a statement: each a list of (witness name, point)."""

    names: tuple[str, ...]
    equations: tuple[tuple[tuple[str, Point], ...], ...]

    @classmethod
    def of(cls, statement: Statement) -> "Relation":
        """The relation for ``statement``, witnesses and equations in protocol order."""
        hidden = tuple(name for name in ATTRIBUTES if name not in statement.shown)
        transfer = statement.blinded is not None
        return cls._of(statement.group, hidden, statement.committed, statement.scopes, transfer)

    @classmethod
    @lru_cache(maxsize=_CACHED)
    def _of(
        cls,
        group: Group,
        hidden: tuple[str, ...],
        committed: tuple[str, ...],
        scopes: tuple[Scope, ...],
        transfer: bool,  # noqa: FBT001 - part of a cache's key
    ) -> "Relation":
        H = blinding_generator(group)
        gammas = tuple(f"gamma/{name}" for name in committed)
        opening = [(name, attribute_generator(group, name)) for name in (*hidden, *KEYS)]
        moved = [("secret", attribute_generator(group, "secret")), (_DELTA, H)]
        return cls(
            (*hidden, *KEYS, _BLINDING, *gammas, *([_DELTA] if transfer else ())),
            (
                (*opening, (_BLINDING, H)),
                *(
                    ((name, group.generator), (gamma, H))
                    for name, gamma in zip(committed, gammas, strict=True)
                ),
                *(((scope.kind, tag_base(group, scope)),) for scope in scopes),
                *([tuple(moved)] if transfer else ()),
            ),
        )


def prove(
    writer: ProofWriter,
    randomness: HedgedScalars,
    relation: Relation,
    witness: Mapping[str, int],
) -> None:
    """Append the sigma proof; ``witness`` has a scalar for each of ``relation.names``."""
    group = writer.group
    nonces = dict(zip(relation.names, randomness.scalars(len(relation.names)), strict=True))
    writer.points(
        [
            group.sum_of_products([nonces[name] for name, _ in terms], [p for _, p in terms])
            for terms in relation.equations
        ]
    )
    e = writer.challenge()
    writer.scalars([nonces[name] + e * witness[name] for name in relation.names])


def verify(reader: ProofReader, accumulator: Accumulator, statement: Statement, head: Head) -> None:
    """Read the sigma proof and add ``nonce + e * image - map(responses)`` of each equation."""
    group = accumulator.group
    q = group.order
    relation = Relation.of(statement)
    commitments = reader.points(len(relation.equations))
    e = reader.challenge()
    responses = dict(zip(relation.names, reader.scalars(len(relation.names)), strict=True))
    weights = [random_weight() for _ in relation.equations]
    # The images of the first equation and of a transfer's last are T less something public.
    images = head.points() if statement.blinded is None else [*head.points(), head.commitment]
    rows = zip(weights, commitments, images, relation.equations, strict=True)
    for w, nonce, image, terms in rows:
        accumulator.extend([w, w * e % q], [nonce, image])
        _add_terms(accumulator, [(-w * responses[name] % q, point) for name, point in terms])
    shift, shown = -weights[0] * e, statement.shown.items()
    _add_terms(accumulator, [(shift * v % q, attribute_generator(group, n)) for n, v in shown])
    if statement.blinded_point is not None:
        accumulator.add(-weights[-1] * e % q, statement.blinded_point)


def _add_terms(accumulator: Accumulator, terms: Sequence[tuple[int, Point]]) -> None:
    accumulator.extend([coefficient for coefficient, _ in terms], [p for _, p in terms])
