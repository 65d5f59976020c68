"""The exceptions of every room.

KvittoError
├── FormatError          malformed: it cannot be read as what it claims to be
├── VerificationError    well-formed, and false
├── Refused              well-formed, and against the rules; has a stable code
└── Overloaded           nothing wrong with the request; try again later
"""

__all__ = ["FormatError", "KvittoError", "Overloaded", "Refused", "VerificationError"]


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
