"""JSON schemas in words: a row for each member, those of inner objects below it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Row", "document_rows", "type_words"]

_WORDS = {
    "string": "text",
    "integer": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
_FORMATS = {
    "date": "day",
    "date-time": "moment",
    "duration": "duration",
    "uri": "web address",
    "binary": "bytes",
}
_SAFE_INTEGERS = 2**53  # the introduction says it of all numbers

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A member of a document: where it stands, what it may be, and what it means.

    Without a ``kind`` it is the head of one of several forms, whose members follow.
    """

    name: str
    depth: int
    kind: str
    description: str
    required: bool = True
    limits: tuple[str, ...] = ()
    pattern: str = ""


def document_rows(schema: Schema, known: Mapping[str, Schema]) -> Iterator[Row]:
    """The rows of a document whose schema refers to ``known`` ones by name."""
    yield from _rows(schema, known, 0)


def _rows(schema: Schema, known: Mapping[str, Schema], depth: int) -> Iterator[Row]:
    variants = list(_variants(schema, known))
    for place, variant in enumerate(variants):
        if len(variants) > 1:
            yield Row("or" if place else "either", depth, "", _meaning(variant))
        needed = variant.get("required", ())
        for name, member in variant.get("properties", {}).items():
            yield _row(name, member, known, depth, required=name in needed)
            yield from _rows(member, known, depth + 1)


def _variants(schema: Schema, known: Mapping[str, Schema]) -> Iterator[Schema]:
    """The objects that a value of this schema can be or can hold."""
    schema = _resolved(schema, known)
    choices = schema.get("anyOf") or schema.get("oneOf")
    for choice in choices or ():
        yield from _variants(choice, known)
    if "items" in schema:
        yield from _variants(schema["items"], known)
    if "properties" in schema:
        yield schema


def _meaning(schema: Schema) -> str:
    return str(schema.get("description", "")).replace("``", "`")


def _row(
    name: str, member: Schema, known: Mapping[str, Schema], depth: int, *, required: bool
) -> Row:
    plain = _plain(_resolved(member, known), known)
    described = _meaning(member) or _meaning(plain)
    limits = tuple(_limits(plain))
    if member.get("default") is not None:
        limits += (f"default {_spelled(member['default'])}",)
    kind = type_words(member, known)
    return Row(name, depth, kind, described, required, limits, _pattern(plain))


def _resolved(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    return schema if reference is None else known[reference.rpartition("/")[2]]


def _plain(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """What a nullable value is when it is not null."""
    choices = [c for c in schema.get("anyOf", ()) if c.get("type") != "null"]
    return _resolved(choices[0], known) if len(choices) == 1 else schema


def type_words(schema: Schema, known: Mapping[str, Schema]) -> str:
    """The type of a value: ``list of text``, ``day or null``."""
    schema = _resolved(schema, known)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(type_words(choice, known) for choice in choices))
    if "const" in schema:
        return _spelled(schema["const"])
    if "enum" in schema:
        return ", ".join(_spelled(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}), known)}"
    return _FORMATS.get(schema.get("format", "")) or _WORDS.get(schema.get("type", ""), "any")


def _limits(schema: Schema) -> Iterator[str]:
    yield from _span(schema.get("minLength"), schema.get("maxLength"), "characters")
    yield from _span(schema.get("minItems"), schema.get("maxItems"), "items")
    most = schema.get("maximum")
    if "exclusiveMaximum" in schema and schema["exclusiveMaximum"] < _SAFE_INTEGERS:
        most = schema["exclusiveMaximum"] - 1
    yield from _span(schema.get("minimum") or None, most, "")


def _span(least: float | None, most: float | None, unit: str) -> Iterator[str]:
    if least is not None and least == most:
        yield f"{least:.0f} {unit}".strip()
    elif least is not None and most is not None:
        yield f"{least:.0f} to {most:.0f} {unit}".strip()
    elif most is not None:
        yield f"at most {most:.0f} {unit}".strip()
    elif least is not None:
        yield f"at least {least:.0f} {unit}".strip()


def _pattern(schema: Schema) -> str:
    pattern = schema.get("pattern") or schema.get("items", {}).get("pattern", "")
    return str(pattern).removeprefix("^").removesuffix("$")


def _spelled(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
