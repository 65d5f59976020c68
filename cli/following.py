"""What leads on when a policy names keys that its witnesses have changed."""

from collections.abc import Iterator
from contextlib import contextmanager

from commitments.errors import VerificationError

__all__ = ["naming_what_follows"]


@contextmanager
def naming_what_follows() -> Iterator[None]:
    """Where a quorum is missing, name the command that brings its policy up to date."""
    from ledger.quorum import NotCosigned

    try:
        yield
    except NotCosigned as error:
        raise VerificationError(
            f"{error}; if a witness has changed its keys, kvitto keys follow --new-quorum makes a"
            " policy with its present ones"
        ) from None
