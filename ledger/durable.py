"""Files that are replaced whole: after a crash there is the old content or the new one."""

import os
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write ``content`` to ``path``, whose directory is made where it is missing.

    ``mode`` are the permissions of the file, as far as the umask leaves them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(unfinished, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # or the rename could reach the disk before the content
    unfinished.replace(path)
