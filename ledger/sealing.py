"""The sealing key: one key of a service, outside its database, under which private keys lie in it.

Whoever has the database alone, or a backup of it, cannot sign.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from commitments.errors import FormatError, KvittoError
from commitments.wire import lp, parse_hex

__all__ = ["NoSealingKey", "SealingKey", "WrongSealingKey"]

_KEY_BYTES = 32
_NONCE_BYTES = 12  # random for each secret; safe for 2^32 of them, and a log has a handful
_ID_BYTES = 8
_ID_DOMAIN = b"kvitto-sealing-key-id/v1"
_DERIVE_DOMAIN = b"kvitto-derived/v1"
_SECRET_DOMAIN = b"kvitto-sealed/v1"


class NoSealingKey(KvittoError):  # noqa: N818 - the name is the condition
    """Something needs a private key, and the sealing key was not given."""

    def __init__(self) -> None:
        super().__init__("the logs' private keys are sealed, and no sealing key was given")


class WrongSealingKey(KvittoError):  # noqa: N818 - as above
    """The private keys are not sealed under this key, or somebody has changed them."""


class SealingKey:
    """Seals secrets, each for one use: what was sealed for one log does not open for another."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "SealingKey(…)"

    @classmethod
    def create(cls) -> Self:
        """A fresh one."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @property
    def id(self) -> bytes:
        """Eight bytes that tell sealing keys apart; public, since the key is 256 random bits."""
        return sha256(_ID_DOMAIN + self._key).digest()[:_ID_BYTES]

    def derive(self, use: str) -> bytes:
        """Another secret of 32 bytes, for ``use``, from which this key cannot be found."""
        return hmac.digest(self._key, _DERIVE_DOMAIN + use.encode("utf-8"), sha256)

    def seal(self, use: str, secret: bytes) -> bytes:
        """``nonce || ciphertext || tag``; ``use`` is authenticated and not in it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, secret, _associated(use))

    def open(self, use: str, sealed: bytes) -> bytes:
        """The secret; :class:`WrongSealingKey` unless this key has sealed it for ``use``."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, ciphertext, _associated(use))
        except (InvalidTag, ValueError):  # too short for a nonce
            raise WrongSealingKey(
                "a private key is sealed under another key, or has been changed"
            ) from None

    def _cipher(self) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(self._key)  # made anew, since none can be handed to a worker

    def encode(self) -> bytes:
        """The key itself, as the one line of a file."""
        return f"{self._key.hex()}\n".encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read that line; ``FormatError`` for anything else."""
        line, end, rest = data.decode("ascii", "replace").partition("\n")
        if not end or rest:
            raise FormatError("not one line", "sealing key")
        return cls(parse_hex(line, "sealing key", _KEY_BYTES))


def _associated(use: str) -> bytes:
    return _SECRET_DOMAIN + lp(use.encode())
