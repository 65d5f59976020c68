"""The wallet's file: encrypted under a passphrase, replaced whole, open in one process at a time.

The envelope is one canonical JSON object, so that each of its bytes means something. Its
``sha256`` tells damage from a wrong passphrase and protects against nothing else; the header is
authenticated with the content.
"""

import fcntl
import os
import secrets
import weakref
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from commitments.errors import FormatError
from commitments.wire import canonical_json, encode_base64, nfc, parse_base64, parse_json
from sdk.errors import DamagedFile, NewerFile, WalletError, WalletInUse, WrongPassphrase

__all__ = ["WalletFile"]

_FORMAT = "kvitto-wallet"
_VERSION = 1
_N, _R, _P = 2**15, 8, 1  # scrypt: 32 MB and 0.1 s for each guess
_CIPHER = "chacha20-poly1305"
_KEY_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 12  # random for each writing; safe for 2^32 of them under one key
_MAX_BYTES = 256 << 20


class WalletFile:
    """An open wallet file, locked until :meth:`close` or until the object is gone."""

    def __init__(self, path: Path, lock: int, key: bytes, salt: bytes) -> None:
        self._path = path
        self._cipher = ChaCha20Poly1305(key)
        self._salt = salt
        self._unlock = weakref.finalize(self, os.close, lock)  # closing it ends the lock

    def __repr__(self) -> str:
        return f"WalletFile({str(self._path)!r})"

    @classmethod
    def create(cls, path: Path, passphrase: str, content: bytes) -> "WalletFile":
        """A new file with ``content``; ``WalletError`` when there is one at ``path``."""
        lock = _lock(path)
        try:
            _require_new(path)
            salt = secrets.token_bytes(_SALT_BYTES)
            file = cls(path, lock, _derive(passphrase, salt), salt)
        except BaseException:
            os.close(lock)
            raise
        file.write(content)
        return file

    @classmethod
    def open(cls, path: Path, passphrase: str) -> tuple["WalletFile", bytes]:
        """The file at ``path`` and its content.

        ``WalletInUse``, ``DamagedFile``, ``NewerFile``, ``WrongPassphrase``, or ``WalletError``
        when there is no file.
        """
        lock = _lock(path)
        try:
            header, ciphertext = _parse_envelope(_read(path))
            salt = parse_base64(header["kdf"]["salt"], "salt")
            key = _derive(passphrase, salt)
            content = _decrypt(key, header, ciphertext)
            return cls(path, lock, key, salt), content
        except BaseException:
            os.close(lock)
            raise

    def write(self, content: bytes) -> None:
        """Replace the content. After a crash the file holds the old content or the new one."""
        if not self._unlock.alive:
            raise WalletError("the wallet is closed")
        header = _header(self._salt, secrets.token_bytes(_NONCE_BYTES))
        nonce = parse_base64(header["nonce"], "nonce")
        ciphertext = self._cipher.encrypt(nonce, content, canonical_json(header))
        _replace(self._path, _envelope(header, ciphertext))

    def close(self) -> None:
        """Unlock the file for others."""
        self._unlock()


# ---- the envelope


def _header(salt: bytes, nonce: bytes) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "kdf": {"name": "scrypt", "n": _N, "r": _R, "p": _P, "salt": encode_base64(salt)},
        "cipher": _CIPHER,
        "nonce": encode_base64(nonce),
    }


def _envelope(header: dict[str, Any], ciphertext: bytes) -> bytes:
    whole = {**header, "ciphertext": encode_base64(ciphertext)}
    return canonical_json({**whole, "sha256": sha256(canonical_json(whole)).hexdigest()})


def _parse_envelope(data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        document = parse_json(data, "wallet")
    except FormatError:
        raise DamagedFile("not a wallet file, or a damaged one") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise DamagedFile("not a wallet file")
    version = document.get("version")
    if type(version) is int and version > _VERSION:
        raise NewerFile("a newer version of this software has written the wallet file")
    try:
        ciphertext = parse_base64(document["ciphertext"], "ciphertext")
        salt = parse_base64(document["kdf"]["salt"], "salt", _SALT_BYTES)
        header = _header(salt, parse_base64(document["nonce"], "nonce", _NONCE_BYTES))
    except (FormatError, KeyError, TypeError):
        raise DamagedFile("the wallet file is damaged") from None
    if _envelope(header, ciphertext) != data:  # also costs of scrypt that are not ours
        raise DamagedFile("the wallet file is damaged")
    return header, ciphertext


def _derive(passphrase: str, salt: bytes) -> bytes:
    if not passphrase:
        raise WalletError("a passphrase is not empty")
    kdf = Scrypt(salt, _KEY_BYTES, n=_N, r=_R, p=_P)
    return kdf.derive(nfc(passphrase).encode("utf-8"))


def _decrypt(key: bytes, header: dict[str, Any], ciphertext: bytes) -> bytes:
    nonce = parse_base64(header["nonce"], "nonce")
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, canonical_json(header))
    except InvalidTag:
        raise WrongPassphrase("wrong passphrase, or a file that somebody has changed") from None


# ---- the disk


def _lock(path: Path) -> int:
    """A descriptor that holds the lock of ``path``: of a file beside it, which stays in place."""
    beside = path.with_name(path.name + ".lock")
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WalletError(f"cannot lock the wallet file: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise WalletInUse("another process has the wallet open") from None
    return lock


def _require_new(path: Path) -> None:
    if path.exists():
        raise WalletError("there is a file with this name")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise WalletError(f"cannot read the wallet file: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise DamagedFile("not a wallet file: too long")
    return data


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    try:
        _write_durably(temporary, data)
        # Before this line a crash keeps the old file, after it the new one.
        temporary.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise WalletError(f"cannot write the wallet file: {error.strerror}") from None


def _write_durably(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # or the rename could reach the disk before the content


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
