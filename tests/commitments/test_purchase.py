"""Attributes, and the commitment that buyer and merchant make together."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.attributes import (
    ATTRIBUTES,
    Attributes,
    attribute_id,
    batch_scalar,
    day_number,
    product_scalar,
    unit_scalar,
)
from commitments.bls12381 import BLS12381
from commitments.errors import FormatError
from commitments.group import Group
from commitments.p256 import P256
from commitments.purchase import BuyerKeys, Opening, commit, complete, serial_shift
from tests.zk.tiny_group import TINY, TOY

BASE = Attributes(product=7, date=20_000, price=24_900, currency=978, batch=3, unit=4)


@pytest.mark.parametrize(
    ("name", "largest"), [("date", 2**32 - 1), ("price", 2**48 - 1), ("currency", 999)]
)
def test_numbers_have_their_range(name: str, largest: int) -> None:
    for fine in (0, largest):
        assert getattr(replace(BASE, **{name: fine}), name) == fine
    for wrong in (-1, largest + 1, 2**300):
        with pytest.raises(FormatError) as caught:
            replace(BASE, **{name: wrong})
        assert caught.value.field == name
        assert str(wrong) not in str(caught.value)


def test_attributes_are_numbered_from_one_in_protocol_order() -> None:
    assert [attribute_id(name) for name in ATTRIBUTES] == [1, 2, 3, 4, 5, 6]
    assert ATTRIBUTES == ("product", "date", "price", "currency", "batch", "unit")
    assert BASE.values() == (7, 20_000, 24_900, 978, 3, 4)
    for other in ("serial", "secret", "blinding", "Product", ""):
        with pytest.raises(FormatError, match="unknown"):
            attribute_id(other)


def test_days_are_counted_from_1970() -> None:
    assert day_number(date(1970, 1, 1)) == 0
    assert day_number(date(2026, 11, 21)) == 20_778
    assert day_number(datetime(2026, 11, 21, tzinfo=UTC).date()) == 20_778
    with pytest.raises(FormatError, match="1970"):
        day_number(date(1969, 12, 31))


def test_one_product_in_every_spelling_of_its_gtin() -> None:
    spellings = ("4006381333931", "04006381333931")
    assert len({product_scalar(P256, code) for code in spellings}) == 1
    assert product_scalar(P256, "4006381333932") != product_scalar(P256, "4006381333931")
    assert product_scalar(P256, "Ka\u0308se") == product_scalar(P256, "K\u00e4se")


def test_texts_of_different_attributes_are_different_scalars() -> None:
    scalars = [make(P256, "A-1") for make in (product_scalar, batch_scalar, unit_scalar)]
    assert len(set(scalars)) == 3
    assert product_scalar(BLS12381, "A-1") != scalars[0]
    assert batch_scalar(P256, None) == unit_scalar(P256, None) == 0
    assert batch_scalar(P256, "0") != 0


@pytest.mark.parametrize("text", ["", "a\nb", "\0", "\ud800", "x" * 201, "\u200b", "\u202e"])
def test_texts_are_printable_and_short(text: str) -> None:
    for make, field in (
        (product_scalar, "product"),
        (batch_scalar, "batch"),
        (unit_scalar, "unit"),
    ):
        assert make(P256, "x" * 200)
        with pytest.raises(FormatError) as caught:
            make(P256, text)
        assert caught.value.field == field


scalars = st.integers(0, 2**256)
small_attributes = st.builds(
    Attributes,
    product=scalars,
    date=st.integers(0, 2**32 - 1),
    price=st.integers(0, 2**48 - 1),
    currency=st.integers(0, 999),
    batch=st.just(0) | scalars,
    unit=st.just(0) | scalars,
)
keys = st.builds(BuyerKeys, scalars, scalars, scalars)


def is_one_commitment(group: Group, of: BuyerKeys, attributes: Attributes, shift: int) -> None:
    """The merchant, who sees no key, makes what the buyer recomputes."""
    serial = of.serial_0 + shift
    whole = commit(group, Opening(attributes, serial, of.secret, of.blinding))
    if group.is_identity(whole):
        with pytest.raises(FormatError, match="nothing"):
            complete(group, of.commit(group), attributes, shift)
        return
    assert group.equal(whole, complete(group, of.commit(group), attributes, shift))


@given(keys, small_attributes, scalars)
def test_complete_is_commit(of: BuyerKeys, attributes: Attributes, shift: int) -> None:
    for group in (TINY, TOY):
        is_one_commitment(group, of, attributes, shift)


@pytest.mark.parametrize("group", [P256, BLS12381], ids=["p256", "bls"])
def test_complete_is_commit_in_real_groups(group: Group) -> None:
    of = BuyerKeys(11, 12, 13)
    is_one_commitment(group, of, BASE, 99)
    is_one_commitment(group, of, Attributes(0, 0, 0, 0), 0)
    is_one_commitment(group, of, BASE, group.order - 11)


def test_a_commitment_to_nothing_is_refused() -> None:
    of = BuyerKeys(5, 0, 0)
    with pytest.raises(FormatError) as caught:
        complete(P256, of.commit(P256), Attributes(0, 0, 0, 0), P256.order - 5)
    assert caught.value.field == "request"


openings = st.builds(Opening, small_attributes, scalars, scalars, scalars)


@given(openings, openings)
def test_commitments_add_up(one: Opening, two: Opening) -> None:
    """Why the digits of one_out_of_many must be bits: sums of commitments are commitments."""
    total = Opening.__new__(Opening)
    attributes = Attributes.__new__(Attributes)
    for name in ATTRIBUTES:
        value = getattr(one.attributes, name) + getattr(two.attributes, name)
        object.__setattr__(attributes, name, value)
    object.__setattr__(total, "attributes", attributes)
    for name in ("serial", "secret", "blinding"):
        object.__setattr__(total, name, getattr(one, name) + getattr(two, name))
    for group in (TINY, TOY):
        added = group.add(commit(group, one), commit(group, two))
        assert group.equal(added, commit(group, total))


def test_every_value_is_bound() -> None:
    base = Opening(BASE, 1, 2, 3)
    values = {name: replace(BASE, **{name: getattr(BASE, name) + 1}) for name in ATTRIBUTES}
    others = [replace(base, attributes=changed) for changed in values.values()]
    others += [replace(base, serial=9), replace(base, secret=9), replace(base, blinding=9)]
    encoded = {P256.encode(commit(P256, opening)) for opening in [base, *others]}
    assert len(encoded) == 1 + len(ATTRIBUTES) + 3


def test_the_shift_depends_on_everything() -> None:
    base = ("ledger.example/acme", "order-1", b"\2" * 33)
    others = [("ledger.example/acm", *base[1:]), (base[0], "order-2", base[2]), (*base[:2], b"")]
    shifts = {serial_shift(P256, *arguments) for arguments in [base, *others]}
    assert len(shifts) == 4
    assert all(0 <= shift < P256.order for shift in shifts)


def test_keys_and_openings_print_nothing() -> None:
    for secret in (BuyerKeys(111, 222, 333), Opening(BASE, 111, 222, 333)):
        assert "111" not in f"{secret}{secret!r}"
        assert "24900" not in f"{secret}{secret!r}"
