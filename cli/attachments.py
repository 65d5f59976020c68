"""What buyer and merchant write to each other about a claim: files and words, and showing them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import note, show, table

__all__ = ["MessageDirectory", "attached", "show_messages", "shown"]

MessageDirectory = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write what is no text to this directory."),
]


def attached(files: list[Path] | None, message: str | None) -> list[bytes]:
    """What a step is to have attached."""
    from cli.files import read_bytes

    words = [] if message is None else [message.encode("utf-8")]
    return [*words, *map(read_bytes, files or ())]


def shown(
    number: int, digest: str, content: bytes | None, directory: Path | None
) -> dict[str, Any]:
    """As text where it is that; else in a file that is named by what the log says of it."""
    from cli.files import write_new

    text, file = _text(content), None
    if content is not None and text is None:
        if directory is None:
            note(f"step {number}: {len(content)} bytes that are no text: --out")
        else:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = directory / digest
            write_new(file, content)
    return {
        "number": number,
        "digest": digest,
        "text": text,
        "file": None if file is None else str(file),
        "erased": content is None,
    }


def show_messages(read: list[dict[str, Any]], *, as_json: bool) -> None:
    """What was read, each as :func:`shown` has it."""
    rows = [[each["number"], each["text"] or each["file"] or "erased"] for each in read]
    show({"messages": read}, table(["step", "message"], rows), as_json=as_json)


def _text(content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError:
        return None
