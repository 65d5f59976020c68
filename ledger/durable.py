"""Files that are replaced whole: after a crash there is the old content or the new one."""

import os
from pathlib import Path

__all__ = ["replace_file", "sync_directory", "write_durably"]


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write ``content`` to ``path``, whose directory is made where it is missing.

    ``mode`` are the permissions of the file, as far as the umask leaves them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    write_durably(unfinished, content, mode)
    unfinished.replace(path)


def write_durably(path: Path, content: bytes, mode: int) -> None:
    """Write a file that another name is to have: a crash may leave a part of it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # or the rename could reach the disk before the content


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
