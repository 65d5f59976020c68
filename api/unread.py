"""What is said of logs that this process has not read to their end."""

from commitments.errors import KvittoError

__all__ = ["NotRead"]


class NotRead(KvittoError):  # noqa: N818 - the name is the condition
    """Not yet; or, where it is not ``later``, never."""

    def __init__(self, why: str, *, later: bool) -> None:
        super().__init__(why)
        self.headers = {"Retry-After": "1"} if later else {}
