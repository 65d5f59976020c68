"""Files that commands read and write."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from cli.output import show
from commitments.errors import FormatError
from commitments.wire import parse_json

if TYPE_CHECKING:
    from ledger.quorum import Quorum
    from ledger.witness_client import RemoteSeedWitness

__all__ = [
    "document_in",
    "new_file",
    "read_bytes",
    "read_document",
    "read_quorum",
    "read_seed_witnesses",
    "write_document",
    "write_new",
]

T = TypeVar("T")

_LARGEST = 1 << 24  # bytes; every document here is far smaller


def read_bytes(path: Path) -> bytes:
    """The content of a file, or of stdin for ``-``; errors name the file."""
    if path == Path("-"):
        data = sys.stdin.buffer.read(_LARGEST + 1)
    else:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise FormatError("too large", str(path))
    return data


def read_document(path: Path) -> Any:
    """The strict JSON in a file, or on stdin for ``-``; errors name the file."""
    return document_in(read_bytes(path), path)


def document_in(data: bytes, path: Path) -> Any:
    """The strict JSON that was read from a file; errors name the file."""
    try:
        return parse_json(data, str(path))
    except FormatError as error:
        field = str(path) if error.field in (None, "body") else error.field
        raise FormatError(str(error), field) from None


def read_quorum(path: Path | None) -> "Quorum":
    """The tlog-policy in a file; without one, the policy of who takes the log's own word."""
    from ledger.quorum import NO_QUORUM, parse_quorum

    return NO_QUORUM if path is None else _read_lines(path, parse_quorum)


def read_seed_witnesses(path: Path | None) -> "tuple[RemoteSeedWitness, ...]":
    """The seed witnesses in a file; none without one."""
    from ledger.seed_witnesses import parse_seed_witnesses

    return () if path is None else tuple(_read_lines(path, parse_seed_witnesses))


def _read_lines(path: Path, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(read_bytes(path))
    except FormatError as error:
        raise FormatError(str(error), str(path)) from None


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A text file that only its owner can read.

    What is there already is never overwritten (``FileExistsError``), and a file into which
    nothing was written before an error is removed again.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
    try:
        yield file
        file.close()
    except BaseException:
        with suppress(OSError):  # what could not be written is tried again, and is not the news
            file.close()
        if path.stat().st_size == 0:
            path.unlink()
        raise


def write_new(path: Path, data: bytes) -> None:
    """A new file with ``data`` that only its owner can read; never overwrites."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def write_document(out: Path | None, make: Callable[[], Any], *, as_json: bool) -> None:
    """The document that ``make`` returns: into the new file ``out``, or to stdout without one.

    The file comes first, so that nothing is made that could then not be written.
    """
    if out is None:
        show(make(), as_json=True)
        return
    with new_file(out) as file:
        document = make()
        file.write(json.dumps(document, indent=2) + "\n")
    show(document, f"written to {out}", as_json=as_json)
