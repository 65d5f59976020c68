"""The wallet's file: encrypted under a passphrase, replaced whole, open in one process at a time.

What its bytes are says ``commitments/envelope.py``.
"""

import fcntl
import os
import weakref
from contextlib import suppress
from pathlib import Path

from commitments.envelope import Envelope
from commitments.errors import DamagedFile
from ledger.durable import sync_directory, write_durably
from sdk.errors import WalletError, WalletInUse
from sdk.kept_answers import KeptFiles

__all__ = ["WalletFile"]

_KIND = "kvitto-wallet"
_MAX_BYTES = 256 << 20


class WalletFile:
    """An open wallet file, locked until :meth:`close` or until the object is gone."""

    def __init__(self, path: Path, lock: int, envelope: Envelope) -> None:
        self._path = path
        self._envelope = envelope
        self._unlock = weakref.finalize(self, os.close, lock)  # closing it ends the lock

    def __repr__(self) -> str:
        return f"WalletFile({str(self._path)!r})"

    @classmethod
    def create(cls, path: Path, passphrase: str, content: bytes) -> "WalletFile":
        """A new file with ``content``; ``WalletError`` when there is one at ``path``."""
        lock = _lock(path)
        try:
            _require_new(path)
            file = cls(path, lock, Envelope.create(_KIND, passphrase))
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
            envelope, content = Envelope.open(_KIND, passphrase, _read(path))
            return cls(path, lock, envelope), content
        except BaseException:
            os.close(lock)
            raise

    def write(self, content: bytes) -> None:
        """Replace the content. After a crash the file holds the old content or the new one."""
        if not self._unlock.alive:
            raise WalletError("the wallet is closed")
        _replace(self._path, self._envelope.seal(content))

    def kept_answers(self) -> KeptFiles:
        """What services have answered, in a directory beside the file."""
        beside = self._path.with_name(self._path.name + ".kept")
        return KeptFiles(beside, self._envelope.subkey("kept-answers"))

    def close(self) -> None:
        """Unlock the file for others."""
        self._unlock()


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
        write_durably(temporary, data, 0o600)
        # Before this line a crash keeps the old file, after it the new one.
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise WalletError(f"cannot write the wallet file: {error.strerror}") from None
