import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError
from ledger.add_checkpoint import AddCheckpoint

# The example of c2sp tlog-witness, its note cut short.
EXAMPLE = b"""\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

"""


def test_the_example_of_the_specification() -> None:
    request = AddCheckpoint.parse(EXAMPLE)
    assert (request.old_size, len(request.proof)) == (20852014, 2)
    assert request.checkpoint.startswith(b"example.com/behind-the-sofa\n20852163\n")
    assert request.serialise() == EXAMPLE


hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63)


@given(st.integers(0, 2**63 - 1), hashes, st.binary())
def test_requests_are_read_as_written(old: int, proof: list[bytes], note: bytes) -> None:
    request = AddCheckpoint(old, tuple(proof), note)
    assert AddCheckpoint.parse(request.serialise()) == request


@given(st.binary() | st.binary().map(lambda junk: EXAMPLE[:60] + junk))
def test_a_request_that_is_read_is_the_one_that_is_written(data: bytes) -> None:
    try:
        request = AddCheckpoint.parse(data)
    except FormatError:
        return
    assert request.serialise() == data


@pytest.mark.parametrize(
    "bad",
    [
        EXAMPLE.replace(b"old 20852014", old)
        for old in (b"old 020", b"old +7", b"old  7", b"old 7 ", b"old 1_0", b"old", b"Old 7", b"7")
    ]
    + [EXAMPLE.replace(b"old 20852014", "old \u0667".encode()), EXAMPLE.replace(b"\n", b"\r\n")]
    + [EXAMPLE.replace(b"kaw=", b"kaw"), EXAMPLE.replace(b"kaw=", b"kax="), b"old 7\n", b""]
    + [b"old 7\n" + b"A" * 43 + b"=\n" * 64, EXAMPLE + b"x" * 160 * 1024]
    + [b"old 7\n" + (b"A" * 43 + b"=\n") * 64 + b"\n"],
)
def test_other_spellings_are_refused(bad: bytes) -> None:
    with pytest.raises(FormatError):
        AddCheckpoint.parse(bad)


def test_as_many_hashes_as_a_tree_can_need_are_read() -> None:
    assert len(AddCheckpoint.parse(b"old 7\n" + (b"A" * 43 + b"=\n") * 63 + b"\n").proof) == 63
