"""Content encrypted under a passphrase, as one canonical JSON object of which each byte counts.

Its ``sha256`` tells damage from a wrong passphrase and protects against nothing else; the header
is authenticated with the content.
"""

import secrets
from hashlib import sha256
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from commitments.errors import DamagedFile, FormatError, NewerFile, WrongPassphrase
from commitments.wire import canonical_json, encode_base64, nfc, parse_base64, parse_json

__all__ = ["Envelope"]

_VERSION = 1
_N, _R, _P = 2**15, 8, 1  # scrypt: 32 MB and 0.1 s for each guess
_CIPHER = "chacha20-poly1305"
_KEY_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 12  # random for each writing; safe for 2^32 of them under one key


class Envelope:
    """The key that a passphrase makes with the salt of one file; the content may change.

    ``kind`` says what the file is, such as ``kvitto-wallet``: a file of one kind is not read as
    one of another.
    """

    def __init__(self, kind: str, passphrase: str, salt: bytes) -> None:
        if not passphrase:
            raise FormatError("a passphrase is not empty", "passphrase")
        kdf = Scrypt(salt, _KEY_BYTES, n=_N, r=_R, p=_P)
        self._key = kdf.derive(nfc(passphrase).encode("utf-8"))
        self._cipher = ChaCha20Poly1305(self._key)
        self._kind = kind
        self._salt = salt

    @classmethod
    def create(cls, kind: str, passphrase: str) -> Self:
        """With a fresh salt."""
        return cls(kind, passphrase, secrets.token_bytes(_SALT_BYTES))

    @classmethod
    def open(cls, kind: str, passphrase: str, data: bytes) -> tuple[Self, bytes]:
        """The envelope that ``data`` is, and its content.

        ``DamagedFile``, ``NewerFile`` or ``WrongPassphrase``.
        """
        header, ciphertext = _parse(kind, data)
        envelope = cls(kind, passphrase, parse_base64(header["kdf"]["salt"], "salt"))
        return envelope, envelope._open(header, ciphertext)

    def seal(self, content: bytes) -> bytes:
        """The bytes of the file that holds ``content``."""
        header = _header(self._kind, self._salt, secrets.token_bytes(_NONCE_BYTES))
        nonce = parse_base64(header["nonce"], "nonce")
        return _encode(header, self._cipher.encrypt(nonce, content, canonical_json(header)))

    def subkey(self, purpose: str) -> bytes:
        """A key of 32 bytes for what lies beside the file; it ends with the passphrase."""
        info = f"{self._kind}/{purpose}".encode()
        return HKDFExpand(SHA256(), _KEY_BYTES, info).derive(self._key)

    def _open(self, header: dict[str, Any], ciphertext: bytes) -> bytes:
        nonce = parse_base64(header["nonce"], "nonce")
        try:
            return self._cipher.decrypt(nonce, ciphertext, canonical_json(header))
        except InvalidTag:
            raise WrongPassphrase("wrong passphrase, or a file that somebody has changed") from None


def _header(kind: str, salt: bytes, nonce: bytes) -> dict[str, Any]:
    return {
        "format": kind,
        "version": _VERSION,
        "kdf": {"name": "scrypt", "n": _N, "r": _R, "p": _P, "salt": encode_base64(salt)},
        "cipher": _CIPHER,
        "nonce": encode_base64(nonce),
    }


def _encode(header: dict[str, Any], ciphertext: bytes) -> bytes:
    whole = {**header, "ciphertext": encode_base64(ciphertext)}
    return canonical_json({**whole, "sha256": sha256(canonical_json(whole)).hexdigest()})


def _parse(kind: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        document = parse_json(data, "file")
    except FormatError:
        raise DamagedFile(f"not a {kind} file, or a damaged one") from None
    if not isinstance(document, dict) or document.get("format") != kind:
        raise DamagedFile(f"not a {kind} file")
    version = document.get("version")
    if type(version) is int and version > _VERSION:
        raise NewerFile(f"a newer version of this software has written the {kind} file")
    try:
        ciphertext = parse_base64(document["ciphertext"], "ciphertext")
        salt = parse_base64(document["kdf"]["salt"], "salt", _SALT_BYTES)
        header = _header(kind, salt, parse_base64(document["nonce"], "nonce", _NONCE_BYTES))
    except (FormatError, KeyError, TypeError):
        raise DamagedFile(f"the {kind} file is damaged") from None
    if _encode(header, ciphertext) != data:  # also costs of scrypt that are not ours
        raise DamagedFile(f"the {kind} file is damaged")
    return header, ciphertext
