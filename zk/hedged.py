"""The prover's randomness (docs/protocol.md 7).

Hedged: SHAKE256 over operating-system randomness, the witness and the statement. A broken
generator alone then repeats nothing across statements, and a leaked state of it reveals nothing
without the witness.
"""

import os
from collections.abc import Iterable
from hashlib import shake_256

from commitments.group import Group
from commitments.wire import lp

__all__ = ["HedgedScalars"]

_ENTROPY_SIZE = 32
_EXTRA = 16


class HedgedScalars:
    """A stream of uniform nonzero scalars.

    Parameters
    ----------
    witness
        every secret scalar the proof is about.
    public
        the encoded statement.
    entropy
        for tests only; the operating system's randomness otherwise.
    """

    def __init__(
        self, group: Group, witness: Iterable[int], public: bytes, entropy: bytes | None = None
    ) -> None:
        self._order = group.order
        self._width = group.scalar_size + _EXTRA
        seed = os.urandom(_ENTROPY_SIZE) if entropy is None else entropy
        secrets = b"".join(group.encode_scalar(value % group.order) for value in witness)
        self._seed = shake_256(lp(seed) + lp(secrets) + lp(public)).digest(64)
        self._drawn = 0

    def scalar(self) -> int:
        """The next scalar, never zero."""
        while True:
            block = shake_256(self._seed + self._drawn.to_bytes(8, "big")).digest(self._width)
            self._drawn += 1
            scalar = int.from_bytes(block, "big") % self._order
            if scalar:
                return scalar

    def scalars(self, count: int) -> list[int]:
        """The next ``count`` scalars."""
        return [self.scalar() for _ in range(count)]
