"""The proof as bytes, joined with its transcript (docs/protocol.md 6, *Encoding*).

A proof is a sequence of parts, each its points and then its scalars; points are absorbed when
they are written or read, so that writer and reader cannot disagree about a challenge.
"""

from collections.abc import Callable, Sequence

from commitments.domain import claim_session
from commitments.errors import FormatError
from commitments.group import Group, Point
from zk.transcript import Transcript

__all__ = ["VERSION", "ProofReader", "ProofWriter"]

VERSION = b"\x01"


class ProofWriter:
    """Collects a proof's bytes and keeps its transcript.

    ``sent`` is called after each message of points, all of which take longer than the scalars.
    """

    def __init__(
        self, group: Group, statement: bytes, sent: Callable[[], None] = lambda: None
    ) -> None:
        self.group = group
        self._sent = sent
        self._transcript = Transcript(group, claim_session(group))
        self._transcript.absorb(statement)
        self._data = [VERSION]

    def points(self, points: Sequence[Point]) -> None:
        """Write and absorb. ``IdentityPoint`` for the identity."""
        self._data.append(self._transcript.absorb_points(points))
        self._sent()

    def challenge(self) -> int:
        """A nonzero challenge; ``VerificationError`` for zero."""
        return self._transcript.challenge()

    def scalars(self, scalars: Sequence[int]) -> None:
        """Write, reduced; responses are determined by what was absorbed and are not absorbed."""
        order, encode = self.group.order, self.group.encode_scalar
        self._data.append(b"".join(encode(scalar % order) for scalar in scalars))

    def proof(self) -> bytes:
        """Everything written so far."""
        return b"".join(self._data)


class ProofReader:
    """Reads a proof of exactly ``length`` bytes and keeps its transcript.

    ``FormatError`` for another length, another version, or, while reading, a point or scalar
    that is not canonically encoded.
    """

    def __init__(self, group: Group, statement: bytes, proof: bytes, length: int) -> None:
        if len(proof) != length:
            raise FormatError("a proof of the wrong length", "proof")
        if proof[:1] != VERSION:
            raise FormatError("an unknown proof version", "proof")
        self.group = group
        self._transcript = Transcript(group, claim_session(group))
        self._transcript.absorb(statement)
        self._proof = proof
        self._position = 1

    def points(self, count: int) -> list[Point]:
        """Read, validate and absorb ``count`` points."""
        chunks = self._take(count, self.group.point_size)
        points = [self.group.decode(chunk) for chunk in chunks]
        self._transcript.absorb(b"".join(chunks))
        return points

    def challenge(self) -> int:
        """A nonzero challenge; ``VerificationError`` for zero."""
        return self._transcript.challenge()

    def scalars(self, count: int) -> list[int]:
        """Read and validate ``count`` scalars."""
        return [self.group.decode_scalar(c) for c in self._take(count, self.group.scalar_size)]

    def _take(self, count: int, size: int) -> list[bytes]:
        start = self._position
        self._position += count * size
        return [self._proof[i : i + size] for i in range(start, self._position, size)]
