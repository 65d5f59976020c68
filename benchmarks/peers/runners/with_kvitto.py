"""Kvitto itself, through the same protocol as its peers. Argument: members of the ring."""

import sys

from benchmarks.peers.runners.protocol import BATCH, serve
from benchmarks.rings import OPENING, make_claims, make_ring, make_statement, walk
from commitments.errors import VerificationError
from commitments.wire import parse_decimal
from zk.prove import prove
from zk.verify import Verified, verify, verify_batch


class Kvitto:
    """A claim over one ring. Its points are decoded once, as the service keeps them."""

    packages = ("petlib",)

    def __init__(self, ring: int) -> None:
        self._size = ring

    def setup(self) -> int:
        ring = make_ring(walk(), self._size)
        self._statement = make_statement(ring, 0)
        self._false = make_statement(ring, 0, dearest=499_999)
        self._claims = make_claims([ring] * BATCH)
        return sum(map(len, ring.members))

    def prove(self) -> bytes:
        return prove(self._statement, OPENING)

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
