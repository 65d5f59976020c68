"""A disclosure: what an owner shows one recipient of one purchase (docs/protocol.md 8).

Pure: how a body becomes a statement, and the file that holds both. The wallet makes it, whoever
gets it verifies it, and neither takes the other's word for what the statement is.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from commitments.attributes import (
    ATTRIBUTES,
    batch_scalar,
    day_number,
    product_scalar,
    unit_scalar,
)
from commitments.currency import currency
from commitments.errors import FormatError
from commitments.group import Group
from commitments.sale import PRICE_LIMIT, check_code, check_product, parse_day
from commitments.wire import encode_base64, parse_base64
from policies.body import body_members, check_common, context_of
from zk.statement import Equals, Predicate, Range, Ring, Scope, Statement

__all__ = [
    "Disclosure",
    "DisclosureBody",
    "Shown",
    "disclosure_scopes",
    "disclosure_statement",
    "parse_disclosure",
]

_SCHEMA = "kvitto-disclosure/v1"
_KIND = "disclosure"
_TEXTS = ("origin", "recipient", "purpose", "date", "nonce")
_MEMBERS = {"schema", _KIND, "entry", "inclusion", "proof"}
_HASHED = {"product": product_scalar, "batch": batch_scalar, "unit": unit_scalar}


@dataclass(frozen=True)
class Shown:
    """That an attribute lies from ``lowest`` to ``highest``; where both are one, that it is that.

    As in a sale: codes and the currency's letters, a date as YYYY-MM-DD, a price in minor units.
    ``FormatError`` for a value that no sale has, for bounds of anything but a date or a price, and
    for bounds that are reversed.
    """

    attribute: str
    lowest: str | int
    highest: str | int

    def __post_init__(self) -> None:
        place = f"{_KIND}.predicates.{self.attribute}"
        try:
            _check_value(self.attribute, self.lowest)
            _check_value(self.attribute, self.highest)
        except FormatError as error:
            raise FormatError(str(error), place) from None
        if self.is_exact:
            return
        if self.attribute not in ("date", "price"):
            raise FormatError("only a date or a price has bounds", place)
        if self._number(self.lowest) > self._number(self.highest):
            raise FormatError("the bounds are reversed", place)

    @property
    def is_exact(self) -> bool:
        """Whether it says what the value is."""
        return self.lowest == self.highest

    def document(self) -> dict[str, str | int]:
        """As JSON."""
        if self.is_exact:
            return {"equals": self.lowest}
        return {"from": self.lowest, "to": self.highest}

    def predicate(self, group: Group) -> Predicate:
        """As the statement has it."""
        if self.attribute in _HASHED:
            return Equals(self.attribute, _HASHED[self.attribute](group, str(self.lowest)))
        if self.is_exact:
            return Equals(self.attribute, self._number(self.lowest))
        return Range(self.attribute, self._number(self.lowest), self._number(self.highest))

    def _number(self, value: str | int) -> int:
        if isinstance(value, int):
            return value
        if self.attribute == "currency":
            return currency(value).numeric
        return day_number(parse_day(value))


@dataclass(frozen=True)
class DisclosureBody:
    """Everything about a disclosure that is read, and that its proof is bound to.

    ``recipient`` and ``purpose`` are the owner's words for who may rely on it and for what;
    ``date`` is the day on which the owner says it was made, ``nonce`` 16 random bytes in hex;
    ``predicates`` are in the order of the attributes.

    ``FormatError`` for a recipient or purpose that is not 1 to 200 printable characters without
    ``|``, for an attribute shown twice or out of order, and for a price without its currency.
    """

    origin: str
    recipient: str
    purpose: str
    date: str
    nonce: str
    predicates: tuple[Shown, ...]

    def __post_init__(self) -> None:
        for name in ("recipient", "purpose"):
            _check_words(getattr(self, name), f"{_KIND}.{name}")
        shown = [each.attribute for each in self.predicates]
        if shown != [name for name in ATTRIBUTES if name in shown]:
            raise FormatError("not each once and in order", f"{_KIND}.predicates")
        if "price" in shown and "currency" not in shown:
            raise FormatError("missing beside the price", f"{_KIND}.predicates.currency")

    def document(self) -> dict[str, Any]:
        """The body as a JSON object, with its ``type``."""
        texts = {name: getattr(self, name) for name in _TEXTS}
        shown = {each.attribute: each.document() for each in self.predicates}
        return {"type": _KIND, **texts, "predicates": shown}

    @cached_property
    def context(self) -> bytes:
        """What the proof is bound to."""
        return context_of(self.document())


@dataclass(frozen=True)
class Disclosure:
    """The file: a body, the log's ``entry`` that it is about, and two proofs.

    ``inclusion`` is the text of the C2SP tlog-proof that the entry is in the merchant's log;
    ``proof`` is the owner's, of :func:`disclosure_statement`.
    """

    body: DisclosureBody
    entry: bytes
    inclusion: str
    proof: bytes

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema": _SCHEMA,
            _KIND: self.body.document(),
            "entry": encode_base64(self.entry),
            "inclusion": self.inclusion,
            "proof": encode_base64(self.proof),
        }


def parse_disclosure(document: Any) -> Disclosure:
    """A disclosure from parsed JSON.

    ``FormatError`` naming the member for anything missing, unknown or of another type or form.
    """
    if not isinstance(document, dict) or document.keys() != _MEMBERS:
        raise FormatError("not the members of a disclosure", "file")
    if document["schema"] != _SCHEMA:
        raise FormatError("another version of the format", "schema")
    for name in ("entry", "inclusion", "proof"):
        if not isinstance(document[name], str):
            raise FormatError("not text", name)
    return Disclosure(
        _parse_body(document[_KIND]),
        parse_base64(document["entry"], "entry"),
        document["inclusion"],
        parse_base64(document["proof"], "proof"),
    )


def disclosure_scopes(origin: str, recipient: str, purpose: str) -> tuple[Scope, Scope]:
    """The two scopes of a disclosure; both tags are shown (docs/protocol.md 8)."""
    text = f"{_KIND}|{origin}|{recipient}|{purpose}"
    return Scope("serial", text), Scope("secret", text)


def disclosure_statement(
    group: Group, body: DisclosureBody, commitment: bytes, index: int, size: int, root: bytes
) -> Statement:
    """The statement of a disclosure: about one entry, which everybody who reads it knows.

    Parameters
    ----------
    commitment, index
        the entry's, encoded, and its place in the log.
    size, root
        of the checkpoint under which it has been found there.

    Raises
    ------
    FormatError
        the commitment is not a point, or the result is not a valid statement.
    """
    return Statement(
        group=group,
        origin=body.origin,
        first=index,
        size=size,
        root=root,
        voided_at=size,
        lane=0,
        ring=Ring(group, [commitment]),
        predicates=tuple(shown.predicate(group) for shown in body.predicates),
        scopes=disclosure_scopes(body.origin, body.recipient, body.purpose),
        context=body.context,
    )


def _parse_body(document: Any) -> DisclosureBody:
    members = body_members(document, _KIND, (*_TEXTS, "predicates"))
    for name in _TEXTS:
        if not isinstance(members[name], str):
            raise FormatError("not text", f"{_KIND}.{name}")
    check_common(members, _KIND)
    return DisclosureBody(**{**members, "predicates": _parse_predicates(members["predicates"])})


def _parse_predicates(document: Any) -> tuple[Shown, ...]:
    field = f"{_KIND}.predicates"
    if not isinstance(document, dict):
        raise FormatError("not an object", field)
    for name in sorted(document.keys() - set(ATTRIBUTES)):
        raise FormatError("unknown attribute", f"{field}.{name}")
    return tuple(_parse_shown(name, document[name]) for name in ATTRIBUTES if name in document)


def _parse_shown(attribute: str, document: Any) -> Shown:
    bounds = document if isinstance(document, dict) else {}
    if bounds.keys() == {"equals"}:
        return Shown(attribute, bounds["equals"], bounds["equals"])
    if bounds.keys() != {"from", "to"} or bounds["from"] == bounds["to"]:
        raise FormatError("neither equals nor two bounds", f"{_KIND}.predicates.{attribute}")
    return Shown(attribute, bounds["from"], bounds["to"])


def _check_value(attribute: str, value: Any) -> None:
    """``FormatError`` unless a sale can have this value of the attribute."""
    if attribute == "price":
        if type(value) is not int or not 0 <= value < PRICE_LIMIT:
            raise FormatError("not a price in minor units")
    elif not isinstance(value, str):
        raise FormatError("not text")
    elif attribute == "date":
        parse_day(value)
    elif attribute == "currency":
        currency(value)
    elif attribute == "product":
        check_product(value)
    else:
        check_code(value, attribute)


def _check_words(text: str, field: str) -> None:
    """Of a scope's fields none may contain ``|`` (docs/protocol.md 8)."""
    try:
        check_code(text, field)
    except FormatError as error:
        raise FormatError(str(error), field) from None
    if "|" in text:
        raise FormatError("holds a |", field)
