"""Statements: everything that section 5 calls invalid is refused, and no two encode alike."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from commitments.errors import FormatError
from commitments.p256 import P256
from tests.zk.claims import BOTH_KEYS, WARRANTY, opening, ring, shown, statement
from tests.zk.tiny_group import TOY
from zk.prove import Unsatisfied, prove
from zk.statement import Equals, OneOf, Predicate, Range, Ring, Scope, Statement, tag_base
from zk.verify import proof_size, verify

BASE = statement(P256, 5)
Q = P256.order
MEMBERS = list(ring(P256, 5).members)

INVALID: dict[str, Callable[[], object]] = {
    "predicates out of order": lambda: replace(BASE, predicates=WARRANTY[::-1]),
    "two for one attribute": lambda: replace(BASE, predicates=(WARRANTY[0], WARRANTY[0])),
    "two kinds for one attribute": lambda: replace(
        BASE, predicates=(Range("date", 0, 1), OneOf("date", (1,)))
    ),
    "unknown attribute": lambda: replace(BASE, predicates=(Equals("colour", 1),)),
    "predicate on the serial": lambda: replace(BASE, predicates=(Equals("serial", 1),)),
    "predicate on the secret": lambda: replace(BASE, predicates=(Range("secret", 0, 1),)),
    "predicate on the blinding": lambda: replace(BASE, predicates=(Equals("blinding", 1),)),
    "lo above hi": lambda: replace(BASE, predicates=(Range("date", 2, 1),)),
    "width 2^48": lambda: replace(BASE, predicates=(Range("price", 0, 2**48),)),
    "negative bound": lambda: replace(BASE, predicates=(Range("price", -1, 1),)),
    "bound 2^64": lambda: replace(BASE, predicates=(Range("price", 2**64 - 1, 2**64),)),
    "value q": lambda: replace(BASE, predicates=(Equals("product", Q),)),
    "negative value": lambda: replace(BASE, predicates=(Equals("product", -1),)),
    "empty set": lambda: replace(BASE, predicates=(OneOf("product", ()),)),
    "set of 257": lambda: replace(BASE, predicates=(OneOf("product", tuple(range(257))),)),
    "set with a repeated value": lambda: replace(BASE, predicates=(OneOf("product", (1, 1)),)),
    "set with value q": lambda: replace(BASE, predicates=(OneOf("product", (1, Q)),)),
    "129 digits": lambda: replace(
        BASE,
        predicates=(
            Range("product", 0, 2**48 - 1),
            Range("date", 0, 2**48 - 1),
            Range("price", 0, 2**33 - 1),
        ),
    ),
    "unknown scope kind": lambda: Scope("owner", "vote|shop|a"),
    "empty scope": lambda: Scope("serial", ""),
    "scope of 1001 characters": lambda: Scope("serial", "x" * 1001),
    "scope not in NFC": lambda: Scope("serial", "e\u0301"),
    "scope that UTF-8 cannot carry": lambda: Scope("serial", "\ud800"),
    "repeated scope": lambda: replace(BASE, scopes=(BOTH_KEYS[0], BOTH_KEYS[0])),
    "nine scopes": lambda: replace(BASE, scopes=tuple(Scope("serial", str(n)) for n in range(9))),
    "empty ring": lambda: Ring(P256, []),
    "repeated ring member": lambda: Ring(P256, [*MEMBERS, MEMBERS[0]]),
    "ring member that does not decode": lambda: Ring(P256, [*MEMBERS, bytes(33)]),
    "first at size": lambda: replace(BASE, first=100),
    "first above size": lambda: replace(BASE, first=101),
    "negative first": lambda: replace(BASE, first=-1),
    "void horizon below size": lambda: replace(BASE, voided_at=99),
    "size of 65 bits": lambda: replace(BASE, size=2**64, voided_at=2**64),
    "void horizon of 65 bits": lambda: replace(BASE, voided_at=2**64),
    "lane of 65 bits": lambda: replace(BASE, lane=2**64),
    "negative lane": lambda: replace(BASE, lane=-1),
    "root of 31 bytes": lambda: replace(BASE, root=bytes(31)),
    "root of 33 bytes": lambda: replace(BASE, root=bytes(33)),
    "context of 31 bytes": lambda: replace(BASE, context=bytes(31)),
    "empty context": lambda: replace(BASE, context=b""),
    "empty origin": lambda: replace(BASE, origin=""),
    "origin with a space": lambda: replace(BASE, origin="ledger example"),
    "origin with a bar": lambda: replace(BASE, origin="ledger|acme"),
    "origin beyond ASCII": lambda: replace(BASE, origin="ledger.exämple"),
}

LIMITS: dict[str, Callable[[], Any]] = {
    "no predicate, no scope": lambda: replace(BASE, predicates=(), scopes=()),
    "eight scopes": lambda: replace(BASE, scopes=tuple(Scope("serial", str(n)) for n in range(8))),
    "one text, both kinds": lambda: replace(BASE, scopes=BOTH_KEYS),
    "128 digits": lambda: replace(
        BASE,
        predicates=(
            Range("product", 0, 2**48 - 1),
            Range("date", 0, 2**48 - 1),
            Range("price", 0, 2**32 - 1),
        ),
    ),
    "set of 256": lambda: replace(BASE, predicates=(OneOf("product", tuple(range(256))),)),
    "value q - 1": lambda: replace(BASE, predicates=(Equals("product", Q - 1),)),
    "bound 2^64 - 1": lambda: replace(BASE, predicates=(Range("price", 2**64 - 1, 2**64 - 1),)),
    "width 2^48 - 1": lambda: replace(BASE, predicates=(Range("price", 5, 5 + 2**48 - 1),)),
    "64-bit horizons": lambda: replace(
        BASE, first=2**64 - 2, size=2**64 - 1, voided_at=2**64 - 1, lane=2**64 - 1
    ),
}


@pytest.mark.parametrize("make", INVALID.values(), ids=INVALID.keys())
def test_what_section_5_calls_invalid_is_refused(make: Callable[[], object]) -> None:
    assert BASE.encode()
    with pytest.raises(FormatError) as caught:
        make()
    assert str(caught.value)


@pytest.mark.parametrize("make", LIMITS.values(), ids=LIMITS.keys())
def test_what_is_just_allowed_is_taken(make: Callable[[], Statement]) -> None:
    assert len(make().encode()) > 100
    assert proof_size(make()) > 0


def test_as_many_points_as_members_are_needed() -> None:
    points = [P256.decode(member) for member in MEMBERS]
    assert Ring(P256, MEMBERS, points).digest == Ring(P256, MEMBERS).digest
    with pytest.raises(ValueError, match="as many points"):
        Ring(P256, MEMBERS, points[1:])


values = st.integers(0, 4)
predicates = st.tuples(
    st.none() | st.builds(Equals, st.just("product"), values),
    st.none()
    | st.builds(Equals, st.just("date"), values)
    | st.tuples(values, values).map(lambda p: Range("date", min(p), max(p)))
    | st.lists(values, min_size=1, unique=True).map(lambda v: OneOf("date", tuple(v))),
    st.none() | st.lists(values, min_size=1, unique=True).map(lambda v: OneOf("unit", tuple(v))),
).map(lambda chosen: tuple(p for p in chosen if p))
texts = st.sampled_from(["a", "b", "ab", "aa", "a|b", "\x00", "\x01\x00"])
scopes = st.lists(
    st.builds(Scope, st.sampled_from(["serial", "secret"]), texts), max_size=4, unique=True
).map(tuple)
statements = st.builds(
    Statement,
    group=st.just(TOY),
    origin=st.sampled_from(["a", "b", "ab"]),
    first=values,
    size=st.integers(5, 7),
    root=st.sampled_from([bytes(32), b"\1" * 32]),
    voided_at=st.integers(7, 9),
    lane=values,
    ring=st.sampled_from([ring(TOY, size) for size in (1, 2, 3)]),
    predicates=predicates,
    scopes=scopes,
    context=st.sampled_from([bytes(32), b"\1" * 32]),
)
FIELDS = ("origin", "first", "size", "root", "voided_at", "lane", "predicates", "scopes", "context")


def content(of: Statement) -> tuple[object, ...]:
    return (*(getattr(of, name) for name in FIELDS), of.ring.members)


@given(statements, statements)
def test_two_statements_never_encode_alike(one: Statement, two: Statement) -> None:
    assert (one.encode() == two.encode()) == (content(one) == content(two))


@given(statements, st.data())
def test_changing_one_field_changes_the_encoding(one: Statement, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*FIELDS, "ring"]))
    other = replace(one, **{name: getattr(data.draw(statements), name)})
    assume(content(one) != content(other))
    assert one.encode() != other.encode()


@given(statements, statements)
def test_no_encoding_is_the_beginning_of_another(one: Statement, two: Statement) -> None:
    assert one.encode() == two.encode() or not two.encode().startswith(one.encode())


def test_the_suite_is_part_of_the_encoding() -> None:
    encodings = [statement(group, 1, (), ()).encode() for group in (TOY, P256)]
    assert encodings[0].startswith(b"\x17\0\0\0KVITTO-V01-Shake128_TOY")
    assert encodings[1].startswith(b"\x18\0\0\0KVITTO-V01-Shake128_P256")


def test_bases_of_tags_differ_by_kind_and_text() -> None:
    every = [Scope(kind, text) for kind in ("serial", "secret") for text in ("a", "b", "serial/a")]
    assert len({P256.encode(tag_base(P256, scope)) for scope in every}) == len(every)
    assert tag_base(P256, Scope("serial", "a")) is tag_base(P256, Scope("serial", "a"))


@pytest.mark.parametrize("number", [0, 1])
def test_who_does_not_qualify_is_told_which_predicate_fails(number: int) -> None:
    mine = opening(TOY, number)
    wrong: list[Predicate] = [
        Equals("product", 6),
        Range("date", 19_000, 19_999),
        Range("price", 202, 2_000),
        OneOf("currency", (752, 826)),
    ]
    for predicate in wrong:
        with pytest.raises(Unsatisfied, match=predicate.attribute) as caught:
            prove(statement(TOY, 5, [predicate]), mine)
        assert caught.value.predicate == predicate
    claim = statement(TOY, 5, shown(mine))
    verify(claim, prove(claim, mine))


def test_a_purchase_outside_the_ring_cannot_prove() -> None:
    with pytest.raises(Unsatisfied, match="ring") as caught:
        prove(statement(TOY, 5), opening(TOY, 5))
    assert caught.value.predicate is None
    verify(statement(TOY, 6), prove(statement(TOY, 6), opening(TOY, 5)))


@pytest.mark.parametrize("module", ["commitments.p256"])
def test_an_interpreter_without_checks_is_refused(module: str) -> None:
    """petlib drops the return codes of its library under ``python -O``."""
    plain = [sys.executable, "-c", f"import {module}"]
    assert subprocess.run(plain, check=False, capture_output=True).returncode == 0
    refused = subprocess.run(
        [sys.executable, "-O", *plain[1:]], check=False, capture_output=True, text=True
    )
    assert refused.returncode != 0
    assert "without -O" in refused.stderr
