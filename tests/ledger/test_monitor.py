"""An auditor's monitor against servers that lie, with and without the log's key."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commitments.errors import FormatError, KvittoError, VerificationError
from ledger.checkpoint import Checkpoint
from ledger.cosignature import Cosigner, Ed25519Cosigner, MlDsaCosigner
from ledger.fork import Fork, ForkedLog, verify_fork
from ledger.monitor import (
    FalseEntries,
    Head,
    OlderCheckpoint,
    check_entries,
    look,
    newest_head,
)
from ledger.note import Note, Signer
from ledger.quorum import NO_QUORUM, parse_quorum
from ledger.served_log import LogUnreachable, NotServed
from ledger.tiles import encode_bundle
from ledger.true_roots import FalseTiles
from tests.ledger.memory_log import ORIGIN
from tests.ledger.served import LOG, SECONDS, Files, History

HONEST = History(700)
FORK_AT = 290
FORK = History(700, fork_at=FORK_AT)
WITNESSES: list[Cosigner] = [
    Ed25519Cosigner("witness.example/w1", b"1" * 32),
    MlDsaCosigner("witness.example/w2", b"2" * 32),
]
POLICY = parse_quorum(
    "".join(f"witness w{n} {w.verifier.vkey}\n" for n, w in enumerate(WITNESSES)).encode()
    + b"group both all w0 w1\nquorum both\n"
)


def seen(files: Files, known: Head | None = None) -> Head:
    """One look at a log that everybody must have cosigned, with all its new entries."""
    head = look(files.log, LOG.verifier, POLICY, known)
    check_entries(files.log, known, head)
    return head


def served(history: History, size: int) -> Files:
    return history.files(size, WITNESSES)


KNOWN = Head.of(HONEST.note(300))


def test_a_log_that_grows() -> None:
    head: Head | None = None
    for size in (0, 0, 1, 2, 5, 255, 256, 257, 300, 300, 512, 700):
        before: Head | None = head
        head = seen(served(HONEST, size), before)
        assert (head.size, head.root) == (size, HONEST.checkpoint(size).root)
        assert (head is before) == (before is not None and before.size == size)


def test_only_the_tiles_of_the_consistency_proof_are_fetched() -> None:
    files = served(HONEST, 700)
    look(files.log, LOG.verifier, POLICY, KNOWN)
    assert files.asked[0] == "checkpoint"
    assert sorted(files.asked[1:]) == ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"]
    assert seen(files, Head.of(files["checkpoint"])).size == 700  # unchanged: only the checkpoint
    assert files.asked[4:] == ["checkpoint"]


def test_a_partial_tile_that_has_become_a_full_one() -> None:
    """c2sp tlog-tiles: the partial may be removed then."""
    files = served(HONEST, 700)
    later = History(768).files(768)
    for path in ("tile/0/002.p/188", "tile/entries/002.p/188"):
        del files[path]
        files[path[:-6]] = later[path[:-6]]
    assert seen(files, KNOWN).size == 700
    assert "tile/0/002" in files.asked


def test_extension_lines_of_logs_of_others_are_read() -> None:
    files = served(HONEST, 700)
    files["checkpoint"] = LOG.sign_note(HONEST.checkpoint(700).text() + "more\n").serialise()
    assert look(files.log, LOG.verifier, NO_QUORUM, KNOWN).size == 700


# ---- lies that prove nothing


def change(path: str, how: Callable[[bytes], bytes]) -> Callable[[Files], None]:
    def lie(files: Files) -> None:
        files[path] = how(files[path])

    return lie


def without(path: str) -> Callable[[Files], None]:
    def lie(files: Files) -> None:
        del files[path]

    return lie


def signed_as(text: str, signer: Signer = LOG) -> Callable[[Files], None]:
    def lie(files: Files) -> None:
        note = signer.sign_note(text)
        cosigned = [witness.cosign(note.text, SECONDS) for witness in WITNESSES]
        files["checkpoint"] = replace(note, signatures=(*note.signatures, *cosigned)).serialise()

    return lie


def cosigned_with(*cosigners: int, of: int = 700, junk: bool = False) -> Callable[[Files], None]:
    """The right checkpoint with these witnesses' cosignatures of another, or no cosignatures."""

    def lie(files: Files) -> None:
        note = Note.parse(HONEST.note(700))
        other = HONEST.checkpoint(of).text()
        cosigned = [WITNESSES[n].cosign(other, SECONDS) for n in cosigners]
        if junk:
            cosigned = [replace(c, signature=bytes(len(c.signature))) for c in cosigned]
        files["checkpoint"] = Note(note.text, (*note.signatures, *cosigned)).serialise()

    return lie


FLIP = lambda data: bytes([data[0] ^ 1]) + data[1:]  # noqa: E731
TILE, PARTIAL, ABOVE = "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"
BUNDLE, LAST_BUNDLE = "tile/entries/001", "tile/entries/002.p/188"
LIES: dict[str, tuple[Callable[[Files], None], type[KvittoError], str]] = {
    "truncated tile": (change(TILE, lambda d: d[:-32]), FalseTiles, "not the length"),
    "tile cut within a hash": (change(PARTIAL, lambda d: d[:-1]), FalseTiles, "not the length"),
    "tile too long": (change(PARTIAL, lambda d: d + d[:32]), FalseTiles, "not the length"),
    "full tile too long": (change(TILE, lambda d: d * 1000), FalseTiles, "not the length"),
    "empty tile": (change(ABOVE, lambda _: b""), FalseTiles, "not the length"),
    "wrong hash": (change(PARTIAL, FLIP), FalseTiles, "another root"),
    "wrong hash above": (change(ABOVE, FLIP), FalseTiles, "another root"),
    "hashes of another tile": (change(TILE, lambda d: d[32:] + d[:32]), FalseTiles, "another root"),
    "missing tile": (without(TILE), NotServed, "tile/0/001 is not"),
    "missing partial": (without(PARTIAL), NotServed, "tile/0/002 is not"),
    "missing bundle": (without(BUNDLE), NotServed, "entries/001 is not"),
    "another entry": (change(BUNDLE, lambda d: d[:-1] + b"x"), FalseEntries, "entries served"),
    "entry left out": (
        change(LAST_BUNDLE, lambda _: encode_bundle(HONEST.entries[512:699])),
        FalseEntries,
        "entries served",
    ),
    "truncated bundle": (change(LAST_BUNDLE, lambda d: d[:-1]), FalseEntries, "entries served"),
    "missing checkpoint": (without("checkpoint"), NotServed, "checkpoint is not"),
    "no note": (change("checkpoint", lambda _: b"<html>"), FormatError, "signature lines"),
    "huge note": (change("checkpoint", lambda d: d * 2000), FormatError, "too long"),
    "replayed checkpoint": (
        lambda files: files.update(served(HONEST, 299)),
        OlderCheckpoint,
        "an old checkpoint",
    ),
    "first checkpoint": (
        lambda files: files.update(served(HONEST, 0)),
        OlderCheckpoint,
        "an old checkpoint",
    ),
    "empty log with a root": (
        signed_as(Checkpoint(ORIGIN, 0, b"r" * 32).text()),
        VerificationError,
        "no entries",
    ),
    "wrong key": (
        signed_as(HONEST.checkpoint(700).text(), Signer(ORIGIN, b"s" * 32)),
        VerificationError,
        "no known key",
    ),
    "wrong origin": (
        signed_as(replace(HONEST.checkpoint(700), origin="ledger.example/b").text()),
        VerificationError,
        "of another log",
    ),
    "forged signature": (
        change("checkpoint", lambda d: d.replace(b"\n700\n", b"\n699\n")),
        VerificationError,
        "does not hold",
    ),
    "no cosignature": (cosigned_with(), VerificationError, "not cosigned by a quorum"),
    "one cosignature": (cosigned_with(0), VerificationError, "not cosigned by a quorum"),
    "twice the same": (cosigned_with(1, 1), VerificationError, "not cosigned by a quorum"),
    "forged Ed25519": (cosigned_with(0, junk=True), VerificationError, "Ed25519 .* not hold"),
    "forged ML-DSA": (cosigned_with(1, junk=True), VerificationError, "ML-DSA-44 .* not hold"),
    "Ed25519 of another": (cosigned_with(0, of=699), VerificationError, "Ed25519 .* not hold"),
    "ML-DSA of another": (cosigned_with(1, of=699), VerificationError, "ML-DSA-44 .* not hold"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_named_and_no_fork(lie: str) -> None:
    tell, error, why = LIES[lie]
    files = served(HONEST, 700)
    assert seen(files, KNOWN).size == 700
    tell(files)
    with pytest.raises(error, match=why) as caught:
        seen(files, KNOWN)
    assert not isinstance(caught.value, ForkedLog)


paths = st.sampled_from([*served(HONEST, 700), *served(HONEST, 300)])


@st.composite
def spoilt(draw: st.DrawFn) -> Files:
    """An honest log, of whose files some are others, cut, exchanged or gone."""
    files = served(HONEST, draw(st.sampled_from([0, 299, 300, 301, 512, 700])))
    everything = {**served(HONEST, 300), **served(FORK, 700), **served(HONEST, 700)}
    for path in draw(st.lists(paths, max_size=4)):
        how = draw(st.sampled_from(["gone", "cut", "other", "flip"]))
        data = bytearray(files.pop(path, b""))
        if how == "cut" and data:
            files[path] = bytes(data[: draw(st.integers(0, len(data) - 1))])
        elif how == "flip" and data:
            data[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
            files[path] = bytes(data)
        elif how == "other":
            files[path] = everything[draw(paths.filter(lambda p: p != "checkpoint"))]
    return files


@given(spoilt())
def test_a_bad_server_is_never_taken_for_a_fork(files: Files) -> None:
    try:
        head = seen(files, KNOWN)
    except ForkedLog:
        raise
    except (FormatError, VerificationError, LogUnreachable):
        return
    assert (head.size, head.root) == (head.size, HONEST.checkpoint(head.size).root)


# ---- forks


def proven(caught: pytest.ExceptionInfo[ForkedLog], known: Head, new: bytes) -> None:
    """The proof convinces anybody, and shows the notes as they were seen."""
    fork = Fork.parse(caught.value.fork.serialise())
    small, large = verify_fork(fork, [LOG.verifier])
    assert {fork.small, fork.large} == {known.note, new}
    assert fork.root != small.root
    assert small.size <= large.size


@pytest.mark.parametrize("size", [300, 301, 512, 700])
def test_a_fork_before_what_was_seen_is_proven(size: int) -> None:
    files = served(FORK, size)
    with pytest.raises(ForkedLog) as caught:
        seen(files, KNOWN)
    proven(caught, KNOWN, files["checkpoint"])


def test_a_fork_behind_what_was_seen_is_growth() -> None:
    """Nobody can see it who has not seen the other branch; who has, proves it."""
    known = Head.of(HONEST.note(FORK_AT))
    grown = seen(served(FORK, 700), known)
    assert grown.size == 700
    files = served(HONEST, 700)
    with pytest.raises(ForkedLog) as caught:
        seen(files, grown)
    proven(caught, grown, files["checkpoint"])


def test_a_fork_is_one_whoever_has_cosigned_it() -> None:
    files = FORK.files(700)
    with pytest.raises(ForkedLog) as caught:
        seen(files, KNOWN)
    proven(caught, KNOWN, files["checkpoint"])


def test_a_smaller_fork_is_proven_from_the_tiles_of_what_was_seen() -> None:
    """The server shows another past, and has not removed the files of the other one."""
    files = served(HONEST, 300)
    files["checkpoint"] = FORK.note(295)
    with pytest.raises(ForkedLog) as caught:
        seen(files, KNOWN)
    proven(caught, KNOWN, files["checkpoint"])
    damaged = served(HONEST, 300)
    damaged["checkpoint"], damaged["tile/0/001.p/44"] = FORK.note(295), bytes(44 * 32)
    for without in (served(FORK, 295), damaged):  # nothing can be proven
        with pytest.raises(OlderCheckpoint):
            seen(without, KNOWN)


def test_a_fork_that_is_hidden_behind_false_tiles_is_not_believed() -> None:
    files = served(HONEST, 700)
    files["checkpoint"] = FORK.note(700, WITNESSES)
    with pytest.raises(FalseTiles):
        seen(files, KNOWN)


def test_what_was_kept_without_its_note_still_notices() -> None:
    known = Head(300, HONEST.checkpoint(300).root, b"")
    assert newest_head(known, Head.of(HONEST.note(300))) is known
    with pytest.raises(VerificationError, match="forked, and the note") as caught:
        newest_head(known, Head.of(FORK.note(300)))
    assert not isinstance(caught.value, ForkedLog)


SMALL = [History(40), History(40, fork_at=0), History(40, fork_at=5), History(40, fork_at=33)]
PARTS_AT = [[40, 0, 5, 33], [0, 40, 0, 0], [5, 0, 40, 5], [33, 0, 5, 40]]
"""How many entries two of these histories have in common."""

looks = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=12)


@given(looks, st.booleans())
def test_a_fork_is_reported_when_there_is_one_and_proven(
    shown: list[tuple[int, int]],
    keeps_files: bool,  # noqa: FBT001 - a parameter
) -> None:
    known: Head | None = None
    at = (0, 0)  # the history and size that were accepted last
    for branch, size in shown:
        # A server that keeps files still has those of the larger log, whatever its checkpoint.
        keeps = keeps_files and size < at[1]
        files = SMALL[at[0]].files(at[1]) if keeps else SMALL[branch].files(size)
        files["checkpoint"] = SMALL[branch].note(size)
        contradiction = min(at[1], size) > PARTS_AT[at[0]][branch]
        try:
            head = look(files.log, LOG.verifier, NO_QUORUM, known)
        except ForkedLog as forked:
            assert contradiction
            verify_fork(Fork.parse(forked.fork.serialise()), [LOG.verifier])
        except OlderCheckpoint:
            assert size < at[1]
            assert not (contradiction and keeps)
        else:
            assert not contradiction
            assert size >= at[1]
            check_entries(files.log, known, head)
            if head is not known:
                known, at = head, (branch, size)
