"""Cosignatures (c2sp tlog-cosignature): a witness's word that a checkpoint extends all it has seen.

Two types. Ed25519 (04) signs the time and the whole note; ML-DSA-44 (06), which no quantum
computer breaks, signs the witness's name, the time, and the checkpoint's three values. The name
and the type of a key together say what it states.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint
from ledger.note import NoteVerifier, PublicKey, Signature, Signer, TypedKey, Verifier

__all__ = [
    "Cosigner",
    "CosignerKey",
    "Ed25519Cosigner",
    "Ed25519CosignerKey",
    "MlDsaCosigner",
    "MlDsaCosignerKey",
    "cosigned_at",
    "parse_cosigner",
]

_TIME_BYTES = 8
_LAST_TIME = 2**63 - 1
_LONGEST_NAME = 255  # bytes; its length is one byte of the signed message
_ED25519_SIGNATURE = 64
_ML_DSA_SIGNATURE = 2420
_ML_DSA_LABEL = b"subtree/v1\n\0"


class CosignerKey(NoteVerifier, Protocol):
    """The public key of a witness; its signatures begin with the time at which they were made."""

    @property
    def vkey(self) -> str:
        """The key as text: ``name+hex key id+base64 key``."""

    @property
    def public_key(self) -> bytes:
        """The key without name and type."""

    def verify_bare(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is by this key over just these bytes."""


class Cosigner(Protocol):
    """The private key of a witness."""

    @property
    def verifier(self) -> CosignerKey:
        """Its public key."""

    def cosign(self, text: str, time: int) -> Signature:
        """The cosignature at ``time`` (seconds since 1970) of a checkpoint with this text."""

    def sign_bare(self, message: bytes) -> bytes:
        """A signature of these bytes, which can be read as no cosignature."""


@dataclass(frozen=True)
class Ed25519CosignerKey(PublicKey):
    """An Ed25519 public key of a witness (type 04)."""

    TYPE: ClassVar[int] = 4

    def __post_init__(self) -> None:
        """``FormatError`` for a name or key that cannot be one."""
        Verifier(self.name, self.public_key)

    def verify(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is a time and this key's over a checkpoint."""
        time, signed = _split(signature, _ED25519_SIGNATURE)
        self.verify_bare(_ed25519_message(message, time), signed)

    def verify_bare(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is by this key over just these bytes."""
        Verifier(self.name, self.public_key).verify(message, signature)


@dataclass(frozen=True)
class MlDsaCosignerKey(PublicKey):
    """An ML-DSA-44 public key of a witness (type 06)."""

    TYPE: ClassVar[int] = 6

    def __post_init__(self) -> None:
        """``FormatError`` for a name or key that cannot be one."""
        TypedKey(self.name, self.TYPE, self.public_key)
        _short(self.name)
        try:
            MLDSA44PublicKey.from_public_bytes(self.public_key)
        except ValueError:
            raise FormatError("not an ML-DSA-44 public key", "vkey") from None

    def verify(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is a time and this key's over a checkpoint.

        ``FormatError`` for a message that is no checkpoint.
        """
        time, signed = _split(signature, _ML_DSA_SIGNATURE)
        checkpoint = Checkpoint.parse_extended(message.decode())
        self.verify_bare(_ml_dsa_message(self.name, checkpoint, time), signed)

    def verify_bare(self, message: bytes, signature: bytes) -> None:
        """``VerificationError`` unless ``signature`` is by this key over just these bytes."""
        key = MLDSA44PublicKey.from_public_bytes(self.public_key)
        try:
            key.verify(signature, message)
        except InvalidSignature:
            raise VerificationError("an ML-DSA-44 signature does not hold") from None


class Ed25519Cosigner:
    """An Ed25519 private key of a witness (type 04)."""

    def __init__(self, name: str, private_key: bytes) -> None:
        """``private_key`` is the 32-byte seed of RFC 8032."""
        self._signer = Signer(name, private_key)
        self.verifier = Ed25519CosignerKey(name, self._signer.verifier.public_key)

    def cosign(self, text: str, time: int) -> Signature:
        """The cosignature at ``time`` of a checkpoint with this text."""
        signed = self.sign_bare(_ed25519_message(text.encode(), time))
        return _signature(self.verifier, time, signed)

    def sign_bare(self, message: bytes) -> bytes:
        """A signature of these bytes, which can be read as no cosignature."""
        return self._signer.sign(message)


class MlDsaCosigner:
    """An ML-DSA-44 private key of a witness (type 06)."""

    def __init__(self, name: str, private_key: bytes) -> None:
        """``private_key`` is the 32-byte seed of FIPS 204."""
        try:
            self._key = MLDSA44PrivateKey.from_seed_bytes(private_key)
        except ValueError:
            raise FormatError("not an ML-DSA-44 seed", "private_key") from None
        self.verifier = MlDsaCosignerKey(name, self._key.public_key().public_bytes_raw())

    def cosign(self, text: str, time: int) -> Signature:
        """The cosignature at ``time`` of a checkpoint with this text."""
        checkpoint = Checkpoint.parse_extended(text)
        signed = self.sign_bare(_ml_dsa_message(self.verifier.name, checkpoint, time))
        return _signature(self.verifier, time, signed)

    def sign_bare(self, message: bytes) -> bytes:
        """A signature of these bytes, which can be read as no cosignature."""
        return self._key.sign(message)


def parse_cosigner(vkey: str) -> CosignerKey:
    """Read the key of a witness; ``FormatError`` for the key of a log or a false id."""
    key = TypedKey.parse(vkey)
    if key.type == Ed25519CosignerKey.TYPE:
        return Ed25519CosignerKey(key.name, key.public_key)
    if key.type == MlDsaCosignerKey.TYPE:
        return MlDsaCosignerKey(key.name, key.public_key)
    raise FormatError("not the key of a witness (type 04 or 06)", "vkey")


def cosigned_at(signature: bytes) -> int:
    """When a cosignature says that it was made: seconds since 1970."""
    return int.from_bytes(signature[:_TIME_BYTES], "big")


def _split(signature: bytes, size: int) -> tuple[int, bytes]:
    """The time and the signature proper."""
    time = cosigned_at(signature)
    if len(signature) != _TIME_BYTES + size or time > _LAST_TIME:
        raise VerificationError("not a time and a signature of its length")
    return time, signature[_TIME_BYTES:]


def _signature(key: CosignerKey, time: int, signed: bytes) -> Signature:
    return Signature(key.name, key.key_id, time.to_bytes(_TIME_BYTES, "big") + signed)


def _ed25519_message(text: bytes, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n".encode() + text


def _ml_dsa_message(name: str, checkpoint: Checkpoint, time: int) -> bytes:
    """The structure ``cosigned_message``; a checkpoint is the subtree that starts at 0."""
    start_and_end = (0).to_bytes(8, "big") + checkpoint.size.to_bytes(8, "big")
    return (
        _ML_DSA_LABEL
        + _short(name)
        + time.to_bytes(_TIME_BYTES, "big")
        + _short(checkpoint.origin)
        + start_and_end
        + checkpoint.root
    )


def _short(name: str) -> bytes:
    """A name behind its length, which is one byte."""
    data = name.encode()
    if len(data) > _LONGEST_NAME:
        raise FormatError("a name too long for a cosignature", "name")
    return bytes([len(data)]) + data
