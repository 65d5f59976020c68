"""Hashing to P-256 and to integers (RFC 9380).

Written out because no kept Python package has ``P256_XMD:SHA-256_SSWU_RO_``; section numbers
below are the RFC's. Inputs are public labels and scopes, so constant time does not matter.
"""

from hashlib import sha256

from commitments.errors import FormatError

__all__ = ["expand_message_xmd", "hash_to_p256"]

_BLOCK = 64  # SHA-256's input block, in bytes
_DIGEST = 32
_LONGEST_DST = 255

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_A = _P - 3
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_Z = _P - 10  # 8.2
_FIELD_BYTES = 48  # L of 8.2: ceil((256 + 128) / 8)

_Affine = tuple[int, int] | None


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """``length`` uniform bytes from ``message`` under the domain separation tag ``dst``.

    RFC 9380, 5.3.1, with SHA-256. ``FormatError`` for a tag over 255 bytes or a length over
    8,160.
    """
    blocks = -(-length // _DIGEST)
    if len(dst) > _LONGEST_DST or blocks > _LONGEST_DST:
        raise FormatError("domain separation tag or length out of range")
    suffix = dst + bytes([len(dst)])
    first = sha256(
        bytes(_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + suffix,
    ).digest()
    block = sha256(first + b"\1" + suffix).digest()
    uniform = block
    for i in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = sha256(mixed + bytes([i]) + suffix).digest()
        uniform += block
    return uniform[:length]


def hash_to_p256(message: bytes, dst: bytes) -> tuple[int, int]:
    """Affine coordinates of ``hash_to_curve`` in the suite ``P256_XMD:SHA-256_SSWU_RO_``.

    RFC 9380, 3 and 8.2; the cofactor is 1. A sum that is the identity (chance 2^-256) is a
    ``FormatError``: it has no affine coordinates.
    """
    uniform = expand_message_xmd(message, dst, 2 * _FIELD_BYTES)
    u0 = int.from_bytes(uniform[:_FIELD_BYTES], "big") % _P
    u1 = int.from_bytes(uniform[_FIELD_BYTES:], "big") % _P
    point = _add(_map_to_curve(u0), _map_to_curve(u1))
    if point is None:
        raise FormatError("hashes to the identity")
    return point


def _map_to_curve(u: int) -> tuple[int, int]:
    """Simplified Shallue-van de Woestijne-Ulas, RFC 9380, 6.6.2."""
    zu2 = _Z * u * u % _P
    tv1 = (zu2 * zu2 + zu2) % _P
    if tv1 == 0:
        x1 = _B * pow(_Z * _A, -1, _P) % _P
    else:
        x1 = -_B * pow(_A, -1, _P) * (1 + pow(tv1, -1, _P)) % _P
    x = x1
    y = _square_root(_curve(x1))
    if y is None:
        x = zu2 * x1 % _P
        y = _square_root(_curve(x))
        if y is None:  # pragma: no cover - one of the two is always a square
            raise FormatError("neither candidate is on the curve")
    return (x, y) if (y & 1) == (u & 1) else (x, _P - y)


def _curve(x: int) -> int:
    return (x * x * x + _A * x + _B) % _P


def _square_root(square: int) -> int | None:
    root = pow(square, (_P + 1) // 4, _P)
    return root if root * root % _P == square else None


def _add(left: tuple[int, int], right: tuple[int, int]) -> _Affine:
    (x1, y1), (x2, y2) = left, right
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P) % _P
    elif y1 == y2 and y1 != 0:
        slope = (3 * x1 * x1 + _A) * pow(2 * y1, -1, _P) % _P
    else:
        return None
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P
