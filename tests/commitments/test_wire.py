"""One spelling for everything that is hashed, signed or logged."""

import base64
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from commitments.wire import (
    canonical_json,
    encode_base64,
    encode_base64url,
    le,
    lp,
    nfc,
    parse_base64,
    parse_base64url,
    parse_decimal,
    parse_hex,
    parse_identifier,
    parse_json,
    require_nfc,
)

LARGEST = 2**53 - 1
ARABIC, FULL_WIDTH = "\u0661\u0662", "\uff11"


@given(st.integers(0, 2**64 - 1))
def test_little_endian_and_length_prefix(n: int) -> None:
    assert int.from_bytes(le(n, 8), "little") == n
    assert lp(le(n, 8)) == b"\x08\0\0\0" + le(n, 8)


@given(st.lists(st.binary(max_size=9), max_size=4), st.lists(st.binary(max_size=9), max_size=4))
def test_prefixed_parts_do_not_run_into_each_other(one: list[bytes], two: list[bytes]) -> None:
    assert (b"".join(map(lp, one)) == b"".join(map(lp, two))) == (one == two)


@given(st.binary(max_size=70))
def test_base64url_round_trips(data: bytes) -> None:
    assert parse_base64url(encode_base64url(data), "b", len(data)) == data


@pytest.mark.parametrize(
    "text", ["q80=", "q80 ", "q80\n", "q8+", "q8/", "q81", "q", "q8\u0661", None, b"q80"]
)
def test_any_other_base64url_is_refused(text: Any) -> None:
    assert parse_base64url("q80", "b") == b"\xab\xcd"
    with pytest.raises(FormatError):
        parse_base64url(text, "b")
    with pytest.raises(FormatError):
        parse_base64url("q80", "b", 3)


@given(st.integers(0, 2**63 - 1))
def test_decimals_round_trip(n: int) -> None:
    assert parse_decimal(str(n), "n") == n


@pytest.mark.parametrize(
    "text",
    [
        *("", " 5", "5 ", "5\n", "+7", "-7", "-0", "007", "1_000", "1,000", "1.0", "1e3", "0x1f"),
        *(ARABIC, FULL_WIDTH, "\u00b2", "NaN", "true", str(2**63), "9" * 21, "1" * 10_000),
    ],
)
def test_any_other_spelling_of_a_number_is_refused(text: str) -> None:
    assert parse_decimal("5", "n") == 5
    with pytest.raises(FormatError) as caught:
        parse_decimal(text, "n")
    assert caught.value.field == "n"


def test_decimal_bounds() -> None:
    assert parse_decimal("10", "n", 10) == 10
    assert parse_decimal(str(2**64 - 1), "n", 2**64 - 1) == 2**64 - 1
    with pytest.raises(FormatError, match="range"):
        parse_decimal("11", "n", 10)


@given(st.binary())
def test_hex_and_base64_round_trip(data: bytes) -> None:
    assert parse_hex(data.hex(), "h", len(data)) == data
    assert parse_base64(encode_base64(data), "b", len(data)) == data


@pytest.mark.parametrize(
    "value",
    ["0", "0x00", "AB", "aB", "a b", " ab", "ab\n", "zz", "\uff41\uff42", None, 5, b"ab", ["ab"]],
)
def test_any_other_hex_is_refused(value: Any) -> None:
    assert parse_hex("ab", "h") == b"\xab"
    with pytest.raises(FormatError) as caught:
        parse_hex(value, "h")
    assert caught.value.field == "h"


@pytest.mark.parametrize("size", [0, 1, 3])
def test_hex_and_base64_of_another_size_are_refused(size: int) -> None:
    assert parse_hex("abcd", "h", 2) == parse_base64("q80=", "b", 2)
    with pytest.raises(FormatError, match=f"{size} bytes"):
        parse_hex("abcd", "h", size)
    with pytest.raises(FormatError, match=f"{size} bytes"):
        parse_base64("q80=", "b", size)


@pytest.mark.parametrize(
    "value",
    [
        "q80",
        "q81=",
        "q80==",
        "q8 0=",
        "q80=\n",
        "\nq80=",
        "q-_=",
        "====",
        "=",
        "q80=q80=",
        "é",
        None,
        5,
    ],
)
def test_any_other_base64_is_refused(value: Any) -> None:
    assert parse_base64("q80=", "b") == b"\xab\xcd"
    with pytest.raises(FormatError) as caught:
        parse_base64(value, "b")
    assert caught.value.field == "b"


@given(st.text("ABab01+/=\n -_", max_size=12))
def test_base64_that_is_taken_is_canonical(text: str) -> None:
    try:
        data = parse_base64(text, "b")
    except FormatError:
        return
    assert base64.b64encode(data).decode() == text


@pytest.mark.parametrize("text", ["ledger.example/acme", "A-Z_0.9", "x" * 200, "/"])
def test_identifiers(text: str) -> None:
    assert parse_identifier(text, "origin") == text


@pytest.mark.parametrize(
    "value", ["", "a b", "a|b", "a\n", "é", "a:b", "a@b", "x" * 201, ARABIC, None, 5, ["a"]]
)
def test_anything_else_is_no_identifier(value: Any) -> None:
    with pytest.raises(FormatError) as caught:
        parse_identifier(value, "origin")
    assert caught.value.field == "origin"


def test_text_is_hashed_in_nfc() -> None:
    assert nfc("e\u0301") == "\u00e9"
    for fine in ("", "é", "耳机", "a" * 1000, "\U0001f600"):
        require_nfc(fine, "text")
    for wrong in ("e\u0301", "\u212b", "\ud800", "\udfff"):
        with pytest.raises(FormatError) as caught:
            require_nfc(wrong, "text")
        assert caught.value.field == "text"


texts = st.text(max_size=8).map(nfc)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(documents)
def test_canonical_json_round_trips(document: Any) -> None:
    data = canonical_json(document)
    assert parse_json(data) == document
    assert canonical_json(parse_json(data)) == data
    assert json.loads(data) == document


@given(st.dictionaries(texts, st.integers(0, 9), min_size=2, max_size=5))
def test_the_order_of_members_does_not_matter(members: dict[str, int]) -> None:
    backwards = dict(reversed(members.items()))
    assert canonical_json(members) == canonical_json(backwards)


ascii_texts = st.text(st.characters(max_codepoint=127), max_size=8)
ascii_documents = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | ascii_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ascii_texts, inner, max_size=4),
    max_leaves=12,
)


@given(documents | ascii_documents)
def test_both_encoders_agree(document: Any) -> None:
    assert canonical_json(document) == rfc8785.dumps(document)


def test_canonical_json_is_rfc_8785() -> None:
    document = {"b": [1, True, None], "a": "é\n", "\u20ac": {}, "\U0001f600": -0}
    expected = '{"a":"é\\n","b":[1,true,null],"€":{},"😀":0}'
    assert canonical_json(document) == expected.encode()


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" ", b"{", b"[1,]", b'{"a":1,}', b"{'a':1}", b"nul", b"tru", b"01", b"+1", b"1_0"),
        *(b"[1] [2]", b"// x\n1", b'"\x01"', b'"\xff"', b"\xef\xbb\xbf1", b"\x00", b'"\\x41"'),
        *(b"NaN", b"[Infinity]", b"-Infinity", b"1.0", b"1e3", b"[0.5]", b"1E400"),
        *(b'{"a":1,"a":1}', b'{"x":{"a":1,"b":2,"a":3}}', b'{"a":1,"\\u0061":2}'),
        *(b"9007199254740992", b"-9007199254740992", b"9" * 5000, b"[" * 5000 + b"]" * 5000),
        *(b'"e\xcc\x81"', b'{"e\xcc\x81":1}', b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\ud800":1}'),
    ],
)
def test_json_that_two_readers_may_take_differently_is_refused(data: bytes) -> None:
    assert parse_json(b'{"a":[1,"\xc3\xa9",-1]}') == {"a": [1, "é", -1]}
    with pytest.raises(FormatError) as caught:
        parse_json(data)
    assert caught.value.field


@pytest.mark.parametrize("depth", [65, 400, 900, 980, 990, 1_000, 1_500, 10_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_bomb_nested_deeply_is_refused_at_any_depth(
    depth: int, opening: bytes, closing: bytes
) -> None:
    assert parse_json(opening * 64 + b"1" + closing * 64)
    with pytest.raises(FormatError, match="deep"):
        parse_json(opening * depth + b"1" + closing * depth)


def test_what_cannot_be_written_canonically_is_refused() -> None:
    class Other:
        pass

    deep: Any = 1
    for _ in range(65):
        deep = [deep]
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    wrong: list[Any] = [1.0, float("nan"), 2**53, -(2**53), b"bytes", Other(), {1: 2}, {None: 1}]
    for value in [*wrong, {"a": [*wrong[:1]]}, "e\u0301", "\ud800", deep, cyclic, {1, 2}]:
        with pytest.raises(FormatError):
            canonical_json(value)
    assert canonical_json([LARGEST, -LARGEST]) == b"[9007199254740991,-9007199254740991]"


def test_errors_say_where_and_never_what() -> None:
    with pytest.raises(FormatError) as caught:
        canonical_json({"claim": {"items": [1, "secret e\u0301"]}})
    assert caught.value.field == "claim.items[1]"
    assert "secret" not in str(caught.value)
