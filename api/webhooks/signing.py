"""Keys and signatures of the Standard Webhooks specification (1.0.0, *Signature scheme*).

Each endpoint has a secret of its own for ``v1`` (HMAC-SHA256), which the merchant gets, and an
Ed25519 key pair for ``v1a``, of which it gets the public key: who verifies with that can leak
nothing that signs.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from commitments.clock import unix_seconds
from commitments.wire import encode_base64, parse_base64

__all__ = ["SigningKeys", "signed_headers"]

_SECRET, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
_BYTES = 32  # of each; the specification asks for 24 to 64 of the secret


@dataclass(frozen=True)
class SigningKeys:
    """Of an endpoint: the secret (``whsec_…``) and the private key (``whsk_…``, a 32-byte seed)."""

    secret: str = field(repr=False)
    private_key: str = field(repr=False)

    @classmethod
    def create(cls) -> Self:
        """Fresh ones."""
        secret, seed = secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES)
        return cls(_SECRET + encode_base64(secret), _PRIVATE + encode_base64(seed))

    @classmethod
    def decode(cls, stored: bytes) -> Self:
        """Read what :meth:`encode` has written."""
        return cls(*stored.decode("ascii").split("\n"))

    def encode(self) -> bytes:
        """Both, to be sealed."""
        return f"{self.secret}\n{self.private_key}".encode("ascii")

    @property
    def public_key(self) -> str:
        """The key (``whpk_…``) that verifies ``v1a``."""
        return _PUBLIC + encode_base64(self._ed25519().public_key().public_bytes_raw())

    def sign(self, message_id: str, moment: datetime, body: bytes) -> list[str]:
        """The signatures of both kinds."""
        symmetric = Webhook(self.secret).sign(message_id, moment, body.decode("utf-8"))
        signed = b"%b.%d.%b" % (message_id.encode("ascii"), unix_seconds(moment), body)
        return [symmetric, f"v1a,{encode_base64(self._ed25519().sign(signed))}"]

    def _ed25519(self) -> Ed25519PrivateKey:
        seed = parse_base64(self.private_key.removeprefix(_PRIVATE), "key", _BYTES)
        return Ed25519PrivateKey.from_private_bytes(seed)


def signed_headers(
    keys: Sequence[SigningKeys], message_id: str, moment: datetime, body: bytes
) -> dict[str, str]:
    """The headers of one attempt at ``moment``, in UTC, signed with all of ``keys``."""
    signatures = [signature for key in keys for signature in key.sign(message_id, moment, body)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_seconds(moment)),
        "webhook-signature": " ".join(signatures),
    }
