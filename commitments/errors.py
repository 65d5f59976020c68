"""The exceptions of every room.

KvittoError
├── FormatError          malformed: it cannot be read as what it claims to be
├── VerificationError    well-formed, and false
├── Refused              well-formed, and against the rules; has a stable code
├── Overloaded           nothing wrong with the request; try again later
└── UnreadableFile       a file with secrets cannot be opened
    ├── WrongPassphrase    or a file that somebody else has written
    ├── DamagedFile        bytes have changed, or are missing
    └── NewerFile          written by a newer version of this software
"""

__all__ = [
    "DamagedFile",
    "FormatError",
    "KvittoError",
    "NewerFile",
    "Overloaded",
    "Refused",
    "UnreadableFile",
    "VerificationError",
    "WrongPassphrase",
]


class KvittoError(Exception):
    """Base of everything this project raises on purpose."""


class FormatError(KvittoError):
    """Input that cannot be read.

    ``field`` names the offending part (``"size"``, ``"policy.price.min"``), so that a caller
    can point at it; the message never repeats the value, which may be secret.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class VerificationError(KvittoError):
    """Well-formed input that does not hold. The message names the check, never a secret.

    ``field`` names the part of the input that is false, where it has parts.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Refused(KvittoError):  # noqa: N818 - the name is what happened
    """A request that the rules do not allow: an unknown policy, a repeated order.

    ``code`` is a stable lower-case word with hyphens, part of the interface; ``field`` names the
    part of the request that is at fault.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Overloaded(KvittoError):  # noqa: N818 - the name is the condition, as in HTTP 503
    """The service cannot do it at this moment; the caller may try again."""


class UnreadableFile(KvittoError):  # noqa: N818 - the name is the condition
    """A file with secrets cannot be opened."""


class WrongPassphrase(UnreadableFile):
    """The passphrase does not open the file, or somebody else has written the file."""


class DamagedFile(UnreadableFile):
    """The file is not of its kind, or some of its bytes have changed or are missing."""


class NewerFile(UnreadableFile):
    """A newer version of this software has written the file."""
