import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, VerificationError
from ledger.checkpoint import Checkpoint, open_checkpoint, sign
from ledger.note import Signer

ORIGIN = "ledger.example/acme"
SIGNER = Signer(ORIGIN, b"k" * 32)
OTHER = Signer("ledger.example/other", b"o" * 32)
CHECKPOINT = Checkpoint(ORIGIN, 1_000, b"r" * 32)
FROZEN = """ledger.example/acme
1000
cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=

— ledger.example/acme NGSwMj4yApphNadqJfkrg66E+JNxeEaGmksob6jEwP48119802pBIGat65Qme5rcS3xTa644XujI\
mg/ybSbBTGjDhw4=
"""


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_checkpoints_are_opened_as_signed(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint
    assert open_checkpoint(sign(checkpoint, SIGNER), SIGNER.verifier) == checkpoint


ROOT = FROZEN.split("\n")[2]
almost = st.tuples(
    st.sampled_from([ORIGIN, "", " ", "\r"]) | st.text(max_size=5),
    st.just("\n"),
    st.integers(-2, 2**65).map(str) | st.sampled_from(["01", "+1", "1_0", "\u0661", ""]),
    st.just("\n"),
    st.sampled_from([ROOT, ROOT[:-1], ROOT[4:], ROOT.replace("I=", "J="), ROOT + "A"]),
    st.sampled_from(["\n", "", "\n\n", "\n \n", "\r\n", "\nmore\n", "\nmore\n\nmore\n", "\nmore"]),
).map("".join)


@given(almost | st.text())
def test_a_checkpoint_that_is_read_is_the_one_that_is_written(text: str) -> None:
    try:
        extended = Checkpoint.parse_extended(text)
    except FormatError:
        with pytest.raises(FormatError):
            Checkpoint.parse(text)
        return
    beyond = text.removeprefix(extended.text())
    assert beyond == "".join(f"{line}\n" for line in beyond.split("\n") if line)
    if beyond:
        with pytest.raises(FormatError):
            Checkpoint.parse(text)
    else:
        assert Checkpoint.parse(text) == extended


def test_the_bytes_of_a_checkpoint_stay_as_they_are() -> None:
    assert sign(CHECKPOINT, SIGNER).decode() == FROZEN


def test_a_log_signs_no_checkpoint_of_another() -> None:
    with pytest.raises(ValueError, match="name of the log"):
        sign(CHECKPOINT, OTHER)


def test_another_key_opens_nothing() -> None:
    note = sign(CHECKPOINT, SIGNER)
    assert open_checkpoint(note, SIGNER.verifier) == CHECKPOINT
    with pytest.raises(VerificationError, match="no known key"):
        open_checkpoint(note, OTHER.verifier)
    with pytest.raises(VerificationError, match="no known key"):
        open_checkpoint(note, Signer(ORIGIN, b"l" * 32).verifier)


def test_a_log_that_signs_for_another_origin_is_not_believed() -> None:
    note = OTHER.sign_note(CHECKPOINT.text()).serialise()
    with pytest.raises(VerificationError, match="another log"):
        open_checkpoint(note, OTHER.verifier)


@pytest.mark.parametrize(
    "size",
    [
        "1_000",
        "+1000",
        " 1000",
        "1000 ",
        "01000",
        "\u0661\u0660\u0660\u0660",
        "-1",
        "1e3",
        "",
        "0x10",
        "9" * 20,
    ],
)
def test_other_spellings_of_a_size_are_refused(size: str) -> None:
    good = CHECKPOINT.text()
    assert Checkpoint.parse(good) == CHECKPOINT
    note = SIGNER.sign_note(good.replace("1000", size)).serialise()
    with pytest.raises(FormatError):
        open_checkpoint(note, SIGNER.verifier)


@pytest.mark.parametrize(
    "mutate",
    [
        lambda text: text + "extension\n",
        lambda text: text + "\n",
        lambda text: "\n" + text.split("\n", 1)[1],
        lambda text: text.replace("cnJy", "cn y", 1),
        lambda text: text.replace("=", ""),
        lambda text: text.replace("I=", "J="),
        lambda text: text.replace("cnJy", "", 1),
        lambda text: text.rsplit("\n", 2)[0] + "\n",
    ],
)
def test_what_is_not_quite_a_checkpoint(mutate) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    text = CHECKPOINT.text()
    assert mutate(text) != text
    with pytest.raises(FormatError):
        Checkpoint.parse(mutate(text))
