import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from ledger.entries import Entry, Purchase, Sale, Transferred, Void, commitment_of, parse_entry

C = bytes(range(33))

commitments = st.binary(min_size=33, max_size=33)
entries: st.SearchStrategy[Entry] = st.one_of(
    commitments.map(Purchase),
    commitments.map(Transferred),
    commitments.map(Sale),
    st.integers(0, 2**64 - 1).map(Void),
)


@pytest.mark.parametrize(
    ("entry", "encoded"),
    [
        (Purchase(C), "01" + C.hex()),
        (Void(258), "020000000000000102"),
        (Transferred(C), "03" + C.hex()),
        (Sale(C), "04" + C.hex()),
    ],
)
def test_the_bytes_are_those_of_the_protocol(entry: Entry, encoded: str) -> None:
    assert entry.encode().hex() == encoded
    assert parse_entry(bytes.fromhex(encoded)) == entry
    assert commitment_of(entry) == (None if isinstance(entry, Void) else C)


@given(entries)
def test_entries_are_read_as_written(entry: Entry) -> None:
    data = entry.encode()
    assert parse_entry(data) == entry
    for mutated in (data[:-1], data + b"\0", b"\x00" + data[1:], b"\x05" + data[1:]):
        with pytest.raises(FormatError):
            parse_entry(mutated)


@given(st.binary(max_size=40))
def test_an_entry_that_is_read_is_the_one_that_is_written(data: bytes) -> None:
    try:
        entry = parse_entry(data)
    except FormatError:
        return
    assert entry.encode() == data


def test_a_void_has_not_the_length_of_a_purchase() -> None:
    with pytest.raises(FormatError):
        parse_entry(b"\x02" + C)
    with pytest.raises(FormatError):
        parse_entry(b"\x01" + bytes(8))
