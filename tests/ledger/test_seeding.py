from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from commitments.wire import encode_base64
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.note import Note, Signer
from ledger.seeding import PeriodEnd, SignedEnd
from tests.ledger.memory_log import ORIGIN, WITNESS

LOG = Signer(ORIGIN, b"k" * 32)
END = PeriodEnd(ORIGIN, 20_778, 12, b"r" * 32)
SIGNED = SignedEnd(END, WITNESS.sign(END.message()))

counts = st.integers(0, 2**63 - 1)
ends = st.builds(PeriodEnd, st.just(ORIGIN), counts, counts, st.binary(min_size=32, max_size=32))


def note(text: str) -> bytes:
    return LOG.sign_note(text).serialise()


@given(ends, st.binary(min_size=64, max_size=64))
def test_both_messages_are_read_as_written(end: PeriodEnd, signature: bytes) -> None:
    assert PeriodEnd.parse(note(end.text())) == end
    signed = SignedEnd(end, signature)
    assert SignedEnd.parse(signed.line(), ORIGIN) == signed


def test_the_text_that_a_log_signs_stays_as_it_is_and_is_no_checkpoint() -> None:
    root = encode_base64(END.root)
    assert END.text() == f"kvitto-seed/v1\n{ORIGIN}\n20778\n12\n{root}\n"
    with pytest.raises(FormatError):
        Checkpoint.parse_extended(END.text())
    with pytest.raises(FormatError):
        open_checkpoint(note(END.text()), LOG.verifier)


@pytest.mark.parametrize(
    "text",
    [
        END.text().replace("v1", "v2"),
        END.text().replace("20778", "020778"),
        END.text().replace("20778", "-1"),
        END.text().replace("\n12\n", "\n1_2\n"),
        END.text() + "more\n",
        END.text().replace(encode_base64(b"r" * 32), encode_base64(b"r" * 31)),
        f"{ORIGIN}\n12\n{encode_base64(END.root)}\n",
    ],
)
def test_what_is_no_request(text: str) -> None:
    with pytest.raises(FormatError):
        PeriodEnd.parse(note(text))


LINE = SIGNED.line()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        LINE.removesuffix("\n"),
        LINE + "\n",
        LINE + LINE,
        " " + LINE,
        LINE.replace(" ", "  ", 1),
        LINE.replace(" 12 ", " 012 "),
        LINE.replace(" 12 ", " \u0661\u0662 "),
        LINE.replace("20778", "+20778"),
        LINE.replace(encode_base64(SIGNED.signature), encode_base64(SIGNED.signature[:-1])),
        LINE.replace("=", ""),
    ],
)
def test_what_is_no_answer(line: str) -> None:
    with pytest.raises(FormatError):
        SignedEnd.parse(line, ORIGIN)


@given(st.text())
def test_any_text_is_an_answer_or_refused(text: str) -> None:
    try:
        signed = SignedEnd.parse(text, ORIGIN)
    except FormatError:
        return
    assert signed.line() == text


@pytest.mark.parametrize(
    "end",
    [
        replace(END, origin="ledger.example/other"),
        replace(END, period=20_779),
        replace(END, size=13),
        replace(END, root=b"x" * 32),
    ],
)
def test_a_signature_holds_for_one_end_only(end: PeriodEnd) -> None:
    SIGNED.verify(WITNESS.verifier)
    with pytest.raises(VerificationError):
        replace(SIGNED, end=end).verify(WITNESS.verifier)


def test_a_note_of_a_request_has_signatures_that_are_not_looked_at() -> None:
    signed = Note.parse(note(END.text()))
    stranger = Signer("someone", b"s" * 32).sign_note(END.text()).signatures
    assert PeriodEnd.parse(Note(signed.text, stranger).serialise()) == END
