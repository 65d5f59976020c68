"""Atom feeds (RFC 4287), as far as they are needed here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

__all__ = ["ATOM", "Item", "feed"]

ATOM = "application/atom+xml"
_NAMESPACE = "http://www.w3.org/2005/Atom"
# What XML 1.0 has no spelling for, however it is escaped.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Item:
    """An entry of a feed. ``id`` is a URI that it keeps; ``updated`` an event time.

    ``page`` is where people read it, and ``related`` are other addresses that it is about.
    """

    id: str
    title: str
    updated: str
    text: str
    category: str
    page: str
    related: Sequence[str] = ()


def feed(
    id: str,  # noqa: A002 - as RFC 4287 calls it
    title: str,
    author: str,
    updated: str,
    *,
    address: str,
    page: str,
    items: Sequence[Item],
) -> bytes:
    """The feed as XML; ``address`` is its own. Addresses may be relative to that."""
    root = Element("feed", xmlns=_NAMESPACE)
    _texts(root, id=id, title=title, updated=updated)
    _texts(SubElement(root, "author"), name=author)
    SubElement(root, "link", rel="self", type=ATOM, href=address)
    SubElement(root, "link", rel="alternate", type="text/html", href=page)
    for item in items:
        entry = SubElement(root, "entry")
        _texts(entry, id=item.id, title=item.title, updated=item.updated, content=item.text)
        SubElement(entry, "category", term=item.category)
        SubElement(entry, "link", rel="alternate", type="text/html", href=item.page)
        for href in item.related:
            SubElement(entry, "link", rel="related", type="text/html", href=href)
    document: bytes = tostring(root, "utf-8", xml_declaration=True)
    return document


def _texts(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = _FORBIDDEN.sub("\ufffd", text)
