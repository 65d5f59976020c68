"""Kvitto itself, through the same protocol as its peers. Argument: members of the ring."""

import sys
from random import Random

from benchmarks.claims import random_opening, year_statement
from benchmarks.peers.runners.protocol import BATCH, serve
from commitments.errors import VerificationError
from commitments.p256 import P256
from commitments.purchase import commit
from commitments.wire import parse_decimal
from zk.prove import prove
from zk.statement import Ring
from zk.verify import Verified, verify, verify_batch


class Kvitto:
    """A claim over one ring. Its points are decoded once, as the service keeps them."""

    packages = ("petlib",)

    def __init__(self, ring: int) -> None:
        self._openings = [random_opening(Random(i)) for i in range(ring)]

    def setup(self) -> int:
        members = [P256.encode(commit(P256, opening)) for opening in self._openings]
        ring = Ring(P256, members)
        self._statement = year_statement(ring, 0)
        self._false = year_statement(ring, 0, dearest=499_999)
        self._claims = []
        for number in range(BATCH):
            statement = year_statement(ring, number)
            opening = self._openings[number % len(members)]
            self._claims.append((statement, prove(statement, opening)))
        return sum(map(len, members))

    def prove(self) -> bytes:
        return prove(self._statement, self._openings[0])

    def size(self, proof: bytes) -> int:
        return len(proof)

    def verify(self, proof: bytes) -> bool:
        return bool(verify(self._statement, proof).tags)

    def verify_false(self, proof: bytes) -> bool:
        return bool(verify(self._false, proof).tags)

    def verify_batch(self) -> None:
        results = verify_batch(self._claims)
        if not all(isinstance(result, Verified) for result in results):
            raise VerificationError("a true claim of a batch was refused")


if __name__ == "__main__":
    serve(Kvitto(parse_decimal(sys.argv[1], "ring")))
