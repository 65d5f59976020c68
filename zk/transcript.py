"""The Fiat-Shamir transcript: an XOF duplex sponge over SHAKE128 (docs/protocol.md 2).

draft-irtf-cfrg-fiat-shamir-03: the state is ``SHAKE128(session_id || 0^136 || absorbed)``,
squeezes continue one output stream, a non-empty absorb restarts it, and squeezed bytes are never
fed back.
"""

from collections.abc import Iterable
from hashlib import shake_128

from commitments.errors import VerificationError
from commitments.group import Group, Point

__all__ = ["DuplexSponge", "Transcript", "challenge_size", "derive_session_id"]

_RATE = 168  # of SHAKE128, in bytes
_SESSION_ID_SIZE = 32
_EXTRA = 16  # bytes beyond a scalar's width, so that reducing a challenge leaves no bias


class DuplexSponge:
    """``Init``, ``Absorb`` and ``Squeeze`` of the draft.

    Parameters
    ----------
    session_id
        32 bytes; separates one use of the sponge from all others.
    """

    def __init__(self, session_id: bytes) -> None:
        if len(session_id) != _SESSION_ID_SIZE:
            raise ValueError("a session id has 32 bytes")
        self._state = shake_128(session_id + bytes(_RATE - _SESSION_ID_SIZE))
        self._squeezed = 0

    def absorb(self, data: bytes) -> None:
        """Append ``data``; splitting it over several calls changes nothing."""
        if data:
            self._state.update(data)
            self._squeezed = 0

    def squeeze(self, length: int) -> bytes:
        """The next ``length`` bytes of the output."""
        start, self._squeezed = self._squeezed, self._squeezed + length
        return self._state.digest(self._squeezed)[start:]


def derive_session_id(tag: bytes) -> bytes:
    """``DeriveSessionID``: 32 bytes for a protocol's tag."""
    sponge = DuplexSponge(b"irtf-cfrg-fiat-shamir/session-id")
    sponge.absorb(tag)
    return sponge.squeeze(_SESSION_ID_SIZE)


def challenge_size(group: Group) -> int:
    """How many bytes a challenge is squeezed from (``Ns + 16``)."""
    return group.scalar_size + _EXTRA


class Transcript:
    """A sponge that speaks in points and challenges of one group."""

    def __init__(self, group: Group, session: bytes) -> None:
        self._group = group
        self._sponge = DuplexSponge(derive_session_id(session))

    def absorb(self, data: bytes) -> None:
        """Absorb bytes, the encodings of already validated points among them."""
        self._sponge.absorb(data)

    def absorb_points(self, points: Iterable[Point]) -> bytes:
        """Encode ``points``, absorb them and return the bytes."""
        data = b"".join(map(self._group.encode, points))
        self._sponge.absorb(data)
        return data

    def challenge(self) -> int:
        """A nonzero scalar that depends on everything absorbed so far.

        ``VerificationError`` for zero (chance 2^-256): a proof with it is rejected, a prover
        that meets one starts again.
        """
        squeezed = self._sponge.squeeze(challenge_size(self._group))
        challenge = int.from_bytes(squeezed, "little") % self._group.order
        if challenge == 0:
            raise VerificationError("a challenge is zero")
        return challenge
