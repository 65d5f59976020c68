"""Both groups behind their one interface: strict decoding, and the laws of a group."""

import subprocess
import sys
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commitments.bls12381 import BLS12381
from commitments.errors import FormatError
from commitments.generators import (
    attribute_generator,
    blinding_generator,
    generator,
    numbered_generators,
)
from commitments.group import Group
from commitments.p256 import P256
from tests.zk.tiny_group import TINY

GROUPS = pytest.mark.parametrize("group", [P256, BLS12381, TINY], ids=["p256", "bls", "tiny"])
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def on_curve(x: int) -> bool:
    return pow((x**3 - 3 * x + B) % P, (P - 1) // 2, P) == 1


OFF_CURVE = next(x for x in range(1, 100) if not on_curve(x))
SMALL_X = next(x for x in range(1, 100) if on_curve(x))


def p256_bytes(prefix: int, x: int) -> bytes:
    return bytes([prefix]) + x.to_bytes(32, "big")


P256_REJECTED: dict[str, bytes] = {
    "empty": b"",
    "identity": b"\0",
    "identity as 33 zero bytes": bytes(33),
    "32 bytes": p256_bytes(2, GX)[:-1],
    "34 bytes": p256_bytes(2, GX) + b"\0",
    "prefix 00": p256_bytes(0, GX),
    "prefix 01": p256_bytes(1, GX),
    "prefix 04, compressed length": p256_bytes(4, GX),
    "prefix 05": p256_bytes(5, GX),
    "prefix 06": p256_bytes(6, GX),
    "prefix 82": p256_bytes(0x82, GX),
    "uncompressed": p256_bytes(4, GX) + GY.to_bytes(32, "big"),
    "hybrid": p256_bytes(7, GX) + GY.to_bytes(32, "big"),
    "x = p": p256_bytes(2, P),
    "x = p + the x of a point": p256_bytes(2, P + SMALL_X),
    "x = 2^256 - 1": b"\2" + b"\xff" * 32,
    "off the curve": p256_bytes(2, OFF_CURVE),
    "off the curve, odd": p256_bytes(3, OFF_CURVE),
}


@pytest.mark.parametrize("data", P256_REJECTED.values(), ids=P256_REJECTED.keys())
def test_p256_takes_nothing_but_compressed_points(data: bytes) -> None:
    for fine in (p256_bytes(3, GX), p256_bytes(2, GX), p256_bytes(2, SMALL_X)):
        assert P256.encode(P256.decode(fine)) == fine
    with pytest.raises(FormatError):
        P256.decode(data)


def test_p256_base_point() -> None:
    assert P256.encode(P256.generator) == p256_bytes(2 + GY % 2, GX)
    assert P256.encode(P256.multiply(P256.order - 1, P256.generator)) == p256_bytes(2, GX)


COMPRESSED, INFINITY, LARGER_Y = 1 << 383, 1 << 382, 1 << 381
FQ = type(cast("Any", BLS12381.generator)[0])  # py_ecc's field: only bls12381.py imports it
field_modulus: int = FQ.field_modulus
G1_X = int.from_bytes(BLS12381.encode(BLS12381.generator)) & (LARGER_Y - 1)
G1_OFF_CURVE = next(
    x
    for x in range(1, 100)
    if pow(x**3 + 4, (field_modulus - 1) // 2, field_modulus) == field_modulus - 1
)
G1_SMALL_X = next(
    x for x in range(1, 100) if pow(x**3 + 4, (field_modulus - 1) // 2, field_modulus) == 1
)


def g1_bytes(value: int) -> bytes:
    return value.to_bytes(48, "big")


BLS_REJECTED: dict[str, bytes] = {
    "empty": b"",
    "identity": g1_bytes(COMPRESSED | INFINITY),
    "identity and the sign flag": g1_bytes(COMPRESSED | INFINITY | LARGER_Y),
    "zero bytes": bytes(48),
    "47 bytes": g1_bytes(COMPRESSED | G1_X)[:-1],
    "49 bytes": g1_bytes(COMPRESSED | G1_X) + b"\0",
    "without the compression flag": g1_bytes(G1_X),
    "the infinity flag and a point": g1_bytes(COMPRESSED | INFINITY | G1_X),
    "x = p": g1_bytes(COMPRESSED | field_modulus),
    "x above p": g1_bytes(COMPRESSED | (field_modulus + 1)),
    "off the curve": g1_bytes(COMPRESSED | G1_OFF_CURVE),
    "of order three: x = 0": g1_bytes(COMPRESSED),
    "of order three, larger y": g1_bytes(COMPRESSED | LARGER_Y),
    "of the curve, not of the subgroup": g1_bytes(COMPRESSED | G1_SMALL_X),
}


@pytest.mark.parametrize("data", BLS_REJECTED.values(), ids=BLS_REJECTED.keys())
def test_bls12381_takes_nothing_but_compressed_points_of_the_subgroup(data: bytes) -> None:
    fine = BLS12381.encode(BLS12381.generator)
    assert BLS12381.equal(BLS12381.decode(fine), BLS12381.generator)
    with pytest.raises(FormatError):
        BLS12381.decode(data)


def test_a_point_of_order_three_added_to_a_point_is_refused() -> None:
    """Otherwise a tag and that tag plus the point would both verify: two tags, one purchase."""
    torsion = (FQ(0), FQ(2), FQ(1))
    assert BLS12381.is_identity(BLS12381.add(torsion, BLS12381.add(torsion, torsion)))
    tag = BLS12381.multiply(5, BLS12381.generator)
    shifted = BLS12381.encode(BLS12381.add(tag, torsion))
    assert BLS12381.equal(BLS12381.decode(BLS12381.encode(tag)), tag)
    with pytest.raises(FormatError, match="subgroup"):
        BLS12381.decode(shifted)


@GROUPS
def test_the_identity_is_never_written(group: Group) -> None:
    identity = group.subtract(group.generator, group.generator)
    assert group.is_identity(identity)
    assert group.is_identity(group.multiply(0, group.generator))
    assert group.is_identity(group.multiply(group.order, group.generator))
    assert group.is_identity(group.sum_of_products([], []))
    assert not group.is_identity(group.generator)
    with pytest.raises(ValueError, match="identity"):
        group.encode(identity)


@GROUPS
def test_scalars_have_one_encoding(group: Group) -> None:
    for scalar in (0, 1, group.order - 1):
        data = group.encode_scalar(scalar)
        assert len(data) == group.scalar_size
        assert group.decode_scalar(data) == scalar
    largest = 256**group.scalar_size - 1
    for wrong in (group.order, group.order + 1, largest):
        with pytest.raises(FormatError):
            group.decode_scalar(wrong.to_bytes(group.scalar_size, "big"))
    for data in (b"", group.encode_scalar(1)[1:], b"\0" + group.encode_scalar(1)):
        with pytest.raises(FormatError):
            group.decode_scalar(data)
    with pytest.raises(OverflowError):
        group.encode_scalar(-1)


integers = st.integers(-(2**300), 2**300)


def laws(group: Group, a: int, b: int) -> None:
    G, H = group.generator, blinding_generator(group)
    aG, bH = group.multiply(a, G), group.multiply(b, H)
    assert group.equal(group.add(aG, bH), group.sum_of_products([a, b], [G, H]))
    assert group.equal(group.add(aG, bH), group.add(bH, aG))
    assert group.equal(group.multiply(a + b, G), group.add(aG, group.multiply(b, G)))
    assert group.equal(group.subtract(group.add(aG, bH), bH), aG)
    assert group.equal(group.negate(aG), group.multiply(-a, G))
    assert group.equal(group.sum_of_products([a, b, -a], [G, H, G]), bH)
    if a % group.order:
        data = group.encode(aG)
        assert len(data) == group.point_size
        assert group.encode(group.decode(data)) == data
        assert group.equal(group.decode(data), aG)
        assert not group.equal(aG, group.add(aG, G))


@given(integers, integers)
def test_laws_of_p256(a: int, b: int) -> None:
    laws(P256, a, b)


@given(integers, integers)
def test_laws_of_the_tiny_group(a: int, b: int) -> None:
    laws(TINY, a, b)


@settings(max_examples=2)
@given(integers, integers)
def test_laws_of_bls12381(a: int, b: int) -> None:
    laws(BLS12381, a, b)


@given(st.binary(min_size=33, max_size=33))
def test_what_p256_decodes_it_writes_back(data: bytes) -> None:
    try:
        point = P256.decode(data)
    except FormatError:
        return
    assert P256.encode(point) == data


@given(st.integers(0, 1), st.integers(0, 2**256 - 1))
def test_every_x_is_taken_exactly_when_it_is_on_the_curve(sign: int, x: int) -> None:
    try:
        point = P256.decode(p256_bytes(2 + sign, x))
    except FormatError:
        assert x >= P or not on_curve(x)
    else:
        assert x < P
        assert on_curve(x)
        assert P256.encode(point) == p256_bytes(2 + sign, x)


@GROUPS
def test_sums_need_a_scalar_for_each_point(group: Group) -> None:
    for scalars, points in ([1, 2], 1), ([], 1), ([1], 0), ([1] * 200, 128), ([1] * 128, 200):
        terms = scalars, [group.generator] * points
        with pytest.raises(ValueError, match=r"scalar|zip"):
            group.sum_of_products(*terms)
        with pytest.raises(ValueError, match=r"scalar|zip"):
            group.sums_of_products([([1], [group.generator]), terms])


@GROUPS
def test_many_sums_at_once_are_the_sums_one_by_one(group: Group) -> None:
    """Of lengths around those at which P-256 cuts a sum into pieces for its threads."""
    lengths = (0, 1, 2) if group is BLS12381 else (0, 1, 127, 0, 128, 129, 3, 600, 1)
    points = [group.multiply(n + 1, group.generator) for n in range(10)]
    sums = [
        ([n * length + 1 for n in range(length)], [points[n % 10] for n in range(length)])
        for length in lengths
    ]
    together = group.sums_of_products(iter(sums))
    assert len(together) == len(sums)
    for total, (scalars, terms) in zip(together, sums, strict=True):
        assert group.equal(total, group.sum_of_products(scalars, terms))
        log = sum(s * (n % 10 + 1) for n, s in enumerate(scalars))
        assert group.equal(total, group.multiply(log, group.generator))
        assert group.equal(
            total, group.sum_of_parts([(scalars[:1], terms[:1]), (scalars[1:], terms[1:])])
        )
    assert group.sums_of_products([]) == []


def test_generators_are_all_different() -> None:
    names = ("product", "date", "price", "currency", "batch", "unit", "serial", "secret")
    points = [
        P256.generator,
        blinding_generator(P256),
        *(attribute_generator(P256, name) for name in names),
        *numbered_generators(P256, "range/g", 8),
        *numbered_generators(P256, "range/h", 8),
        *numbered_generators(P256, "one-out-of-many", 16),
    ]
    assert len({P256.encode(point) for point in points}) == len(points)


def test_generators_are_one_object_each() -> None:
    """The accumulator counts on it: a shared generator is one term."""
    assert generator(P256, "blinding") is blinding_generator(P256)
    eight, sixteen = (numbered_generators(P256, "range/g", n) for n in (8, 16))
    assert all(a is b for a, b in zip(eight, sixteen[:8], strict=True))
    assert generator(P256, "range/g/3") is eight[3]


def test_generators_of_the_two_ciphersuites_are_unrelated() -> None:
    assert P256.hash_suite != BLS12381.hash_suite
    assert P256.name != BLS12381.name


def test_importing_the_second_ciphersuite_does_not_open_the_stack_to_json_bombs() -> None:
    """py_ecc raises the recursion limit to 100,000: nested JSON then kills the process."""
    program = (
        "import sys; before = sys.getrecursionlimit(); import commitments.bls12381;"
        "from commitments.wire import parse_json; from commitments.errors import FormatError;"
        "assert sys.getrecursionlimit() == before\n"
        "try: parse_json(b'{\"a\":' * 90_000 + b'1' + b'}' * 90_000)\n"
        "except FormatError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "refused")
