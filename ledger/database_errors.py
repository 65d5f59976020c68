"""Which errors of a database are its own, and not those of who used it."""

from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)

__all__ = ["is_failure"]

_OF_THE_USER = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_failure(error: BaseException) -> bool:
    """Whether disk, network or server are to blame: nobody can go on, and later it may work."""
    return isinstance(error, DatabaseError) and not isinstance(error, _OF_THE_USER)
