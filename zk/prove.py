"""Making a proof (docs/protocol.md 6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from commitments.errors import KvittoError, VerificationError
from commitments.generators import blinding_generator
from commitments.group import IdentityPoint
from commitments.purchase import Opening, commit
from zk import claim_relation, one_out_of_many, range_proof
from zk.claim_relation import Head, Relation
from zk.encoding import ProofWriter
from zk.hedged import HedgedScalars
from zk.statement import Predicate, Statement, digit_weights, tag_base
from zk.transfer import blind

__all__ = ["Progress", "Unsatisfied", "no_progress", "prove"]

Progress = Callable[[int, int], None]
"""Called with how many steps of a proof are done, and how many it has.

A step is a message of points: the head, the ring, each set, each round of the range proof and the
relation. Their number, and how much each computes, depends on the statement only. An exception
that it raises ends the proof.
"""


def no_progress(_done: int, _of: int) -> None:
    """Tell nobody."""


class Unsatisfied(KvittoError):  # noqa: N818 - the name is what the statement is
    """The purchase does not satisfy the statement. Local knowledge: never sent anywhere.

    ``predicate`` is the first that fails, or None when it is not a predicate that fails.
    """

    def __init__(self, message: str, predicate: Predicate | None = None) -> None:
        super().__init__(message)
        self.predicate = predicate


def prove(
    statement: Statement,
    opening: Opening,
    *,
    beta: int | None = None,
    entropy: bytes | None = None,
    progress: Progress = no_progress,
) -> bytes:
    """A proof that the owner of ``opening`` makes ``statement``.

    Parameters
    ----------
    statement
        built from the verifier's policy, over a ring that has been checked against the log.
    opening
        of one of the ring's commitments.
    beta
        for a transfer: the blinding of the statement's E.
    entropy
        for tests only: makes the proof a function of its inputs.
    progress
        see :data:`Progress`.

    Raises
    ------
    Unsatisfied
        the opening's commitment is not in the ring, a predicate does not hold, a key that a
        scope asks for is zero, or E is not of this opening's attributes and serial and of beta.
    """
    position = _position(statement, opening)
    for predicate in statement.predicates:
        if not predicate.admits(getattr(opening.attributes, predicate.attribute)):
            raise Unsatisfied(f"{predicate.attribute} does not satisfy the policy", predicate)
    values = opening.values()
    if any(values[scope.kind] % statement.group.order == 0 for scope in statement.scopes):
        raise Unsatisfied("a key is zero")  # its tag would be the identity, which has no encoding
    _require_blinded(statement, opening, beta)
    encoded = statement.encode()
    secrets = [*values.values(), opening.blinding, *(() if beta is None else (beta,))]
    randomness = HedgedScalars(statement.group, secrets, encoded, entropy)
    while True:
        steps = _Steps(_step_count(statement), progress)
        try:
            prover = _Prover(statement, opening, position, randomness, beta or 0)
            return prover.proof(encoded, steps.advance)
        except (VerificationError, IdentityPoint):
            if steps.told:  # it was the caller's own code that raised
                raise
            # A zero challenge or an identity to be encoded: in a group of cryptographic size
            # never, in a test group of 13 elements often. Fresh randomness, another try.
            continue


def _step_count(statement: Statement) -> int:
    """Messages of points: A and the last one of the range proof are two beside its rounds."""
    ranged = 2 + range_proof.rounds(statement.ranges) if statement.ranges else 0
    return 3 + len(statement.sets) + ranged


class _Steps:
    """Counts the messages of one attempt; ``told``: while the caller is being told."""

    def __init__(self, count: int, progress: Progress) -> None:
        self._done, self._count, self._progress = 0, count, progress
        self.told = False

    def advance(self) -> None:
        self._done += 1
        self.told = True
        self._progress(self._done, self._count)
        self.told = False


def _position(statement: Statement, opening: Opening) -> int:
    encoded = statement.group.encode(commit(statement.group, opening))
    try:
        return statement.ring.members.index(encoded)
    except ValueError:
        raise Unsatisfied("the purchase is not in the ring") from None


def _require_blinded(statement: Statement, opening: Opening, beta: int | None) -> None:
    if (statement.blinded is None) != (beta is None):
        raise Unsatisfied("beta is for a transfer, and a transfer needs it")
    if beta is not None:
        E = blind(statement.group, opening, beta)
        if statement.blinded_point is None or not statement.group.equal(E, statement.blinded_point):
            raise Unsatisfied("E has another attribute or serial, another beta, or a secret")


@dataclass(frozen=True)
class _Prover:
    """One attempt. Its parts are the protocol's; nothing here checks that they are true."""

    statement: Statement
    opening: Opening
    position: int
    randomness: HedgedScalars
    beta: int = 0

    def proof(self, encoded_statement: bytes, sent: Callable[[], None] = lambda: None) -> bytes:
        statement, randomness = self.statement, self.randomness
        group = statement.group
        writer = ProofWriter(group, encoded_statement, sent)
        rho = randomness.scalar()
        gammas = {name: randomness.scalar() for name in statement.committed}
        values = self.opening.values()
        writer.points(self._head(values, rho, gammas).points())

        ring = one_out_of_many.PointMembers(group, statement.ring.points)
        one_out_of_many.prove(writer, randomness, ring, self.position, rho)
        for predicate in statement.sets:
            members = one_out_of_many.ScalarMembers(group, predicate.values)
            index = predicate.values.index(values[predicate.attribute])
            gamma = gammas[predicate.attribute]
            one_out_of_many.prove(writer, randomness, members, index, gamma)
        if statement.ranges:
            digits = self._digits(values)
            blindings = [gammas[p.attribute] for p in statement.ranges]
            range_proof.prove(writer, randomness, statement.ranges, digits, blindings)
        witness = {
            **values,
            "blinding": self.opening.blinding + rho,
            "delta": self.opening.blinding + rho - self.beta,
            **{f"gamma/{name}": gamma for name, gamma in gammas.items()},
        }
        claim_relation.prove(writer, randomness, Relation.of(statement), witness)
        return writer.proof()

    def _head(self, values: Mapping[str, int], rho: int, gammas: Mapping[str, int]) -> Head:
        group = self.statement.group
        H = blinding_generator(group)
        member = self.statement.ring.points[self.position]
        return Head(
            group.add(member, group.multiply(rho, H)),
            tuple(
                group.sum_of_products([values[name], gamma], [group.generator, H])
                for name, gamma in gammas.items()
            ),
            tuple(
                group.multiply(values[scope.kind], tag_base(group, scope))
                for scope in self.statement.scopes
            ),
        )

    def _digits(self, values: Mapping[str, int]) -> Sequence[int]:
        return [
            digit
            for p in self.statement.ranges
            for digit in range_proof.digits_of(values[p.attribute] - p.lo, digit_weights(p.width))
        ]
