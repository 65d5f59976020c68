"""How a request goes to the cash desk and a receipt comes back: file, link or QR code."""

import errno
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.files import document_in, read_bytes, write_document, write_new
from cli.output import show
from commitments.errors import FormatError

if TYPE_CHECKING:
    from segno import QRCode

__all__ = ["AsLink", "AsQr", "Handed", "hand_over", "read_receipt", "read_request"]

Handed = Callable[[Any], Sequence[str]]
"""A document's links."""
AsLink = Annotated[bool, typer.Option("--link", help="As a kvitto: link.")]
AsQr = Annotated[
    bool,
    typer.Option("--qr", help="As QR codes: drawn here, or into the new file --out, .png or .svg."),
]

_LINK = "kvitto:"  # as sdk.links.SCHEME, which takes long to import
_PICTURES = (".png", ".svg")
_SCALE = 8  # pixels of a module
_BORDER = 4  # modules around a code that ISO/IEC 18004 wants free


def hand_over(
    make: Callable[[], Any],
    whole: Handed,
    parts: Handed,
    out: Path | None,
    *,
    link: bool,
    qr: bool,
    as_json: bool,
) -> None:
    """The document that ``make`` returns, in the form that was asked for, to stdout or ``out``.

    ``whole`` makes the one link for ``--link``, ``parts`` those for ``--qr``.
    """
    if not link and not qr:
        write_document(out, make, as_json=as_json)
        return
    if link and qr:
        raise typer.BadParameter("not both", param_hint="--link, --qr")
    if out is not None:
        _check_name(out, picture=qr)
    links = (parts if qr else whole)(make())
    if out is not None:
        files = _save(links, out) if qr else [out]
        if not qr:
            write_new(out, f"{links[0]}\n".encode())
        written = ", ".join(map(str, files))
        document = {"links": list(links), "files": [str(file) for file in files]}
        show(document, f"written to {written}", as_json=as_json)
    elif as_json:
        show({"links": list(links)}, as_json=True)
    elif qr:
        for number, one in enumerate(links, 1):
            if len(links) > 1:
                typer.echo(f"{number} of {len(links)}")
            _code(one).terminal(border=_BORDER, compact=True)
    else:
        typer.echo(links[0])


def read_request(source: str) -> Any:
    """The request in a link, or in a file, which may hold a link; ``-`` for stdin."""
    from sdk.links import parse_request_link

    found = _read([source])
    if not isinstance(found, list):
        return found
    if len(found) != 1:
        raise FormatError("a request is one link", "link")
    return parse_request_link(found[0]).document()


def read_receipt(sources: Sequence[str]) -> Any:
    """The receipt in one link, in all of its parts, or in a file, which may hold links."""
    from sdk.links import parse_receipt_links

    found = _read(sources)
    return parse_receipt_links(found) if isinstance(found, list) else found


def _read(sources: Sequence[str]) -> Any:
    """A list of links, or the document in the one file that is named."""
    if any(source.startswith(_LINK) for source in sources):
        return list(sources)
    if len(sources) != 1:
        raise typer.BadParameter("one file, or links", param_hint="RECEIPT")
    path = Path(sources[0])
    data = read_bytes(path)
    if not data.startswith(_LINK.encode()):
        document = document_in(data, path)
        if isinstance(document, list):
            raise FormatError("not an object", str(path))
        return document
    try:
        return data.decode("ascii").split()
    except UnicodeDecodeError:
        raise FormatError("not links", str(path)) from None


def _check_name(out: Path, *, picture: bool) -> None:
    """Before anything is made that could then not be written."""
    if picture and out.suffix not in _PICTURES:
        raise typer.BadParameter("QR codes go into a .png or .svg", param_hint="--out")
    if out.exists():
        raise FileExistsError(errno.EEXIST, "there is a file with this name", str(out))


def _save(links: Sequence[str], out: Path) -> list[Path]:
    """A picture for each link; of several, each has its number in its name."""
    files = [out]
    if len(links) > 1:
        files = [out.with_stem(f"{out.stem}-{number}") for number in range(1, len(links) + 1)]
    for file, link in zip(files, links, strict=True):
        picture = io.BytesIO()
        _code(link).save(picture, kind=out.suffix[1:], scale=_SCALE, border=_BORDER)
        write_new(file, picture.getvalue())
    return files


def _code(link: str) -> "QRCode":
    import segno

    # Level M: a seventh of it may be scratched or shine.
    return segno.make_qr(link, error="m", boost_error=False)
